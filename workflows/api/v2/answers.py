"""What flow executions look like in answers, for the OpenAPI document: `workflows.documents` renders them."""

from typing import Any

from rest_framework import serializers

from workflows.api import fields
from workflows.api.definitions.serializers import EntitySync
from workflows.api.v2 import serializers as requests
from workflows.engine.conditions import Operator
from workflows.engine.due_dates import Anchor, Unit
from workflows.engine.status import ExecutionStatus, PhaseStatus, TaskType, TriggerMode

EVALUATION_ORIGINS = ("trigger", "action")
OFFSET_UNITS = ("days", "months", "years")
SCHEDULE_ORIGINS = ("flow_started", "task_completed", "trigger_entity_attribute", "all_preceding_tasks_completed")
ATTRIBUTE_TYPES = (
    "string text number boolean date datetime tags country email phone product price status relation multiselect select radio "
    "relation_user purpose label message_email_address"
).split()


class Ids(serializers.ListField):
    child = fields.Text()


class Rule(serializers.Serializer[Any]):
    """A due date that counts from an event."""

    duration = serializers.FloatField()
    unit = fields.OneOf(Unit)
    type = fields.OneOf(Anchor)
    task_id = fields.Text(required=False)
    phase_id = fields.Text(required=False)


class Analytics(serializers.Serializer[Any]):
    """Who moved it to its statuses, and when."""

    started_at = serializers.DateTimeField(required=False)
    in_progress_at = serializers.DateTimeField(required=False)
    completed_at = serializers.DateTimeField(required=False)
    status_updated_at = serializers.DateTimeField(required=False)
    in_progress_by = fields.Text(required=False)
    completed_by = fields.Text(required=False)
    skipped_by = fields.Text(required=False)
    on_hold_by = fields.Text(required=False)


class AutomationRun(serializers.Serializer[Any]):
    """Which automation a task runs, and how its last run went."""

    flow_id = fields.Text()
    execution_id = fields.Text(required=False)
    execution_status = fields.Text(required=False)
    error_reason = fields.Text(required=False)
    input_context = requests.InputContext(required=False)
    heal_attempts = fields.Whole(required=False)
    last_heal_attempted_at = serializers.DateTimeField(required=False)


class DateOffset(serializers.Serializer[Any]):
    amount = fields.Whole(required=False)
    unit = fields.OneOf(OFFSET_UNITS, required=False)


class EvaluationSource(serializers.Serializer[Any]):
    """What a statement looks at."""

    id = fields.Text(required=False)
    origin = fields.OneOf(EVALUATION_ORIGINS, required=False)
    origin_type = fields.OneOf(("entity", "workflow", "journey_block"), required=False)
    schema = fields.Text(required=False)
    attribute = fields.Text(required=False)
    attribute_type = fields.OneOf(ATTRIBUTE_TYPES, required=False)
    attribute_repeatable = fields.Flag(required=False)
    attribute_operation = fields.OneOf(("all", "updated", "added", "deleted"), required=False)
    attributes = Ids(required=False, max_length=10)
    attributes_match = fields.OneOf(("any", "all"), required=False)
    attribute_sub_field = fields.Text(required=False)
    date_offset = DateOffset(required=False)


class EvaluatedStatement(serializers.Serializer[Any]):
    """One question of a condition."""

    id = fields.Text()
    source = EvaluationSource()  # type: ignore[assignment]
    operator = fields.OneOf(Operator)
    values = Ids()
    value_type = fields.OneOf(("static", "relative_date"), required=False)


class EvaluatedCondition(serializers.Serializer[Any]):
    """A branch of a decision, and how it was evaluated last."""

    id = fields.Text()
    branch_name = fields.Text()
    logical_operator = fields.OneOf(("AND", "OR"))
    statements = EvaluatedStatement(many=True)
    evaluated_at = serializers.DateTimeField(required=False)
    is_met = fields.Flag(required=False)


class ScheduleOrigin(serializers.Serializer[Any]):
    """The event that a relative schedule counts from."""

    id = fields.Text()
    origin = fields.OneOf(SCHEDULE_ORIGINS)
    schema = fields.Text(required=False)
    attribute = fields.Text(required=False)


class ScheduleInfo(serializers.Serializer[Any]):
    """When a machine's task begins, and how far that has come."""

    mode = fields.OneOf(("immediate", "delayed", "relative"))
    direction = fields.OneOf(("before", "after"), required=False)
    duration = serializers.FloatField(required=False)
    unit = fields.OneOf(Unit, required=False)
    reference = ScheduleOrigin(required=False)
    schedule_id = fields.Text(required=False)
    scheduled_at = fields.Text(required=False)
    error_reason = fields.Text(required=False)


class LoopInfo(serializers.Serializer[Any]):
    """The loop around a task, or the loop that a decision is the head of."""

    loop_branch_id = fields.Text(required=False)
    exit_branch_id = fields.Text(required=False)
    max_iterations = fields.Whole()
    crt_iterations = fields.Whole(required=False)


class AgentConfig(serializers.Serializer[Any]):
    agent_id = fields.Text()
    parameters = fields.Object(required=False)


class AgentExecution(serializers.Serializer[Any]):
    """How an agent's last run went."""

    execution_id = fields.Text(required=False)
    execution_status = fields.Text(required=False)
    error_reason = fields.Text(required=False)
    outcome = fields.Text(required=False)


