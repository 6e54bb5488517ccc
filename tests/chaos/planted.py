"""Plant bugs into a copy of the product, one at a time, and see that an experiment turns red: `python -m tests.chaos.planted [NAME ...]`.

Prints for each bug what the experiment found, and fails when one stays unseen.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.product import ROOT


@dataclass(frozen=True)
class Bug:
    """`edits`: file, old text, new text. `seen_by`: an experiment with its database, or a test; what it finds `says` this."""

    name: str
    what: str
    edits: tuple[tuple[str, str, str], ...]
    seen_by: tuple[str, ...]
    says: str


QUEUE = "workflows/services/queue.py"
STEPS = "workflows/services/steps.py"
BUGS = (
    Bug(
        "M1",
        "the claim does not look whether the job is still to be had",
        ((QUEUE, "pk=job_id, state=JobState.READY, run_at__lte=at\n", "pk=job_id, run_at__lte=at\n"),),
        ("timers", "postgres"),
        "counts once",
    ),
    Bug(
        "M2",
        "the execution is not locked",
        ((STEPS, "select_rows(Execution, lock=True, also=", "select_rows(Execution, lock=False, also="),),
        ("crowd", "postgres"),
        "once:",
    ),
    Bug(
        "M3",
        "jobs are published after the commit; nobody looks into the table",
        (
            ("workflows/dispatch.py", "due = due_jobs(BATCH)", "due: list[Any] = []"),
            (
                "workflows/models/rows.py",
                "    if not rows:\n        return\n    meta = rows[0]._meta\n    fields: list[Any] = [f for",
                (
                    "    if not rows:\n        return\n    if rows[0]._meta.model_name == 'job':\n        publish(rows)\n"
                    "    meta = rows[0]._meta\n    fields: list[Any] = [f for"
                ),
            ),
            (
                "workflows/models/rows.py",
                "class RowVanished(",
                (
                    "def publish(rows: Any) -> None:\n"
                    "    from django.db import transaction\n    from workflows.jobs import run_job\n\n"
                    "    for row in rows:\n"
                    "        transaction.on_commit(\n"
                    "            lambda row=row: run_job.apply_async((str(row.id),), eta=row.run_at, retry=False), robust=True\n"
                    "        )\n\n\nclass RowVanished("
                ),
            ),
        ),
        ("broker", "postgres"),
        "is forgotten",
    ),
    Bug(
        "M4",
        "the attempt does not fence",
        ((QUEUE, "pk=job.pk, state=JobState.RUNNING, attempt=job.attempt).update(**values)", "pk=job.pk).update(**values)"),),
        ("zombies", "postgres"),
        "counts once",
    ),
    Bug(
        "M5",
        "the sweeper takes a job back by its id alone",
        ((QUEUE, "pk=job.pk, state=JobState.RUNNING, attempt=job.attempt, lease_until__lt=at)", "pk=job.pk)"),),
        ("sweeps", "postgres"),
        "what has ended is not taken back",
    ),
    Bug(
        "M6",
        "the sweeper looks at the first page only",
        ((QUEUE, "        page = list(rows.filter(id__gt=page[-1].id)[:PAGE])", "        page = []"),),
        ("sweeps", "postgres"),
        "does not hide the rest",
    ),
    Bug(
        "M7",
        "attempts are counted when they fail, not when they begin",
        (
            (QUEUE, 'state=JobState.RUNNING, attempt=F("attempt") + 1, lease', "state=JobState.RUNNING, lease"),
            (QUEUE, 'rows.update(crashes=F("crashes") + 1, lease_until', "rows.update(lease_until"),
        ),
        ("poison", "postgres"),
        "poison is given up",
    ),
    Bug(
        "M8",
        "each attempt has an effect id of its own",
        (("workflows/models/job.py", 'return f"msg_{self.id}"', 'return f"msg_{self.id}-{self.attempt}"'),),
        ("kills", "sqlite"),
        "under one id",
    ),
    Bug(
        "M10",
        "the address is checked before the connection is made, and not at it",
        (
            (
                "workflows/outbound.py",
                '        check_address(ipaddress.ip_address(str(sockaddr[0]).partition("%")[0]), port)\n',
                "",
            ),
            (
                "workflows/outbound.py",
                "    connection = _connect(target, trusted)\n    expired = threading.Event()",
                (
                    "    for *_, found in socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM):\n"
                    "        check_address(ipaddress.ip_address(str(found[0])), target.port)\n"
                    "    connection = _connect(target, trusted)\n    expired = threading.Event()"
                ),
            ),
        ),
        ("tests/test_outbound.py",),
        "test_outbound",
    ),
)


def plant(bug: Bug, copy: Path) -> None:
    for name, old, new in bug.edits:
        path = copy / name
        text = path.read_text()
        if text.count(old) != 1:
            raise SystemExit(
                f"{bug.name}: the place to plant it in {name} is not there any more; bring tests/chaos/planted.py up to date"
            )
        path.write_text(text.replace(old, new))


def look(bug: Bug, copy: Path) -> list[str]:
    """Run what should see the bug in a copy, and return what it says is broken."""
    if bug.seen_by[0].endswith(".py"):
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "--tb=no", bug.seen_by[0]]
        mark = "FAILED"
    else:
        command = [sys.executable, "-m", "tests.chaos", bug.seen_by[0], "--inside", "--short", "--database", bug.seen_by[1]]
        mark = "BROKEN"
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    found = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    broken = [line.strip() for line in found.stdout.splitlines() if mark in line]
    if found.returncode and not broken:
        raise SystemExit(found.stdout + found.stderr)
    # Only what is about the bug: on a slow machine an experiment may also be red because it is not done in time.
    return [line for line in broken if bug.says in line]


def main(names: list[str]) -> int:
    unseen = 0
    for bug in [bug for bug in BUGS if not names or bug.name in names]:
        with tempfile.TemporaryDirectory(prefix="fd-planted-") as place:
            copy = Path(place)
            for part in ("workflows", "config", "tests", "dashboard", "templates", "locale", "static"):
                shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
            for part in ("pyproject.toml", "CHANGELOG.md", "manage.py"):
                shutil.copy(ROOT / part, copy)
            plant(bug, copy)
            broken = look(bug, copy)
        unseen += not broken
        print(
            f"{'caught' if broken else 'NOT SEEN'}: {bug.name}, {bug.what}; by {' on '.join(bug.seen_by)}",
            *broken[:3],
            sep="\n    ",
            flush=True,
        )
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
