"""Tasks over all executions of an organisation: filtered, sorted, grouped, a page at a time, as flat records.

One function for the API's query and the dashboard's saved views. A page takes the same few statements whatever its size.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.utils import timezone

from workflows.documents import render_assignees, timestamp
from workflows.models import Assignment, ContextRef, Definition, Entity, Task
from workflows.permissions import VIEW, Actor, tasks_within
from workflows.services.errors import InvalidInput
from workflows.services.narrowing import narrow_record
from workflows.services.task_conditions import Kind, build_filter, check_key, find_key, viewer_of
from workflows.services.task_filters import Group

Record = dict[str, Any]


class GroupBy(StrEnum):
    """What tasks have in common that stand together."""

    CONTEXT_ENTITY = "context_entity"
    PHASE = "phase"
    TASK = "task"


@dataclass(frozen=True, slots=True)
class TaskQuery:
    """What to look for. `sort_field` is one of the filters' keys; without one the newest tasks come first."""

    filters: Sequence[Group] = ()
    sort_field: str = ""
    descending: bool = False
    group_by: GroupBy | None = None
    start: int = 0
    size: int = 10


@dataclass(frozen=True, slots=True)
class Page:
    """A part of what was found, and how much was found in all."""

    records: list[Record] = field(default_factory=list)
    hits: int = 0


def find_tasks(actor: Actor, query: TaskQuery, now: datetime | None = None) -> Page:
    """Return a page of the tasks that match all filters. Raises InvalidInput for what is not understood."""
    if actor.guest is None:
        actor.require("kanban:view")
    rows = matching_tasks(actor, query.filters, now or timezone.now())
    if query.sort_field:
        check_key(actor, query.sort_field, "sorting.field")
    ordered = in_order(rows, query)[query.start : query.start + query.size]
    page = list(ordered.select_related("execution", "phase"))
    # A first page that is not full holds everything.
    hits = len(page) if query.start == 0 and len(page) < query.size else rows.count()
    return Page(build_records(actor, page), hits)


def matching_tasks(actor: Actor, filters: Iterable[Group], now: datetime) -> QuerySet[Task]:
    """Return the tasks that the actor may see, of executions that are not deleted, to which all filters apply, in no order."""
    viewer = viewer_of(actor, now)
    rows = Task.objects.filter(tasks_within(actor, VIEW), organisation=actor.organisation, execution__deleted_at=None)
    for group in filters:
        rows = rows.filter(build_filter(group, viewer))
    return rows


def in_order(rows: QuerySet[Task], query: TaskQuery) -> QuerySet[Task]:
    """Equal groups first stand together, then comes what was asked for, then what makes the order total."""
    order: list[Any] = []
    wanted = find_key(query.sort_field, "sorting.field") if query.sort_field else None
    by_title = wanted is not None and wanted.kind == Kind.CONTEXT_TITLE
    if by_title or query.group_by == GroupBy.CONTEXT_ENTITY:
        rows = _with_context(rows)
    if query.group_by == GroupBy.CONTEXT_ENTITY:
        order += [F("about_title").asc(nulls_last=True), F("about_id").asc(nulls_last=True)]
    elif query.group_by is not None:
        order.append(F("phase__name" if query.group_by == GroupBy.PHASE else "name").asc(nulls_last=True))
    if wanted is not None:
        if not by_title and not wanted.column:
            raise InvalidInput("sorting.field", f"tasks cannot be sorted by {query.sort_field}")
        column = F("about_title" if by_title else wanted.column)
        order.append(column.desc(nulls_last=True) if query.descending else column.asc(nulls_last=True))
    return rows.order_by(*order, "-created_at", "execution_id", "position", "id")


def _with_context(rows: QuerySet[Task]) -> QuerySet[Task]:
    primary = ContextRef.objects.filter(execution_id=OuterRef("execution_id"), is_primary=True)
    titles = Entity.objects.filter(pk=OuterRef("about_id"), organisation_id=OuterRef("organisation_id"))
    annotated = rows.annotate(about_id=Subquery(primary.values("entity_id")[:1]))
    return annotated.annotate(about_title=Subquery(titles.values("title")[:1]))


