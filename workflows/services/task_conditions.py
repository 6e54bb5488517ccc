"""Filters over tasks as conditions over columns and rows.

Only the keys of KEYS are understood. A value means what it means to who asks: `logged_in_user` is the actor, and a word such as
THIS_WEEK is a range of days in the organisation's zone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q

from workflows.engine import due_dates
from workflows.engine.relative_dates import resolve_token
from workflows.engine.status import ExecutionStatus, TaskStatus, TaskType
from workflows.models import Assignment, ContextRef, Entity
from workflows.permissions import Actor
from workflows.services.due import zone_of
from workflows.services.errors import InvalidInput
from workflows.services.task_filters import Condition, DataType, Group, Operator, Scalar

LOGGED_IN_USER = "logged_in_user"
# Counting numbers that both databases and JavaScript hold exactly.
MAX_NUMBER = 2**53

# A negated operator is the exact opposite of the other one: what has no value is not equal to anything.
OPPOSITES = {
    Operator.NOT_EQUALS: Operator.EQUALS,
    Operator.NOT_EMPTY: Operator.EMPTY,
    Operator.NOT_CONTAINS: Operator.CONTAINS,
    Operator.IS_NONE_OF: Operator.IS_ONE_OF,
}
COMPARISONS = (Operator.GREATER_THAN, Operator.LESS_THAN, Operator.GREATER_THAN_OR_EQUAL, Operator.LESS_THAN_OR_EQUAL)


class Kind(StrEnum):
    """What a key holds, and with it which operators and values make sense."""

    TEXT = "text"
    ID = "id"
    PERSON = "person"
    NUMBER = "number"
    FLAG = "flag"
    CURRENT = "current"
    DATE = "date"
    ASSIGNEES = "assignees"
    CONTEXT = "context"
    CONTEXT_SCHEMA = "context_schema"
    CONTEXT_TITLE = "context_title"


DATA_TYPES = {Kind.NUMBER: DataType.NUMBER, Kind.FLAG: DataType.BOOLEAN, Kind.CURRENT: DataType.BOOLEAN, Kind.DATE: DataType.DATE}


@dataclass(frozen=True, slots=True)
class Key:
    """A field of task records that can be filtered by: its kind, its column from Task if it has one, its known values."""

    kind: Kind
    column: str = ""
    choices: tuple[str, ...] = ()


KEYS: Mapping[str, Key] = {
    "id": Key(Kind.ID, "id"),
    "template_id": Key(Kind.TEXT, "template_id"),
    "name": Key(Kind.TEXT, "name"),
    "task_type": Key(Kind.TEXT, "task_type", tuple(TaskType)),
    "status": Key(Kind.TEXT, "status", tuple(TaskStatus)),
    "enabled": Key(Kind.FLAG, "enabled"),
    "manually_created": Key(Kind.FLAG, "manually_created"),
    "is_current": Key(Kind.CURRENT, "crt_since"),
    "position": Key(Kind.NUMBER, "position"),
    "iterations": Key(Kind.NUMBER, "iterations"),
    "phase_id": Key(Kind.ID, "phase_id"),
    "phase_name": Key(Kind.TEXT, "phase__name"),
    "execution_id": Key(Kind.ID, "execution_id"),
    "execution_name": Key(Kind.TEXT, "execution__name"),
    "execution_status": Key(Kind.TEXT, "execution__status", tuple(ExecutionStatus)),
    "flow_template_id": Key(Kind.TEXT, "execution__template__id"),
    "due_date": Key(Kind.DATE, "due_at"),
    "crt_since": Key(Kind.DATE, "crt_since"),
    "created_at": Key(Kind.DATE, "created_at"),
    "updated_at": Key(Kind.DATE, "updated_at"),
    "started_at": Key(Kind.DATE, "started_at"),
    "completed_at": Key(Kind.DATE, "completed_at"),
    "in_progress_by": Key(Kind.PERSON, "in_progress_by"),
    "completed_by": Key(Kind.PERSON, "completed_by"),
    "assigned_to": Key(Kind.ASSIGNEES),
    "context_entity": Key(Kind.CONTEXT),
    "context_entity_schema": Key(Kind.CONTEXT_SCHEMA),
    "context_entity_title": Key(Kind.CONTEXT_TITLE),
}
# Other names under which clients know the same.
ALIASES = {
    "assignee": "assigned_to",
    "type": "task_type",
    "definition_id": "flow_template_id",
    "workflow_name": "execution_name",
    "context_entity_id": "context_entity",
    "entity_schema": "context_entity_schema",
    "created": "created_at",
    "last_updated": "updated_at",
}
# Deprecated statuses, which are stored as what they mean.
STORED_STATUS = {"UNASSIGNED": "PENDING", "ASSIGNED": "PENDING"}

DYNAMIC_DATES = (
    "TODAY TOMORROW YESTERDAY IN_THE_FUTURE IN_THE_PAST THIS_WEEK NEXT_WEEK LAST_WEEK THIS_MONTH NEXT_MONTH LAST_MONTH "
    "TODAY_OR_EARLIER"
).split()


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks and when: what the magic values mean."""

    actor: Actor
    zone: ZoneInfo
    today: date


