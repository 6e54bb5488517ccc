"""Background work as rows: who may take one, how it ends, and what happens when its worker dies.

Every change is one conditional UPDATE whose row count is looked at, so that any number of workers and sweepers may try. `attempt`
is counted at the claim and fences: a worker that lost its lease can write nothing any more.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Subquery
from django.utils import timezone

from workflows.models import Delivery, Job, JobState, Organisation

LEASE = timedelta(seconds=60)
MAX_ATTEMPTS = 5
MAX_CRASHES = 3
FIRST_DELAY = timedelta(seconds=5)
# At most so many jobs of one organisation run at a time, so that none can keep the others waiting.
MOST_RUNNING = 10
PAGE = 100
MAX_ANSWER = 2000
MAX_ERROR = 2000


class LeaseLost(Exception):
    """The job was given to another worker meanwhile; whatever this one did must not be kept."""


class TryAgain(Exception):
    """What was tried may well work later. `delay` and `tries` are the caller's policy; None: the queue's own."""

    def __init__(self, reason: str, delay: timedelta | None = None, tries: int | None = None) -> None:
        super().__init__(reason)
        self.delay = delay
        self.tries = tries


def due_jobs(limit: int, now: datetime | None = None) -> list[UUID]:
    """Return the ids of jobs that can be claimed: the organisations in turn, oldest first within each.

    Only the first few of each organisation are looked up, each by its place in the index: ten thousand that are due at the same
    moment must not be sorted anew at every look.
    """
    at = now or timezone.now()
    counted = Job.objects.filter(state=JobState.RUNNING).values_list("organisation").annotate(count=Count("id")).order_by()
    running = Counter(dict(counted))
    ready = Job.objects.filter(organisation=OuterRef("pk"), state=JobState.READY, run_at__lte=at).order_by("run_at", "id")
    first = Organisation.objects.annotate(oldest=Subquery(ready.values("run_at")[:1])).filter(oldest__isnull=False)
    places = [Subquery(ready.values("id")[place : place + 1]) for place in range(MOST_RUNNING)]
    rows = list(first.order_by("oldest", "pk").values_list("pk", *places)[:limit])
    found = [
        jobs[place]
        for place in range(MOST_RUNNING)
        for organisation, *jobs in rows
        if jobs[place] and running[organisation] + place < MOST_RUNNING
    ]
    return found[:limit]


def claim(job_id: UUID | str, worker: str, now: datetime | None = None, *, with_suspects: bool = True) -> Job | None:
    """Take a job that is due, or return None when it is not to be had, or its organisation has enough running.

    Without suspects, a job that has lost a worker is not to be had.

    On PostgreSQL two claims at the same moment may both see the last free place. A worker's thread claims one job at a time, so
    of W threads in all at most W - 1 claim beside the one that was right: MOST_RUNNING + W - 1 run at the very most, and then
    never more than W. It is left so: a lock on the organisation would have all claims wait for each other, and the cap is there
    to share the workers, not to protect anything; `due_jobs` offers no more of that organisation until enough have ended.
    """
    at = now or timezone.now()
    of_the_same = Job.objects.filter(organisation=OuterRef("organisation"), state=JobState.RUNNING)
    # The conditions stand in the UPDATE itself, where PostgreSQL looks again after it has waited for the row.
    found = Job.objects.filter(
        ~Exists(of_the_same[MOST_RUNNING - 1 : MOST_RUNNING]), pk=job_id, state=JobState.READY, run_at__lte=at
    )
    taken = (found if with_suspects else found.filter(crashes=0)).update(
        state=JobState.RUNNING, attempt=F("attempt") + 1, lease_until=at + LEASE, worker=worker
    )
    return Job.objects.select_related("organisation").get(pk=job_id) if taken else None


def is_suspect(job_id: UUID | str) -> bool:
    """Whether a job waits that has lost a worker: it may be what ended it, or have been beside it."""
    return Job.objects.filter(pk=job_id, state=JobState.READY, crashes__gt=0).exists()


def extend(job: Job, now: datetime | None = None) -> bool:
    """Keep a claimed job for another lease; False when it is not this attempt's any more."""
    return _held(job, lease_until=(now or timezone.now()) + LEASE)


def finish(job: Job, now: datetime | None = None) -> None:
    """Mark a claimed job as done. Raises LeaseLost; call it in the transaction of the job's effect."""
    if not _held(job, state=JobState.DONE, finished_at=now or timezone.now(), lease_until=None, last_error=""):
        raise LeaseLost(str(job.pk))