class RequirementInfo(serializers.Serializer[Any]):
    """What must be finished before a task is enabled."""

    task_id = fields.Text(required=False)
    phase_id = fields.Text(required=False)
    when = fields.OneOf(("TASK_FINISHED", "PHASE_FINISHED"))


class FlowTask(serializers.Serializer[Any]):
    """A task of any type; the fields of automations, decisions and agents are there for theirs only."""

    id = fields.Text()
    template_id = fields.Text()
    name = fields.Text()
    description = fields.Description(required=False)
    status = fields.OneOf(requests.STATUSES)
    journey = fields.Journey(required=False)
    due_date = fields.Text(required=False)
    due_date_config = Rule(required=False)
    requirements = RequirementInfo(many=True, required=False)
    assigned_to = fields.Assignees()
    analytics = Analytics()
    created_at = serializers.DateTimeField(required=False)
    updated_at = serializers.DateTimeField(required=False)
    manually_created = fields.Flag(required=False)
    enabled = fields.Flag()
    ecp = fields.Portal(required=False)
    installer = fields.Portal(required=False)
    partner = fields.PartnerInfo(required=False)
    taxonomies = Ids(required=False)
    phase_id = fields.Text(required=False)
    task_type = fields.OneOf(TaskType)
    loop_config = LoopInfo(required=False)
    automation_config = AutomationRun(required=False)
    automation_execution_id = fields.Text(required=False)
    trigger_mode = fields.OneOf(TriggerMode, required=False)
    schedule = ScheduleInfo(required=False)
    conditions = EvaluatedCondition(many=True, required=False)
    allow_parallel_execution = fields.Flag(required=False)
    agent_config = AgentConfig(required=False)
    agent_execution = AgentExecution(required=False)
    agent_execution_id = fields.Text(required=False)


class FlowPhase(serializers.Serializer[Any]):
    """A stage of an execution."""

    id = fields.Text()
    template_id = fields.Text()
    name = fields.Text()
    status = fields.OneOf(PhaseStatus, required=False)
    updated_at = fields.Text(required=False)
    due_date = fields.Text(required=False)
    due_date_config = Rule(required=False)
    assigned_to = fields.Assignees()
    analytics = Analytics(required=False)
    taxonomies = Ids(required=False)
    loop_config = LoopInfo(required=False)


class FlowEdge(serializers.Serializer[Any]):
    """A way from one task to the next; `to_id` empty: the path ends."""

    id = fields.Text()
    from_id = fields.Text()
    to_id = fields.Text()
    condition_id = fields.Text(required=False)
    none_met = fields.Flag(required=False)


class FlowAnalytics(serializers.Serializer[Any]):
    started_at = fields.Text(required=False)
    completed_at = fields.Text(required=False)
    closed_at = fields.Text(required=False)
    started_by = fields.Text(required=False)
    closed_by = fields.Text(required=False)


class CurrentTask(serializers.Serializer[Any]):
    id = fields.Text(required=False)
    crt_since = serializers.DateTimeField(required=False)


class Chain(serializers.Serializer[Any]):
    """How an execution came to be started by another one."""

    parent_execution_id = fields.Text(required=False)
    parent_task_id = fields.Text(required=False)
    depth = fields.Whole(required=False)


class ClosingReasonTitle(serializers.Serializer[Any]):
    id = fields.Text()
    title = fields.Text()


class FlowClosing(serializers.Serializer[Any]):
    """Why an execution is closed, and the reasons that were offered."""

    selected_reasons = ClosingReasonTitle(many=True, required=False)
    configured_reasons = ClosingReasonTitle(many=True, required=False)
    extra_description = fields.Text(required=False)


class FlowTriggerInfo(serializers.Serializer[Any]):
    type = fields.OneOf(requests.TRIGGERS, required=False)
    automation_config = AutomationRun(required=False)


class FlowContext(serializers.Serializer[Any]):
    entity_id = fields.Text(required=False)
    entity_schema = fields.Text(required=False)
    is_primary = fields.Flag(required=False)


class FlowExecution(serializers.Serializer[Any]):
    """A whole execution."""

    id = fields.Text()
    flow_template_id = fields.Text()
    org_id = fields.Text()
    name = fields.Text()
    created_at = fields.Text()
    updated_at = fields.Text()
    due_date = fields.Text(required=False)
    due_date_config = Rule(required=False)
    status = fields.OneOf(ExecutionStatus)
    assigned_to = fields.Assignees()
    analytics = FlowAnalytics()
    contexts = FlowContext(many=True)
    crt_tasks = CurrentTask(many=True)
    phases = FlowPhase(many=True, required=False)
    tasks = FlowTask(many=True)
    edges = FlowEdge(many=True)
    _execution_chain = Chain(required=False)
    closing_reason = FlowClosing(required=False)
    available_in_ecp = fields.Flag(required=False)
    entity_sync = EntitySync(many=True, required=False)
    taxonomies = Ids(required=False)
    trigger = FlowTriggerInfo()
    singleClosingReasonSelection = fields.Flag(required=False)
    linear = fields.Flag(required=False)


class FoundFlows(serializers.Serializer[Any]):
    results = FlowExecution(many=True, required=False)
