"""Request bodies of flow executions, as the public contract has them. Fields that it does not name are ignored."""

from typing import Any

from rest_framework import serializers

from workflows.api import fields
from workflows.api.definitions.serializers import INPUT_SOURCES
from workflows.engine.status import ExecutionStatus, TaskStatus, TaskType

TRIGGERS = ("MANUAL", "AUTOMATIC")
STATUSES = ("UNASSIGNED", "ASSIGNED", *TaskStatus)


class Context(serializers.Serializer[Any]):
    """An entity that an execution is about."""

    entity_id = fields.Identifier()
    entity_schema = fields.Identifier()
    is_primary = fields.Flag(required=False, default=False)


class InputContext(serializers.Serializer[Any]):
    """The entity that an automation works on."""

    source = fields.OneOf(INPUT_SOURCES)  # type: ignore[assignment]
    task_id = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)


class AutomationInfo(serializers.Serializer[Any]):
    """Which automation a task runs, and how its last run went."""

    flow_id = fields.Text(max_length=fields.MAX_ID)
    execution_id = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)
    execution_status = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)
    error_reason = fields.Text(required=False, allow_null=True, max_length=fields.MAX_DESCRIPTION)
    input_context = InputContext(required=False, allow_null=True)


class StartTrigger(serializers.Serializer[Any]):
    """How an execution came to be started."""

    type = fields.OneOf(TRIGGERS, required=False, default="MANUAL")
    automation_config = AutomationInfo(required=False, allow_null=True)


class StartFlow(serializers.Serializer[Any]):
    """startFlowExecution."""

    flow_template_id = fields.Identifier()
    trigger = StartTrigger(required=False)
    contexts = Context(many=True, allow_empty=False)
    purposes = serializers.ListField(child=fields.Identifier(), required=False, default=list)


class Reason(serializers.Serializer[Any]):
    id = fields.Identifier()
    title = fields.Text(required=False)


class Closing(serializers.Serializer[Any]):
    """Why an execution is closed: some of the configured reasons, and free text. What is configured is taken and not used."""

    selected_reasons = Reason(many=True, required=False)
    configured_reasons = Reason(many=True, required=False)
    extra_description = fields.Text(required=False, max_length=fields.MAX_DESCRIPTION)


class PatchFlow(serializers.Serializer[Any]):
    """patchFlowExecution."""

    status = fields.OneOf(ExecutionStatus, required=False)
    assigned_to = fields.Assignees()
    closing_reason = Closing(required=False)
    due_date = fields.DueDate()
    due_date_config = fields.DueDateRule()
    contexts = Context(many=True, allow_empty=False, required=False)


class SearchFlows(serializers.Serializer[Any]):
    """searchFlowExecutions; the page is an addition, without it everything is found. `from` is taken from the body by name."""

    entity_id = fields.Identifier()
    entity_schema = fields.Identifier()
    size = fields.Whole(required=False, min_value=0, max_value=1000, default=1000)

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {"from": fields.Whole(required=False, min_value=0, max_value=1_000_000, default=0)}


class PatchTask(serializers.Serializer[Any]):
    """patchTask."""

    name = fields.Name(required=False)
    status = fields.OneOf(STATUSES, required=False)
    due_date = fields.DueDate()
    due_date_config = fields.DueDateRule()
    assigned_to = fields.Assignees()
    enabled = fields.Flag(required=False)
    automation_config = AutomationInfo(required=False)
    description = fields.Description(required=False)
    ecp = fields.Portal(required=False)
    installer = fields.Portal(required=False)
    partner = fields.Portal(required=False)
    next_condition_id = fields.Identifier(required=False)
    revert_execution = fields.Flag(required=False)
    completed_via_journey = fields.Flag(required=False)


class PatchPhase(serializers.Serializer[Any]):
    """patchPhase."""

    name = fields.Name(required=False)
    due_date = fields.DueDate()
    due_date_config = fields.DueDateRule()
    assigned_to = fields.Assignees()


class NewTask(serializers.Serializer[Any]):
    """The task of addTask."""

    id = serializers.UUIDField(required=False, format="hex_verbose")
    name = fields.Name()
    status = fields.OneOf(STATUSES, required=False)
    due_date = fields.DueDate()
    due_date_config = fields.DueDateRule()
    assigned_to = fields.Assignees()
    enabled = fields.Flag(required=False)
    automation_config = AutomationInfo(required=False)
    phase_id = fields.Identifier(required=False)
    task_type = fields.OneOf(TaskType, required=False)


class AddTask(serializers.Serializer[Any]):
    """addTask."""

    previous_task_id = serializers.UUIDField()
    next_task_id = serializers.UUIDField()
    task = NewTask()