def viewer_of(actor: Actor, now: datetime) -> Viewer:
    zone = zone_of(actor.organisation)
    return Viewer(actor, zone, now.astimezone(zone).date())


# What partners may filter and sort by.
GUEST_KEYS = ("status", "due_date", "is_current", "enabled", "task_type", "execution_id", "execution_status", "flow_template_id")


def find_key(name: str, path: str) -> Key:
    """Return a key by its name or another name of it. Raises InvalidInput that names it and those that there are."""
    key = KEYS.get(ALIASES.get(name, name))
    if key is None:
        raise InvalidInput(path, f"there is no key {name[:80]!r}; use one of {', '.join(KEYS)}")
    return key


def check_key(actor: Actor, name: str, path: str) -> None:
    """Raise InvalidInput when a partner asks by what they are not told: the answer would tell it."""
    if actor.guest is not None and ALIASES.get(name, name) not in GUEST_KEYS:
        raise InvalidInput(path, f"use one of {', '.join(GUEST_KEYS)}")


def build_filter(group: Group, viewer: Viewer) -> Q:
    """Return the condition over Task that a filter means. Raises InvalidInput for unknown keys and values that do not fit."""
    result = Q()
    for item in group.items:
        part = build_filter(item, viewer) if isinstance(item, Group) else build_condition(item, viewer)
        result = result | part if group.any else result & part
    return result


def build_condition(condition: Condition, viewer: Viewer) -> Q:
    key = find_key(condition.key, f"{condition.path}.key")
    check_key(viewer.actor, condition.key, f"{condition.path}.key")
    wanted = DATA_TYPES.get(key.kind, DataType.STRING)
    if condition.data_type not in (None, wanted):
        raise InvalidInput(f"{condition.path}.data_type", f"{condition.key} is a {wanted}")
    positive = OPPOSITES.get(condition.operator)
    if positive is not None:
        return ~_build(key, positive, condition, viewer)
    return _build(key, condition.operator, condition, viewer)


def _build(key: Key, operator: Operator, condition: Condition, viewer: Viewer) -> Q:
    if operator in (Operator.EQUALS, Operator.CONTAINS, *COMPARISONS) and not condition.values:
        raise InvalidInput(f"{condition.path}.value", f"{condition.operator} needs a value")
    if operator in COMPARISONS and len(condition.values) > 1:
        raise InvalidInput(f"{condition.path}.value", f"{condition.operator} needs one value")
    builder = BUILDERS[key.kind]
    result = builder(key, operator, condition, viewer)
    if result is None:
        raise InvalidInput(f"{condition.path}.operator", f"{condition.operator} cannot be asked of {condition.key}")
    return result


NEVER = Q(pk__in=[])


def _texts(condition: Condition) -> list[str]:
    """Return the values as texts; numbers and flags are taken by what they look like in JSON."""
    return [value if isinstance(value, str) else str(value).lower() for value in condition.values]


def _match_text(column: str, operator: Operator, values: Sequence[str]) -> Q | None:
    match operator:
        case Operator.EQUALS | Operator.IS_ONE_OF:
            return Q(**{f"{column}__in": values})
        case Operator.CONTAINS:
            result = Q()
            for value in values:
                result |= Q(**{f"{column}__icontains": value})
            # What has no value contains nothing, not even the empty text.
            return result & ~Q(**{column: ""})
        case Operator.EMPTY:
            return Q(**{column: ""}) | Q(**{f"{column}__isnull": True})
    return None


