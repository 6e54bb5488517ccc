"""Statements: operators, types, lists, and what happens when they do not fit."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.engine.builders import branch, statement
from workflows.engine.conditions import Facts, Verdict, evaluate, parse_condition

BERLIN = ZoneInfo("Europe/Berlin")
# A Wednesday; in Berlin it is half past midnight on Thursday the 5th.
NOW = datetime(2026, 3, 4, 23, 30, tzinfo=UTC)


def verdict(*statements: dict[str, Any], operator: str = "AND", **primary: object) -> Verdict:
    condition = parse_condition(branch("c", *statements, operator=operator))
    return evaluate(
        condition, Facts(primary=primary, by_schema={"order": {"total": "50"}}, workflow={"name": "Flow"}), NOW, BERLIN
    )


@pytest.mark.parametrize(
    ("value", "kind", "operator", "values", "met"),
    [
        ("Bonn", "string", "equals", ["Bonn"], True),
        ("Bonn", "string", "equals", ["bonn"], False),
        ("Bonn", "string", "not_equals", ["Köln"], True),
        ("Bonn", "select", "any_of", ["Köln", "Bonn"], True),
        ("Bonn", "select", "none_of", ["Köln", "Bonn"], False),
        ("Bonn", "string", "contains", ["on"], True),
        ("Bonn", "string", "not_contains", ["on"], False),
        ("Bonn", "string", "starts_with", ["Bo"], True),
        ("Bonn", "string", "ends_with", ["Bo"], False),
        (None, "string", "is_empty", [], True),
        ("", "string", "is_empty", [], True),
        ([], "tags", "is_empty", [], True),
        (0, "number", "is_empty", [], False),
        (False, "boolean", "is_empty", [], False),
        ("x", "string", "is_not_empty", [], True),
        (12, "number", "greater_than", ["9"], True),
        ("12", "number", "greater_than", ["9"], True),
        (9, "number", "greater_than", ["9"], False),
        (9, "number", "greater_than_or_equals", ["9"], True),
        (9.5, "number", "less_than", ["9.6"], True),
        (9, "number", "less_than_or_equals", ["8"], False),
        (9, "number", "equals", ["9.0"], True),
        ({"amount": 100, "currency": "EUR"}, "price", "less_than", ["200"], True),
        (True, "boolean", "equals", ["true"], True),
        ("false", "boolean", "equals", ["false"], True),
        (["vip", "new"], "tags", "equals", ["vip"], True),
        (["vip", "new"], "tags", "not_equals", ["vip"], False),
        (["vip"], "tags", "none_of", ["old"], True),
        ([{"email": "a@b.de"}], "email", "ends_with", ["b.de"], True),
        ({"entity_id": "e1"}, "relation", "equals", ["e1"], True),
        ("2026-03-04", "date", "less_than", ["2026-03-05"], True),
        ("2026-03-04T23:30:00Z", "date", "equals", ["2026-03-05"], True),
        ("2026-03-04T10:00:00Z", "datetime", "greater_than", ["2026-03-04T09:59:00Z"], True),
    ],
)
def test_a_value_is_compared_by_its_type(value: object, kind: str, operator: str, values: list[str], met: bool) -> None:
    assert verdict(statement("a", operator, *values, kind=kind), a=value) == Verdict("c", met)


@pytest.mark.parametrize(
    ("token", "day", "met"),
    [
        ("today", "2026-03-05", True),
        ("TODAY", "2026-03-04", False),
        ("yesterday", "2026-03-04", True),
        ("TOMORROW", "2026-03-06", True),
        ("THIS_WEEK", "2026-03-02", True),
        ("THIS_WEEK", "2026-03-08", True),
        ("THIS_WEEK", "2026-03-01", False),
        ("NEXT_WEEK", "2026-03-09", True),
        ("LAST_WEEK", "2026-03-01", True),
        ("THIS_MONTH", "2026-03-31", True),
        ("NEXT_MONTH", "2026-04-30", True),
        ("LAST_MONTH", "2026-02-28", True),
        ("IN_THE_PAST", "2026-03-04", True),
        ("IN_THE_FUTURE", "2026-03-05", False),
        ("TODAY_OR_EARLIER", "2026-03-05", True),
    ],
)
def test_relative_dates_count_from_today_in_the_organisations_zone(token: str, day: str, met: bool) -> None:
    asked = statement("a", "equals", token, kind="date") | {"value_type": "relative_date"}
    assert verdict(asked, a=day).is_met is met


def test_an_offset_moves_the_date_before_it_is_compared() -> None:
    asked = statement("born", "less_than_or_equals", "today", kind="date", date_offset={"amount": 18, "unit": "years"})
    asked |= {"value_type": "relative_date"}
    assert verdict(asked, born="2008-03-05").is_met
    assert not verdict(asked, born="2008-03-06").is_met


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        ("many", "number", "no number"),
        ("soon", "date", "no date"),
        ("maybe", "boolean", "neither"),
        (["x"], "number", "no number"),
    ],
)
@pytest.mark.parametrize("operator", ["equals", "not_equals"])
def test_what_does_not_fit_is_not_met_and_said(value: object, kind: str, said: str, operator: str) -> None:
    found = verdict(statement("a", operator, "1", kind=kind), a=value)
    assert not found.is_met
    assert said in found.problems[0]


def test_statements_are_joined_by_and_or() -> None:
    yes, no = statement("a", "equals", "1"), statement("a", "equals", "2")
    assert not verdict(yes, no, a="1").is_met
    assert verdict(yes, no, operator="OR", a="1").is_met
    assert not verdict(a="1").is_met


def test_several_attributes_match_any_or_all() -> None:
    asked = statement("", "equals", "x", attributes=["a", "b"])
    assert verdict(asked, a="x", b="y").is_met
    every = statement("", "equals", "x", attributes=["a", "b"], attributes_match="all")
    assert not verdict(every, a="x", b="y").is_met
    assert verdict(every, a="x", b="x").is_met


def test_a_part_of_an_object_can_be_asked_for() -> None:
    asked = statement("address", "equals", "Bonn", attribute_sub_field="city")
    assert verdict(asked, address=[{"city": "Köln"}, {"city": "Bonn"}]).is_met


def test_a_schema_or_the_flow_itself_can_be_asked() -> None:
    assert verdict(statement("total", "greater_than", "10", kind="number", schema="order")).is_met
    assert verdict(statement("name", "equals", "Flow", origin_type="workflow")).is_met
    assert not verdict(statement("total", "greater_than", "10", kind="number", schema="meter")).is_met


@pytest.mark.parametrize(
    "broken",
    [
        statement("", "equals"),
        statement("a", "resembles"),
        statement("", "equals", attributes=[str(n) for n in range(11)]),
        statement("", "equals", attributes=["a", "b"], attribute_sub_field="x"),
        statement("a", "equals", date_offset={"amount": 1, "unit": "eons"}),
    ],
)
def test_a_broken_statement_is_refused_with_its_place(broken: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"statements\[0\] of condition c"):
        parse_condition(branch("c", broken))