def fail(job: Job, error: str, now: datetime | None = None, *, delay: timedelta | None = None, tries: int | None = None) -> bool:
    """Put a claimed job back for another try, later each time; False when its tries are used up and it is dead.

    Raises LeaseLost. Call it in the transaction of what is written about a dead job.
    """
    at = now or timezone.now()
    is_last = job.tries >= (tries or MAX_ATTEMPTS)
    if delay is None:
        delay = spread(FIRST_DELAY * 2 ** (job.tries - 1))
    state = {"state": JobState.DEAD, "finished_at": at} if is_last else {"state": JobState.READY, "run_at": at + delay}
    if not _held(job, lease_until=None, last_error=error[:MAX_ERROR], **state):
        raise LeaseLost(str(job.pk))
    return not is_last


def spread(delay: timedelta) -> timedelta:
    """Return a delay that differs by up to a fifth each time, so that what failed together does not come back together."""
    return delay * random.uniform(0.8, 1.2)  # noqa: S311 - jitter, no secret


def expired_jobs(now: datetime | None = None) -> Iterator[Job]:
    """Yield all running jobs whose lease has passed, page by page: those that cannot be taken back do not hide the others."""
    at = now or timezone.now()
    rows = Job.objects.select_related("organisation").filter(state=JobState.RUNNING, lease_until__lt=at).order_by("id")
    page = list(rows[:PAGE])
    while page:
        yield from page
        page = list(rows.filter(id__gt=page[-1].id)[:PAGE])


def release(job: Job, now: datetime | None = None) -> JobState | None:
    """Take a job back from a worker that died: READY again, or DEAD when it took too many with it; None: it did not die."""
    at = now or timezone.now()
    state = JobState.DEAD if job.crashes + 1 >= MAX_CRASHES else JobState.READY
    times = {"finished_at": at} if state is JobState.DEAD else {"run_at": at}
    # The lease is looked at again: it may have been extended or lost between the SELECT and now.
    rows = Job.objects.filter(pk=job.pk, state=JobState.RUNNING, attempt=job.attempt, lease_until__lt=at)
    error = f"worker {job.worker} stopped while it ran this"
    taken = rows.update(crashes=F("crashes") + 1, lease_until=None, last_error=error, state=state, **times)
    return state if taken else None


def rearm(job_id: UUID, now: datetime | None = None) -> bool:
    """Give a finished or dead job a new budget of tries, under the same effect id; False when it is neither."""
    at = now or timezone.now()
    ended = Job.objects.filter(pk=job_id, state__in=[JobState.DONE, JobState.DEAD])
    return bool(ended.update(state=JobState.READY, run_at=at, tries_from=F("attempt"), crashes=0, finished_at=None))


def rearm_all(job_ids: Sequence[UUID], now: datetime | None = None) -> int:
    """Have jobs done again, or at once if they wait, each with a new budget of tries; those that run are left alone."""
    rows = Job.objects.filter(pk__in=job_ids).exclude(state=JobState.RUNNING)
    again = {"state": JobState.READY, "crashes": 0, "finished_at": None}
    return rows.update(run_at=now or timezone.now(), tries_from=F("attempt"), **again)


def withdraw(subject: UUID, now: datetime | None = None) -> int:
    """End the waiting jobs about a thing; those that run are left to find out by themselves."""
    rows = Job.objects.filter(subject=subject, state=JobState.READY)
    return rows.update(state=JobState.DONE, finished_at=now or timezone.now(), last_error="withdrawn")


def begin_delivery(job: Job, target: str, now: datetime | None = None) -> Delivery:
    """Note that a call is about to be made. It is committed before the call: an unknown outcome then shows."""
    delivery, _ = Delivery.objects.get_or_create(
        job=job, attempt=job.attempt, defaults={"target": target[:500], "started_at": now or timezone.now()}
    )
    return delivery


def end_delivery(
    delivery: Delivery, outcome: str, *, http_status: int | None = None, answer: str = "", now: datetime | None = None
) -> None:
    """Note how a call ended, whether or not the job is still this worker's: it is true all the same."""
    delivery.outcome = outcome[:20]
    delivery.http_status = http_status
    delivery.answer = answer.replace("\0", "")[:MAX_ANSWER]
    delivery.finished_at = now or timezone.now()
    delivery.save(update_fields=["outcome", "http_status", "answer", "finished_at"])


def _held(job: Job, **values: object) -> bool:
    return bool(Job.objects.filter(pk=job.pk, state=JobState.RUNNING, attempt=job.attempt).update(**values))
