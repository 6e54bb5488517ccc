"""Writing to entities what `entity_sync` planned. It is retried and never holds up the flow; the history tells what failed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from workflows.models import Entity, Execution
from workflows.permissions import Actor
from workflows.services.entities import is_settable, patch_entity
from workflows.services.entity_triggers import NOBODY, Origin
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.steps import Step, lock_execution

# Of an execution's `extra`: by entity and attribute, the place in its history from which the latest value was written.
STAMPS = "synced"


@dataclass(frozen=True, slots=True)
class Failure:
    """A write that could not be done, and why."""

    write: Mapping[str, Any]
    reason: str


def write_entities(
    actor: Actor,
    execution_id: str,
    seq: int,
    writes: Sequence[Mapping[str, Any]],
    now: datetime | None = None,
    *,
    origin: Origin = NOBODY,
) -> None:
    """Do what a step planned; needs a transaction. Jobs may come out of order: an older value never replaces a newer one."""
    at = now or timezone.now()
    rows = Execution.objects.filter(pk=execution_id, organisation=actor.organisation)
    execution = rows.select_for_update(no_key=True).first()
    stamps = dict(execution.extra.get(STAMPS) or {}) if execution else {}
    news = [write for write in writes if stamps.get(_place(write), 0) <= seq]
    failures = [failure for write in news if (failure := _attempt(actor, write, at, origin))]
    if execution is None:
        return
    execution.extra = {**execution.extra, STAMPS: stamps | {_place(write): seq for write in news}}
    if failures:
        step = Step(actor, execution, at)
        for failure in failures:
            step.record("execution.sync_failed", None, {**failure.write, "reason": failure.reason})
        step.save()
    elif news:
        rows.update(extra=execution.extra)


def record_sync_failure(actor: Actor, execution_id: str, reason: str, now: datetime | None = None) -> None:
    """Say in the history that a job of writes was given up."""
    step = lock_execution(actor, execution_id, now or timezone.now())
    step.record("execution.sync_failed", None, {"reason": reason})
    step.save()


def _attempt(actor: Actor, write: Mapping[str, Any], now: datetime, origin: Origin) -> Failure | None:
    name, value = write["attribute"], write["value"]
    if not is_settable(name):
        return Failure(write, f"{name} cannot be written")
    rows = Entity.objects.filter(pk=write["entity_id"], organisation=actor.organisation, deleted_at=None)
    attributes = rows.values_list("attributes", flat=True).first()
    if attributes is not None and name in attributes and attributes[name] == value:
        # Nothing would change, so nobody is to be woken by it: circles end here.
        return None
    try:
        patch_entity(actor, write["schema"], write["entity_id"], {name: value}, now, origin=origin)
    except NotFound:
        return Failure(write, "the entity is not there any more")
    except InvalidInput as error:
        return Failure(write, str(error))
    return None


def _place(write: Mapping[str, Any]) -> str:
    return f"{write['entity_id']}:{write['attribute']}"
