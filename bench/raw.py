"""The limit: the least SQL that does an operation, run by pgbench on the product's own tables. No Python, no HTTP, no rights."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

import psycopg

from bench.sides import Side
from tests.with_postgres import find_binaries

CLIENTS = 8


def measure_raw(side: Side, seconds: int) -> dict[str, dict[str, float]]:
    """Return latency (ms, one client) and rate (eight) for each operation; empty where there is no pgbench for the database."""
    if not side.database:
        return {}
    with psycopg.connect(side.database, autocommit=True) as connection:
        scripts = write_scripts(connection, side)
    result = {}
    with tempfile.TemporaryDirectory() as directory:
        for name, script in scripts.items():
            path = Path(directory) / "script.sql"
            path.write_text(script)
            latency, _ = pgbench(side.database, path, 1, seconds)
            _, rate = pgbench(side.database, path, CLIENTS, seconds)
            result[name] = {"latency_ms": latency, "rate": rate}
    return result


def pgbench(database: str, script: Path, clients: int, seconds: int) -> tuple[float, float]:
    options = ["-n", "-M", "prepared", "-c", str(clients), "-j", str(min(clients, 2)), "-T", str(seconds), "-f", str(script)]
    command = [str(find_binaries() / "pgbench"), *options, database]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ).stdout
    found = [re.search(pattern, text) for pattern in (r"latency average = ([\d.]+) ms", r"tps = ([\d.]+)")]
    latency, rate = (float(match[1]) for match in found if match)
    return latency, rate


def write_scripts(connection: psycopg.Connection, side: Side) -> dict[str, str]:
    """Return a script for each operation. Steps spread over executions that the bench has finished with."""
    connection.execute(
        "CREATE TABLE bench_ids AS SELECT row_number() OVER () AS n, execution_id AS id FROM workflows_executiondocument"
    )
    connection.execute("ALTER TABLE bench_ids ADD PRIMARY KEY (n)")
    connection.execute("VACUUM ANALYZE")
    row = connection.execute("SELECT count(*) FROM bench_ids").fetchone()
    pick = f"\\set n random(1, {row[0] if row else 1})\n"
    one = "SELECT id FROM bench_ids WHERE n = :n"
    example, full = side.keys["example"], side.keys["full"]
    return {
        "read": pick + "SELECT e.version, d.version, d.body FROM workflows_execution e JOIN workflows_executiondocument d"
        f" ON d.execution_id = e.id WHERE e.id = ({one}) AND e.deleted_at IS NULL;\n",
        "start": start_script(connection, example),
        "complete": pick + COMPLETE.replace("ONE", one),
        "list": "SELECT d.body FROM workflows_execution e JOIN workflows_executiondocument d ON d.execution_id = e.id"
        " JOIN workflows_contextref c ON c.execution_id = e.id"
        f" WHERE c.entity_id = '{side.keys['listed']}' AND e.deleted_at IS NULL"
        " ORDER BY e.created_at DESC, e.id DESC LIMIT 50;\n",
        "list page": "SELECT e.id, e.name, e.status, e.created_at, t.name FROM (SELECT * FROM workflows_execution"
        " WHERE deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT 50) e"
        " LEFT JOIN workflows_task t ON t.execution_id = e.id AND t.crt_since IS NOT NULL;\n",
        "board": f"SELECT * FROM workflows_task WHERE execution_id = '{full}' ORDER BY position;\n",
        "small board": f"SELECT * FROM workflows_task WHERE execution_id = '{example}' ORDER BY position;\n",
    }


COMPLETE = r"""SELECT id FROM bench_ids WHERE n = :n \gset
BEGIN;
SELECT next_seq AS seq FROM workflows_execution WHERE id = :id::uuid FOR NO KEY UPDATE \gset
UPDATE workflows_task SET status = 'COMPLETED', completed_at = now(), crt_since = NULL, left_at = now()
 WHERE execution_id = :id::uuid AND template_id = 't1';
UPDATE workflows_task SET crt_since = now() WHERE execution_id = :id::uuid AND template_id = 't2';
UPDATE workflows_execution SET version = version + 1, next_seq = next_seq + 2, updated_at = now() WHERE id = :id::uuid;
INSERT INTO workflows_event (organisation_id, execution_id, seq, at, actor_kind, actor_id, action)
 SELECT organisation_id, id, :seq::int + n, now(), 'token', 'bench', action FROM workflows_execution,
 (VALUES (0, 'task.status'), (1, 'task.current')) AS given (n, action) WHERE id = :id::uuid;
COMMIT;
"""


def start_script(connection: psycopg.Connection, example: str) -> str:
    """Copy all rows of an execution under new ids in one transaction."""
    lines = [r"SELECT gen_random_uuid() AS id \gset", "BEGIN;"]
    for table in ("execution", "phase", "task", "edge", "contextref", "assignment", "event", "executiondocument"):
        name = f"workflows_{table}"
        rows = connection.execute(
            "SELECT column_name, is_identity FROM information_schema.columns WHERE table_name = %s", (name,)
        ).fetchall()
        columns = [column for column, identity in rows if identity == "NO"]
        key = "id" if table == "execution" else "execution_id"
        values = [":id::uuid" if c == key else "gen_random_uuid()" if c == "id" else f'"{c}"' for c in columns]
        listed = ", ".join(f'"{column}"' for column in columns)
        condition = f"{key} = '{example}'" + (" AND seq <= 2" if table == "event" else "")
        lines.append(f"INSERT INTO {name} ({listed}) SELECT {', '.join(values)} FROM {name} WHERE {condition};")
    return "\n".join([*lines, "COMMIT;"]) + "\n"
