"""Experiment 4: PostgreSQL is stopped at once, again and again, while clients work: what was acknowledged is there."""

import random
import time
from dataclasses import dataclass

from django.db import connection

from tests.chaos import invariants
from tests.chaos.kills import account
from tests.chaos.lab import open_lab
from tests.chaos.load import Load
from tests.chaos.machines import Servers
from tests.chaos.report import Report


@dataclass(frozen=True, slots=True)
class Size:
    stops: int
    at_a_time: int
    clients: int
    apart: float
    patience: float


SHORT = Size(stops=2, at_a_time=4, clients=4, apart=3, patience=240)
FULL = Size(stops=20, at_a_time=50, clients=8, apart=12, patience=2400)


def run(servers: Servers, size: Size) -> Report:
    report = Report("PostgreSQL stopped immediately", servers.database)
    assert servers.postgres is not None
    with open_lab(servers) as lab:
        load = Load(lab, at_a_time=size.at_a_time, clients=size.clients).start()
        longest = 0.0
        for _ in range(size.stops):
            time.sleep(random.uniform(0.5, 1.5) * size.apart)
            servers.postgres.stop_immediately()
            time.sleep(random.uniform(0, 2))
            servers.postgres.start()
            connection.close()
            connection.close_pool()
            longest = max(longest, seconds_until_answered(load))
        report.figures |= {"stops": size.stops, "longest time until answers came again, seconds": round(longest, 1)}
        report.expect("answers come again within 10 s", longest <= 10, f"{longest:.1f} s")
        took = load.drain(size.patience, invariants.nothing_forgotten)
        statuses = {status: count for status, count in sorted(load.statuses.items()) if status}
        report.figures["answers by status"] = statuses
        report.expect("while it is away the answer is 503", set(statuses) <= {200, 201, 204, 503}, statuses)
        account(report, lab, load, took)
    return report


def seconds_until_answered(load: Load) -> float:
    begun, answered = time.monotonic(), load.answered
    while load.answered == answered and time.monotonic() - begun < 30:
        time.sleep(0.05)
    return time.monotonic() - begun