def _build_text(key: Key, operator: Operator, condition: Condition, viewer: Viewer) -> Q | None:
    values = _texts(condition)
    return _match_text(key.column, operator, [STORED_STATUS.get(v, v) for v in values] if key.column == "status" else values)


def _build_person(key: Key, operator: Operator, condition: Condition, viewer: Viewer) -> Q | None:
    return _match_text(key.column, operator, _people(condition, viewer))


def _people(condition: Condition, viewer: Viewer) -> list[str]:
    """Return ids of people. Raises PermissionRefused for others than who asks, without the right to ask for them."""
    people = [viewer.actor.id if value == LOGGED_IN_USER else value for value in _texts(condition)]
    if any(person != viewer.actor.id for person in people):
        viewer.actor.require("kanban:all_assignee_filters")
    return people


def _build_id(key: Key, operator: Operator, condition: Condition, viewer: Viewer) -> Q | None:
    match operator:
        case Operator.EQUALS | Operator.IS_ONE_OF:
            return Q(**{f"{key.column}__in": _ids(condition)})
        case Operator.EMPTY:
            return Q(**{f"{key.column}__isnull": True})
    return None


def _ids(condition: Condition) -> list[UUID]:
    """Return the values that are ids; others name nothing that could be found."""
    found = []
    for text in _texts(condition):
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def _build_flag(key: Key, operator: Operator, condition: Condition, viewer: Viewer) -> Q | None:
    match operator:
        case Operator.EQUALS | Operator.IS_ONE_OF:
            return Q(**{f"{key.column}__in": _flags(condition)})
        case Operator.EMPTY:
            return NEVER
    return None


def _build_current(key: Key, operator: Operator, condition: Condition, viewer: Viewer) -> Q | None:
    match operator:
        case Operator.EQUALS | Operator.IS_ONE_OF:
            result = NEVER
            for flag in _flags(condition):
                result |= Q(**{f"{key.column}__isnull": not flag})
            return result
        case Operator.EMPTY:
            return NEVER
    return None


def _flags(condition: Condition) -> list[bool]:
    flags = {"true": True, "false": False}
    for value in _texts(condition):
        if value not in flags:
            raise InvalidInput(f"{condition.path}.value", "must be true or false")
    return [flags[value] for value in _texts(condition)]


def _build_number(key: Key, operator: Operator, condition: Condition, viewer: Viewer) -> Q | None:
    if operator == Operator.EMPTY:
        return Q(**{f"{key.column}__isnull": True})
    lookups = {
        Operator.EQUALS: "exact",
        Operator.IS_ONE_OF: "exact",
        Operator.GREATER_THAN: "gt",
        Operator.LESS_THAN: "lt",
        Operator.GREATER_THAN_OR_EQUAL: "gte",
        Operator.LESS_THAN_OR_EQUAL: "lte",
    }
    if operator not in lookups:
        return None
    result = NEVER
    for value in condition.values:
        result |= Q(**{f"{key.column}__{lookups[operator]}": _number(value, condition)})
    return result


def _number(value: Scalar, condition: Condition) -> int:
    try:
        number = int(value) if isinstance(value, str) else value
    except ValueError:
        number = True
    if isinstance(number, bool) or abs(number) > MAX_NUMBER or number != int(number):
        raise InvalidInput(f"{condition.path}.value", "must be a whole number")
    return int(number)


# Instants from the first to before the second; None: without end on that side.
Span = tuple[datetime | None, datetime | None]


def _build_date(key: Key, operator: Operator, condition: Condition, viewer: Viewer) -> Q | None:
    if operator == Operator.EMPTY:
        return Q(**{f"{key.column}__isnull": True})
    spans = [_span(value, condition, viewer) for value in condition.values]
    if operator in (Operator.EQUALS, Operator.IS_ONE_OF):
        result = NEVER
        for span in spans:
            result |= _within(key.column, span)
        return result
    if operator not in COMPARISONS:
        return None
    begin, end = spans[0]
    span = {
        Operator.GREATER_THAN: (end, None),
        Operator.GREATER_THAN_OR_EQUAL: (begin, None),
        Operator.LESS_THAN: (None, begin),
        Operator.LESS_THAN_OR_EQUAL: (None, end),
    }[operator]
    # Nothing is later than what has no end, nor earlier than what has no beginning.
    if (operator == Operator.GREATER_THAN and end is None) or (operator == Operator.LESS_THAN and begin is None):
        return NEVER
    return _within(key.column, span)


