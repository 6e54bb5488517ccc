"""Request bodies of automations, as the public contract has them. What a flow holds besides is kept as it was sent."""

from typing import Any

from rest_framework import serializers

from workflows.api import fields
from workflows.services.automation_runs import RETRY_AND_RESUME, STRATEGIES

MAX_TOKEN = 500
MOST_AT_ONCE = 200


class Part(fields.Object):
    """An object that has to have a `type` of its own, if it has one at all."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        value = super().to_internal_value(data)
        for name in ("id", "type", "condition_id", "schedule_id", "flow_action_id", "name"):
            if value.get(name) is not None and (not isinstance(value[name], str) or len(value[name]) > fields.MAX_ID):
                raise serializers.ValidationError({name: f"must be a text of at most {fields.MAX_ID} characters"})
        for name in ("config", "configuration"):
            if value.get(name) is not None and not isinstance(value[name], dict):
                raise serializers.ValidationError({name: "must be an object"})
        return value


class Condition(fields.Object):
    """A condition; its statements are objects."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        value = super().to_internal_value(data)
        statements = value.get("statements") or []
        if not isinstance(statements, list) or not all(isinstance(statement, dict) for statement in statements):
            raise serializers.ValidationError({"statements": "must be a list of objects"})
        for number, statement in enumerate(statements):
            if not isinstance(statement.get("source"), dict | None):
                raise serializers.ValidationError({f"statements[{number}].source": "must be an object"})
            if not isinstance(statement.get("values"), list | None):
                raise serializers.ValidationError({f"statements[{number}].values": "must be a list of texts"})
        return value


class Schedule(fields.Object):
    """A schedule; what it counts from is an object."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        value = super().to_internal_value(data)
        if not isinstance(value.get("source"), dict):
            raise serializers.ValidationError({"source": "must be an object"})
        return value


class Limit(serializers.Serializer[Any]):
    """How often a flow may run."""

    count = fields.Whole(required=False, min_value=1, max_value=1_000_000)
    window = fields.Text(required=False, max_length=40)


class Flow(serializers.Serializer[Any]):
    """createFlow, putFlow. Fields that are not named here are kept."""

    flow_name = fields.Name()
    enabled = fields.Flag(required=False, default=True)
    entity_schema = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)
    triggers = serializers.ListField(child=Part(), max_length=50)
    actions = serializers.ListField(child=Part(), max_length=100)
    conditions = serializers.ListField(child=Condition(), required=False, max_length=100)
    schedules = serializers.ListField(child=Schedule(), required=False, max_length=100)
    max_executions = Limit(required=False)

    def to_internal_value(self, data: Any) -> Any:
        checked = super().to_internal_value(data)
        return {**data, **checked}


class WorkflowContext(serializers.Serializer[Any]):
    """The flow execution that a run belongs to."""

    workflow_exec_id = fields.Identifier()
    workflow_exec_task_id = fields.Identifier(required=False, allow_null=True)
    workflow_role = fields.Text(required=False)


class StartExecution(serializers.Serializer[Any]):
    """startExecution."""

    entity_id = fields.Identifier()
    flow_id = fields.Identifier()
    workflow_context = WorkflowContext(required=False, allow_null=True)


class FlowIds(serializers.Serializer[Any]):
    """batchGetFlows."""

    ids = serializers.ListField(child=fields.Identifier(), max_length=MOST_AT_ONCE)


class SearchExecutions(serializers.Serializer[Any]):
    """searchExecutions."""

    entity_id = fields.Identifier()
    include_flows = fields.Flag(required=False, default=False)
    size = fields.Whole(required=False, min_value=1, max_value=100, default=25)
    cursor = fields.Text(required=False, max_length=200)


class Retry(serializers.Serializer[Any]):
    """retriggerAction."""

    condition_id = fields.Identifier(required=False, allow_null=True)
    retry_strategy = fields.OneOf(STRATEGIES, required=False, default=RETRY_AND_RESUME)


class Resume(serializers.Serializer[Any]):
    """resumeExecutionWithToken."""

    resume_token = fields.Text(allow_blank=False, max_length=MAX_TOKEN)
