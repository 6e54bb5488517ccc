"""Request bodies of the older dialect. Fields that are not named here are ignored."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from workflows.api import fields
from workflows.api.v1 import dialect
from workflows.engine import due_dates
from workflows.engine.status import ExecutionStatus, TaskStatus
from workflows.services.searching import Sorting, StepState

TRIGGERS = ("MANUAL", "AUTOMATIC")
STATUSES = ("UNASSIGNED", "ASSIGNED", *TaskStatus)
STEP_TYPES = ("MANUAL", "AUTOMATION")
CONDITIONS = tuple(dialect.ANCHORS)
PERIODS = ("minutes", "hours", "days", "weeks", "months", "years")
EXECUTION_PERIODS = PERIODS[:5]
MAX_INDEX = 100_000


class Users(serializers.ListField):
    """The deprecated form of assignees: numbers."""

    child = fields.Count(min_value=0)

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"required": False, "allow_null": True, "max_length": 200} | options)


class Ids(serializers.ListField):
    """Opaque ids."""

    child = fields.Identifier()

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"required": False, "allow_null": True, "max_length": 200} | options)


class StepContext(fields.Part):
    """An entity that an execution is about; its title is the entity's own."""

    id = fields.Identifier()
    title = fields.Text(required=False, allow_null=True)
    schema = fields.Identifier()


class SelectedReason(fields.Part):
    id = fields.Identifier()
    title = fields.Text(required=False)


class DynamicDueDate(serializers.Serializer[Any]):
    """A due date that counts from an event. `actionType` is another name of `actionTypeCondition`."""

    numberOfUnits = fields.Count()
    timePeriod = fields.OneOf(EXECUTION_PERIODS)
    actionTypeCondition = fields.OneOf(CONDITIONS, required=False)
    actionType = fields.OneOf(CONDITIONS, required=False)
    stepId = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)
    phaseId = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)

    def validate(self, attrs: Mapping[str, Any]) -> Mapping[str, Any]:
        if not (attrs.get("actionTypeCondition") or attrs.get("actionType")):
            raise ValidationError({"actionTypeCondition": ErrorDetail("this field is required")})
        try:
            due_dates.parse_due_date_config(dialect.read_due_rule(attrs) or {})
        except ValueError as error:
            raise ValidationError({"numberOfUnits": ErrorDetail(str(error))}) from error
        return attrs


class AutomationConfig(serializers.Serializer[Any]):
    """Which automation a step runs, and how its last run went."""

    flowId = fields.Text(max_length=fields.MAX_ID)
    executionId = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)
    executionStatus = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)


class CreateExecution(serializers.Serializer[Any]):
    """createExecution."""

    workflowId = fields.Identifier()
    trigger = fields.OneOf(TRIGGERS, required=False, default="MANUAL")
    assignedTo = Ids()
    contexts = StepContext(many=True, required=False, default=list)
    purposes = Ids()


class UpdateExecution(serializers.Serializer[Any]):
    """updateExecution."""

    status = fields.OneOf(ExecutionStatus, required=False)
    assignedTo = Ids()
    selectedClosingReasons = SelectedReason(many=True, required=False)
    closingReasonDescription = fields.Text(required=False, max_length=fields.MAX_DESCRIPTION)
    dueDate = fields.DueDate()
    dynamicDueDate = DynamicDueDate(required=False, allow_null=True)
    closedBy = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)
    contexts = StepContext(many=True, required=False)
    completedTime = fields.Text(required=False, allow_null=True)


class Position(serializers.Serializer[Any]):
    """Where a step is to stand."""

    index = fields.Count(min_value=0, max_value=MAX_INDEX)
    sectionId = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)


class CreateStep(serializers.Serializer[Any]):
    """createStep."""

    insertionIndex = fields.Count(min_value=0, max_value=MAX_INDEX)
    name = fields.Name()
    description = fields.Description(required=False)
    status = fields.OneOf(STATUSES, required=False)
    sectionId = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)
    executionType = fields.OneOf(STEP_TYPES, required=False, default="MANUAL")
    automationConfig = AutomationConfig(required=False, allow_null=True)


class UpdateStep(serializers.Serializer[Any]):
    """updateStep. The ids in the body and the two times are taken and not used: the address and the clock decide."""

    stepId = fields.Text(required=False, allow_null=True)
    entityRefId = fields.Text(required=False, allow_null=True)
    userIds = Users()
    assignedTo = Ids()
    assignedToInProgress = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)
    assignedToOnHold = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)
    status = fields.OneOf(STATUSES, required=False)
    dueDate = fields.DueDate()
    dynamicDueDate = DynamicDueDate(required=False, allow_null=True)
    name = fields.Name(required=False)
    description = fields.Description(required=False)
    position = Position(required=False, allow_null=True)
    automationConfig = AutomationConfig(required=False)
    startedTime = fields.Text(required=False, allow_null=True)
    completedTime = fields.Text(required=False, allow_null=True)


class ExecutionKey(serializers.Serializer[Any]):
    """Where a page ended: send it back as it came."""

    orgId = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)
    creationTime = fields.Text(required=False, allow_null=True, max_length=2000)


class FindExecutions(serializers.Serializer[Any]):
    """searchExecutions."""

    name = fields.Text(required=False, allow_null=True, max_length=fields.MAX_NAME)
    status = fields.OneOf(ExecutionStatus, required=False, allow_null=True)
    includeDoneWorkflows = fields.Flag(required=False, default=False)
    assignedTo = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)
    sorting = fields.OneOf(Sorting, required=False, default=Sorting.TRIGGER_DATE_DESC.value)
    pagination = ExecutionKey(required=False, allow_null=True)


class UserNumber(serializers.FloatField):
    """A user's id: a number in the contract; texts are taken too, as ids of tokens and partners are none."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str):
            return fields.Text(max_length=fields.MAX_ID).run_validation(data)
        return str(fields.Whole(min_value=0).run_validation(data))


class Page(serializers.Serializer[Any]):
    """A page by its first row; `from` is taken from the body by name."""

    size = fields.Count(required=False, min_value=0, max_value=1000, default=25)

    def get_fields(self) -> dict[str, Any]:
        return {"from": fields.Count(required=False, min_value=0, max_value=1_000_000, default=0)} | super().get_fields()


class FindSteps(serializers.Serializer[Any]):
    """searchSteps."""

    executionName = fields.Text(required=False, allow_null=True, max_length=fields.MAX_NAME)
    stepName = fields.Text(required=False, allow_null=True, max_length=fields.MAX_NAME)
    assignedTo = UserNumber(required=False, allow_null=True)
    includeDoneWorkflows = fields.Flag(required=False, default=False)
    manuallyCreated = fields.Flag(required=False, allow_null=True)
    status = fields.OneOf(StepState, required=False, allow_null=True)
    sorting = fields.OneOf(Sorting, required=False, default=Sorting.TRIGGER_DATE_DESC.value)
    pagination = Page(required=False, allow_null=True)
