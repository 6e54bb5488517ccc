"""cancel-flow-execution: close the flow execution that the run belongs to. Put it last: closing ends what is left of the run."""

from workflows.automations.situation import ActionType, CannotDo, Situation
from workflows.engine.errors import WorkflowError
from workflows.services.automation_run import Outcome, done
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.executions import ExecutionPatch, patch_execution

CODE = "CANCEL_FLOW_EXECUTION_ERROR"


def cancel_flow(situation: Situation) -> Outcome:
    execution_id = situation.execution.workflow_execution_id
    if execution_id is None:
        raise CannotDo(CODE, "This automation does not run for a flow, so there is none to close")
    patch: ExecutionPatch = {"status": "CLOSED"}
    reasons = situation.config.get("selected_reasons") or []
    if reasons or situation.text("extra_description"):
        closing = {"selected_reasons": [{"id": reason.get("id")} for reason in reasons]}
        patch["closing_reason"] = closing | {"extra_description": situation.text("extra_description")}
    try:
        patch_execution(situation.actor, execution_id, patch)
    except (InvalidInput, WorkflowError) as error:
        raise CannotDo(CODE, str(error)) from error
    except NotFound as error:
        raise CannotDo(CODE, "The flow does not exist any more") from error
    return done(workflow_execution_id=str(execution_id))


ACTION = ActionType(CODE, apply=cancel_flow)