def _within(column: str, span: Span) -> Q:
    begin, end = span
    result = Q(**{f"{column}__isnull": False})
    if begin is not None:
        result &= Q(**{f"{column}__gte": begin})
    if end is not None:
        result &= Q(**{f"{column}__lt": end})
    return result


def _span(value: Scalar, condition: Condition, viewer: Viewer) -> Span:
    """Return what a date of a filter covers: a word its days, a day without zone that day, an instant its millisecond."""
    days = resolve_token(value, viewer.today) if isinstance(value, str) else None
    if days is None:
        try:
            due = due_dates.parse(value if isinstance(value, str) else "")
        except ValueError as error:
            message = f"must be a date or one of {', '.join(DYNAMIC_DATES)}"
            raise InvalidInput(f"{condition.path}.value", message) from error
        if not due.floating:
            begin = due.moment.astimezone(UTC)
            return begin, begin + timedelta(milliseconds=1)
        days = due.day(viewer.zone), due.day(viewer.zone)
    first, last = days
    return (
        None if first == date.min else datetime.combine(first, time(), viewer.zone).astimezone(UTC),
        None if last == date.max else datetime.combine(last + timedelta(days=1), time(), viewer.zone).astimezone(UTC),
    )


def _build_assignees(key: Key, operator: Operator, condition: Condition, viewer: Viewer) -> Q | None:
    rows = Assignment.objects.filter(organisation=viewer.actor.organisation, task__isnull=False)
    if operator == Operator.EMPTY:
        return ~Q(pk__in=rows.exclude(assignee="").values("task_id"))
    matched = _match_text("assignee", operator, _people(condition, viewer))
    return Q(pk__in=rows.filter(matched).values("task_id")) if matched is not None else None


def _build_context(key: Key, operator: Operator, condition: Condition, viewer: Viewer) -> Q | None:
    matched = {
        Operator.EQUALS: Q(entity_id__in=_ids(condition)),
        Operator.IS_ONE_OF: Q(entity_id__in=_ids(condition)),
        Operator.EMPTY: Q(),
    }.get(operator)
    return _about(operator, matched, viewer)


def _build_context_schema(key: Key, operator: Operator, condition: Condition, viewer: Viewer) -> Q | None:
    matched = Q() if operator == Operator.EMPTY else _match_text("entity_schema", operator, _texts(condition))
    return _about(operator, matched, viewer)


def _build_context_title(key: Key, operator: Operator, condition: Condition, viewer: Viewer) -> Q | None:
    entities = Entity.objects.filter(organisation=viewer.actor.organisation)
    if operator == Operator.EMPTY:
        return _about(operator, Q(entity_id__in=entities.exclude(title="").values("pk")), viewer)
    matched = _match_text("title", operator, _texts(condition))
    if matched is None:
        return None
    return _about(operator, Q(entity_id__in=entities.filter(matched).values("pk")), viewer)


def _about(operator: Operator, matched: Q | None, viewer: Viewer) -> Q | None:
    """Return the tasks of executions that are about something matched; for EMPTY, of those that are not."""
    if matched is None:
        return None
    rows = ContextRef.objects.filter(matched, organisation=viewer.actor.organisation)
    result = Q(execution_id__in=rows.values("execution_id"))
    return ~result if operator == Operator.EMPTY else result


BUILDERS: Mapping[Kind, Callable[[Key, Operator, Condition, Viewer], Q | None]] = {
    Kind.TEXT: _build_text,
    Kind.ID: _build_id,
    Kind.PERSON: _build_person,
    Kind.NUMBER: _build_number,
    Kind.FLAG: _build_flag,
    Kind.CURRENT: _build_current,
    Kind.DATE: _build_date,
    Kind.ASSIGNEES: _build_assignees,
    Kind.CONTEXT: _build_context,
    Kind.CONTEXT_SCHEMA: _build_context_schema,
    Kind.CONTEXT_TITLE: _build_context_title,
}
