"""What entities are told of the executions that are about them."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from workflows.models import ContextRef
from workflows.permissions import Actor
from workflows.services.reading import MAX_FOUND, render_fresh


class Running(NamedTuple):
    """An execution's JSON, and how many of the tasks that count are finished."""

    document: bytes
    done: int
    total: int


def read_running(actor: Actor, entity_ids: Iterable[UUID]) -> dict[UUID, list[Running]]:
    """Return the executions of entities, newest first, 1000 in all at most; none for an actor who may not see executions.

    One query when all stored documents are current.
    """
    if not actor.may("workflow:execution:view"):
        return {}
    rows = ContextRef.objects.filter(
        organisation=actor.organisation, entity_id__in=list(entity_ids), execution__deleted_at=None
    ).order_by("-execution__created_at", "-execution_id")
    columns = ("version", "document__version", "document__body", "tasks_done", "tasks_total")
    found = list(rows.values_list("entity_id", "execution_id", *(f"execution__{name}" for name in columns))[:MAX_FOUND])
    fresh = render_fresh(actor, list({pk for _, pk, version, rendered_at, *_ in found if version != rendered_at}))
    result: dict[UUID, list[Running]] = {}
    for entity_id, pk, version, rendered_at, body, done, total in found:
        if version == rendered_at:
            result.setdefault(entity_id, []).append(Running(body.encode(), done, total))
        elif pk in fresh:
            result.setdefault(entity_id, []).append(Running(fresh[pk][1], done, total))
    return result
