"""Experiment 3: the broker is dead for a while, and then forgets every message: only latency may change."""

import time
from dataclasses import dataclass

from django.utils import timezone

from tests.chaos import invariants
from tests.chaos.kills import account
from tests.chaos.lab import open_lab
from tests.chaos.load import Load
from tests.chaos.machines import Servers
from tests.chaos.report import Report
from workflows.models import Job, JobState


@dataclass(frozen=True, slots=True)
class Size:
    seconds: float
    flushes: int
    at_a_time: int
    patience: float = 240


SHORT = Size(seconds=5, flushes=3, at_a_time=4)
FULL = Size(seconds=60, flushes=10, at_a_time=30, patience=600)


def run(servers: Servers, size: Size) -> Report:
    report = Report("broker dead, then emptied", servers.database)
    assert servers.broker is not None
    with open_lab(servers) as lab:
        load = Load(lab, at_a_time=size.at_a_time).start()
        time.sleep(2)
        load.slowest, load.refused, answered = 0.0, 0, load.answered
        servers.broker.kill()
        time.sleep(size.seconds)
        report.figures |= {
            "seconds without broker": size.seconds,
            "requests answered meanwhile": load.answered - answered,
            "not answered": load.refused,
            "slowest answer, seconds": round(load.slowest, 2),
        }
        report.expect("the API answers without a broker", load.answered > answered and not load.refused, load.refused)
        servers.broker.start()
        waiting = due_before(timezone.now())
        report.figures["jobs that were due when it came back"] = waiting()
        took = seconds_until(lambda: not waiting(), 30)
        report.figures["seconds until these were done"] = took
        report.expect("all that was due is done 30 s after the broker is back", took is not None, f"{waiting()} are left")
        for _ in range(size.flushes):
            servers.broker.flush()
            time.sleep(0.5)
        account(report, lab, load, load.drain(size.patience, invariants.nothing_forgotten))
    return report


def due_before(at):  # type: ignore[no-untyped-def]
    rows = Job.objects.filter(run_at__lte=at, created_at__lte=at, state__in=[JobState.READY, JobState.RUNNING])
    return rows.count


def seconds_until(condition, patience: float) -> float | None:  # type: ignore[no-untyped-def]
    begun = time.monotonic()
    while time.monotonic() - begun < patience:
        if condition():
            return round(time.monotonic() - begun, 1)
        time.sleep(0.1)
    return None
