"""How many requests a token and its organisation may make in a minute: counted exactly, whoever serves them.

A window begins with the first request after the one before has ended, and lasts a minute. Counting is one upsert, which the
database does for one caller at a time: of any number of callers at once exactly as many pass as there is room for. A request
that is refused for its token is not counted against the organisation.

The counts live where losing them costs nothing and writing them little: in an UNLOGGED table of PostgreSQL, whose changes wait
for no disk, or in a SQLite file of their own, beside that of the database, which is not synced. So a read does not take the
write lock of the database, and no read is made durable.
"""

import sqlite3
import threading
import time
from pathlib import Path

from django.conf import settings
from django.db import connection

WINDOW = 60.0
TABLE = "workflows_ratewindow"
CREATE = f"CREATE TABLE IF NOT EXISTS {TABLE} (holder varchar(64) PRIMARY KEY, began double precision, used integer)"
COUNT = f"""
INSERT INTO {TABLE} AS kept (holder, began, used) {{values}}
ON CONFLICT (holder) DO UPDATE SET
    used = CASE WHEN excluded.began >= kept.began + {WINDOW} THEN 1 ELSE kept.used + 1 END,
    began = CASE WHEN excluded.began >= kept.began + {WINDOW} THEN excluded.began ELSE kept.began END
RETURNING used, began
"""
ONE = COUNT.format(values="VALUES (?, ?, 1)")
# In PostgreSQL both in one statement: the second only if the first was within its limit.
BOTH = f"""
WITH mine AS ({COUNT.format(values="VALUES (%s, %s, 1)")}),
ours AS ({COUNT.format(values="SELECT %s::varchar, %s::double precision, 1 FROM mine WHERE used <= %s")})
SELECT (SELECT used FROM mine), (SELECT began FROM mine), (SELECT used FROM ours), (SELECT began FROM ours)
"""  # noqa: S608

_local = threading.local()


def seconds_to_wait(token_id: str, organisation_id: int, kind: str, now: float | None = None) -> int:
    """Count a request of a `kind` ("reads", "mutations"); return 0 if there was room for it, else when there will be again."""
    mine = settings.RATE_LIMITS.get(kind)
    ours = settings.RATE_LIMITS.get(f"organisation_{kind}")
    if mine is None or ours is None:
        return 0
    at = time.time() if now is None else now
    holders = f"{kind} {token_id}", f"{kind} organisation {organisation_id}"
    count = _count_in_postgresql if connection.vendor == "postgresql" else _count_in_file
    used, began, used_by_all, all_began = count(holders, at, mine)
    if used > mine:
        return _until(began, at)
    if used_by_all is not None and used_by_all > ours:
        return _until(all_began or at, at)
    return 0


def _until(began: float, at: float) -> int:
    return max(1, int(began + WINDOW - at) + 1)


Counted = tuple[int, float, int | None, float | None]


def _count_in_postgresql(holders: tuple[str, str], at: float, mine: int) -> Counted:
    with connection.cursor() as cursor:
        cursor.execute(BOTH, [holders[0], at, holders[1], at, mine])
        found: Counted = cursor.fetchone()
    return found


def _count_in_file(holders: tuple[str, str], at: float, mine: int) -> Counted:
    counts = _open()
    used, began = counts.execute(ONE, [holders[0], at]).fetchone()
    if used > mine:
        return used, began, None, None
    used_by_all, all_began = counts.execute(ONE, [holders[1], at]).fetchone()
    return used, began, used_by_all, all_began


def _open() -> sqlite3.Connection:
    """Return this thread's connection to the file of counts."""
    path = Path(f"{connection.settings_dict['NAME']}-limits")
    found: tuple[Path, sqlite3.Connection] | None = getattr(_local, "counts", None)
    if found and found[0] == path:
        return found[1]
    counts = sqlite3.connect(path, timeout=20, isolation_level=None)
    counts.execute("PRAGMA journal_mode=MEMORY")
    counts.execute("PRAGMA synchronous=OFF")
    counts.execute(CREATE)
    _local.counts = (path, counts)
    return counts


def forget_old(now: float | None = None) -> int:
    """Remove windows that ended long ago; return how many."""
    before = (time.time() if now is None else now) - 60 * WINDOW
    if connection.vendor != "postgresql":
        return _open().execute(f"DELETE FROM {TABLE} WHERE began < ?", [before]).rowcount  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {TABLE} WHERE began < %s", [before])  # noqa: S608
        return int(cursor.rowcount)
