"""What entities look like in answers, for the OpenAPI document: `rendering` and `summaries` render them."""

from typing import Any

from rest_framework import serializers

from workflows.api import fields
from workflows.api.v2.serializers import STATUSES
from workflows.engine.status import ExecutionStatus


class Owner(serializers.Serializer[Any]):
    org_id = fields.Text()


class PhaseInEntity(serializers.Serializer[Any]):
    """A phase that is in progress."""

    phase_id = fields.Text(required=False)
    phase_name = fields.Text(required=False)
    phase_progress = fields.Whole(required=False)
    phase_assignees = serializers.ListField(child=fields.Text(), required=False)


class ReasonInEntity(serializers.Serializer[Any]):
    id = fields.Text()
    title = fields.Text(required=False)


class WorkflowInEntity(PhaseInEntity):
    """An execution that is about the entity; `task_` and `phase_` speak of its first current task."""

    id = fields.Text()
    definition_id = fields.Text()
    name = fields.Text()
    status = fields.OneOf(ExecutionStatus)
    assignees = serializers.ListField(child=fields.Text(), required=False)
    duedate = fields.Text(required=False)
    last_update_time = serializers.DateTimeField(required=False)
    progress = fields.Whole()
    upcoming_tasks_assignees = serializers.ListField(child=fields.Text(), required=False)
    phases_in_progress = PhaseInEntity(many=True, required=False)
    selected_closing_reasons = ReasonInEntity(many=True, required=False)
    closing_reason_description = fields.Text(required=False)
    task_id = fields.Text(required=False)
    task_name = fields.Text(required=False)
    task_assignees = serializers.ListField(child=fields.Text(), required=False)
    task_duedate = fields.Text(required=False)
    task_execution_type = fields.Text(required=False)
    task_status = fields.OneOf(STATUSES, required=False)


class WorkflowsInEntity(serializers.Serializer[Any]):
    """For each definition, by its id, a list of its executions; and the `primary` one of all. Nobody can write it."""

    primary = WorkflowInEntity()


class EntityBody(serializers.Serializer[Any]):
    """The attributes of an entity, of any name and kind. Names that begin with _ are the server's, `workflows` is its summary."""

    _title = fields.Text(required=False)
    _tags = serializers.ListField(child=fields.Text(), required=False)


class EntityAnswer(serializers.Serializer[Any]):
    """An entity: its attributes, what the server says about it, and the executions that are about it."""

    _id = fields.Text()
    _org = fields.Text()
    _owners = Owner(many=True)
    _schema = fields.Text()
    _title = fields.Text()
    _created_at = serializers.DateTimeField()
    _updated_at = serializers.DateTimeField()
    workflows = WorkflowsInEntity(required=False)


class EntityWithRelations(serializers.Serializer[Any]):
    entity = EntityAnswer()
    relations = EntityAnswer(many=True)


class FoundEntities(serializers.Serializer[Any]):
    hits = serializers.FloatField()
    results = EntityAnswer(many=True)
