"""What can be done to an execution as a whole: start it, change it, close and reopen it, delete it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

from django.utils import timezone

from workflows.definitions import load_definition
from workflows.engine import advance, machines
from workflows.engine.status import ExecutionStatus
from workflows.models import (
    AgentRun,
    Assignment,
    AutomationExecution,
    Comment,
    ContextRef,
    Edge,
    Entity,
    Event,
    Execution,
    ExecutionDocument,
    FlowTemplate,
    Job,
    Phase,
    Presence,
    Share,
    Task,
    audit,
)
from workflows.models.rows import insert_rows
from workflows.permissions import VIEW, Actor, PermissionRefused, executions_within
from workflows.services import entity_sync, flow_followers
from workflows.services.due_rules import patch_due_date
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.flow_followers import is_followed
from workflows.services.forgetting import forgetting
from workflows.services.starting import Start
from workflows.services.steps import Step, lock_execution, parse_id
from workflows.services.transactions import in_transaction
from workflows.services.variables import assign

TRIGGER = "workflow:execution:trigger"
# Kinds of jobs that an execution's removal leaves to be done.
OUTLIVING = (entity_sync.KIND, flow_followers.KIND)


@dataclass(frozen=True, slots=True)
class Context:
    """An entity that an execution is to be about."""

    entity_id: str
    entity_schema: str
    is_primary: bool = False


@dataclass(frozen=True, slots=True)
class StartRequest:
    """What is needed to start an execution. None of the contexts flagged as primary: the first is."""

    template_id: str
    contexts: Sequence[Context]
    trigger: str = "MANUAL"
    automation_config: dict[str, Any] | None = None
    purposes: Sequence[str] = ()
    chain: dict[str, Any] | None = None
    assigned_to: Sequence[Any] | None = None
    needs_context: bool = True


class ExecutionPatch(TypedDict, total=False):
    """Fields of an execution that a PATCH may name. `due_date` None or "" clears."""

    status: str
    assigned_to: list[Any]
    closing_reason: dict[str, Any]
    closed_by: str
    due_date: str | None
    due_date_config: dict[str, Any] | None
    contexts: list[Context]


@in_transaction
def start_execution(actor: Actor, request: StartRequest, now: datetime | None = None) -> Execution:
    """Start an execution of a template and return it.

    Raises InvalidInput for an unknown or disabled template, unknown entities, and no or several primary contexts.
    """
    actor.require_some(TRIGGER)
    if not actor.may_with(TRIGGER, {"flow_template_id": request.template_id, "started_by": actor.id}):
        raise PermissionRefused(TRIGGER)
    templates = FlowTemplate.objects.filter(pk=request.template_id, organisation=actor.organisation, deleted_at=None)
    template = templates.annotate(followed=is_followed()).first()
    if template is None:
        raise InvalidInput("flow_template_id", f"there is no flow template {request.template_id}")
    if not template.enabled:
        raise InvalidInput("flow_template_id", f"the flow template {request.template_id} is disabled")
    needs_facts = load_definition(template.definition_id).graph.needs_facts
    contexts, entities = resolve_contexts(actor, request.contexts, lock=needs_facts, required=request.needs_context)
    start = Start(actor, template, request.trigger, now or timezone.now(), purposes=request.purposes)
    start.assigned_to = request.assigned_to
    start.is_followed = template.followed
    return start.run(contexts, entities, request.automation_config, request.chain)


def resolve_contexts(
    actor: Actor, contexts: Sequence[Context], *, lock: bool = False, required: bool = True
) -> tuple[list[ContextRef], list[Entity]]:
    """Return unsaved rows for contexts and the entities that they name, checked to be the organisation's; one query.

    `lock` them when the flow may wait for their changes: who changes one afterwards then finds the flow.
    """
    if not contexts and required:
        raise InvalidInput("contexts", "at least one entity is required")
    if sum(context.is_primary for context in contexts) > 1:
        raise InvalidInput("contexts", "only one entity can be the primary one")
    ids = [_entity_id(index, context) for index, context in enumerate(contexts)]
    if len(set(ids)) < len(ids):
        raise InvalidInput("contexts", "the same entity is named twice")
    named = Entity.objects.filter(organisation=actor.organisation, id__in=ids, deleted_at=None).order_by("id")
    found = list(named.select_for_update(no_key=True) if lock else named)
    schemas = {entity.id: entity.schema for entity in found}
    primary = next((index for index, context in enumerate(contexts) if context.is_primary), 0)
    rows = []
    for index, (entity_id, context) in enumerate(zip(ids, contexts, strict=True)):
        if schemas.get(entity_id) != context.entity_schema:
            message = f"there is no {context.entity_schema} {context.entity_id}"
            raise InvalidInput(f"contexts[{index}].entity_id", message)
        rows.append(
            ContextRef(
                organisation_id=actor.organisation.id,
                position=index,
                entity_id=entity_id,
                entity_schema=context.entity_schema,
                is_primary=index == primary,
            )
        )
    return rows, found


def _entity_id(index: int, context: Context) -> UUID:
    try:
        return UUID(context.entity_id)
    except ValueError as error:
        message = f"there is no {context.entity_schema} {context.entity_id}"
        raise InvalidInput(f"contexts[{index}].entity_id", message) from error


@in_transaction
def patch_execution(actor: Actor, execution_id: str | UUID, patch: ExecutionPatch, now: datetime | None = None) -> Execution:
    """Apply a PATCH and return the execution. Closing and reopening are changes of `status`."""
    step = lock_execution(actor, execution_id, now or timezone.now())
    if "status" in patch:
        step.require("workflow:execution:cancel")
    if patch.keys() - {"status", "closing_reason", "closed_by"}:
        step.require("workflow:execution:update_details")
    execution = step.execution
    if "closing_reason" in patch:
        _select_reasons(step, patch["closing_reason"])
    if "status" in patch:
        _change_status(step, ExecutionStatus(patch["status"]), patch.get("closed_by"))
    if "assigned_to" in patch:
        before = Assignment.objects.filter(execution_id=execution.id, task=None, phase=None).order_by("position")
        old = [row.assignee for row in before if row.assignee]
        rows = assign(step, patch["assigned_to"])
        step.record("execution.assigned", {"assigned_to": old}, {"assigned_to": [row.assignee for row in rows if row.assignee]})
    if patch.keys() & {"due_date", "due_date_config"}:
        patch_due_date(step, execution, patch)
    if "contexts" in patch:
        _replace_contexts(step, patch["contexts"])
    step.save()
    return execution


def _change_status(step: Step, status: ExecutionStatus, closed_by: str | None) -> None:
    if status == step.execution.status:
        return
    step.apply(advance.set_execution_status(step.flow(), status, step.moment()))
    if status is ExecutionStatus.CLOSED and closed_by:
        step.execution.closed_by = closed_by
    if status is ExecutionStatus.STARTED:
        step.execution.extra = {
            k: v for k, v in step.execution.extra.items() if k not in ("selected_reasons", "extra_description")
        }


def _select_reasons(step: Step, closing: dict[str, Any]) -> None:
    """Note why an execution is closed. The reasons offered are those that its template had at the start."""
    extra = dict(step.execution.extra)
    selected = closing.get("selected_reasons", extra.get("selected_reasons")) or []
    offered = {reason["id"]: reason for reason in step.execution.extra.get("configured_reasons") or []}
    for index, reason in enumerate(selected):
        if reason["id"] not in offered:
            field = f"closing_reason.selected_reasons[{index}].id"
            raise InvalidInput(field, f"{reason['id']} is not one of the closing reasons of this execution")
    if len(selected) > 1 and step.compiled.data.get("singleClosingReasonSelection"):
        raise InvalidInput("closing_reason.selected_reasons", "only one closing reason can be selected")
    before = {"selected_reasons": extra.get("selected_reasons") or []}
    extra["selected_reasons"] = [offered[reason["id"]] for reason in selected]
    if "extra_description" in closing:
        extra["extra_description"] = closing["extra_description"]
    step.execution.extra = extra
    step.record("execution.closing_reason", before, {"selected_reasons": extra["selected_reasons"]})


def _replace_contexts(step: Step, contexts: Sequence[Context]) -> None:
    rows, _ = resolve_contexts(step.actor, contexts)
    old = ContextRef.objects.filter(execution_id=step.execution.id)
    before = [str(entity_id) for entity_id in old.order_by("position").values_list("entity_id", flat=True)]
    old.delete()
    for row in rows:
        row.execution_id = step.execution.id
    insert_rows(rows)
    step.record("execution.contexts", {"contexts": before}, {"contexts": [str(row.entity_id) for row in rows]})
    if step.execution.waits_for_entity:
        step.apply(machines.reconsider(step.flow(), step.moment()))


@in_transaction
def delete_execution(actor: Actor, execution_id: str | UUID, soft: bool, now: datetime | None = None) -> None:
    """Delete an execution: hide it and keep it for audits (`soft`), or remove it for good. Entities stay."""
    actor.require_some("workflow:execution:delete")
    step = lock_execution(actor, execution_id, now or timezone.now())
    step.require("workflow:execution:delete")
    insert_rows(cancelled_runs(step))
    if soft:
        step.apply(machines.cancel_all(step.flow(), step.moment()))
        step.record("execution.deleted")
        step.save()
        Execution.objects.filter(pk=step.execution.pk).update(deleted_at=step.now)
        return
    step.record("execution.deleted")
    entity_sync.plan_entity_sync(step)
    flow_followers.plan_deliveries(step)
    Comment.objects.filter(execution_id=step.execution.pk).delete()
    audit.note(
        "execution.deleted",
        subject_id=step.execution.pk,
        subject=step.execution.name,
        before={"status": step.execution.status, "events": step.execution.next_seq - 1},
        organisation_id=step.execution.organisation_id,
    )
    with forgetting(f"execution {step.execution.pk} is deleted for good"):
        Event.objects.filter(execution_id=step.execution.pk)._raw_delete(using="default")
    for model in (ExecutionDocument, Share, Assignment, ContextRef, Presence, Edge, Task, Phase):
        model.objects.filter(execution_id=step.execution.pk)._raw_delete(using="default")
    jobs = Job.objects.filter(organisation=actor.organisation, payload__execution_id=str(step.execution.pk))
    # What is still to be written to entities, or to be told, outlives the execution.
    jobs.exclude(kind__in=OUTLIVING).delete()
    insert_rows([job for job in step.jobs if job.kind in OUTLIVING])
    Execution.objects.filter(pk=step.execution.pk)._raw_delete(using="default")


def cancelled_runs(step: Step) -> list[Job]:
    """Return the jobs that end the runs of an execution that is deleted. Those jobs outlive it: they do not name it."""
    runs = AutomationExecution.objects.filter(workflow_execution_id=step.execution.pk, finished_at=None).values_list(
        "pk", flat=True
    )
    asked = AgentRun.objects.filter(workflow_execution_id=step.execution.pk, finished_at=None).values_list("pk", flat=True)
    ended = [("cancel_run", "automation_id", pk) for pk in runs] + [("cancel_agent", "agent_run_id", pk) for pk in asked]
    return [
        Job(organisation_id=step.execution.organisation_id, kind=kind, subject=pk, payload={name: str(pk)})
        for kind, name, pk in ended
    ]


def find_execution(actor: Actor, execution_id: str | UUID) -> Execution:
    """Return an execution of the actor's organisation that is not deleted and that they may see. Raises NotFound."""
    rows = Execution.objects.filter(pk=parse_id(execution_id), organisation=actor.organisation, deleted_at=None)
    execution = rows.filter(executions_within(actor, VIEW)).first()
    if execution is None:
        raise NotFound
    return execution
