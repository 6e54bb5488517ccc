"""Schedules: when a machine's task that is current is to begin, or why that cannot be said.

Minutes and hours elapse; days and longer units move the calendar in the organisation's zone and keep the time of day. An
attribute that names a day means its first moment there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from workflows.engine import due_dates
from workflows.engine.conditions import Facts
from workflows.engine.due_dates import Unit


class Origin(StrEnum):
    """What a schedule counts from."""

    BECAME_CURRENT = "became_current"
    FLOW_STARTED = "flow_started"
    TASK_COMPLETED = "task_completed"
    ATTRIBUTE = "trigger_entity_attribute"
    ALL_PRECEDING = "all_preceding_tasks_completed"


class Cause(StrEnum):
    """Why a schedule could not be armed."""

    ATTRIBUTE_EMPTY = "attribute_empty"
    ATTRIBUTE_UNREADABLE = "attribute_unreadable"
    IN_THE_PAST = "in_the_past"
    NOT_COMPLETED = "task_not_completed"
    GIVEN_UP = "given_up"


REASONS = {
    Cause.ATTRIBUTE_EMPTY: "The date attribute {attribute} is empty; fill it, or run or skip the task",
    Cause.ATTRIBUTE_UNREADABLE: "The attribute {attribute} holds {value!r}, which is no date; correct it, or skip the task",
    Cause.IN_THE_PAST: "The time of this schedule, {scheduled_at}, has passed; correct the date, or run or skip the task",
    Cause.NOT_COMPLETED: "The task that this schedule counts from is not completed yet",
    Cause.GIVEN_UP: "The schedule could not be carried out: {error}; run or skip the task",
}


@dataclass(frozen=True, slots=True)
class Schedule:
    """So long before or after an event. `task`, `schema` and `attribute` say which one."""

    duration: int
    unit: Unit
    origin: Origin = Origin.BECAME_CURRENT
    before: bool = False
    task: str | None = None
    schema: str | None = None
    attribute: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a schedule is not armed, and what it is about, as pairs of a name and a text."""

    cause: Cause
    about: tuple[tuple[str, str], ...] = ()

    @property
    def reason(self) -> str:
        """A sentence for people."""
        return REASONS[self.cause].format(**dict(self.about))


@dataclass(frozen=True, slots=True)
class Events:
    """When what a schedule may count from happened; None: not yet."""

    became_current: datetime
    flow_started: datetime
    task_completed: datetime | None
    all_preceding: datetime | None


def parse_schedule(data: Mapping[str, Any] | None) -> Schedule | None:
    """Read the contract's `schedule`; None for one that begins at once. ValueError for what cannot be resolved."""
    mode = (data or {}).get("mode", "immediate")
    if data is None or mode == "immediate":
        return None
    duration, unit = int(data["duration"]), Unit(data["unit"])
    if duration > due_dates.LONGEST[unit]:
        raise ValueError(f"schedule.duration must be at most {due_dates.LONGEST[unit]} {unit}")
    if mode == "delayed":
        return Schedule(duration, unit)
    reference = data["reference"]
    origin = Origin(reference["origin"])
    if origin is Origin.ATTRIBUTE and not reference.get("attribute"):
        raise ValueError("schedule.reference.attribute is missing")
    return Schedule(
        duration,
        unit,
        origin,
        before=data["direction"] == "before",
        task=reference["id"] if origin is Origin.TASK_COMPLETED else None,
        schema=reference.get("schema") or None,
        attribute=reference.get("attribute") if origin is Origin.ATTRIBUTE else None,
    )


def resolve(schedule: Schedule, events: Events, facts: Facts, zone: tzinfo) -> datetime | Refusal:
    """Return the instant (UTC) that a schedule means, in the past or not, or why there is none."""
    anchor = _anchor(schedule, events, facts, zone)
    if isinstance(anchor, Refusal):
        return anchor
    return _move(anchor, -schedule.duration if schedule.before else schedule.duration, schedule.unit, zone)


def _anchor(schedule: Schedule, events: Events, facts: Facts, zone: tzinfo) -> datetime | Refusal:
    if schedule.origin is Origin.ATTRIBUTE:
        return _read_attribute(schedule, facts, zone)
    moment = {
        Origin.BECAME_CURRENT: events.became_current,
        Origin.FLOW_STARTED: events.flow_started,
        Origin.TASK_COMPLETED: events.task_completed,
        Origin.ALL_PRECEDING: events.all_preceding,
    }[schedule.origin]
    return moment if moment is not None else Refusal(Cause.NOT_COMPLETED)


def _read_attribute(schedule: Schedule, facts: Facts, zone: tzinfo) -> datetime | Refusal:
    attributes = facts.primary if schedule.schema is None else facts.by_schema.get(schedule.schema, {})
    name = schedule.attribute or ""
    value = attributes.get(name)
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    if value is None or value in ("", [], {}):
        return Refusal(Cause.ATTRIBUTE_EMPTY, (("attribute", name),))
    try:
        if not isinstance(value, str):
            raise ValueError
        moment = due_dates.parse(value).moment
    except ValueError:
        return Refusal(Cause.ATTRIBUTE_UNREADABLE, (("attribute", name), ("value", str(value)[:60])))
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _move(anchor: datetime, amount: int, unit: Unit, zone: tzinfo) -> datetime:
    if unit in (Unit.MINUTES, Unit.HOURS):
        return anchor.astimezone(UTC) + timedelta(**{unit.value: amount})
    local = anchor.astimezone(zone)
    day = due_dates.shift(local.date(), amount, unit)
    return datetime.combine(day, local.time(), zone).astimezone(UTC)
