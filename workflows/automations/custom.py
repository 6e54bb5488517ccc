"""custom-action: ask an outside service to do something, signed; its answer, or later its callback, says what came of it."""

from typing import Any

import orjson

from workflows.automations.sending import Rejected, deliver
from workflows.automations.situation import ActionType, CannotDo, Situation
from workflows.automations.webhook import MOST_SHOWN, endpoint_of
from workflows.documents import timestamp
from workflows.services.automation_run import Outcome, done, paused, skipped
from workflows.services.resume_tokens import make_token

CODE = "CUSTOM_ACTION_ERROR"


def ask(situation: Situation) -> Outcome:
    """Send the request, and read the answer: `skip_reason`, `error_reason`, or all is well."""
    endpoint, _ = endpoint_of(situation)
    waits = situation.config.get("wait_for_callback") is True
    try:
        answer = deliver(situation.job, endpoint, request_of(situation, waits=waits))
    except Rejected as error:
        raise CannotDo(CODE, str(error), status=error.status) from error
    said = _read(answer.body)
    if isinstance(said.get("error_reason"), str):
        raise CannotDo(CODE, said["error_reason"][:MOST_SHOWN])
    if isinstance(said.get("skip_reason"), str):
        return skipped(said["skip_reason"][:MOST_SHOWN])
    outputs = {"status": answer.status, "body": answer.text[:MOST_SHOWN]}
    return paused("callback", **outputs) if waits else done(**outputs)


def request_of(situation: Situation, *, waits: bool) -> dict[str, Any]:
    execution, action = situation.execution, situation.action
    config = {key: value for key, value in situation.config.items() if key not in ("url", "target_webhook_id")}
    data: dict[str, Any] = {
        "org_id": execution.organisation.slug,
        "entity": dict(situation.entity),
        "action_config": config,
        "execution_id": str(execution.id),
        "action_id": action.key,
        "flow_id": str(execution.flow_id),
        "flow_name": execution.flow_name,
    }
    if execution.workflow_execution_id:
        data["workflow_context"] = {
            "workflow_exec_id": str(execution.workflow_execution_id),
            "workflow_exec_task_id": str(execution.workflow_task_id),
        }
    if waits:
        data["resume_token"] = make_token(execution.id, action.key, situation.job.pk)
    return {"type": "automation.custom_action", "timestamp": timestamp(execution.created_at), "data": data}


def _read(body: bytes) -> dict[str, Any]:
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}


ACTION = ActionType(CODE, call=ask)
