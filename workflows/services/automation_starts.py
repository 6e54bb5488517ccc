"""How a run of an automation begins, and what is refused so that no flow runs away: the guard for flows that run hot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from workflows.engine.automations import MAX_DEPTH, RunStatus
from workflows.models import AutomationExecution, AutomationFlow, Entity
from workflows.permissions import Actor
from workflows.services.automation_flows import lock_automation
from workflows.services.automation_run import Run, is_about_deleted, new_actions
from workflows.services.durations import parse_duration
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.steps import parse_id
from workflows.services.transactions import in_transaction

HOT_RUNS = 100
HOT_WINDOW = timedelta(seconds=30)
HOT_RUNS_OF_ENTITY = 50
HOT_WINDOW_OF_ENTITY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a run is started with. `chain`: the automations that led here, the nearest last; `workflow`: the execution's own."""

    flow_id: str | UUID
    entity_id: str | UUID
    trigger_event: Mapping[str, Any] = field(default_factory=dict)
    workflow_execution_id: UUID | None = None
    workflow_task_id: UUID | None = None
    entity_contexts: Sequence[Mapping[str, Any]] = ()
    execution_chain: Mapping[str, Any] = field(default_factory=dict)
    chain: Sequence[str] = ()
    caller: str = ""


@in_transaction
def start_automation(actor: Actor, request: RunRequest, now: datetime | None = None) -> AutomationExecution:
    """Begin a run and return it; its first action is a job of the same transaction.

    Raises InvalidInput for an unknown, disabled or circular flow and an unknown entity. A flow that runs hot is disabled, and
    the run is kept as hot: nothing of it is done.
    """
    actor.require("automation:trigger")
    at = now or timezone.now()
    try:
        flow = lock_automation(actor, request.flow_id)
    except NotFound as error:
        raise InvalidInput("flow_id", f"there is no automation {request.flow_id}") from error
    if not flow.enabled:
        raise InvalidInput("flow_id", f"the automation {flow.name} is disabled")
    if len(request.chain) >= MAX_DEPTH:
        raise InvalidInput("flow_id", f"{MAX_DEPTH} automations have started each other; this looks like a circle")
    run = Run(_build(actor, flow, _find_entity(actor, request), request, at), at, [])
    run.actions.extend(new_actions(flow.document["actions"], run.execution, at))
    run.before = ""
    flow.runs += 1
    if is_hot(flow, run.execution, at):
        run.execution.status = RunStatus.HOT.value
        flow.enabled, flow.disabled_at, flow.disabled_by = False, at, "system"
    else:
        run.go_on()
    flow.save(update_fields=["runs", "enabled", "disabled_at", "disabled_by"])
    run.create()
    return run.execution


def _find_entity(actor: Actor, request: RunRequest) -> Entity:
    try:
        rows = Entity.objects.filter(pk=parse_id(request.entity_id), organisation=actor.organisation)
        entity = (rows if is_about_deleted(request.trigger_event) else rows.filter(deleted_at=None)).first()
    except NotFound:
        entity = None
    if entity is None:
        raise InvalidInput("entity_id", f"there is no entity {request.entity_id}")
    return entity


def _build(actor: Actor, flow: AutomationFlow, entity: Entity, request: RunRequest, at: datetime) -> AutomationExecution:
    execution = AutomationExecution(
        flow_id=flow.id,
        flow_name=flow.name,
        version=flow.version,
        entity_id=entity.id,
        entity_schema=entity.schema,
        workflow_execution_id=request.workflow_execution_id,
        workflow_task_id=request.workflow_task_id,
        conditions=flow.document.get("conditions") or [],
        schedules=flow.document.get("schedules") or [],
        trigger_event={
            "type": "manual",
            "org_id": actor.organisation.slug,
            "entity_id": str(entity.id),
            **request.trigger_event,
        },
        context={
            "entity_contexts": [dict(context) for context in request.entity_contexts],
            "execution_chain": dict(request.execution_chain),
            "chain": [*request.chain, str(flow.id)],
            "caller": request.caller,
        },
        actor_kind=actor.kind,
        actor_id=actor.id,
        created_at=at,
        updated_at=at,
    )
    execution.organisation = actor.organisation
    return execution


def is_hot(flow: AutomationFlow, execution: AutomationExecution, now: datetime) -> bool:
    """Whether the flow ran too often of late. Exact, as the flow's row is locked while runs are counted."""
    limit = flow.document.get("max_executions") or {}
    count, window = HOT_RUNS, HOT_WINDOW
    if limit.get("count"):
        count = int(limit["count"])
        window = parse_duration(limit["window"]) if limit.get("window") else HOT_WINDOW
    runs = AutomationExecution.objects.filter(flow_id=flow.id)
    if runs.filter(created_at__gt=now - window).count() >= count:
        return True
    of_entity = runs.filter(entity_id=execution.entity_id, created_at__gt=now - HOT_WINDOW_OF_ENTITY)
    return of_entity.count() >= HOT_RUNS_OF_ENTITY
