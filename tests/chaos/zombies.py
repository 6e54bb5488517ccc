"""Experiment 6: a worker is stopped past its lease and wakes up when another one has done its job: what it writes must not count."""

import os
import random
import signal
import time
from dataclasses import dataclass

from tests.chaos import invariants, ledger
from tests.chaos.kills import account, is_worker
from tests.chaos.lab import Lab, open_lab
from tests.chaos.load import Load
from tests.chaos.machines import Servers, threads_of
from tests.chaos.report import Report
from workflows.models import Job, JobState


@dataclass(frozen=True, slots=True)
class Size:
    rounds: int
    jobs: int
    at_a_time: int
    patience: float


SHORT = Size(rounds=2, jobs=40, at_a_time=2, patience=240)
FULL = Size(rounds=100, jobs=2000, at_a_time=10, patience=2400)


def run(servers: Servers, size: Size) -> Report:
    report = Report("zombie workers", servers.database)
    with open_lab(servers) as lab:
        load = Load(lab, at_a_time=size.at_a_time).start()
        jobs = ledger.open_ledger(size.jobs)
        late = 0
        for _ in range(size.rounds):
            # So that some are surely under way when their worker is stopped.
            jobs += ledger.open_ledger(8, seconds=0.5)
            late += stop_one(lab)
        report.figures |= {"workers stopped past their lease": size.rounds, "jobs that another worker did meanwhile": late}
        report.expect("jobs were taken over", late > 0)
        took = load.drain(size.patience, invariants.nothing_forgotten)
        account(report, lab, load, took)
        report.expect("each job counts once", not ledger.miscounted(jobs), *ledger.miscounted(jobs)[:5])
    return report


def stop_one(lab: Lab, patience: float = 20) -> int:
    """Stop a worker that runs a job of the ledger until others have ended it; return how many jobs those were."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        victim = random.choice([pid for pid in lab.processes.victims() if is_worker(pid)] or [0])
        if not victim:
            continue
        os.kill(victim, signal.SIGSTOP)
        try:
            held = [job for job in running_ledger() if int(job.worker.rpartition(":")[2]) in threads_of(victim)]
            if held:
                ended = Job.objects.filter(pk__in=[job.pk for job in held], state=JobState.DONE, attempt__gt=held[0].attempt)
                while ended.count() < len(held) and time.monotonic() < deadline:
                    time.sleep(0.1)
                return ended.count()
        finally:
            os.kill(victim, signal.SIGCONT)
        time.sleep(0.02)
    return 0


def running_ledger() -> list[Job]:
    return list(Job.objects.filter(state=JobState.RUNNING, kind="count", payload__seconds__gt=0))
