"""Experiment 1: processes are killed at random, most of them in the middle of a job, while work keeps coming."""

import os
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from tests.chaos import invariants
from tests.chaos.lab import Lab, open_lab
from tests.chaos.load import Load
from tests.chaos.machines import Servers, threads_of
from tests.chaos.report import Report


@dataclass(frozen=True, slots=True)
class Size:
    kills: int
    at_a_time: int
    patience: float


SHORT = Size(kills=20, at_a_time=4, patience=240)
FULL = Size(kills=200, at_a_time=50, patience=600)


def run(servers: Servers, size: Size) -> Report:
    report = Report("kill -9", servers.database)
    with open_lab(servers) as lab:
        load = Load(lab, at_a_time=size.at_a_time).start()
        hits = killed = 0
        begun = time.monotonic()
        while killed < size.kills and time.monotonic() - begun < size.kills * 15:
            time.sleep(random.uniform(0.2, 1.5))
            hit = kill_one(lab, wants_a_hit=hits * 4 < size.kills * 3)
            killed += hit is not None
            hits += bool(hit)
        destruction = time.monotonic() - begun
        took = load.drain(size.patience, invariants.nothing_forgotten)
        report.figures |= {"kills": killed, "hit a running job": hits, "executions": len(load.started)}
        report.figures["seconds of killing"] = round(destruction, 1)
        account(report, lab, load, took)
        report.expect("at least half of the kills hit a running job", hits * 2 >= killed, f"{hits} of {killed}")
    return report


def account(report: Report, lab: Lab, load: Load, took: float) -> None:
    """Look at everything, once all is quiet."""
    wait_for_quiet(30)
    receipts = lab.sink.receipts
    report.figures |= {
        "messages that arrived": len(receipts),
        "of these again, under the same id": invariants.duplicates(receipts),
        "jobs that lost their worker": invariants.crashes(),
        "acknowledged requests": len(load.started) + len(load.completed),
        "requests without an answer, sent again": load.refused,
        "seconds until all was done": round(took, 1),
    }
    report.broken |= invariants.check(load, receipts)
    report.broken |= invariants.no_more_than_attempts(receipts)


def wait_for_quiet(seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not invariants.quiet_since(0):
        time.sleep(0.2)


def kill_one(lab: Lab, *, wants_a_hit: bool, patience: float = 10) -> bool | None:
    """Kill a process; whether it ran a job then. None: there was none to kill.

    It is stopped first, and looked at, and then killed or let go: so nothing changes in between.
    """
    victims = lab.processes.victims()
    if not victims:
        return None
    if not wants_a_hit or random.random() < 0.1:
        victim = random.choice(victims)
        return hit_stopped(victim, must_run=False)
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if hit_stopped(random.choice([pid for pid in victims if is_worker(pid)] or victims), must_run=True):
            return True
        time.sleep(random.uniform(0.005, 0.05))
        victims = lab.processes.victims()
    return hit_stopped(random.choice(victims), must_run=False) if victims else None


def hit_stopped(victim: int, *, must_run: bool) -> bool | None:
    try:
        os.kill(victim, signal.SIGSTOP)
        is_hit = not threads_of(victim).isdisjoint(running_threads())
        spared = must_run and not is_hit
        os.kill(victim, signal.SIGCONT if spared else signal.SIGKILL)
    except ProcessLookupError:
        return None
    return None if spared else is_hit


def is_worker(pid: int) -> bool:
    try:
        return b"celery" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def running_threads() -> set[int]:
    """Return the threads that run jobs."""
    from workflows.models import Job, JobState

    workers = Job.objects.filter(state=JobState.RUNNING).values_list("worker", flat=True)
    return {int(worker.rpartition(":")[2]) for worker in workers}
