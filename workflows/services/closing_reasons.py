"""The catalogue of closing reasons: create, rename, activate, deactivate, order, delete."""

from datetime import datetime
from typing import TypedDict

from django.db.models import Max
from django.utils import timezone

from workflows.models import ClosingReason, ClosingReasonStatus
from workflows.permissions import Actor
from workflows.services.errors import NotFound
from workflows.services.transactions import in_transaction


class ReasonPatch(TypedDict, total=False):
    title: str
    status: str


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
    """Rename, activate or deactivate a reason. Executions keep the title that they were given at their start."""
    actor.require("workflow:definition:edit")
    reason = find_closing_reason(actor, reason_id)
    reason.title = patch.get("title", reason.title)
    reason.status = patch.get("status", reason.status)
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
