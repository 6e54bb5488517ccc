"""Experiment 6: jobs that kill their worker, eat its memory or never end, among many good ones."""

import time
from dataclasses import dataclass

from tests.chaos import invariants, ledger
from tests.chaos.kills import wait_for_quiet
from tests.chaos.lab import open_lab
from tests.chaos.machines import Servers
from tests.chaos.report import Report
from workflows.models import Job, JobState, Organisation
from workflows.services import queue

# The endless one is outside of a transaction, where what takes long belongs; in one it would hold the lock of SQLite.
KINDS = ("kill", "memory", "loop_call")
MEMORY = 3 << 30


@dataclass(frozen=True, slots=True)
class Size:
    of_each: int
    good: int
    patience: float


SHORT = Size(of_each=1, good=60, patience=120)
FULL = Size(of_each=20, good=1000, patience=1500)


def run(servers: Servers, size: Size) -> Report:
    report = Report("poison", servers.database)
    with open_lab(servers, memory=MEMORY, crashes=queue.MAX_CRASHES):
        good = ledger.open_ledger(size.good // 2)
        poison = [Job(organisation=o, kind=f"poison_{kind}") for kind in KINDS for o in owners(size.of_each)]
        Job.objects.bulk_create(poison)
        good += ledger.open_ledger(size.good - len(good))
        begun = time.monotonic()
        rows = Job.objects.filter(pk__in=[job.pk for job in poison])
        while rows.exclude(state=JobState.DEAD).exists() and time.monotonic() - begun < size.patience:
            time.sleep(0.2)
        report.figures |= {"poisonous jobs": len(poison), "seconds until they were given up": round(time.monotonic() - begun, 1)}
        alive = rows.exclude(state=JobState.DEAD)
        report.expect("poison is given up", not alive.exists(), *[f"{j.kind} {j.state} {j.attempt}" for j in alive[:5]])
        greedy = [f"{job.kind}: {job.crashes} crashes" for job in rows if job.crashes > queue.MAX_CRASHES]
        report.expect("after three workers", not greedy, *greedy[:5])
        again = poison[0]
        Job.objects.filter(pk=again.pk).update(kind="count", payload=good[0].payload | {"entity_id": extra_entity()})
        report.expect("a dead job can be begun again", queue.rearm(again.pk))
        wait_for_quiet(60)
        again.refresh_from_db()
        report.expect("and is done then", again.state == JobState.DONE, again.state, again.last_error)
        report.figures |= {"good jobs": len(good), "workers that were lost": invariants.crashes()}
        report.expect("each good job counts once", not ledger.miscounted(good), *ledger.miscounted(good)[:5])
    return report


def owners(count: int) -> list[Organisation]:
    found = list(Organisation.objects.order_by("id"))
    return [found[number % len(found)] for number in range(count)]


def extra_entity() -> str:
    """The entity of a ledger that nobody looks at."""
    return str(ledger.open_ledger(1)[0].payload["entity_id"])
