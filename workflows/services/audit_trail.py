"""Reading the trail: the acts on what is configured and the history of executions as one list, newest first; shortening it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from workflows.models import AuditEntry, Event
from workflows.models.audit import note
from workflows.permissions import Actor
from workflows.services.forgetting import forgetting
from workflows.services.transactions import in_transaction

VIEW_TRAIL = "audit:view"
MOST_EXPORTED = 50_000


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for: beginnings of actions, an actor, a thing by its id or name, a time, a request. Empty: everything."""

    action: str = ""
    actor_id: str = ""
    subject: str = ""
    request_id: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """One line of the trail. `place` tells it from others of the same time: a page goes on after it."""

    at: datetime
    place: tuple[int, int]
    actor_kind: str
    actor_id: str
    action: str
    subject_id: str
    subject: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    request_id: str
    address: str
    device: str


def read_trail(actor: Actor, question: Question, most: int, after: tuple[datetime, int, int] | None = None) -> list[Act]:
    """Return at most `most` acts in the actor's organisation, newest first, those behind `after`."""
    actor.require(VIEW_TRAIL)
    entries = _behind(_asked(AuditEntry.objects.filter(organisation=actor.organisation), question), after, 1)
    events = _behind(_asked(Event.objects.filter(organisation=actor.organisation), question), after, 0)
    found = merge(
        map(_of_entry, entries[:most]), map(_of_event, events.select_related("execution")[:most]), key=_order, reverse=True
    )
    return list(islice(found, most))


@in_transaction
def export_trail(actor: Actor, question: Question) -> list[Act]:
    """Return all that was asked for, and write into the trail that it was taken out."""
    acts = read_trail(actor, question, MOST_EXPORTED)
    asked = {name: str(value) for name in question.__slots__ if (value := getattr(question, name))}
    note("audit.exported", after={"acts": len(acts), **asked}, organisation_id=actor.organisation.pk)
    return acts


def shorten_trail(days: int, now: datetime | None = None) -> int:
    """Forget the acts that are older than so many days, and say so in the trail; the history of executions ends with them."""
    before = (now or timezone.now()) - timedelta(days=days)
    with forgetting(f"older than {days} days"):
        count, _each = AuditEntry.objects.filter(at__lt=before).delete()
        if count:
            note("audit.shortened", after={"acts": count, "before": before})
    return count


def _order(act: Act) -> tuple[datetime, tuple[int, int]]:
    return act.at, act.place


def _asked(rows: QuerySet[Any], question: Question) -> QuerySet[Any]:
    if question.action:
        rows = rows.filter(action__startswith=question.action)
    if question.actor_id:
        rows = rows.filter(actor_id=question.actor_id)
    if question.request_id:
        rows = rows.filter(request_id=question.request_id)
    if question.since:
        rows = rows.filter(at__gte=question.since)
    if question.until:
        rows = rows.filter(at__lt=question.until)
    if question.subject:
        rows = rows.filter(_names(rows.model, question.subject))
    return rows.order_by("-at", "-id")


def _names(model: type[Any], text: str) -> Q:
    if model is AuditEntry:
        return Q(subject_id=text) | Q(subject__icontains=text)
    named = Q(execution__name__icontains=text)
    try:
        field = Event._meta.get_field("task_id")
        key = field.to_python(text)
    except Exception:
        return named
    return named | Q(execution_id=key) | Q(task_id=key)


def _behind(rows: QuerySet[Any], after: tuple[datetime, int, int] | None, kind: int) -> QuerySet[Any]:
    """Leave out what stands before and at `after` in the order of the merged list."""
    if after is None:
        return rows
    at, after_kind, key = after
    same = Q(at=at, id__lt=key) if kind == after_kind else Q(at=at) if kind < after_kind else Q(pk__in=[])
    return rows.filter(Q(at__lt=at) | same)


def _of_entry(row: AuditEntry) -> Act:
    return Act(
        row.at,
        (1, row.pk),
        row.actor_kind,
        row.actor_id,
        row.action,
        row.subject_id,
        row.subject,
        row.before,
        row.after,
        row.request_id,
        row.address,
        row.device,
    )


def _of_event(row: Event) -> Act:
    subject = row.execution.name
    about = str(row.task_id or row.execution_id)
    return Act(
        row.at,
        (0, row.pk),
        row.actor_kind,
        row.actor_id,
        row.action,
        about,
        subject,
        row.before,
        row.after,
        row.request_id,
        row.address,
        "",
    )


def rows_of(acts: list[Act]) -> Iterator[dict[str, Any]]:
    """Yield acts as they are exported, in the order of their columns."""
    for act in acts:
        yield {
            "at": act.at.isoformat(),
            "actor_kind": act.actor_kind,
            "actor_id": act.actor_id,
            "action": act.action,
            "subject_id": act.subject_id,
            "subject": act.subject,
            "before": act.before,
            "after": act.after,
            "request_id": act.request_id,
            "address": act.address,
            "device": act.device,
        }
