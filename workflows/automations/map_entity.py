"""map-entity: set, copy or append attributes of an entity, that of the run or another one, which is made when there is none."""

from collections.abc import Mapping, Sequence
from typing import Any

from workflows.automations.situation import ActionType, CannotDo, Situation
from workflows.engine.paths import parse_path, read_path, write_path
from workflows.models import Entity
from workflows.services.automation_run import Outcome, done
from workflows.services.entities import create_entity, lock_entity, patch_entity
from workflows.services.errors import InvalidInput, NotFound

CODE = "MAPPING_ERROR"
# Parts of the configuration that nothing here reads; the run says so instead of passing over them in silence.
UNSERVED = ("mapping_config", "relation_attributes", "linkback_relation_attribute", "graph_context", "use_uniqueness_criteria")
MODES = {"set_value": "_set", "copy_if_exists": "_copy", "append_if_exists": "_append"}
MAX_LIST = 1000


def map_entity(situation: Situation) -> Outcome:
    schema = situation.text("target_schema")
    if not schema:
        raise CannotDo("BAD_CONFIG", "target_schema is missing")
    target = choose_target(situation, schema)
    before: Mapping[str, Any] = target.attributes if target else {}
    attributes = {name: value for name, value in compute(situation, before).items() if name != "_id"}
    try:
        if target is None:
            entity = create_entity(situation.actor, schema, attributes, origin=situation.origin)
        else:
            entity = patch_entity(situation.actor, schema, target.id, attributes, origin=situation.origin)
    except InvalidInput as error:
        raise CannotDo(CODE, str(error)) from error
    outputs: dict[str, Any] = {"entity_id": str(entity.id), "entity_schema": schema, "created": target is None}
    ignored = [name for name in UNSERVED if situation.config.get(name)]
    return done(**outputs | ({"ignored": ignored} if ignored else {}))


def choose_target(situation: Situation, schema: str) -> Entity | None:
    """Return the entity to write: the one that `target_unique` finds, else the run's own of this schema; None: a new one.

    It is locked: what is appended to a list must not be lost to another run that appends at the same moment.
    """
    unique = situation.config.get("target_unique") or []
    if unique:
        values = compute(situation, {})
        return _find_unique(situation, schema, [str(name) for name in unique], values)
    own = situation.facts.by_schema.get(schema)
    if situation.execution.entity_schema == schema:
        own = situation.entity
    return lock_entity(situation.actor, schema, str(own["_id"])) if own else None


def _find_unique(situation: Situation, schema: str, names: Sequence[str], values: Mapping[str, Any]) -> Entity | None:
    if any(values.get(name) in (None, "") for name in names):
        raise CannotDo(CODE, f"target_unique: {', '.join(names)} must all have a value")
    if "_id" in names:
        try:
            return lock_entity(situation.actor, schema, str(values["_id"]))
        except NotFound as error:
            raise CannotDo("ENTITY_NOT_FOUND", f"There is no {schema} {values['_id']}") from error
    rows = Entity.objects.filter(organisation=situation.execution.organisation, schema=schema, deleted_at=None)
    for name in names:
        # The words narrow the rows down by plain text; the value itself decides.
        if isinstance(values[name], str):
            rows = rows.filter(search_text__contains=values[name].lower())
    found = [entity for entity in rows.order_by("created_at")[:MAX_LIST] if _has(entity, names, values)]
    if len(found) > 1:
        raise CannotDo("DUPLICATE_ENTITY_ERROR", f"{len(found)} entities have this {', '.join(names)}")
    return lock_entity(situation.actor, schema, found[0].id) if found else None


def _has(entity: Entity, names: Sequence[str], values: Mapping[str, Any]) -> bool:
    return all(entity.attributes.get(name) == values[name] for name in names)


def compute(situation: Situation, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that the mapping writes, by their top-level names; `before` is what the target holds."""
    result: dict[str, Any] = {}
    for number, mapping in enumerate(situation.config.get("mapping_attributes") or []):
        try:
            path = parse_path(mapping["target"])
            name = str(path[0])
            base = {name: result.get(name, before.get(name))} if name in result or name in before else {}
            value, is_there = _value(situation, mapping, read_path(base, path))
            if is_there:
                result[name] = write_path(base, path, value)[name]
        except (KeyError, TypeError, ValueError) as error:
            raise CannotDo(CODE, f"mapping_attributes[{number}]: {error}") from error
    return result


def _value(situation: Situation, mapping: Mapping[str, Any], old: Any) -> tuple[Any, bool]:
    """Return what a mapping gives, and whether it gives anything: what is copied from nowhere changes nothing."""
    operation = mapping.get("operation")
    if "mode" in mapping:
        mode = MODES.get(mapping["mode"])
        if mode is None:
            raise ValueError(f"{mapping['mode']!r} is no mode")
        operation = {mode: mapping.get("value") if mode == "_set" else mapping["source"]}
        if mode == "_append":
            found = situation.find(mapping["source"])
            return _append(old, found, []), found is not None
    if not isinstance(operation, dict):
        return operation, "operation" in mapping
    if "_set" in operation:
        return _filled(situation, operation["_set"]), True
    if "_copy" in operation:
        found = situation.find(operation["_copy"])
        return found, found is not None
    if "_append" in operation:
        return _append(old, _filled(situation, operation["_append"]), operation.get("_uniq")), True
    raise ValueError(f"of the operations only _set, _copy and _append are supported, not {', '.join(operation) or 'none'}")


def _filled(situation: Situation, value: Any) -> Any:
    """Texts may have placeholders; everything else is as it is."""
    if isinstance(value, str):
        return situation.fill(value)
    return [_filled(situation, item) for item in value] if isinstance(value, list) else value


def _append(old: Any, new: Any, unique: Any) -> list[Any]:
    """Return a list with more at its end; with `unique` nothing twice, objects being the same by the keys that it names."""
    items = old if isinstance(old, list) else [] if old in (None, "") else [old]
    added = new if isinstance(new, list) else [new]
    keys = unique if isinstance(unique, list) else []
    result = list(items)
    for item in added:
        if unique and any(_same(item, other, keys) for other in result):
            continue
        result.append(item)
    if len(result) > MAX_LIST:
        raise ValueError(f"the list would hold more than {MAX_LIST} items")
    return result


def _same(one: Any, other: Any, keys: Sequence[str]) -> bool:
    if keys and isinstance(one, dict) and isinstance(other, dict):
        return all(one.get(key) == other.get(key) for key in keys)
    return bool(one == other)


ACTION = ActionType(CODE, apply=map_entity)