def build_records(actor: Actor, tasks: Sequence[Task]) -> list[Record]:
    """Return the records of tasks that come with their executions and phases; four queries for any number of them."""
    executions = {task.execution_id for task in tasks}
    assignments: defaultdict[UUID | None, list[Assignment]] = defaultdict(list)
    contexts: defaultdict[UUID, list[ContextRef]] = defaultdict(list)
    if tasks:
        for assignment in Assignment.objects.filter(task_id__in=[task.id for task in tasks]):
            assignments[assignment.task_id].append(assignment)
        for ref in ContextRef.objects.filter(execution_id__in=executions).order_by("position"):
            contexts[ref.execution_id].append(ref)
    titles = _titles(actor, contexts)
    designs = read_designs(tasks)
    records = []
    for task in tasks:
        design = designs[task.execution.definition_id].get(task.template_id, {})
        about = [(ref.is_primary, _render_context(ref, titles)) for ref in contexts[task.execution_id]]
        record = _render_record(task, actor.organisation.slug, assignments[task.id], about, design)
        partner = task.extra.get("partner", design.get("partner"))
        records.append(narrow_record(record, partner, actor.guest) if actor.guest else record)
    return records


def _titles(actor: Actor, contexts: Mapping[UUID, Iterable[ContextRef]]) -> dict[UUID, str]:
    ids = {ref.entity_id for refs in contexts.values() for ref in refs}
    return dict(Entity.objects.filter(organisation=actor.organisation, pk__in=ids).values_list("pk", "title")) if ids else {}


def read_designs(tasks: Sequence[Task]) -> dict[int, dict[str, Any]]:
    """Return the tasks as designed, by definition and id; one query for all definitions, as each may be another one."""
    ids = {task.execution.definition_id for task in tasks}
    bodies = Definition.objects.filter(pk__in=ids).values_list("pk", "body") if ids else ()
    return {pk: {task["id"]: task for task in orjson.loads(body)["tasks"]} for pk, body in bodies}


def _render_context(ref: ContextRef, titles: Mapping[UUID, str]) -> Record:
    return {"id": str(ref.entity_id), "schema": ref.entity_schema, "title": titles.get(ref.entity_id, "")}


def _render_record(
    task: Task,
    org_id: str,
    assignments: Iterable[Assignment],
    contexts: Sequence[tuple[bool, Record]],
    design: Mapping[str, Any],
) -> Record:
    execution = task.execution
    record: Record = {
        "id": str(task.id),
        "org_id": org_id,
        "template_id": task.template_id,
        "name": task.name,
        "task_type": task.task_type,
        "status": task.status,
        "enabled": task.enabled,
        "is_current": task.crt_since is not None,
        "manually_created": task.manually_created,
        "position": task.position,
        "iterations": task.iterations,
        "assigned_to": render_assignees(assignments),
        "execution_id": str(task.execution_id),
        "execution_name": execution.name,
        "execution_status": execution.status,
        "flow_template_id": execution.template_id,
        "contexts": [context for _, context in contexts],
        "created_at": timestamp(task.created_at),
        "updated_at": timestamp(task.updated_at),
    }
    for is_primary, context in contexts:
        if is_primary:
            record["context_entity"] = context
    if task.phase is not None:
        record |= {"phase_id": str(task.phase_id), "phase_name": task.phase.name}
    for name in ("crt_since", "started_at", "completed_at"):
        if (moment := getattr(task, name)) is not None:
            record[name] = timestamp(moment)
    for name in ("due_date", "in_progress_by", "completed_by"):
        if text := getattr(task, name):
            record[name] = text
    if (description := task.extra.get("description", design.get("description"))) is not None:
        record["description"] = description
    if design.get("journey") is not None:
        record["journey"] = design["journey"]
    return record
