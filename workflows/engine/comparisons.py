"""How one value of an attribute is compared with the values of a statement, by the attribute's declared type."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Protocol

from workflows.engine.due_dates import Unit, parse, shift
from workflows.engine.relative_dates import Range, resolve_token

NUMBERS = frozenset({"number", "price"})
DATES = frozenset({"date", "datetime"})
# The parts of objects that stand for the whole, in the order in which they are looked for.
IDENTIFYING = ("id", "_id", "entity_id", "user_id", "$relation", "value", "name", "title", "email", "phone", "address")


# Each completes a sentence that begins with the attribute.
PROBLEMS = {
    "number": "is no number",
    "number_value": "holds {value!r}, which is no number",
    "number_wanted": "is compared with {value!r}, which is no number",
    "boolean": "holds {value!r}, which is neither true nor false",
    "boolean_operator": "is true or false and cannot be asked with {value}",
    "date": "is no date",
    "date_value": "holds {value!r}, which is no date",
    "date_wanted": "is compared with {value!r}, which is no date",
    "token": "is compared with {value!r}, which is no date that can be counted from today",
    "offset": "cannot be moved so far",
    "journey": "asks for an answer of a journey, and journeys are not known here",
}
TEXT_OPERATORS = ("contains", "starts_with", "ends_with")
MAX_TEXT = 60


class Mismatch(ValueError):
    """A value that cannot be compared in the declared type: the kind of problem, and the value that is at fault."""

    def __init__(self, kind: str, value: object = "") -> None:
        self.kind = kind
        self.value = str(value)[:MAX_TEXT]
        super().__init__(PROBLEMS[kind].format(value=self.value))


class Question(Protocol):
    """What a comparison has to know of a statement."""

    @property
    def values(self) -> tuple[str, ...]: ...
    @property
    def attribute_type(self) -> str: ...
    @property
    def shift(self) -> tuple[int, Unit] | None: ...
    @property
    def relative(self) -> bool: ...


def compare(operator: str, element: object, question: Question, today: date, zone: tzinfo) -> bool:
    """Whether one value answers the question; `operator` is a positive one. Raises Mismatch."""
    if question.attribute_type in NUMBERS:
        return _compare_numbers(operator, element, question.values)
    if question.attribute_type in DATES:
        return _compare_dates(operator, element, question, today, zone)
    if question.attribute_type == "boolean":
        return _compare_booleans(operator, element, question.values)
    return _compare_texts(operator, _texts(element), question.values)


def _ordered(operator: str, low: bool, high: bool) -> bool:
    """Answer a comparison of size: `low` the value is below, `high` it is above what it is compared with."""
    answers = {
        "greater_than": high,
        "less_than": low,
        "greater_than_or_equals": not low,
        "less_than_or_equals": not high,
    }
    return answers.get(operator, not low and not high)


def _number(value: object, kind: str = "number_value") -> Decimal:
    if isinstance(value, Mapping):
        value = value.get("amount", value.get("value"))
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Mismatch("number")
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation as error:
        raise Mismatch(kind, value) from error
    if not number.is_finite():
        raise Mismatch(kind, value)
    return number


def _compare_numbers(operator: str, element: object, values: Sequence[str]) -> bool:
    number = _number(element)
    if operator in TEXT_OPERATORS:
        return _compare_texts(operator, [f"{number:f}"], values)
    wanted = [_number(value, "number_wanted") for value in _wanted(operator, values)]
    return any(_ordered(operator, number < other, number > other) for other in wanted)


def _wanted(operator: str, values: Sequence[str]) -> Sequence[str]:
    """Return the values that count: all for any_of and equals, the first for the rest."""
    return values if operator in ("any_of", "equals", *TEXT_OPERATORS) else values[:1]


def _compare_booleans(operator: str, element: object, values: Sequence[str]) -> bool:
    if isinstance(element, str) and element.lower() in ("true", "false"):
        element = element.lower() == "true"
    if not isinstance(element, bool):
        raise Mismatch("boolean", element)
    if operator not in ("equals", "any_of"):
        raise Mismatch("boolean_operator", operator)
    return any(value.lower() == str(element).lower() for value in values)


def _day(value: object, zone: tzinfo, kind: str = "date_value") -> date:
    if not isinstance(value, str):
        raise Mismatch("date")
    try:
        return parse(value).day(zone)
    except ValueError as error:
        raise Mismatch(kind, value) from error


def _compare_dates(operator: str, element: object, question: Question, today: date, zone: tzinfo) -> bool:
    exact = question.attribute_type == "datetime" and question.shift is None and not question.relative
    if exact and isinstance(element, str) and "T" in element and any("T" in value for value in question.values):
        return _compare_instants(operator, element, question.values, zone)
    day = _day(element, zone)
    if question.shift is not None:
        amount, unit = question.shift
        try:
            day = shift(day, amount, unit)
        except (ValueError, OverflowError) as error:
            raise Mismatch("offset") from error
    if operator in TEXT_OPERATORS and not question.relative:
        return _compare_texts(operator, [day.isoformat()], question.values)
    ranges = [_range(value, question.relative, today, zone) for value in _wanted(operator, question.values)]
    return any(_ordered(operator, day < first, day > last) for first, last in ranges)


def _compare_instants(operator: str, element: str, values: Sequence[str], zone: tzinfo) -> bool:
    if operator in TEXT_OPERATORS:
        return _compare_texts(operator, [element], values)
    moment = _instant(element, zone)
    wanted = [_instant(value, zone, "date_wanted") for value in _wanted(operator, values)]
    return any(_ordered(operator, moment < other, moment > other) for other in wanted)


def _instant(value: str, zone: tzinfo, kind: str = "date_value") -> datetime:
    try:
        moment = parse(value).moment
    except ValueError as error:
        raise Mismatch(kind, value) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _range(value: str, relative: bool, today: date, zone: tzinfo) -> Range:
    if relative:
        found = resolve_token(value, today)
        if found is None:
            raise Mismatch("token", value)
        return found
    day = _day(value, zone, "date_wanted")
    return day, day


def _texts(element: object) -> list[str]:
    """Return what an element can be known by: itself, or the identifying parts of an object."""
    if isinstance(element, Mapping):
        found = [element[key] for key in IDENTIFYING if element.get(key) not in (None, "")]
        return [text for value in found for text in _texts(value)]
    if isinstance(element, list | tuple):
        return [text for item in element for text in _texts(item)]
    if isinstance(element, bool):
        return ["true" if element else "false"]
    return [str(element)]


def describe(element: object) -> str:
    """Return a value for people, shortened."""
    if isinstance(element, Mapping) and "amount" in element:
        return str(element["amount"])[:MAX_TEXT]
    return ", ".join(_texts(element))[:MAX_TEXT]


def _compare_texts(operator: str, texts: Sequence[str], values: Sequence[str]) -> bool:
    if operator in ("equals", "any_of"):
        return any(text == value for text in texts for value in values)
    if operator == "contains":
        return any(value in text for text in texts for value in values)
    if operator == "starts_with":
        return any(text.startswith(value) for text in texts for value in values)
    if operator == "ends_with":
        return any(text.endswith(value) for text in texts for value in values)
    return any(_ordered(operator, text < value, text > value) for text in texts for value in values[:1])
