"""Webhooks ready to show: where they send to, what they are told of, and every message with its attempts."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.runs import Attempt, load_attempts
from dashboard.wording import describe_moment
from workflows.engine.flow_events import FlowEvent
from workflows.models import FlowTemplate, Job, JobState, Webhook
from workflows.permissions import Actor
from workflows.services.webhook_messages import Message, MessageStatus

EVENTS = {
    FlowEvent.FLOW_STARTED: gettext_lazy("Flow started"),
    FlowEvent.FLOW_COMPLETED: gettext_lazy("Flow completed"),
    FlowEvent.FLOW_CANCELLED: gettext_lazy("Flow closed"),
    FlowEvent.FLOW_REOPENED: gettext_lazy("Flow reopened"),
    FlowEvent.FLOW_DELETED: gettext_lazy("Flow deleted"),
    FlowEvent.FLOW_ASSIGNED: gettext_lazy("Flow assigned"),
    FlowEvent.FLOW_DUE_DATE_CHANGED: gettext_lazy("Due date of the flow changed"),
    FlowEvent.FLOW_CONTEXTS_CHANGED: gettext_lazy("Entities of the flow changed"),
    FlowEvent.TASK_UPDATED: gettext_lazy("Any change of a task"),
    FlowEvent.CURRENT_TASK_CHANGED: gettext_lazy("Task has become current"),
    FlowEvent.TASK_COMPLETED: gettext_lazy("Task completed"),
    FlowEvent.TASK_SKIPPED: gettext_lazy("Task skipped"),
    FlowEvent.TASK_MARKED_IN_PROGRESS: gettext_lazy("Task started"),
    FlowEvent.TASK_MARKED_ON_HOLD: gettext_lazy("Task put on hold"),
    FlowEvent.PHASE_UPDATED: gettext_lazy("Any change of a phase"),
    FlowEvent.PHASE_COMPLETED: gettext_lazy("Phase completed"),
    FlowEvent.PHASE_SKIPPED: gettext_lazy("Phase skipped"),
    FlowEvent.PHASE_MARKED_IN_PROGRESS: gettext_lazy("Phase started"),
}
# The words for a message's status, and the task's status whose colours and sign it has.
MESSAGE_STATUS = {
    MessageStatus.SUCCEEDED: (gettext_lazy("Arrived"), "COMPLETED"),
    MessageStatus.FAILED: (gettext_lazy("Given up"), "FAILED"),
    MessageStatus.IN_PROGRESS: (gettext_lazy("On its way"), "IN_PROGRESS"),
    MessageStatus.SKIPPED: (gettext_lazy("Not sent"), "SKIPPED"),
}


@dataclass(frozen=True, slots=True)
class Hook:
    """An endpoint of the catalogue."""

    webhook: Webhook
    status: str
    colour: str
    told: str
    template: str
    older_secret: str


@dataclass(frozen=True, slots=True)
class Sent:
    """A message to an endpoint: what it says and what came of it."""

    id: str
    event: str
    status: str
    colour: str
    when: str
    iso: str
    next_try: str
    problem: str
    payload: str
    attempts: list[Attempt]


def build_hooks(actor: Actor, webhooks: Iterable[Webhook], now: Any) -> list[Hook]:
    """Return endpoints in words; one query for any number of them."""
    found = list(webhooks)
    named = FlowTemplate.objects.filter(organisation=actor.organisation, id__in={w.template_id for w in found if w.template_id})
    names = dict(named.values_list("id", "name"))
    return [build_hook(webhook, names, now) for webhook in found]


def build_hook(webhook: Webhook, names: dict[str, str], now: Any) -> Hook:
    if not webhook.url:
        status, colour = _("No URL"), "SKIPPED"
    else:
        status, colour = (_("Active"), "COMPLETED") if webhook.enabled else (_("Paused"), "ON_HOLD")
    until = webhook.previous_secret_until
    return Hook(
        webhook=webhook,
        status=status,
        colour=colour,
        told=", ".join(name_event(event) for event in webhook.events) or _("Only what automations send: %s") % webhook.event_name,
        template=names.get(webhook.template_id, webhook.template_id),
        older_secret=describe_moment(until) if until and until > now else "",
    )


def name_event(name: str) -> str:
    """Return an event's name for people; that of an automation is its own."""
    return str(EVENTS[FlowEvent(name)]) if name in [*FlowEvent] else name


def build_messages(webhook: Webhook, messages: list[Message]) -> list[Sent]:
    """Return messages in words; one query for any number of them."""
    attempts = load_attempts([message.job for message in messages])
    return [build_message(webhook, message, attempts[message.job.pk]) for message in messages]


def build_message(webhook: Webhook, message: Message, attempts: list[Attempt]) -> Sent:
    job = message.job
    status, colour = MESSAGE_STATUS[message.status]
    body = job.payload["body"]
    return Sent(
        id=job.effect_id,
        event=name_event(body.get("_event_name") or webhook.event_name),
        status=str(status),
        colour=colour,
        when=describe_moment(job.created_at),
        iso=job.created_at.isoformat(),
        next_try=describe_moment(job.run_at) if job.state == JobState.READY and job.attempt and webhook.enabled else "",
        problem=describe_problem(job),
        payload=json.dumps(body, indent=2, ensure_ascii=False),
        attempts=attempts,
    )


def describe_problem(job: Job) -> str:
    if job.state == JobState.READY and job.last_error.startswith("Held"):
        return _("Held until the webhook goes on")
    return job.last_error if job.state != JobState.DONE else ""
