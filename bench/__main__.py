"""`python -m bench [--quick] [--database both|sqlite|postgres] [--only OPERATION ...]`: the product beside a stock baseline."""

import argparse
import json
import os
import platform
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import engine, report
from bench.measure import OPERATIONS, Size, compare, prepare
from bench.raw import measure_raw
from bench.sides import ROOT, run_side

RESULTS = Path(__file__).resolve().parent / "results"
FULL = Size(rounds=5, single=100, many=60, rows=10_000, engine=20)
QUICK = Size(rounds=2, single=25, many=15, rows=500, engine=3)


def main() -> int:
    options = read_options()
    size = QUICK if options.quick else FULL
    if options.inside:
        measure_database(options, size)
        return 0
    if not options.only:
        rows = engine.measure(size.engine)
        report.print_engine(rows)
        keep(options, "engine", {"sizes": [engine.SMALL, engine.LARGE], "rows": rows})
    for database in ("sqlite", "postgres") if options.database == "both" else (options.database,):
        command = [sys.executable, "-m", "bench", *sys.argv[1:], "--inside", database]
        if database == "postgres":
            command = [sys.executable, "-m", "tests.with_postgres", *command]
        environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
        code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        if code:
            return code
    return 0


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="The product beside a stock Django REST framework.")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions and rows: a minute instead of several")
    parser.add_argument("--database", choices=("both", "sqlite", "postgres"), default="both")
    parser.add_argument("--only", nargs="+", choices=[operation.name for operation in OPERATIONS], help="these operations")
    parser.add_argument("--keep", action="store_true", help="write bench/results/")
    parser.add_argument("--inside", choices=("sqlite", "postgres"), help=argparse.SUPPRESS)
    return parser.parse_args()


def measure_database(options: argparse.Namespace, size: Size) -> None:
    """Both sides at once on the database of the environment, one operation after the other."""
    chosen = [operation for operation in OPERATIONS if not options.only or operation.name in options.only]
    with ExitStack() as stack:
        sides = [stack.enter_context(run_side(name, size.rows)) for name in ("product", "stock")]
        for side in sides:
            prepare(side)
        rows = []
        report.print_head(options.inside)
        for operation in chosen:
            timings = compare(operation, sides, size)
            row = report.build_row(operation, timings)
            report.print_row(row)
            rows.append(row)
        raw = {} if options.only else measure_raw(sides[0], 1 if options.quick else 5)
    report.add_limits(rows, raw)
    report.print_limits(rows)
    keep(options, options.inside, {"executions": size.rows, "rounds": size.rounds, "rows": rows})


def keep(options: argparse.Namespace, name: str, content: dict[str, Any]) -> None:
    if not options.keep or options.only:
        return
    about = {"python": platform.python_version(), "cores": os.cpu_count(), "quick": options.quick}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(about | report.rounded(content), indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
