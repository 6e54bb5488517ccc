"""Values that do not fit their type, and instants without a zone."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.engine.builders import branch, statement
from workflows.engine.comparisons import Mismatch, describe
from workflows.engine.conditions import Facts, Verdict, evaluate, parse_condition

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 4, 23, 30, tzinfo=UTC)


def ask(value: object, kind: str, operator: str, *values: str, **fields: Any) -> Verdict:
    source = {key: fields.pop(key) for key in ("date_offset",) if key in fields}
    question = statement("x", operator, *values, kind=kind, **source) | fields
    return evaluate(parse_condition(branch("c", question)), Facts(primary={"x": value}), NOW, BERLIN)


@pytest.mark.parametrize(
    ("value", "kind", "operator", "wanted", "met"),
    [
        ("True", "boolean", "equals", "true", True),
        ("TRUE", "boolean", "equals", "false", False),
        ("False", "boolean", "any_of", "FALSE", True),
        # Without a zone a time is one of the organisation's: 11:00 there is 10:00 UTC.
        ("2026-03-04T11:00:00.000", "datetime", "equals", "2026-03-04T10:00:00Z", True),
        ("2026-03-04T10:00:00Z", "datetime", "equals", "2026-03-04T11:00:00.000", True),
        ("2026-03-04T11:00:00.000", "datetime", "less_than", "2026-03-04T10:00:00Z", False),
        # One that names no time is compared by the day, as a date is.
        ("2026-03-04T10:00:00Z", "datetime", "equals", "2026-03-04", True),
        ("2026-03-04T10:00:00Z", "date", "equals", "2026-03-04T09:00:00Z", True),
        ("2026-03-04", "datetime", "equals", "2026-03-04T09:00:00Z", True),
        ("2026-03-05", "date", "equals", "2026-03-04T23:30:00Z", True),
        ("2026-03-04T10:00:00Z", "datetime", "contains", "T10", True),
    ],
)
def test_what_fits_is_compared(value: object, kind: str, operator: str, wanted: str, met: bool) -> None:
    verdict = ask(value, kind, operator, wanted)
    assert (verdict.is_met, verdict.problems) == (met, ())


def test_a_moved_datetime_is_compared_by_the_day() -> None:
    moved = {"date_offset": {"amount": 1, "unit": "days"}}
    assert ask("2026-03-04T10:00:00Z", "datetime", "equals", "2026-03-05T08:00:00Z", **moved).is_met


LONG = "x" * 80


@pytest.mark.parametrize(
    ("value", "kind", "operator", "wanted", "problem"),
    [
        ("maybe", "boolean", "equals", "true", "holds 'maybe', which is neither true nor false"),
        (1, "boolean", "equals", "true", "holds '1', which is neither true nor false"),
        (True, "boolean", "contains", "true", "is true or false and cannot be asked with contains"),
        (True, "number", "equals", "1", "is no number"),
        ("many", "number", "equals", "1", "holds 'many', which is no number"),
        (LONG, "number", "equals", "1", f"holds '{'x' * 60}', which is no number"),
        ("Infinity", "number", "equals", "1", "holds 'Infinity', which is no number"),
        (1, "number", "equals", "one", "is compared with 'one', which is no number"),
        (1, "date", "equals", "2026-03-04", "is no date"),
        ("soon", "date", "equals", "2026-03-04", "holds 'soon', which is no date"),
        ("2026-03-04", "date", "equals", "soon", "is compared with 'soon', which is no date"),
        ("2026-03-04T25:00", "datetime", "equals", "2026-03-04T10:00:00Z", "holds '2026-03-04T25:00', which is no date"),
        ("2026-03-04T10:00:00Z", "datetime", "equals", "T", "is compared with 'T', which is no date"),
    ],
)
def test_what_does_not_fit_is_said(value: object, kind: str, operator: str, wanted: str, problem: str) -> None:
    verdict = ask(value, kind, operator, wanted)
    assert not verdict.is_met
    assert verdict.problems == (f"x {problem}",)


def test_an_unknown_token_and_a_day_outside_the_calendar_are_said() -> None:
    relative = ask("2026-03-04", "date", "equals", "SOON", value_type="relative_date")
    assert relative.problems == ("x is compared with 'SOON', which is no date that can be counted from today",)
    moved = ask("2026-03-04", "date", "equals", "2026-03-04", date_offset={"amount": 9000, "unit": "years"})
    assert moved.problems == ("x cannot be moved so far",)


def test_a_mismatch_keeps_what_is_at_fault() -> None:
    problem = Mismatch("number_value", LONG)
    assert (problem.kind, problem.value) == ("number_value", "x" * 60)
    assert Mismatch("number").value == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [({"amount": 5, "currency": "EUR"}, "5"), ({"name": "n", "id": "i"}, "i, n"), (["a", True], "a, true"), (LONG, "x" * 60)],
)
def test_a_value_is_described_for_people(value: object, text: str) -> None:
    assert describe(value) == text
