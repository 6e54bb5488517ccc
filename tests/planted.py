"""Plant bugs into a copy of the code, one at a time, and see that tests turn red: `python -m tests.planted [NAME ...]`.

Prints for each bug which tests catch it, and fails when one stays unseen.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
SUITES = (
    "tests/engine/test_advance.py",
    "tests/engine/test_properties.py",
    "tests/engine/test_oracle.py",
    "--hypothesis-profile=quick",
)
MOST_NAMED = 8
MATRIX = ("tests/security/test_matrix.py", "-k", "another_organisation")


@dataclass(frozen=True)
class Bug:
    """A text of `file`, which is in the engine unless it says where, that is exchanged for another; `suites` must see it."""

    name: str
    file: str
    old: str
    new: str
    suites: tuple[str, ...] = SUITES


BUGS = (
    Bug("join fires early", "reach.py", "        if node not in awaited[own]:\n", "        if True:\n"),
    Bug(
        "loop counter off by one",
        "advance.py",
        "self.states[decision.id].iterations >= decision.loop.max_iterations",
        "self.states[decision.id].iterations > decision.loop.max_iterations",
    ),
    Bug(
        "revert leaves a marker",
        "advance.py",
        "self.states[node] = TaskState(enabled=state.enabled)",
        "self.states[node] = TaskState(enabled=state.enabled, since=state.since)",
    ),
    Bug(
        "first-met order wrong",
        "advance.py",
        "return tuple(met if decision.allow_parallel else met[:1])",
        "return tuple(met if decision.allow_parallel else met[-1:])",
    ),
    Bug(
        "disabled task completes",
        "advance.py",
        "    if not task.enabled:\n        raise ActionNotAllowed",
        "    if not task.enabled and status is not TaskStatus.COMPLETED:\n        raise ActionNotAllowed",
    ),
    # M9: one query that has lost its organisation.
    Bug(
        "unscoped thing",
        "workflows/services/webhooks.py",
        'Webhook.objects.select_related("organisation").filter(pk=parse_id(webhook_id), organisation=actor.organisation)',
        'Webhook.objects.select_related("organisation").filter(pk=parse_id(webhook_id))',
        MATRIX,
    ),
    Bug(
        "unscoped list",
        "dashboard/views/lifecycle.py",
        "Entity.objects.filter(organisation=actor.organisation, deleted_at=None)",
        "Entity.objects.filter(deleted_at=None)",
        MATRIX,
    ),
    Bug(
        "unscoped body",
        "workflows/services/automation_starts.py",
        "Entity.objects.filter(pk=parse_id(request.entity_id), organisation=actor.organisation)",
        "Entity.objects.filter(pk=parse_id(request.entity_id))",
        MATRIX,
    ),
)


def plant(bug: Bug, copy: Path) -> None:
    path = copy / bug.file if "/" in bug.file else copy / "workflows" / "engine" / bug.file
    text = path.read_text()
    if text.count(bug.old) != 1:
        raise SystemExit(f"{bug.name}: the place to plant it is not there any more; bring tests/planted.py up to date")
    path.write_text(text.replace(bug.old, bug.new))


def red(copy: Path, suites: tuple[str, ...]) -> list[str]:
    """Run the tests of a copy, and return those that failed."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "--tb=no"]
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run([*command, *suites], cwd=copy, env=environment, capture_output=True, text=True, check=False)
    failed = re.findall(r"^FAILED (?:tests/\w+/)?(.+?)(?: - .*)?$", run.stdout, re.MULTILINE)
    if run.returncode not in (0, 1) or (run.returncode and not failed):
        raise SystemExit(run.stdout + run.stderr)
    return failed


def main(names: list[str]) -> int:
    unseen = 0
    for bug in [bug for bug in BUGS if not names or bug.name in names]:
        with tempfile.TemporaryDirectory() as place:
            copy = Path(place)
            for part in ("workflows", "config", "tests", "dashboard", "templates", "static", "locale"):
                shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
            for part in ("pyproject.toml", "CHANGELOG.md"):
                shutil.copy(ROOT / part, copy)
            plant(bug, copy)
            caught = red(copy, bug.suites)
        unseen += not caught
        more = [f"and {len(caught) - MOST_NAMED} more"] if len(caught) > MOST_NAMED else []
        print(f"{'caught' if caught else 'NOT SEEN'}: {bug.name}", *caught[:MOST_NAMED], *more, sep="\n    ", flush=True)
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
