"""Telling endpoints what happens to flows: one delivery for each event and endpoint, in the transaction of what has happened.

The step that makes it happen writes the message with the values of that moment; nobody is asked for anything later.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Exists, OuterRef

from workflows.documents import timestamp
from workflows.engine.flow_events import TASK_STATUSES, FlowEvent, Happening
from workflows.models import Assignment, ContextRef, Job, Webhook
from workflows.models.ids import ordered_uuid
from workflows.models.webhook import FOLLOWING
from workflows.services.happenings import read_happenings

if TYPE_CHECKING:
    from workflows.services.steps import Step

KIND = "deliver_webhook"
STATUS_OF = {event: status for status, event in TASK_STATUSES.items()}


def is_followed() -> Exists:
    """Whether the organisation of a row has an endpoint that is told of flows: to be read along with the row."""
    return Exists(Webhook.objects.filter(FOLLOWING, organisation_id=OuterRef("organisation_id")))


def plan_deliveries(
    step: "Step", contexts: Sequence[ContextRef] | None = None, assignments: Sequence[Assignment] | None = None
) -> None:
    """Add a job for each event of the step and endpoint that asks for it. Rows that the caller has need not be read again."""
    if not step.events or not step.execution.is_followed:
        return
    rows = Webhook.objects.filter(FOLLOWING, organisation_id=step.execution.organisation_id)
    followers = list(rows.filter(template_id__in=("", step.execution.template_id)).order_by("id"))
    wanted = {event for follower in followers for event in follower.events}
    happened = [h for h in read_happenings(step, wanted) if h.event in wanted] if wanted else []
    if not happened:
        return
    messages = _Messages(step, contexts, assignments)
    told = [(h, messages.write(h), [f for f in followers if h.event in f.events]) for h in happened]
    each = [(follower, h, body) for h, body, asking in told for follower in asking]
    step.jobs += [_job(step, number, *one) for number, one in enumerate(each)]


def _job(step: "Step", number: int, follower: Webhook, happening: Happening, body: Mapping[str, Any]) -> Job:
    # What happened first is sent first, where nothing fails.
    at = step.now + timedelta(microseconds=number)
    task = step.tasks[happening.task] if happening.task else None
    return Job(
        organisation_id=step.execution.organisation_id,
        kind=KIND,
        webhook_id=follower.id,
        payload={
            "webhook_id": str(follower.id),
            "execution_id": str(step.execution.id),
            **({"task_id": str(task.id)} if task else {}),
            "body": body,
        },
        run_at=at,
        created_at=at,
    )


class _Messages:
    """The messages of a step, with the values as they are at its end."""

    def __init__(self, step: "Step", contexts: Sequence[ContextRef] | None, assignments: Sequence[Assignment] | None) -> None:
        execution = step.execution
        if contexts is None:
            contexts = list(ContextRef.objects.filter(execution_id=execution.id).order_by("position"))
        if assignments is None:
            assignments = list(Assignment.objects.filter(execution_id=execution.id).order_by("position", "id"))
        self.step = step
        self.assignments = assignments
        self.flow = {
            "execution_id": str(execution.id),
            "flow_template_id": execution.template_id,
            "flow_name": execution.name,
            "status": execution.status,
            "execution_version": execution.version,
            "contexts": [
                {"entity_id": str(c.entity_id), "entity_schema": c.entity_schema, "is_primary": c.is_primary} for c in contexts
            ],
            "assigned_to": self.assignees(None, None),
            "due_date": execution.due_date or None,
            "actor": {"kind": str(step.actor.kind), "id": step.actor.id},
        }
        # By task or phase: the status that it had before the step.
        self.before: dict[UUID, str] = {}
        for event in step.events:
            key = event.task_id or event.phase_id
            if key and event.action.endswith(".status"):
                self.before.setdefault(key, (event.before or {}).get("status", ""))

    def write(self, happening: Happening) -> dict[str, Any]:
        """Return the message about an event."""
        envelope = {
            "_org_id": self.step.actor.organisation.slug,
            "_event_id": str(ordered_uuid()),
            "_event_name": happening.event.value,
            "_event_time": timestamp(self.step.now),
            "_event_version": "1.0",
            "_event_source": "workflow",
        }
        about: dict[str, Any] = {}
        if happening.task:
            task = self.step.tasks[happening.task]
            about["task"] = self.describe(task, task.id, None) | {"status": self.status(happening, task.status)}
        elif happening.phase:
            phase = self.step.phases[happening.phase]
            about["phase"] = self.describe(phase, None, phase.id)
        return envelope | self.flow | about

    def status(self, happening: Happening, present: str) -> str:
        """Return what the event says that the task has become, also when the same step has moved it on."""
        return STATUS_OF.get(FlowEvent(happening.event), present)

    def describe(self, row: Any, task_id: UUID | None, phase_id: UUID | None) -> dict[str, Any]:
        return {
            "id": str(row.id),
            "template_id": row.template_id,
            "name": row.name,
            "status": row.status,
            "previous_status": self.before.get(row.id),
            "assigned_to": self.assignees(task_id, phase_id),
            "due_date": row.due_date or None,
        }

    def assignees(self, task_id: UUID | None, phase_id: UUID | None) -> list[str]:
        own = [a.assignee for a in self.assignments if (a.task_id, a.phase_id) == (task_id, phase_id)]
        return list(dict.fromkeys(assignee for assignee in own if assignee))
