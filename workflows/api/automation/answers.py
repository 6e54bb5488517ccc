"""What automation flows and their runs look like in answers, for the OpenAPI document: `rendering` renders them."""

from typing import Any

from rest_framework import serializers

from workflows.api import fields
from workflows.engine.automations import RunStatus
from workflows.services.automation_runs import STRATEGIES

STATUSES = tuple(str(status) for status in RunStatus)


class TriggerAnswer(serializers.Serializer[Any]):
    """A trigger, as it was saved."""

    id = fields.Text(required=False, allow_null=True)
    type = fields.Text(required=False, allow_null=True)
    configuration = fields.Object(required=False, allow_null=True)


class StatementAnswer(serializers.Serializer[Any]):
    """A statement, as it was saved."""

    id = serializers.JSONField(required=False)
    source = fields.Object(required=False, allow_null=True)  # type: ignore[assignment]
    operation = serializers.JSONField(required=False)
    values = serializers.ListField(child=serializers.JSONField(), required=False, allow_null=True)


class ConditionAnswer(serializers.Serializer[Any]):
    """A condition, as it was saved; in a run with what came of it."""

    id = serializers.JSONField(required=False)
    schedule_id = serializers.JSONField(required=False)
    evaluationResult = serializers.JSONField(required=False)
    statements = StatementAnswer(many=True, required=False, allow_null=True)


class ScheduleAnswer(serializers.Serializer[Any]):
    """A schedule, as it was saved."""

    id = serializers.JSONField(required=False)
    numberOfUnits = serializers.JSONField(required=False)
    timePeriod = serializers.JSONField(required=False)
    timeRelation = serializers.JSONField(required=False)
    source = fields.Object()  # type: ignore[assignment]


class ActionError(serializers.Serializer[Any]):
    """What went wrong with an action."""

    error_code = fields.Text()
    error_reason = fields.Text()
    error_info = fields.Object(required=False)


class ActionAnswer(serializers.Serializer[Any]):
    """An action as it was designed; in a run with how far it has come."""

    id = fields.Text(required=False, allow_null=True)
    flow_action_id = fields.Text(required=False, allow_null=True)
    name = fields.Text(required=False, allow_null=True)
    type = fields.Text(required=False, allow_null=True)
    config = fields.Object(required=False, allow_null=True)
    condition_id = fields.Text(required=False, allow_null=True)
    schedule_id = fields.Text(required=False, allow_null=True)
    allow_failure = serializers.JSONField(required=False)
    execution_status = fields.OneOf(STATUSES, required=False)
    started_at = serializers.DateTimeField(required=False)
    updated_at = serializers.DateTimeField(required=False)
    outputs = serializers.JSONField(required=False)
    error_output = ActionError(required=False)
    reason = serializers.JSONField(required=False)
    retry_strategy = fields.OneOf(STRATEGIES, required=False)


class Disabled(serializers.Serializer[Any]):
    """Who switched a flow off, and when."""

    disabled_at = serializers.DateTimeField()
    disabled_by = fields.Text()


class RunLimit(serializers.Serializer[Any]):
    count = serializers.FloatField(required=False)
    window = fields.Text(required=False)


class AutomationFlowAnswer(serializers.Serializer[Any]):
    """A flow as it was saved, fields that are not named here included, with what the server says about it."""

    id = fields.Text()
    org_id = fields.Text()
    flow_name = fields.Text()
    enabled = fields.Flag()
    disable_details = Disabled(required=False)
    entity_schema = fields.Text(required=False)
    triggers = TriggerAnswer(many=True)
    conditions = ConditionAnswer(many=True, required=False)
    schedules = ScheduleAnswer(many=True, required=False)
    actions = ActionAnswer(many=True)
    max_executions = RunLimit(required=False)
    runs = serializers.FloatField()
    version = serializers.FloatField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    created_by = fields.Text()
    last_updated_by = fields.Text()


class CreatedFlow(AutomationFlowAnswer):
    signing_secret = fields.Text(help_text="Signs what its plain URLs are sent; shown once")


class FoundAutomations(serializers.Serializer[Any]):
    total = serializers.FloatField()
    results = AutomationFlowAnswer(many=True)


class RunOrigin(serializers.Serializer[Any]):
    """The flow execution and the task that a run belongs to."""

    workflow_exec_id = fields.Text()
    workflow_exec_task_id = fields.Text(required=False)
    workflow_role = fields.Text()
    trigger_user_id = fields.Text(required=False)
    entity_contexts = serializers.ListField(child=fields.Object())
    _execution_chain = fields.Object()


class AutomationRunAnswer(serializers.Serializer[Any]):
    """A run of a flow; its actions in order."""

    id = fields.Text()
    status = fields.OneOf(STATUSES)
    execution_status = fields.OneOf(STATUSES)
    entity_id = fields.Text()
    org_id = fields.Text()
    flow_id = fields.Text()
    flow_name = fields.Text(required=False)
    version = serializers.FloatField(required=False)
    created_at = serializers.DateTimeField(required=False)
    updated_at = serializers.DateTimeField(required=False)
    conditions = ConditionAnswer(many=True, required=False)
    schedules = ScheduleAnswer(many=True, required=False)
    actions = ActionAnswer(many=True)
    trigger_event = fields.Object(required=False, allow_null=True)
    chain = serializers.ListField(child=fields.Text(), required=False)
    current_action_id = fields.Text(required=False)
    resume_token = fields.Text(required=False)
    workflow_context = RunOrigin(required=False)


class RunsPage(serializers.Serializer[Any]):
    total = serializers.FloatField()
    results = AutomationRunAnswer(many=True)


class FoundRuns(RunsPage):
    next_cursor = fields.Text(required=False)


class Resumed(serializers.Serializer[Any]):
    """A run that goes on, and the action that had waited."""

    execution = AutomationRunAnswer()
    resumedAction = ActionAnswer()
