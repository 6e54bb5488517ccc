"""The catalogue of closing reasons: create, rename, activate, deactivate, order, delete."""

from collections import Counter
from datetime import datetime
from typing import TypedDict

from django.db.models import Count, Max, QuerySet
from django.utils import timezone

from workflows.models import ClosingReason, ClosingReasonStatus, Execution, Organisation
from workflows.permissions import Actor
from workflows.services.errors import NotFound
from workflows.services.transactions import in_transaction


class ReasonPatch(TypedDict, total=False):
    title: str
    status: str
    position: int


@in_transaction
def create_closing_reason(
    actor: Actor, title: str, status: str = ClosingReasonStatus.ACTIVE, now: datetime | None = None
) -> ClosingReason:
    """Add a reason at the end of the catalogue."""
    actor.require("workflow:definition:edit")
    at = now or timezone.now()
    last = ClosingReason.objects.filter(organisation=actor.organisation).aggregate(last=Max("position"))["last"]
    return ClosingReason.objects.create(
        organisation=actor.organisation,
        title=title,
        status=status,
        position=0 if last is None else last + 1,
        created_at=at,
        updated_at=at,
    )


@in_transaction
def patch_closing_reason(actor: Actor, reason_id: str, patch: ReasonPatch, now: datetime | None = None) -> ClosingReason:
    """Rename, activate, deactivate or place a reason. Executions keep the title that they were given at their start."""
    actor.require("workflow:definition:edit")
    reason = find_closing_reason(actor, reason_id)
    reason.title = patch.get("title", reason.title)
    reason.status = patch.get("status", reason.status)
    reason.position = patch.get("position", reason.position)
    reason.updated_at = now or timezone.now()
    reason.save()
    return reason


@in_transaction
def delete_closing_reason(actor: Actor, reason_id: str) -> None:
    """Remove a reason from the catalogue. Templates and executions that name it keep its id and title."""
    actor.require("workflow:definition:delete")
    find_closing_reason(actor, reason_id).delete()


def find_closing_reason(actor: Actor, reason_id: str) -> ClosingReason:
    """Return a reason of the actor's organisation. Raises NotFound."""
    reason = ClosingReason.objects.filter(pk=reason_id, organisation=actor.organisation).first()
    if reason is None:
        raise NotFound
    return reason


def count_uses(organisations: QuerySet[Organisation]) -> dict[str, int]:
    """Return for how many executions each reason was selected, by its id; one statement, as few selections differ."""
    rows = Execution.objects.filter(organisation__in=organisations, deleted_at=None, extra__has_key="selected_reasons")
    found: Counter[str] = Counter()
    for selected, number in rows.order_by().values_list("extra__selected_reasons").annotate(number=Count("pk")):
        found.update({reason["id"]: number for reason in selected or []})
    return dict(found)
