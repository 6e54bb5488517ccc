"""What executions and steps look like in answers of the older dialect, for the OpenAPI document: `rendering` renders them."""

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework import serializers

from workflows.api import fields
from workflows.api.v1 import dialect
from workflows.api.v1 import serializers as requests
from workflows.engine.status import ExecutionStatus, PhaseStatus

ITEMS = ("STEP", "SECTION")
FOLLOWED = tuple(dialect.SOURCES)


class Ids(serializers.ListField):
    child = fields.Text()


class Numbers(serializers.ListField):
    child = serializers.FloatField()


class ContextTitle(serializers.Serializer[Any]):
    id = fields.Text()
    title = fields.Text()
    schema = fields.Text()


class ReasonTitle(serializers.Serializer[Any]):
    id = fields.Text()
    title = fields.Text()


class Reasons(serializers.Serializer[Any]):
    reasons = ReasonTitle(many=True, required=False)


class DueRule(serializers.Serializer[Any]):
    """A due date that counts from an event."""

    numberOfUnits = serializers.FloatField()
    timePeriod = fields.OneOf(requests.EXECUTION_PERIODS)
    actionTypeCondition = fields.OneOf(requests.CONDITIONS, required=False)
    actionType = fields.OneOf(requests.CONDITIONS)
    stepId = fields.Text(required=False)
    phaseId = fields.Text(required=False)


class StepAutomation(serializers.Serializer[Any]):
    flowId = fields.Text()
    executionId = fields.Text(required=False)
    executionStatus = fields.Text(required=False)


class StepRequirement(serializers.Serializer[Any]):
    definitionId = fields.Text()
    type = fields.OneOf(ITEMS)
    condition = fields.OneOf(("CLOSED",))


class Step(serializers.Serializer[Any]):
    """A task. ASSIGNED and UNASSIGNED stand for PENDING; `userIds` and `entityRefId` are kept for old clients."""

    id = fields.Text()
    definitionId = fields.Text(required=False)
    entityRefId = fields.Text(required=False)
    name = fields.Text()
    description = fields.Description(required=False)
    type = fields.OneOf(ITEMS)
    ecp = fields.Portal(required=False)
    installer = fields.Portal(required=False)
    partner = fields.PartnerInfo(required=False)
    enabled = fields.Flag(required=False)
    requirements = StepRequirement(many=True, required=False)
    executionType = fields.OneOf(requests.STEP_TYPES, required=False)
    sectionId = fields.Text(required=False)
    executionId = fields.Text(required=False)
    userIds = Numbers(required=False)
    assignedTo = Ids(required=False)
    assignedToInProgress = fields.Text(required=False)
    assignedToOnHold = fields.Text(required=False)
    status = fields.OneOf(requests.STATUSES, required=False)
    created = fields.Text(required=False)
    lastUpdated = fields.Text(required=False)
    statusLastUpdated = fields.Text(required=False)
    startedTime = fields.Text(required=False)
    completedTime = fields.Text(required=False)
    dueDate = fields.Text(required=False)
    dynamicDueDate = DueRule(required=False)
    manuallyCreated = fields.Flag(required=False)
    automationConfig = StepAutomation(required=False)
    journey = fields.Journey(required=False)
    taxonomies = Ids(required=False)


class FoundStep(Step):
    """A task with what is to be known of its execution."""

    executionId = fields.Text()
    executionName = fields.Text()
    executionStatus = fields.OneOf(ExecutionStatus)
    contexts = ContextTitle(many=True, required=False)


class FoundSteps(serializers.Serializer[Any]):
    hits = serializers.FloatField(required=False)
    results = FoundStep(many=True, required=False)


class Section(serializers.Serializer[Any]):
    """A phase with its tasks."""

    id = fields.Text()
    definitionId = fields.Text(required=False)
    name = fields.Text()
    userIds = Numbers(required=False)
    assignedTo = Ids(required=False)
    dueDate = fields.Text(required=False)
    dynamicDueDate = DueRule(required=False)
    startedTime = fields.Text(required=False)
    completedTime = fields.Text(required=False)
    status = fields.OneOf(PhaseStatus, required=False)
    type = fields.OneOf(ITEMS)
    steps = Step(many=True)
    taxonomies = Ids(required=False)


FLOW_ITEM = PolymorphicProxySerializer("FlowItem", [Section, Step], resource_type_field_name=None, many=True)


class StepRef(serializers.Serializer[Any]):
    id = fields.Text(required=False)
    entityRefId = fields.Text(required=False)


class FollowerTarget(serializers.Serializer[Any]):
    entitySchema = fields.Text()
    entityAttribute = fields.Text()


class Follower(serializers.Serializer[Any]):
    """An entity's attribute that follows the execution."""

    source = fields.OneOf(FOLLOWED)  # type: ignore[assignment]
    target = FollowerTarget()


class WorkflowExecution(serializers.Serializer[Any]):
    """A whole execution."""

    id = fields.Text(required=False)
    definitionId = fields.Text(required=False)
    orgId = fields.Text(required=False)
    name = fields.Text(required=False)
    creationTime = fields.Text(required=False)
    lastUpdateTime = fields.Text(required=False)
    dueDate = fields.Text(required=False)
    completedTime = fields.Text(required=False)
    dynamicDueDate = DueRule(required=False)
    status = fields.OneOf(ExecutionStatus, required=False)
    trigger = fields.OneOf(requests.TRIGGERS, required=False)
    assignedTo = Ids(required=False)
    lastModifiedBy = fields.Text(required=False)
    contexts = ContextTitle(many=True, required=False)
    nextOpenStep = StepRef(required=False)
    configuredClosingReasonSnapshot = ReasonTitle(many=True, required=False)
    selectedClosingReasons = ReasonTitle(many=True, required=False)
    closingReasonDescription = fields.Text(required=False)
    enableECPWorkflow = fields.Flag(required=False)
    updateEntityAttributes = Follower(many=True, required=False)
    version = fields.Whole(required=False)
    taxonomies = Ids(required=False)
    singleClosingReasonSelection = fields.Flag(required=False)
    flow = FLOW_ITEM


class ExecutionSlim(WorkflowExecution):
    """An execution whose steps tell the most important only."""


class FoundExecutions(serializers.Serializer[Any]):
    executions = ExecutionSlim(many=True)
    lastEvaluatedKey = requests.ExecutionKey(required=False)
