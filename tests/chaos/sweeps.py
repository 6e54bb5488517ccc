"""Experiment 6: sweepers look for dead workers while the workers, which are not dead, end their jobs; and among what cannot be taken back."""

import threading
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, connections
from django.utils import timezone

from tests.chaos import ledger
from tests.chaos.lab import ORGANISATIONS, make_token
from tests.chaos.machines import Servers
from tests.chaos.report import Report
from workflows import jobs
from workflows.models import Job, JobState
from workflows.services import queue

SWEEPERS = 4


@dataclass(frozen=True, slots=True)
class Size:
    rounds: int
    ending: int
    hung: int
    expired: int


SHORT = Size(rounds=3, ending=100, hung=250, expired=30)
FULL = Size(rounds=20, ending=300, hung=10_000, expired=1000)


def run(servers: Servers, size: Size) -> Report:
    report = Report("sweepers", servers.database)
    for name in ORGANISATIONS:
        make_token(name)
    ended = late = 0
    for _ in range(size.rounds):
        kept, lost, overwritten = end_while_swept(size.ending)
        ended, late = ended + kept, late + lost
        report.expect("what has ended is not taken back", not overwritten, *overwritten[:3])
    Job.objects.all().delete()
    report.figures |= {"jobs that ended while they were swept": ended, "that were taken back first": late}
    left = sweep_past_hung(size)
    report.figures |= {"jobs that cannot be taken back": size.hung, "expired jobs behind them": size.expired}
    report.expect("what cannot be taken back does not hide the rest", left == 0, f"{left} of {size.expired} are left")
    return report


def end_while_swept(count: int) -> tuple[int, int, list[str]]:
    """Four sweepers against a worker that ends its jobs a little late; return what was kept, lost, and overwritten."""
    past = timezone.now() - timedelta(seconds=1)
    made = ledger.open_ledger(count, state=JobState.RUNNING, attempt=1, lease_until=past, worker="slow:1")
    barrier = threading.Barrier(SWEEPERS + 1)
    kept: list[Job] = []
    lost: list[Job] = []

    def finish() -> None:
        barrier.wait(30)
        # From the other end, so that they meet in the middle.
        for job in reversed(made):
            try:
                queue.finish(job)
                kept.append(job)
            except queue.LeaseLost:
                lost.append(job)
        connections.close_all()

    def sweep() -> None:
        barrier.wait(30)
        jobs.sweep()
        connections.close_all()

    threads = [threading.Thread(target=finish), *(threading.Thread(target=sweep) for _ in range(SWEEPERS))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    states = dict(Job.objects.filter(pk__in=[job.pk for job in kept]).values_list("id", "state"))
    overwritten = [f"job {key} was done, and is {state} now" for key, state in states.items() if state != JobState.DONE]
    twice = [f"job {job} crashed {job.crashes} times in one attempt" for job in Job.objects.filter(crashes__gt=1)]
    return len(kept), len(lost), overwritten + twice


def sweep_past_hung(size: Size) -> int:
    """Leave rows that the database refuses to change before the others; return how many others are not taken back."""
    past = timezone.now() - timedelta(seconds=1)
    fields = {"state": JobState.RUNNING, "attempt": 1, "lease_until": past, "worker": "gone:1"}
    ledger.open_ledger(size.hung, worker="hung", **{k: v for k, v in fields.items() if k != "worker"})
    behind = ledger.open_ledger(size.expired, **fields)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN RAISE 'hung'; END $$ LANGUAGE plpgsql")
            cursor.execute(
                "CREATE TRIGGER hung BEFORE UPDATE ON workflows_job FOR EACH ROW WHEN (OLD.worker = 'hung') EXECUTE FUNCTION refuse()"
            )
        else:
            cursor.execute(
                "CREATE TRIGGER hung BEFORE UPDATE ON workflows_job WHEN OLD.worker = 'hung' BEGIN SELECT RAISE(ABORT, 'hung'); END"
            )
    jobs.sweep()
    return Job.objects.filter(pk__in=[job.pk for job in behind], state=JobState.RUNNING).count()
