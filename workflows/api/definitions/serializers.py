"""Request bodies of flow templates and closing reasons. A template keeps the fields that are not named here as they were sent."""

from collections.abc import Iterator, Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from workflows.api import fields
from workflows.api.errors import first_message
from workflows.api.v1 import serializers as requests
from workflows.engine.conditions import MAX_ATTRIBUTES, Operator
from workflows.engine.due_dates import Unit
from workflows.engine.flow_events import FlowEvent, SyncSource
from workflows.engine.graph import MAX_ITERATIONS
from workflows.engine.status import TaskType, TriggerMode
from workflows.models import ClosingReasonStatus
from workflows.services.errors import InvalidInput

TRIGGER_TYPES = ("manual", "automation", "journey_submission", "journey_automation")
REASON_STATUSES = tuple(ClosingReasonStatus.values)
SCHEDULE_MODES = ("immediate", "delayed", "relative")
INPUT_ENTITIES = ("thread", "first_email", "last_email")
INPUT_SOURCES = ("trigger", "task")
ORIGINS = ("flow_started", "task_completed", "trigger_entity_attribute", "all_preceding_tasks_completed")


class TriggerConfig(fields.Part):
    """A trigger as an automation has it; what it holds besides is kept."""

    type = fields.Text(max_length=fields.MAX_ID)
    configuration = fields.Object(required=False, allow_null=True)


class Trigger(fields.Part):
    """A way in which a template is started."""

    id = fields.Text(required=False, max_length=fields.MAX_ID)
    type = fields.OneOf(TRIGGER_TYPES)
    entity_schema = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)
    automation_id = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)
    journey_id = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)
    journey_name = fields.Text(required=False, allow_null=True, max_length=fields.MAX_NAME)
    input_entity = fields.OneOf(INPUT_ENTITIES, required=False, allow_null=True)
    trigger_config = TriggerConfig(many=True, required=False, allow_null=True)


class Offset(serializers.Serializer[Any]):
    amount = fields.Whole()
    unit = fields.OneOf(("days", "months", "years"))


class Source(serializers.Serializer[Any]):
    """What a statement looks at."""

    id = fields.Text(required=False, allow_null=True)
    origin = fields.OneOf(("trigger", "action"), required=False, allow_null=True)
    origin_type = fields.OneOf(("entity", "workflow", "journey_block"), required=False, allow_null=True)
    schema = fields.Text(required=False, allow_null=True)
    attribute = fields.Text(required=False, allow_null=True)
    attribute_type = fields.Text(required=False, allow_null=True)
    attribute_repeatable = fields.Flag(required=False, allow_null=True)
    attribute_operation = fields.OneOf(("all", "updated", "added", "deleted"), required=False, allow_null=True)
    attributes = serializers.ListField(child=fields.Identifier(), required=False, allow_null=True, max_length=MAX_ATTRIBUTES)
    attributes_match = fields.OneOf(("any", "all"), required=False, allow_null=True)
    attribute_sub_field = fields.Text(required=False, allow_null=True)
    date_offset = Offset(required=False, allow_null=True)


class Statement(fields.Part):
    """One question of a condition."""

    id = fields.Text(required=False)
    source = Source()  # type: ignore[assignment]
    operator = fields.OneOf(Operator)
    values = serializers.ListField(child=fields.Text(), required=False, allow_null=True)
    value_type = fields.OneOf(("static", "relative_date"), required=False, allow_null=True)


class Condition(fields.Part):
    """A branch of a decision."""

    id = fields.Identifier()
    branch_name = fields.Text(max_length=fields.MAX_NAME)
    logical_operator = fields.OneOf(("AND", "OR"), required=False)
    statements = Statement(many=True, required=False, allow_null=True)


class Loop(serializers.Serializer[Any]):
    loop_branch_id = fields.Identifier()
    exit_branch_id = fields.Identifier()
    max_iterations = fields.Whole(required=False, min_value=1, max_value=MAX_ITERATIONS)


class Reference(serializers.Serializer[Any]):
    id = fields.Text()
    origin = fields.OneOf(ORIGINS)
    schema = fields.Text(required=False, allow_null=True)
    attribute = fields.Text(required=False, allow_null=True)


