"""trigger-workflow: start an execution of a template about the run's entities; a circle of such starts ends at depth 10."""

from typing import Any

from workflows.automations.situation import ActionType, CannotDo, Situation
from workflows.engine.automations import MAX_DEPTH
from workflows.engine.errors import WorkflowError
from workflows.models import Execution, Task
from workflows.services.automation_run import Outcome, done
from workflows.services.errors import InvalidInput
from workflows.services.executions import Context, StartRequest, patch_execution, start_execution
from workflows.services.tasks import patch_task

CODE = "TRIGGER_WORKFLOW_ERROR"


def start_flow(situation: Situation) -> Outcome:
    template_id = situation.text("target_workflow")
    if not template_id:
        raise CannotDo("BAD_CONFIG", "target_workflow is missing")
    if situation.config.get("conditions"):
        raise CannotDo("BAD_CONFIG", "conditions of trigger-workflow are not supported; use a condition of the automation")
    chain = next_chain(situation)
    try:
        execution = start_execution(
            situation.actor,
            StartRequest(
                template_id=template_id,
                contexts=contexts_of(situation),
                trigger="AUTOMATIC",
                automation_config={
                    "flow_id": str(situation.execution.flow_id),
                    "execution_id": str(situation.execution.id),
                },
                purposes=purposes_of(situation),
                chain=chain,
            ),
        )
        assign(situation, execution)
    except (InvalidInput, WorkflowError) as error:
        raise CannotDo(CODE, str(error)) from error
    return done(workflow_execution_id=str(execution.id), depth=chain["depth"])


def next_chain(situation: Situation) -> dict[str, Any]:
    """Return the place of the new execution in the chain of those that started each other. Raises CannotDo past depth 10."""
    before = situation.execution.context.get("execution_chain") or {}
    depth = int(before.get("depth") or 0) + 1
    if depth > MAX_DEPTH:
        raise CannotDo(CODE, f"{MAX_DEPTH} flows have started each other; this looks like a circle")
    chain: dict[str, Any] = {"depth": depth, "automations": situation.execution.context.get("chain") or []}
    if situation.execution.workflow_execution_id:
        chain["parent_execution_id"] = str(situation.execution.workflow_execution_id)
        chain["parent_task_id"] = str(situation.execution.workflow_task_id)
    return chain


def contexts_of(situation: Situation) -> list[Context]:
    """Return the run's entity as the primary one, and the others of the flow execution that it runs for."""
    execution = situation.execution
    own = Context(str(execution.entity_id), execution.entity_schema, is_primary=True)
    others = execution.context.get("entity_contexts") or []
    return [own, *(Context(c["entity_id"], c["entity_schema"]) for c in others if c["entity_id"] != own.entity_id)]


def purposes_of(situation: Situation) -> list[str]:
    if not situation.config.get("filter_with_purposes"):
        return []
    found = situation.entity.get("_purpose")
    return [purpose for purpose in found if isinstance(purpose, str)] if isinstance(found, list) else []


def assign(situation: Situation, execution: Execution) -> None:
    """Give the new execution, and steps of it, to whom the configuration names."""
    people = [str(person) for person in situation.config.get("assignees") or []]
    if people:
        patch_execution(situation.actor, execution.id, {"assigned_to": people})
    steps = {step.get("step_id"): step.get("user_ids") or [] for step in situation.config.get("assign_steps") or []}
    if not steps:
        return
    for task in Task.objects.filter(execution_id=execution.id, template_id__in=[str(key) for key in steps]):
        patch_task(situation.actor, execution.id, task.id, {"assigned_to": [str(person) for person in steps[task.template_id]]})


ACTION = ActionType(CODE, apply=start_flow)
