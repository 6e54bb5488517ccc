"""What can be done to a phase. Its status follows from its tasks and is never set."""

from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

from django.utils import timezone

from workflows.documents import render_assignees
from workflows.models import Assignment, Phase
from workflows.permissions import Actor
from workflows.services.due_rules import patch_due_date
from workflows.services.errors import NotFound
from workflows.services.steps import lock_execution, parse_id
from workflows.services.transactions import in_transaction
from workflows.services.variables import assign


class PhasePatch(TypedDict, total=False):
    """Fields of a phase that a PATCH may name. `due_date` None or "" clears."""

    name: str
    due_date: str | None
    due_date_config: dict[str, Any] | None
    assigned_to: list[Any]


@in_transaction
def patch_phase(
    actor: Actor, execution_id: str | UUID, phase_id: str | UUID, patch: PhasePatch, now: datetime | None = None
) -> Phase:
    """Apply a PATCH to a phase and return it."""
    actor.require_some("workflow:execution:update_details")
    step = lock_execution(actor, execution_id, now or timezone.now())
    step.require("workflow:execution:update_details")
    wanted = parse_id(phase_id)
    phase = next((phase for phase in step.phases.values() if phase.id == wanted), None)
    if phase is None:
        raise NotFound
    if "name" in patch and patch["name"] != phase.name:
        step.record("phase.name", {"name": phase.name}, {"name": patch["name"]}, phase_id=phase.id)
        step.touch_phase(phase)
        phase.name = patch["name"]
    if patch.keys() & {"due_date", "due_date_config"}:
        patch_due_date(step, phase, patch)
    if "assigned_to" in patch:
        old = render_assignees(Assignment.objects.filter(phase_id=phase.id))
        new = render_assignees(assign(step, patch["assigned_to"], phase=phase))
        if old != new:
            step.record("phase.assigned", {"assigned_to": old}, {"assigned_to": new}, phase_id=phase.id)
            step.touch_phase(phase)
    step.save()
    phase.execution = step.execution
    return phase
