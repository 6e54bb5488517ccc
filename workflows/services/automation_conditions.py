"""Conditions and schedules of automations: the contract's shapes, brought to what the engine evaluates."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from typing import Any

from workflows.engine.conditions import Condition, Facts, evaluate, parse_condition
from workflows.engine.due_dates import Unit, parse, shift
from workflows.services.errors import InvalidInput

EXISTENCE = {"entity_exists": True, "entity_does_not_exist": False}
PERIODS = ("minutes", "hours", "days", "weeks", "months")
# Operands that this product has no source for.
UNSERVED = ("journey_block", "event")


class Unservable(Exception):
    """A condition or schedule that cannot be decided or computed; the text says why."""


def check_conditions(conditions: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the ids of the conditions. Raises InvalidInput for one that can never be evaluated."""
    found: set[str] = set()
    for number, condition in enumerate(conditions):
        key = condition.get("id")
        if not isinstance(key, str) or not key or key in found:
            raise InvalidInput(f"conditions[{number}].id", "each condition needs an id of its own")
        found.add(key)
        try:
            _parse(condition)
        except (ValueError, TypeError, AttributeError) as error:
            raise InvalidInput(f"conditions[{number}]", str(error)) from error
    return found


def is_met(condition: Mapping[str, Any], facts: Facts, now: datetime, zone: tzinfo) -> tuple[bool, tuple[str, ...]]:
    """Return whether all statements hold, and sentences about values that did not fit. Raises Unservable."""
    for statement in condition.get("statements") or []:
        kind = (statement.get("source") or {}).get("originType")
        if kind in UNSERVED:
            raise Unservable(f"Conditions about a {kind} cannot be evaluated here")
        wanted = EXISTENCE.get(statement.get("operation"))
        schema = (statement.get("source") or {}).get("schema")
        if wanted is not None and (schema in facts.by_schema) is not wanted:
            return False, ()
    parsed = _parse(condition)
    if not parsed.statements:
        return True, ()
    verdict = evaluate(parsed, facts, now, zone)
    return verdict.is_met, verdict.problems


def _parse(condition: Mapping[str, Any]) -> Condition:
    statements = []
    for statement in condition.get("statements") or []:
        source = statement.get("source") or {}
        if statement.get("operation") in EXISTENCE or source.get("originType") in UNSERVED:
            continue
        statements.append(
            {
                "id": statement.get("id") or "",
                "operator": statement.get("operation"),
                "values": statement.get("values") or [],
                "source": {
                    "origin_type": source.get("originType") or "entity",
                    "schema": source.get("schema"),
                    "attribute": source.get("attribute"),
                    "attribute_type": source.get("attributeType"),
                },
            }
        )
    return parse_condition({"id": condition["id"], "statements": statements})


def primary_first(condition: Facts, schema: str) -> Facts:
    """Statements about the triggering entity's schema are about that entity."""
    return replace(condition, by_schema={**condition.by_schema, schema: condition.primary})


def check_schedules(schedules: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the ids of the schedules. Raises InvalidInput for one that can never be computed."""
    found: set[str] = set()
    for number, schedule in enumerate(schedules):
        field = f"schedules[{number}]"
        key = schedule.get("id")
        if not isinstance(key, str) or not key or key in found:
            raise InvalidInput(f"{field}.id", "each schedule needs an id of its own")
        found.add(key)
        amount = schedule.get("numberOfUnits")
        if amount is not None and (isinstance(amount, bool) or not isinstance(amount, int) or not 0 <= amount <= 100_000):
            raise InvalidInput(f"{field}.numberOfUnits", "must be a whole number up to 100000")
        if schedule.get("timePeriod") not in (None, *PERIODS):
            raise InvalidInput(f"{field}.timePeriod", f"must be one of {', '.join(PERIODS)}")
        if schedule.get("timeRelation") not in (None, "after", "before"):
            raise InvalidInput(f"{field}.timeRelation", "must be after or before")
    return found


def moment_of(
    schedule: Mapping[str, Any], attributes: Mapping[str, Any], started_at: datetime, now: datetime, zone: tzinfo
) -> datetime:
    """Return when a schedule is due. Raises Unservable when its date is missing, unreadable or past."""
    source = schedule.get("source") or {}
    amount = int(schedule.get("numberOfUnits") or 0) * (-1 if schedule.get("timeRelation") == "before" else 1)
    unit = Unit(schedule.get("timePeriod") or "minutes")
    name = source.get("attribute")
    base = started_at
    if name:
        value = attributes.get(name)
        if not isinstance(value, str) or not value:
            raise Unservable(f"The attribute {name} holds no date")
        try:
            base = _instant(value, zone)
        except ValueError as error:
            raise Unservable(f"The attribute {name} holds {value[:60]!r}, which is no date") from error
    due = _shift(base, amount, unit, zone)
    if due < now - timedelta(seconds=60):
        raise Unservable(f"The time {due.astimezone(zone).isoformat(timespec='minutes')} is already past")
    return due


def _instant(value: str, zone: tzinfo) -> datetime:
    moment = parse(value).moment
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _shift(base: datetime, amount: int, unit: Unit, zone: tzinfo) -> datetime:
    if unit in (Unit.MINUTES, Unit.HOURS):
        return base + timedelta(minutes=amount * (60 if unit is Unit.HOURS else 1))
    local = base.astimezone(zone)
    try:
        day = shift(local.date(), amount, unit)
    except (ValueError, OverflowError) as error:
        raise Unservable("The schedule leads beyond the calendar") from error
    return datetime.combine(day, local.time(), zone)
