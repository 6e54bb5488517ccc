"""`python -m tests.chaos [NAME ...] [--short] [--database sqlite|postgres] [--out FILE]`: run experiments, say what they found."""

import argparse
import importlib
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos import report
from tests.chaos.machines import open_servers
from tests.chaos.report import Report
from tests.product import ROOT

# The experiments, the databases that each is run on, and those of the short form.
BOTH = ("postgres", "sqlite")
POSTGRES, SQLITE = BOTH[:1], BOTH[1:]
EXPERIMENTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "kills": (BOTH, BOTH),
    "controls": (POSTGRES, ()),
    "broker": (POSTGRES, POSTGRES),
    "database": (POSTGRES, POSTGRES),
    "crowd": (BOTH, POSTGRES),
    "zombies": (POSTGRES, POSTGRES),
    "poison": (BOTH, POSTGRES),
    "timers": (BOTH, POSTGRES),
    "sweeps": (BOTH, BOTH),
    "clock": (BOTH, SQLITE),
}


def main() -> int:
    options = read_options()
    if options.inside:
        return run_one(options)
    worst, found = 0, []
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "report.json"
        for name in options.names or EXPERIMENTS:
            for database in EXPERIMENTS[name][options.short and not options.names]:
                if options.database in (None, database):
                    command = [sys.executable, "-m", "tests.chaos", name, "--inside", "--database", database, "--out", str(out)]
                    worst |= subprocess.run([*command, *["--short"] * options.short], cwd=ROOT, check=False).returncode
                    found += report.read(out)
    if options.out:
        report.write(found, options.out)
    return worst


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests.chaos", description="Break things while the product works, and look what is left."
    )
    parser.add_argument("names", nargs="*", choices=[*EXPERIMENTS, []], metavar="NAME", help=", ".join(EXPERIMENTS))
    parser.add_argument("--short", action="store_true", help="the figures of make test")
    parser.add_argument("--database", choices=("sqlite", "postgres"))
    parser.add_argument("--out", type=Path, help="write the reports to this file")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def run_one(options: argparse.Namespace) -> int:
    """One experiment in this process, whose Django is set up for that experiment's database."""
    # As Ctrl-C does: so that all that was started is ended.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    begun = time.monotonic()
    with open_servers(options.database) as servers:
        module = importlib.import_module(f"tests.chaos.{options.names[0]}")
        found: Report = module.run(servers, module.SHORT if options.short else module.FULL)
    found.form = "short" if options.short else "full"
    found.seconds = time.monotonic() - begun
    print(found.describe(), flush=True)
    if options.out:
        report.write([found], options.out)
    return 0 if found.is_green else 1


if __name__ == "__main__":
    sys.exit(main())
