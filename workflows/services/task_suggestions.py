"""Values to choose from while somebody writes a filter: those that occur, or all that there can be."""

from typing import Any

from django.db.models import F, Q, QuerySet

from workflows.models import Assignment, ContextRef, Entity, Execution, Membership, Task
from workflows.permissions import VIEW, Actor, executions_within, tasks_within
from workflows.services.task_conditions import DYNAMIC_DATES, LOGGED_IN_USER, Key, Kind, find_key

Found = tuple[list[Any], int]


def suggest_values(actor: Actor, attribute: str, typed: str, start: int, size: int) -> Found:
    """Return a page of the attribute's values that begin with what was typed, and their number."""
    actor.require("kanban:view")
    key = find_key(attribute, "attribute")
    page = slice(start, start + size)
    match key.kind:
        case Kind.DATE:
            return _pick(list(DYNAMIC_DATES), typed, page)
        case Kind.FLAG | Kind.CURRENT:
            words, hits = _pick(["true", "false"], typed, page)
            return [word == "true" for word in words], hits
        case Kind.ASSIGNEES:
            return _suggest_assignees(actor, typed, page)
        case Kind.CONTEXT | Kind.CONTEXT_TITLE:
            return _suggest_entities(actor, key, typed, page)
        case Kind.CONTEXT_SCHEMA:
            return _distinct(_seen_contexts(actor), "entity_schema", typed, page)
    if key.choices:
        return _pick(list(key.choices), typed, page)
    rows = Task.objects.filter(tasks_within(actor, VIEW), organisation=actor.organisation, execution__deleted_at=None)
    if key.kind in (Kind.TEXT, Kind.PERSON):
        rows = rows.exclude(**{key.column: ""})
    return _distinct(rows, key.column, typed, page)


def _pick(words: list[str], typed: str, page: slice) -> Found:
    found = [word for word in words if word.casefold().startswith(typed.casefold())]
    return found[page], len(found)


def _distinct(rows: QuerySet[Any], column: str, typed: str, page: slice) -> Found:
    """Return the values that occur in a column, in order."""
    values = rows.filter(**{f"{column}__isnull": False})
    if typed:
        values = values.filter(**{f"{column}__istartswith": typed})
    found = values.order_by(column).values_list(column, flat=True).distinct()
    return [str(value) for value in found[page]], found.count()


def _suggest_assignees(actor: Actor, typed: str, page: slice) -> Found:
    """Return ids of assignees, found by the id or by the person's name; of others only with the right to ask for them."""
    rows = Assignment.objects.filter(organisation=actor.organisation, task__isnull=False).exclude(assignee="")
    if not actor.may("kanban:all_assignee_filters"):
        rows = rows.filter(assignee=actor.id)
    if typed:
        named = Membership.objects.filter(
            Q(user__name__istartswith=typed) | Q(user__name__icontains=f" {typed}") | Q(user__email__istartswith=typed),
            organisation=actor.organisation,
        )
        people = [str(pk) for pk in named.values_list("user_id", flat=True)]
        rows = rows.filter(Q(assignee__istartswith=typed) | Q(assignee__in=people))
    found = rows.order_by("assignee").values_list("assignee", flat=True).distinct()
    magic, _ = _pick([LOGGED_IN_USER], typed, slice(None))
    others = slice(max(0, page.start - len(magic)), max(0, page.stop - len(magic)))
    return [*magic[page], *found[others]], found.count() + len(magic)


def _seen_contexts(actor: Actor) -> QuerySet[ContextRef]:
    """Return what the executions that the actor may see are about."""
    rows = ContextRef.objects.filter(organisation=actor.organisation)
    if actor.may(VIEW):
        return rows
    seen = Execution.objects.filter(executions_within(actor, VIEW), organisation=actor.organisation)
    return rows.filter(execution_id__in=seen.values("pk"))


def _suggest_entities(actor: Actor, key: Key, typed: str, page: slice) -> Found:
    """Return the entities that executions are about, by title: as objects, or their titles."""
    used = _seen_contexts(actor).values("entity_id")
    rows = Entity.objects.filter(organisation=actor.organisation, pk__in=used)
    if typed:
        rows = rows.filter(Q(title__istartswith=typed) | Q(title__icontains=f" {typed}"))
    if key.kind == Kind.CONTEXT_TITLE:
        titles = rows.exclude(title="").order_by("title").values_list("title", flat=True).distinct()
        return list(titles[page]), titles.count()
    found = [
        {"id": str(pk), "schema": schema, "title": title}
        for pk, schema, title in rows.order_by(F("title").asc(), "pk").values_list("pk", "schema", "title")[page]
    ]
    return found, rows.count()
