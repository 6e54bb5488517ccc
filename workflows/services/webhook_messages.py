"""Messages to the endpoints of the catalogue: what was sent and answered, sending again, and trying an endpoint out.

A message is a job; its attempts are the job's deliveries. All are kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from workflows.documents import timestamp
from workflows.engine.flow_events import FlowEvent
from workflows.models import Delivery, Job, JobState, Webhook
from workflows.models.ids import ordered_uuid
from workflows.permissions import Actor
from workflows.services import queue
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.steps import parse_id
from workflows.services.transactions import in_transaction
from workflows.services.webhooks import find_webhook

KIND = "deliver_webhook"
MOST_REPLAYED = 100


class MessageStatus(StrEnum):
    """How a message stands, in the contract's words. Skipped: it was taken back before it was sent."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    IN_PROGRESS = "in_progress"
    SKIPPED = "skipped"


CONDITIONS: dict[str, Q] = {
    MessageStatus.SUCCEEDED: Q(state=JobState.DONE, last_error=""),
    MessageStatus.SKIPPED: Q(state=JobState.DONE) & ~Q(last_error=""),
    MessageStatus.FAILED: Q(state=JobState.DEAD),
    MessageStatus.IN_PROGRESS: Q(state__in=[JobState.READY, JobState.RUNNING]),
}


@dataclass(frozen=True, slots=True)
class Message:
    """A message with all that was tried, the last attempt at the end."""

    job: Job
    attempts: Sequence[Delivery]

    @property
    def status(self) -> MessageStatus:
        if self.job.state == JobState.DONE:
            return MessageStatus.SKIPPED if self.job.last_error else MessageStatus.SUCCEEDED
        return MessageStatus.FAILED if self.job.state == JobState.DEAD else MessageStatus.IN_PROGRESS

    @property
    def last(self) -> Delivery | None:
        return self.attempts[-1] if self.attempts else None


def messages_to(webhook: Webhook) -> QuerySet[Job]:
    """Return the messages to an endpoint, the latest first."""
    return Job.objects.filter(webhook_id=webhook.pk, kind=KIND).order_by("-created_at", "-id")


def with_attempts(jobs: Iterable[Job]) -> list[Message]:
    """Add what was tried; one query for any number of messages."""
    found = list(jobs)
    attempts: dict[UUID, list[Delivery]] = {job.pk: [] for job in found}
    for row in Delivery.objects.filter(job_id__in=list(attempts)).order_by("attempt"):
        attempts[row.job_id].append(row)
    return [Message(job, attempts[job.pk]) for job in found]


def parse_message_id(text: str) -> UUID:
    """Return the id of a message's job, which its endpoint knows as `msg_...`. Raises NotFound."""
    return parse_id(text.removeprefix("msg_"))


def find_message(actor: Actor, webhook_id: str | UUID, message_id: str) -> tuple[Webhook, Message]:
    """Return a message to an endpoint of the actor's organisation. Raises NotFound."""
    actor.require("webhook:view")
    webhook = find_webhook(actor, webhook_id)
    job = messages_to(webhook).filter(pk=parse_message_id(message_id)).first()
    if job is None:
        raise NotFound
    return webhook, with_attempts([job])[0]


@in_transaction
def replay_message(actor: Actor, webhook_id: str | UUID, message_id: str, now: datetime | None = None) -> None:
    """Send a message again, the same under the same id; one that waits for its next try is tried at once."""
    replay_messages(actor, webhook_id, [find_message(actor, webhook_id, message_id)[1].job.effect_id], now)


@in_transaction
def replay_messages(actor: Actor, webhook_id: str | UUID, message_ids: Sequence[str], now: datetime | None = None) -> list[str]:
    """Send messages again, and return the ids of those that will be; what is not a message of the endpoint is left out."""
    actor.require("webhook:edit")
    at = now or timezone.now()
    webhook = find_webhook(actor, webhook_id)
    wanted = [found for text in message_ids[:MOST_REPLAYED] if (found := _parse(text)) is not None]
    known = set(messages_to(webhook).filter(pk__in=wanted).values_list("pk", flat=True))
    again = [pk for pk in dict.fromkeys(wanted) if pk in known]
    queue.rearm_all(again, at)
    return [f"msg_{pk}" for pk in again]


def _parse(text: str) -> UUID | None:
    try:
        return parse_message_id(text)
    except NotFound:
        return None


@in_transaction
def begin_message(
    actor: Actor, webhook_id: str | UUID, body: Mapping[str, Any], *, worker: str = "", now: datetime | None = None
) -> Job:
    """Write a message to an endpoint. With `worker` it is that one's to send at once, and taken back if it dies over it.

    Raises InvalidInput for an endpoint that is paused or has no URL.
    """
    actor.require("webhook:edit")
    webhook = find_webhook(actor, webhook_id)
    if not webhook.is_active:
        raise InvalidInput("enabled", "the webhook is paused or has no URL")
    at = now or timezone.now()
    held = {"state": JobState.RUNNING, "attempt": 1, "lease_until": at + queue.LEASE, "worker": worker} if worker else {}
    return Job.objects.create(
        organisation=actor.organisation,
        kind=KIND,
        webhook_id=webhook.pk,
        payload={"webhook_id": str(webhook.pk), "body": dict(body)},
        run_at=at,
        created_at=at,
        **held,
    )


def example_message(webhook: Webhook, now: datetime) -> dict[str, Any]:
    """Return a message as the endpoint will get them, with made-up values, and marked as a test."""
    name = webhook.events[0] if webhook.events else webhook.event_name
    metadata = {
        "action": "test",
        "origin": "webhook",
        "creation_timestamp": timestamp(now),
        "webhook_id": str(webhook.pk),
        "webhook_name": webhook.name,
        "organization_id": webhook.organisation.slug,
        "correlation_id": str(ordered_uuid()),
    }
    if name not in [*FlowEvent]:
        return {"metadata": metadata, "entity": {"_schema": "contact", "_title": "Ada Lovelace", "email": "ada@example.com"}}
    return {
        "_org_id": webhook.organisation.slug,
        "_event_id": metadata["correlation_id"],
        "_event_name": name,
        "_event_time": timestamp(now),
        "_event_version": "1.0",
        "_event_source": "test",
        "metadata": metadata,
        "execution_id": str(UUID(int=1)),
        "flow_template_id": webhook.template_id or "template",
        "flow_name": "An example",
        "status": "STARTED",
        "execution_version": 1,
        "contexts": [{"entity_id": str(UUID(int=2)), "entity_schema": "contact", "is_primary": True}],
        "assigned_to": [],
        "due_date": None,
        "actor": {"kind": "system", "id": ""},
    } | _example_of(name)


def _example_of(name: str) -> dict[str, Any]:
    kind = "task" if name.startswith(("Task", "Curr")) else "phase"
    if name.startswith("Flow"):
        return {}
    row = {"template_id": kind, "name": f"A {kind}", "status": "COMPLETED", "previous_status": "IN_PROGRESS"}
    return {kind: {"id": str(UUID(int=3)), **row, "assigned_to": [], "due_date": None}}