class Schedule(serializers.Serializer[Any]):
    """When a machine's task begins once it is current."""

    mode = fields.OneOf(SCHEDULE_MODES, required=False, default="immediate")
    duration = fields.Count(required=False, min_value=1, max_value=1_000_000)
    unit = fields.OneOf(Unit, required=False)
    direction = fields.OneOf(("before", "after"), required=False)
    reference = Reference(required=False)

    def validate(self, attrs: Mapping[str, Any]) -> Mapping[str, Any]:
        needed = {"immediate": (), "delayed": ("duration", "unit")}.get(
            attrs["mode"], ("duration", "unit", "direction", "reference")
        )
        for name in needed:
            if name not in attrs:
                raise ValidationError({name: ErrorDetail(f"a {attrs['mode']} schedule needs it")})
        return attrs


class TemplateAction(fields.Part):
    """An automation's action; what it holds besides is kept."""

    type = fields.Text(max_length=fields.MAX_ID)
    config = fields.Object(required=False, allow_null=True)


class TemplateInput(fields.Part):
    """The entity that an automation works on."""

    source = fields.OneOf(INPUT_SOURCES, required=False, allow_null=True)  # type: ignore[assignment]
    task_id = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)


class TemplateAutomation(fields.Part):
    """Which automation a task runs, and on what."""

    flow_id = fields.Text(required=False, allow_null=True)
    action_config = TemplateAction(required=False, allow_null=True)
    duplicated_flow_id = fields.Text(required=False, allow_null=True)
    input_context = TemplateInput(required=False, allow_null=True)


class TemplateAgent(fields.Part):
    """Which agent a task runs."""

    agent_id = fields.Text(required=False, allow_null=True)


class Requirement(fields.Part):
    """What must be finished before a task is enabled."""

    task_id = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)
    phase_id = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)
    when = fields.OneOf(("TASK_FINISHED", "PHASE_FINISHED"))

    def validate(self, attrs: Mapping[str, Any]) -> Mapping[str, Any]:
        name = "phase_id" if attrs["when"] == "PHASE_FINISHED" else "task_id"
        if not attrs.get(name):
            raise ValidationError({name: ErrorDetail(f"{attrs['when']} needs it")})
        return attrs


class Dated(fields.Part):
    """What executions, phases and tasks have in common."""

    due_date = fields.DueDate()
    due_date_config = fields.DueDateRule()
    assigned_to = fields.Assignees(allow_null=True)
    taxonomies = serializers.ListField(child=fields.Identifier(), required=False, allow_null=True)


class Phase(Dated):
    """A stage of a template."""

    id = fields.Identifier()
    name = fields.Name()


class Task(Dated):
    """A task of a template, of any type."""

    id = fields.Identifier()
    name = fields.Name()
    task_type = fields.OneOf(TaskType)
    phase_id = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)
    description = fields.Description(required=False, allow_null=True)
    journey = fields.Journey(required=False, allow_null=True)
    requirements = Requirement(many=True, required=False, allow_null=True)
    ecp = fields.Portal(required=False, allow_null=True)
    installer = fields.Portal(required=False, allow_null=True)
    partner = fields.Portal(required=False, allow_null=True)
    trigger_mode = fields.OneOf(TriggerMode, required=False, allow_null=True)
    schedule = Schedule(required=False, allow_null=True)
    automation_config = TemplateAutomation(required=False, allow_null=True)
    created_automatically = fields.Flag(required=False, allow_null=True)
    agent_config = TemplateAgent(required=False, allow_null=True)
    conditions = Condition(many=True, required=False, allow_null=True)
    allow_parallel_execution = fields.Flag(required=False, allow_null=True)
    loop_config = Loop(required=False, allow_null=True)

    def validate(self, attrs: Mapping[str, Any]) -> Mapping[str, Any]:
        needed = {TaskType.AUTOMATION: ("automation_config",), TaskType.DECISION: ("trigger_mode", "conditions")}
        for name in needed.get(attrs["task_type"], ()):
            if attrs.get(name) is None:
                raise ValidationError({name: ErrorDetail(f"a task of type {attrs['task_type']} needs it")})
        return attrs


class Edge(fields.Part):
    """A way from one node to the next."""

    id = fields.Identifier()
    from_id = fields.Identifier()
    to_id = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)
    condition_id = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)
    none_met = fields.Flag(required=False, allow_null=True)


