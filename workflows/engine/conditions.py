"""Conditions of a decision's branches: their shape, and whether they are met by what is known at a moment.

A value that does not fit its declared type is not met, and the verdict says so in a sentence: a branch that is silently never
taken is the hardest fault to find in a process.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import Any

from workflows.engine.comparisons import Mismatch, compare, describe
from workflows.engine.due_dates import Unit


class Operator(StrEnum):
    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    ANY_OF = "any_of"
    NONE_OF = "none_of"
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    GREATER_THAN = "greater_than"
    LESS_THAN = "less_than"
    GREATER_THAN_OR_EQUALS = "greater_than_or_equals"
    LESS_THAN_OR_EQUALS = "less_than_or_equals"
    IS_EMPTY = "is_empty"
    IS_NOT_EMPTY = "is_not_empty"


# Each says exactly the opposite of another, for lists as well as for single values.
NEGATIONS = {
    Operator.NOT_EQUALS: Operator.EQUALS,
    Operator.NONE_OF: Operator.ANY_OF,
    Operator.NOT_CONTAINS: Operator.CONTAINS,
    Operator.IS_NOT_EMPTY: Operator.IS_EMPTY,
}
MAX_ATTRIBUTES = 10
# So many values of a statement are kept for people.
MAX_FOUND = 5


@dataclass(frozen=True, slots=True)
class Statement:
    """One question about attributes. `shift`: an amount and unit by which a date attribute is moved before it is compared."""

    id: str
    operator: Operator
    values: tuple[str, ...]
    attributes: tuple[str, ...]
    attribute_type: str = "string"
    schema: str | None = None
    of_workflow: bool = False
    of_journey: bool = False
    match_all: bool = False
    sub_field: str | None = None
    shift: tuple[int, Unit] | None = None
    relative: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """A branch and its statements, joined by AND or OR; without statements it is never met by itself."""

    id: str
    branch_name: str = ""
    any_statement: bool = False
    statements: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """An attribute that could not be compared: the kind of problem, as in `comparisons.PROBLEMS`, and the value at fault."""

    attribute: str
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one statement: the values that were found, and what could not be compared, if anything."""

    is_met: bool
    found: tuple[str, ...] = ()
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a condition is met; `problems` are sentences about values that could not be compared.

    `findings` are there for people, one for each statement; they are no part of what two verdicts have in common.
    """

    condition_id: str
    is_met: bool
    problems: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Facts:
    """Attributes that statements may ask about: of the primary entity, of the first entity of each schema, of the flow itself."""

    primary: Mapping[str, object] = field(default_factory=dict)
    by_schema: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    workflow: Mapping[str, object] = field(default_factory=dict)


def parse_condition(data: Mapping[str, Any]) -> Condition:
    """Read a condition of the contract. ValueError, naming the path, for what cannot be evaluated."""
    statements = data.get("statements") or ()
    return Condition(
        id=data["id"],
        branch_name=data.get("branch_name") or "",
        any_statement=data.get("logical_operator") == "OR",
        statements=tuple(_parse_statement(s, f"statements[{i}] of condition {data['id']}") for i, s in enumerate(statements)),
    )


def _parse_statement(data: Mapping[str, Any], path: str) -> Statement:
    source = data.get("source") or {}
    attributes = tuple(source.get("attributes") or ())
    several = len(attributes) > 1
    if len(attributes) > MAX_ATTRIBUTES:
        raise ValueError(f"{path}: source.attributes may name {MAX_ATTRIBUTES} at most")
    offset = source.get("date_offset")
    if several and (source.get("attribute_sub_field") or offset):
        raise ValueError(f"{path}: source.attributes cannot be combined with attribute_sub_field or date_offset")
    if not attributes:
        attributes = (source["attribute"],) if source.get("attribute") else ()
    if not attributes:
        raise ValueError(f"{path}: source.attribute is missing")
    try:
        operator = Operator(data["operator"])
        shift = (int(offset["amount"]), Unit(offset["unit"])) if offset else None
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
    return Statement(
        id=data.get("id") or "",
        operator=operator,
        values=tuple(str(value) for value in data.get("values") or ()),
        attributes=attributes,
        attribute_type=source.get("attribute_type") or "string",
        schema=source.get("schema") or None,
        of_workflow=source.get("origin_type") == "workflow",
        of_journey=source.get("origin_type") == "journey_block",
        match_all=several and source.get("attributes_match") == "all",
        sub_field=source.get("attribute_sub_field") or None,
        shift=shift,
        relative=data.get("value_type") == "relative_date",
    )


def evaluate(condition: Condition, facts: Facts, now: datetime, zone: tzinfo) -> Verdict:
    """Return whether a condition is met; `zone` is the organisation's, in which days begin and end."""
    problems: list[str] = []
    today = now.astimezone(zone).date()
    findings = tuple(_judge(statement, facts, today, zone, problems) for statement in condition.statements)
    joined: Callable[[Iterable[bool]], bool] = any if condition.any_statement else all
    is_met = bool(findings) and joined(finding.is_met for finding in findings)
    return Verdict(condition.id, is_met, tuple(problems), findings)


def _judge(statement: Statement, facts: Facts, today: date, zone: tzinfo, problems: list[str]) -> Finding:
    attributes = _attributes(statement, facts)
    results: list[bool] = []
    problem: Problem | None = None
    for name in statement.attributes:
        try:
            results.append(_holds_for(statement, attributes.get(name), today, zone))
        except Mismatch as error:
            problems.append(f"{name} {error}")
            results.append(False)
            problem = problem or Problem(name, error.kind, error.value)
    is_met = all(results) if statement.match_all else any(results)
    elements = [e for name in statement.attributes for e in _elements(attributes.get(name), statement.sub_field)]
    found = tuple(describe(element) for element in elements[:MAX_FOUND])
    return Finding(is_met, found, problem)


def _attributes(statement: Statement, facts: Facts) -> Mapping[str, object]:
    if statement.of_workflow:
        return facts.workflow
    if statement.of_journey:
        return {}
    if statement.schema is None:
        return facts.primary
    return facts.by_schema.get(statement.schema, {})


def _holds_for(statement: Statement, value: object, today: date, zone: tzinfo) -> bool:
    if statement.of_journey:
        raise Mismatch("journey")
    elements = _elements(value, statement.sub_field)
    negated = statement.operator in NEGATIONS
    operator = NEGATIONS.get(statement.operator, statement.operator)
    if operator is Operator.IS_EMPTY:
        return (not elements) is not negated
    holds = any(compare(operator, element, statement, today, zone) for element in elements)
    return holds is not negated


def _elements(value: object, sub_field: str | None) -> Sequence[object]:
    """Return the single values of an attribute: those of a list, the named part of each object, without what is empty."""
    if isinstance(value, Mapping) and isinstance(value.get("$relation"), list):
        value = value["$relation"]
    items = list(value) if isinstance(value, list | tuple) else [value]
    if sub_field:
        items = [item.get(sub_field) if isinstance(item, Mapping) else None for item in items]
    return [item for item in items if item is not None and item not in ("", [], {})]
