"""Plant bugs into a copy of the engine, one at a time, and see that tests turn red: `python -m tests.planted [NAME ...]`.

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
SUITES = ("tests/engine/test_advance.py", "tests/engine/test_properties.py", "tests/engine/test_oracle.py")


@dataclass(frozen=True)
class Bug:
    name: str
    file: str
    old: str
    new: str


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
)


def plant(bug: Bug, copy: Path) -> None:
    path = copy / "workflows" / "engine" / bug.file
    text = path.read_text()
    if text.count(bug.old) != 1:
        raise SystemExit(f"{bug.name}: the place to plant it is not there any more; bring tests/planted.py up to date")
    path.write_text(text.replace(bug.old, bug.new))


def red(copy: Path) -> list[str]:
    """Run the tests of a copy, and return those that failed."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "--tb=no", "--hypothesis-profile=quick"]
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run([*command, *SUITES], cwd=copy, env=environment, capture_output=True, text=True, check=False)
    failed = re.findall(r"^FAILED (?:tests/engine/)?(\S+)", run.stdout, re.MULTILINE)
    if run.returncode not in (0, 1) or (run.returncode and not failed):
        raise SystemExit(run.stdout + run.stderr)
    return failed


def main(names: list[str]) -> int:
    unseen = 0
    for bug in [bug for bug in BUGS if not names or bug.name in names]:
        with tempfile.TemporaryDirectory() as place:
            copy = Path(place)
            for part in ("workflows", "config", "tests", "dashboard"):
                shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
            for part in ("pyproject.toml", "CHANGELOG.md"):
                shutil.copy(ROOT / part, copy)
            plant(bug, copy)
            caught = red(copy)
        unseen += not caught
        print(f"{'caught' if caught else 'NOT SEEN'}: {bug.name}", *caught, sep="\n    ", flush=True)
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
