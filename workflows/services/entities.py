"""What can be done to entities: create, merge attributes into, replace, delete. Attributes are free; names with _ are ours."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from workflows.models import Entity
from workflows.permissions import Actor
from workflows.services.entity_triggers import CREATE, DELETE, NOBODY, UPDATE, Origin, start_triggered
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.steps import parse_id
from workflows.services.transactions import in_transaction
from workflows.services.waking import wake_waiting

Attributes = Mapping[str, Any]

# Names beginning with _ that a client may set; the others say something about the entity and are ours to write.
SETTABLE = frozenset({"_tags", "_purpose", "_manifest"})
# Said of an entity by others; sent back with it, it is not taken.
READ_ONLY = frozenset({"workflows"})
# Where a title is taken from when none is given.
TITLE_PARTS = (("_title",), ("title",), ("name",), ("company_name",), ("first_name", "last_name"), ("subject",), ("email",))
MAX_TITLE = 500
MAX_SEARCH_TEXT = 20_000


@in_transaction
def create_entity(
    actor: Actor, schema: str, attributes: Attributes, now: datetime | None = None, *, origin: Origin = NOBODY
) -> Entity:
    """Create an entity from the contract's body and return it. What automations wait for it begins with it."""
    actor.require("entity:create")
    at = now or timezone.now()
    entity = Entity(organisation=actor.organisation, schema=schema, created_at=at, updated_at=at)
    _write(entity, attributes, attributes)
    entity.save(force_insert=True)
    start_triggered(actor, entity, CREATE, {}, at, origin)
    return entity


@in_transaction
def patch_entity(
    actor: Actor,
    schema: str,
    entity_id: str | UUID,
    attributes: Attributes,
    now: datetime | None = None,
    *,
    origin: Origin = NOBODY,
) -> Entity:
    """Merge attributes into an entity, by their top-level names; null clears one.

    `origin`: what led here, so that circles end.
    """
    actor.require("entity:edit")
    entity = lock_entity(actor, schema, entity_id)
    merged = {**entity.attributes, **_own(attributes)}
    if "_title" not in attributes and _compose_title(entity.attributes) != entity.title:
        # A title that was given explicitly stays until another is given.
        attributes = {**attributes, "_title": entity.title}
    return _save(actor, entity, merged, attributes, now, origin)


@in_transaction
def replace_entity(
    actor: Actor, schema: str, entity_id: str | UUID, attributes: Attributes, now: datetime | None = None
) -> Entity:
    """Put new attributes in the place of all old ones."""
    actor.require("entity:edit")
    entity = lock_entity(actor, schema, entity_id)
    return _save(actor, entity, attributes, attributes, now)


@in_transaction
def delete_entity(actor: Actor, schema: str, entity_id: str | UUID, *, purge: bool = False, now: datetime | None = None) -> None:
    """Hide an entity, or with `purge` remove it for good. Executions about it go on and keep its id."""
    actor.require("entity:delete")
    entity = lock_entity(actor, schema, entity_id)
    at = now or timezone.now()
    wake_waiting(entity, at)
    if purge:
        entity.delete()
        return
    entity.deleted_at = at
    entity.save(update_fields=["deleted_at"])
    start_triggered(actor, entity, DELETE, entity.attributes, at)


def find_entity(actor: Actor, schema: str, entity_id: str | UUID) -> Entity:
    """Return an entity of the actor's organisation that is not deleted. Raises NotFound."""
    rows = Entity.objects.filter(pk=parse_id(entity_id), schema=schema, organisation=actor.organisation, deleted_at=None)
    entity = rows.select_related("organisation").first()
    if entity is None:
        raise NotFound
    return entity


def lock_entity(actor: Actor, schema: str, entity_id: str | UUID) -> Entity:
    """Return an entity as it is now, and keep it so until the caller's transaction ends. Raises NotFound."""
    rows = Entity.objects.filter(pk=parse_id(entity_id), schema=schema, organisation=actor.organisation, deleted_at=None)
    entity = rows.select_for_update(no_key=True).first()
    if entity is None:
        raise NotFound
    return entity


def _save(
    actor: Actor, entity: Entity, attributes: Attributes, given: Attributes, now: datetime | None, origin: Origin = NOBODY
) -> Entity:
    before = entity.attributes
    _write(entity, attributes, given)
    entity.version += 1
    entity.updated_at = max(now or timezone.now(), entity.updated_at + timedelta(milliseconds=1))
    entity.save()
    wake_waiting(entity, entity.updated_at)
    if entity.attributes != before:
        start_triggered(actor, entity, UPDATE, before, entity.updated_at, origin)
    return entity


def is_settable(name: str) -> bool:
    """Whether an attribute may be set from outside."""
    return not name.startswith("_") or name in SETTABLE or name == "_title"


def _own(attributes: Attributes) -> dict[str, Any]:
    return {
        name: value
        for name, value in attributes.items()
        if (not name.startswith("_") or name in SETTABLE) and name not in READ_ONLY
    }


def _write(entity: Entity, attributes: Attributes, given: Attributes) -> None:
    title = given.get("_title")
    if title is not None and not isinstance(title, str):
        raise InvalidInput("_title", "must be a text")
    entity.attributes = _own(attributes)
    entity.title = (title or _compose_title(attributes))[:MAX_TITLE]
    words = [entity.title, *_scalars(entity.attributes)]
    entity.search_text = " ".join(words).lower()[:MAX_SEARCH_TEXT]


def _compose_title(attributes: Attributes) -> str:
    for names in TITLE_PARTS:
        parts = [attributes[name].strip() for name in names if isinstance(attributes.get(name), str)]
        if title := " ".join(part for part in parts if part):
            return title[:MAX_TITLE]
    return ""


def _scalars(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _scalars(item)
    elif isinstance(value, list):
        for item in value:
            yield from _scalars(item)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield str(value)
