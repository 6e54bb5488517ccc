"""Experiment 6: the clock of all processes jumps by hours and weeks, back and forth, while schedules are armed and fire."""

import random
import time
from dataclasses import dataclass

from tests.chaos import invariants
from tests.chaos.kills import account
from tests.chaos.lab import open_lab
from tests.chaos.load import Load
from tests.chaos.machines import Servers
from tests.chaos.report import Report
from workflows.models import Event

HOUR = 3600
JUMPS = (2 * HOUR, -2 * HOUR, 0, 40 * 24 * HOUR, 0, 2 * HOUR)
LAST = 41 * 24 * HOUR


@dataclass(frozen=True, slots=True)
class Size:
    jumps: int
    at_a_time: int
    patience: float


SHORT = Size(jumps=6, at_a_time=4, patience=240)
FULL = Size(jumps=40, at_a_time=30, patience=600)


def run(servers: Servers, size: Size) -> Report:
    report = Report("clock jumps", servers.database)
    with open_lab(servers) as lab:
        load = Load(lab, at_a_time=size.at_a_time).start()
        for number in range(size.jumps):
            time.sleep(random.uniform(0.5, 1.5))
            lab.servers.set_clock(JUMPS[number % len(JUMPS)])
        # What was put off by a jump back is due now, and everything can come to its end.
        lab.servers.set_clock(LAST)
        took = load.drain(size.patience, invariants.nothing_forgotten)
        fired = Event.objects.filter(action="task.schedule_fired")
        early = [event for event in fired if event.before["scheduled_at"] > event.at.isoformat()]
        report.figures |= {"jumps": size.jumps + 1, "schedules that fired": fired.count()}
        report.expect("no schedule fires early by the clock", not early, *early[:3])
        account(report, lab, load, took)
    return report
