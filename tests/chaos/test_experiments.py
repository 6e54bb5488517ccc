"""The short form of every experiment, on the database that the tests run on."""

import os
import subprocess
import sys

import pytest

from tests.chaos.__main__ import EXPERIMENTS
from tests.product import ROOT

DATABASE = "postgres" if os.environ.get("DATABASE_URL", "").startswith("postgres") else "sqlite"


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", [name for name, (_, short) in EXPERIMENTS.items() if DATABASE in short])
def test_nothing_is_lost_and_nothing_happens_twice(name: str) -> None:
    command = [sys.executable, "-m", "tests.chaos", name, "--inside", "--short", "--database", DATABASE]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
