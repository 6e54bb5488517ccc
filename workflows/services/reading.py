"""Reads of whole executions: from the stored document while it is current, else rendered from the rows and stored again."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TypeVar
from uuid import UUID

from django.db.models import QuerySet

from workflows.definitions import load_definition
from workflows.documents import ExecutionRows, render_execution
from workflows.models import Assignment, ContextRef, Edge, Execution, ExecutionDocument, Phase, Task
from workflows.models.hot import read_document
from workflows.models.rows import RowVanished, update_rows
from workflows.permissions import VIEW, Actor, executions_within, may_on_execution
from workflows.services.errors import NotFound
from workflows.services.narrowing import narrow_documents
from workflows.services.steps import parse_id

Row = TypeVar("Row", Phase, Task, Edge, ContextRef, Assignment)

# A search without pages has to end somewhere.
MAX_FOUND = 1000
ATTEMPTS = 5


def read_version(actor: Actor, execution_id: str | UUID) -> int:
    """Return an execution's version, which is its ETag. Raises NotFound."""
    rows = Execution.objects.filter(pk=parse_id(execution_id), organisation=actor.organisation, deleted_at=None)
    version = rows.filter(executions_within(actor, VIEW)).values_list("version", flat=True).first()
    if version is None:
        raise NotFound
    return version


def read_execution(actor: Actor, execution_id: str | UUID) -> tuple[int, bytes]:
    """Return an execution's version and its JSON as far as the actor may see it. Raises NotFound.

    One query when the stored document is current and the actor may see everything.
    """
    if not may_on_execution(actor, VIEW, parse_id(execution_id)):
        raise NotFound
    version, body = _read_whole(actor, execution_id)
    return version, narrow_documents(actor, {parse_id(execution_id): body})[parse_id(execution_id)]


def _read_whole(actor: Actor, execution_id: str | UUID) -> tuple[int, bytes]:
    """Return the same, whatever the actor may see of it."""
    found = read_document(parse_id(execution_id), actor.organisation.id)
    if found is None:
        raise NotFound
    version, rendered_at, body = found
    if version == rendered_at and body is not None:
        return version, body.encode()
    fresh = render_fresh(actor, [parse_id(execution_id)])
    if not fresh:
        raise NotFound
    return fresh[parse_id(execution_id)]


def seen_executions(actor: Actor) -> QuerySet[Execution]:
    """Return the executions that the actor may see."""
    return Execution.objects.filter(executions_within(actor, VIEW), organisation=actor.organisation, deleted_at=None)


def executions_about(actor: Actor, entity_id: str | UUID, entity_schema: str | None = None) -> QuerySet[Execution]:
    """Return the executions of an entity that the actor may see; none for an id that cannot be one."""
    rows = seen_executions(actor)
    try:
        contexts = ContextRef.objects.filter(organisation=actor.organisation, entity_id=parse_id(entity_id))
    except NotFound:
        return rows.none()
    if entity_schema is not None:
        contexts = contexts.filter(entity_schema=entity_schema)
    return rows.filter(id__in=contexts.values("execution_id"))


def find_executions(actor: Actor, entity_id: str, entity_schema: str, start: int = 0, size: int = MAX_FOUND) -> list[bytes]:
    """Return the JSON of an entity's executions, newest first; at most 1000."""
    rows = executions_about(actor, entity_id, entity_schema).order_by("-created_at", "-id")
    return list(read_documents(actor, rows[start : start + min(size, MAX_FOUND)]).values())


def read_documents(actor: Actor, rows: QuerySet[Execution]) -> dict[UUID, bytes]:
    """Return the JSON of executions in their order, as far as the actor may see it. One query when all stored documents are
    current and the actor may see everything.
    """
    found = list(rows.values_list("id", "version", "document__version", "document__body"))
    fresh = render_fresh(actor, [pk for pk, version, rendered_at, _ in found if version != rendered_at])
    bodies = [(pk, body.encode() if version == rendered_at else None) for pk, version, rendered_at, body in found]
    whole = {pk: body if body is not None else fresh[pk][1] for pk, body in bodies if body is not None or pk in fresh}
    return narrow_documents(actor, whole)


def render_fresh(actor: Actor, ids: Sequence[UUID]) -> dict[UUID, tuple[int, bytes]]:
    """Render executions from their rows and store the documents; a fixed number of queries for any number of them.

    The rows are read in several statements, so the version is looked at again afterwards: what changed meanwhile is read anew.
    """
    result: dict[UUID, tuple[int, bytes]] = {}
    left = list(ids)
    for _ in range(ATTEMPTS):
        if not left:
            break
        executions = {e.id: e for e in Execution.objects.filter(id__in=left, organisation=actor.organisation, deleted_at=None)}
        rendered = _render(actor, executions)
        versions = dict(Execution.objects.filter(id__in=left, deleted_at=None).values_list("id", "version"))
        current = {pk: e for pk, e in executions.items() if versions.get(pk) == e.version}
        _store({pk: (e.version, rendered[pk]) for pk, e in current.items()})
        result |= {pk: (e.version, rendered[pk]) for pk, e in current.items()}
        left = [pk for pk in left if pk in versions and pk not in result]
    # Changed again each time: the latest rendering is a state that was true a moment ago.
    for pk in left:
        result[pk] = executions[pk].version, rendered[pk]
    return result


def _render(actor: Actor, executions: dict[UUID, Execution]) -> dict[UUID, bytes]:
    ids = list(executions)
    phases = _group(Phase.objects.filter(execution_id__in=ids))
    tasks = _group(Task.objects.filter(execution_id__in=ids))
    edges = _group(Edge.objects.filter(execution_id__in=ids).order_by("id"))
    contexts = _group(ContextRef.objects.filter(execution_id__in=ids))
    assignments = _group(Assignment.objects.filter(execution_id__in=ids))
    return {
        pk: render_execution(
            ExecutionRows(
                execution,
                phases.get(pk, ()),
                tasks.get(pk, ()),
                edges.get(pk, ()),
                contexts.get(pk, ()),
                assignments.get(pk, ()),
            ),
            load_definition(execution.definition_id),
            actor.organisation.slug,
        )
        for pk, execution in executions.items()
    }


def _group(rows: Iterable[Row]) -> dict[UUID, list[Row]]:
    groups: dict[UUID, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.execution_id, []).append(row)
    return groups


def _store(documents: dict[UUID, tuple[int, bytes]]) -> None:
    """Keep renderings for the next reader. An execution that is deleted meanwhile needs none."""
    rows = [ExecutionDocument(execution_id=pk, version=version, body=body.decode()) for pk, (version, body) in documents.items()]
    with suppress(RowVanished):
        update_rows(rows, ["version", "body"])
