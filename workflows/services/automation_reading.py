"""Reads of runs, page by page, newest first; two queries whatever their number."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from workflows.models import AutomationAction, AutomationExecution
from workflows.permissions import Actor
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.steps import parse_id

Runs = list[tuple[AutomationExecution, list[AutomationAction]]]


def runs_of_entity(actor: Actor, entity_id: str, *, include_flows: bool) -> QuerySet[AutomationExecution]:
    """Return an entity's runs, newest first; without `include_flows` those that tasks of flows have started are left out."""
    rows = AutomationExecution.objects.filter(organisation=actor.organisation)
    if entity_id:
        try:
            rows = rows.filter(entity_id=parse_id(entity_id))
        except NotFound:
            return rows.none()
    if not include_flows:
        rows = rows.filter(workflow_task_id=None)
    return rows.select_related("organisation").order_by("-created_at", "-id")


def with_actions(executions: Sequence[AutomationExecution]) -> Runs:
    """Return runs with their actions."""
    actions: dict[UUID, list[AutomationAction]] = {execution.id: [] for execution in executions}
    for action in AutomationAction.objects.filter(execution_id__in=list(actions)).order_by("position"):
        actions[action.execution_id].append(action)
    return [(execution, actions[execution.id]) for execution in executions]


def after_cursor(rows: QuerySet[AutomationExecution], cursor: str) -> QuerySet[AutomationExecution]:
    """Leave out what came up to and with the cursor. Raises InvalidInput for one that is not ours."""
    moment, _, key = cursor.partition("~")
    try:
        at, last = datetime.fromisoformat(moment), UUID(key)
        if at.tzinfo is None:
            raise ValueError
    except ValueError as error:
        raise InvalidInput("cursor", "is not one that was returned by a previous page") from error
    return rows.filter(Q(created_at__lt=at) | Q(created_at=at, id__lt=last))


def cursor_of(execution: AutomationExecution) -> str:
    return f"{execution.created_at.isoformat()}~{execution.id}"