class SyncFilter(fields.Part):
    """One task or one phase that a rule is about."""

    task_template_id = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)
    phase_template_id = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)

    def validate(self, attrs: Mapping[str, Any]) -> Mapping[str, Any]:
        if attrs.get("task_template_id") and attrs.get("phase_template_id"):
            raise ValidationError({"phase_template_id": ErrorDetail("name a task or a phase, not both")})
        return attrs


class SyncTrigger(fields.Part):
    event = fields.OneOf(FlowEvent)
    filter = SyncFilter(required=False, allow_null=True)


class SyncValue(fields.Part):
    source = fields.OneOf(SyncSource)  # type: ignore[assignment]
    value = fields.Text(required=False, allow_null=True, max_length=fields.MAX_DESCRIPTION)


class SyncTarget(fields.Part):
    entitySchema = fields.Identifier()
    entityAttribute = fields.Identifier()


class EntitySync(fields.Part):
    """What is written to entities when something happens."""

    trigger = SyncTrigger()
    value = SyncValue()
    target = SyncTarget()


class ReasonId(fields.Part):
    id = fields.Identifier()


class NamedReason(ReasonId):
    """A closing reason that a template offers; what the catalogue says of it is taken and not used."""

    title = fields.Text(required=False, allow_null=True)
    status = fields.OneOf(REASON_STATUSES, required=False, allow_null=True)
    lastUpdateTime = fields.Text(required=False, allow_null=True)
    creationTime = fields.Text(required=False, allow_null=True)


class Template(Dated):
    """createFlowTemplate and updateFlowTemplate. What the server says about a template is taken and not used."""

    id = fields.Text(required=False, allow_null=True)
    org_id = fields.Text(required=False, allow_null=True)
    created_at = fields.Text(required=False, allow_null=True)
    name = fields.Name(min_length=3)
    description = fields.Text(required=False, allow_null=True, max_length=5000)
    trigger = Trigger(required=False, allow_null=True)
    additional_triggers = Trigger(many=True, required=False, allow_null=True)
    enabled = fields.Flag(required=False)
    version = fields.OneOf(("v1", "v2", "v3"), required=False)
    updated_at = fields.Text(required=False, allow_null=True)
    available_in_ecp = fields.Flag(required=False, allow_null=True)
    phases = Phase(many=True, required=False, allow_null=True)
    tasks = Task(many=True)
    edges = Edge(many=True)
    closing_reasons = NamedReason(many=True, required=False, allow_null=True)
    entity_sync = EntitySync(many=True, required=False, allow_null=True)
    singleClosingReasonSelection = fields.Flag(required=False, allow_null=True)
    linear = fields.Flag(required=False, allow_null=True)
    _manifest = serializers.ListField(child=fields.Identifier(), required=False, allow_null=True)


def check_template(data: Any) -> list[str]:
    """Check a document from outside a request, and return the paths of the fields that are kept but not understood.

    Raises InvalidInput for a known field with a wrong value.
    """
    checked = Template(data=data)
    if not checked.is_valid():
        field, _, message = first_message(checked.errors).partition(": ")
        raise InvalidInput(field, message) if message else InvalidInput("template", field)
    return list(_unknown(data, checked, ""))


def _unknown(data: Any, known: Any, path: str) -> Iterator[str]:
    if isinstance(known, serializers.ListSerializer):
        for index, item in enumerate(data or ()):
            yield from _unknown(item, known.child, f"{path}[{index}]")
    elif isinstance(known, serializers.Serializer) and isinstance(data, Mapping):
        for name, value in data.items():
            place = f"{path}.{name}" if path else name
            if name in known.fields:
                yield from _unknown(value, known.fields[name], place)
            else:
                yield place


class LinearDueDate(requests.DynamicDueDate):
    """A due date that counts from an event; here in years, too."""

    timePeriod = fields.OneOf(requests.PERIODS)


class LinearItem(fields.Part):
    """What sections and steps of a definition have in common."""

    id = fields.Text(required=False, max_length=fields.MAX_ID)
    name = fields.Name()
    order = serializers.FloatField(required=False, default=0)
    type = fields.OneOf(("STEP", "SECTION"), required=False)
    dueDate = fields.DueDate()
    dynamicDueDate = LinearDueDate(required=False, allow_null=True)
    assignedTo = requests.Ids()
    userIds = requests.Users()
    taxonomies = serializers.ListField(child=fields.Identifier(), required=False, allow_null=True)


class LinearRequirement(fields.Part):
    definitionId = fields.Identifier()
    type = fields.OneOf(("STEP", "SECTION"))
    condition = fields.OneOf(("CLOSED",))


