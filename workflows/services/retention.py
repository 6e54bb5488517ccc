"""What is forgotten by itself, and when: as the operator has configured it (RETENTION). What is not named there is kept.

A sweep forgets some at a time, so that no lock is held and no dispatcher kept from its timers for long; the next one goes on.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from workflows.engine.status import ExecutionStatus
from workflows.models import ActorKind, AuditEntry, Execution, Job, JobState, Session
from workflows.models.audit import note
from workflows.permissions import Actor
from workflows.services.audit_trail import shorten_trail
from workflows.services.errors import NotFound
from workflows.services.executions import delete_execution
from workflows.services.transactions import in_transaction

BATCH = 50


def forget_what_is_old(now: datetime | None = None) -> dict[str, int]:
    """Forget up to a batch of each kind; return how many of which. Sessions that have run out are nobody's data any more."""
    at = now or timezone.now()
    days: dict[str, int] = settings.RETENTION
    found = {"sessions": _forget_sessions(at - timedelta(days=days.get("sessions", 0)))}
    if "executions" in days:
        found["executions"] = _forget_executions(at - timedelta(days=days["executions"]), at)
    if "deliveries" in days:
        found["deliveries"] = _forget_jobs(at - timedelta(days=days["deliveries"]))
    if "audit" in days and AuditEntry.objects.filter(at__lt=at - timedelta(days=days["audit"])).exists():
        found["audit"] = shorten_trail(days["audit"], at)
    return found


def _forget_sessions(before: datetime) -> int:
    old = Session.objects.filter(expire_date__lt=before).values_list("pk", flat=True)[:BATCH]
    return Session.objects.filter(pk__in=list(old)).delete()[0]


def _forget_executions(before: datetime, now: datetime) -> int:
    """Remove executions that ended, or were deleted, so long ago; each in a transaction of its own."""
    ended = Execution.objects.filter(status=ExecutionStatus.DONE, completed_at__lt=before)
    ended |= Execution.objects.filter(status=ExecutionStatus.CLOSED, closed_at__lt=before)
    ended |= Execution.objects.filter(deleted_at__lt=before)
    count = 0
    for execution in ended.select_related("organisation").order_by("pk")[:BATCH]:
        try:
            _remove(execution, now)
        except NotFound:
            # Somebody else was faster.
            continue
        count += 1
    return count


@in_transaction
def _remove(execution: Execution, now: datetime) -> None:
    Execution.objects.filter(pk=execution.pk).exclude(deleted_at=None).update(deleted_at=None)
    delete_execution(Actor(execution.organisation, ActorKind.SYSTEM), execution.pk, soft=False, now=now)


@in_transaction
def _forget_jobs(before: datetime) -> int:
    """Remove jobs that were done, and with them what was sent and answered."""
    old = Job.objects.filter(state=JobState.DONE, finished_at__lt=before).values_list("pk", flat=True)[:BATCH]
    jobs = Job.objects.filter(pk__in=list(old))
    count = jobs.count()
    if count:
        jobs.delete()
        note("retention.deliveries", after={"jobs": count, "before": before})
    return count