class LinearStep(LinearItem):
    """A step of a definition."""

    description = fields.Description(required=False, allow_null=True)
    executionType = fields.OneOf(requests.STEP_TYPES, required=False, default="MANUAL")
    automationConfig = requests.AutomationConfig(required=False, allow_null=True)
    journey = fields.Journey(required=False, allow_null=True)
    requirements = LinearRequirement(many=True, required=False, allow_null=True)
    ecp = fields.Portal(required=False, allow_null=True)
    installer = fields.Portal(required=False, allow_null=True)
    partner = fields.PartnerInfo(required=False, allow_null=True)


class LinearSection(LinearItem):
    """A section of a definition."""

    steps = LinearStep(many=True)


class FlowItem(serializers.Field[Any, Any, Any, Any]):
    """A section or a step: what has steps, or says that it is one, is a section."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            raise ValidationError("must be an object")
        is_section = data.get("type") == "SECTION" or (data.get("type") is None and "steps" in data)
        item = (LinearSection if is_section else LinearStep)(data=data)
        item.is_valid(raise_exception=True)
        return dict(item.validated_data)

    def to_representation(self, value: Any) -> Any:
        return value


class LinearTarget(serializers.Serializer[Any]):
    entitySchema = fields.Identifier()
    entityAttribute = fields.Identifier()


class LinearFollower(fields.Part):
    """An entity's attribute that follows the execution."""

    source = fields.OneOf(("workflow_status", "current_section", "current_step"))  # type: ignore[assignment]
    target = LinearTarget()


class WorkflowDefinition(serializers.Serializer[Any]):
    """createDefinition and updateDefinition. What the server says about a definition is taken and not used."""

    id = fields.Text(required=False)
    name = fields.Name()
    description = fields.Text(required=False, allow_null=True, max_length=5000)
    creationTime = fields.Text(required=False)
    enabled = fields.Flag(required=False)
    lastUpdateTime = fields.Text(required=False)
    dueDate = fields.DueDate()
    dynamicDueDate = LinearDueDate(required=False, allow_null=True)
    userIds = requests.Users()
    assignedTo = requests.Ids()
    enableECPWorkflow = fields.Flag(required=False, allow_null=True)
    flow = serializers.ListField(child=FlowItem())
    closingReasons = ReasonId(many=True, required=False, allow_null=True)
    updateEntityAttributes = LinearFollower(many=True, required=False, allow_null=True)
    taxonomies = serializers.ListField(child=fields.Identifier(), required=False, allow_null=True)
    singleClosingReasonSelection = fields.Flag(required=False, allow_null=True)
    _manifest = serializers.ListField(child=fields.Identifier(), required=False, allow_null=True)


class TemplateSearch(serializers.Serializer[Any]):
    """searchFlowTemplates; `from` is taken from the body by name."""

    name = fields.Text(required=False, allow_null=True, max_length=fields.MAX_NAME)
    definition_id = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)
    trigger_type = fields.OneOf(TRIGGER_TYPES, required=False, allow_null=True)
    enabled = fields.Flag(required=False, allow_null=True)
    size = fields.Whole(required=False, min_value=0, max_value=200, default=25)
    sort_by = fields.OneOf(("created_at", "updated_at", "name", "id", "enabled"), required=False, default="updated_at")
    sort_order = fields.OneOf(("asc", "desc"), required=False, default="desc")

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {"from": fields.Whole(required=False, min_value=0, max_value=1_000_000, default=0)}


class MaxAllowed(serializers.Serializer[Any]):
    """How many templates an organisation has, and how many it may have."""

    currentNoOfWorkflows = serializers.FloatField(required=False)
    maxAllowed = serializers.FloatField(required=False)


class NewReason(serializers.Serializer[Any]):
    """createClosingReason."""

    title = fields.Name()
    status = fields.OneOf(REASON_STATUSES, required=False)


class PatchReason(serializers.Serializer[Any]):
    """updateClosingReason."""

    title = fields.Name(required=False)
    status = fields.OneOf(REASON_STATUSES, required=False)


class ReasonStatus(serializers.Serializer[Any]):
    """changeReasonStatus."""

    status = fields.OneOf(REASON_STATUSES)


class ReasonIds(serializers.Serializer[Any]):
    """setWorkflowClosingReasons."""

    reasons = ReasonId(many=True)
