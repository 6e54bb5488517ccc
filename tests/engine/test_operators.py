"""Every operator over every attribute type that the contract names, and the days on which zones disagree."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from tests.engine.builders import branch, statement
from workflows.engine.conditions import Facts, Operator, Verdict, evaluate, parse_condition

NOW = datetime(2026, 3, 4, 23, 30, tzinfo=UTC)

# By type: a value as entities hold it, a text that it equals, one that it does not equal, and a part of it.
SAMPLES: dict[str, tuple[object, str, str, str]] = {
    "string": ("Bonn", "Bonn", "Ulm", "on"),
    "text": ("Long text", "Long text", "Short", "g t"),
    "number": (42.5, "42.50", "42", "2."),
    "boolean": (True, "true", "false", ""),
    "date": ("2026-03-04", "2026-03-04", "2026-03-05", "-03-"),
    "datetime": ("2026-03-04T10:00:00Z", "2026-03-04T11:00:00+01:00", "2026-03-04T10:00:01Z", "T10"),
    "tags": (["vip", "new"], "vip", "old", "ew"),
    "country": ("DE", "DE", "AT", "D"),
    "email": ([{"email": "a@b.de", "_tags": ["work"]}], "a@b.de", "c@d.de", "@b"),
    "phone": ([{"phone": "+49 228 1"}], "+49 228 1", "+49 228 2", "228"),
    "product": ({"$relation": [{"entity_id": "p-1"}]}, "p-1", "p-2", "p-"),
    "price": ({"amount": 1050, "currency": "EUR"}, "1050.00", "1051", "05"),
    "status": ("open", "open", "closed", "pe"),
    "relation": ({"$relation": [{"entity_id": "e-1"}, {"entity_id": "e-2"}]}, "e-2", "e-3", "e-"),
    "multiselect": (["a1", "b2"], "b2", "c3", "b"),
    "select": ("gas", "gas", "power", "as"),
    "radio": ("yes", "yes", "no", "es"),
    "relation_user": ([{"user_id": "u-1"}], "u-1", "u-2", "u-"),
    "purpose": (["p-1"], "p-1", "p-2", "p-"),
    "label": (["Blue"], "Blue", "Red", "lu"),
    "message_email_address": ([{"address": "a@b.de", "name": "Ada"}], "a@b.de", "c@d.de", "b.de"),
}
ORDERED = ("number", "price", "date", "datetime")


def ask(kind: str, operator: str, *values: str, value: object = None, zone: str = "Europe/Berlin", **fields: object) -> Verdict:
    asked = statement("a", operator, *values, kind=kind) | fields
    return evaluate(parse_condition(branch("c", asked)), Facts(primary={"a": value}), NOW, ZoneInfo(zone))


@pytest.mark.parametrize("kind", SAMPLES)
class TestEveryType:
    def test_equality_and_its_opposite(self, kind: str) -> None:
        value, same, other, _ = SAMPLES[kind]
        assert ask(kind, "equals", same, value=value) == Verdict("c", True)
        assert ask(kind, "equals", other, value=value) == Verdict("c", False)
        assert ask(kind, "not_equals", same, value=value) == Verdict("c", False)
        assert ask(kind, "not_equals", other, value=value) == Verdict("c", True)

    def test_one_of_several_and_none_of_them(self, kind: str) -> None:
        value, same, other, _ = SAMPLES[kind]
        assert ask(kind, "any_of", other, same, value=value) == Verdict("c", True)
        assert ask(kind, "any_of", other, value=value) == Verdict("c", False)
        assert ask(kind, "none_of", other, same, value=value) == Verdict("c", False)
        assert ask(kind, "none_of", other, value=value) == Verdict("c", True)

    def test_emptiness(self, kind: str) -> None:
        value = SAMPLES[kind][0]
        empties: list[object] = [None, "", [], {}, {"$relation": []}]
        for empty in empties:
            assert ask(kind, "is_empty", value=empty) == Verdict("c", True)
            assert ask(kind, "is_not_empty", value=empty) == Verdict("c", False)
            assert ask(kind, "equals", "x", value=empty) == Verdict("c", False)
        assert ask(kind, "is_empty", value=value) == Verdict("c", False)
        assert ask(kind, "is_not_empty", value=value) == Verdict("c", True)

    def test_parts_of_the_text(self, kind: str) -> None:
        value, _, _, part = SAMPLES[kind]
        if kind == "boolean":
            assert "cannot be asked with contains" in ask(kind, "contains", "tr", value=value).problems[0]
            return
        assert ask(kind, "contains", part, value=value) == Verdict("c", True)
        assert ask(kind, "not_contains", part, value=value) == Verdict("c", False)
        assert ask(kind, "contains", "zzz", value=value) == Verdict("c", False)
        for operator in ("starts_with", "ends_with"):
            assert ask(kind, operator, "zzz", value=value) == Verdict("c", False)

    def test_order(self, kind: str) -> None:
        value, same, other, _ = SAMPLES[kind]
        found = {
            op: ask(kind, op, same, value=value)
            for op in ("greater_than", "less_than", "greater_than_or_equals", "less_than_or_equals")
        }
        if kind == "boolean":
            assert all(not verdict.is_met and verdict.problems for verdict in found.values())
        elif kind in ORDERED:
            assert [v.is_met for v in found.values()] == [False, False, True, True]
            assert ask(kind, "less_than", other, value=value).is_met is not ask(kind, "greater_than", other, value=value).is_met


def test_the_samples_are_all_types_and_the_operators_all_operators() -> None:
    assert len(SAMPLES) == 21
    assert len(Operator) == 14


@pytest.mark.parametrize(
    ("zone", "today"), [("Europe/Berlin", "2026-03-05"), ("America/New_York", "2026-03-04"), ("Pacific/Auckland", "2026-03-05")]
)
def test_today_is_the_organisations(zone: str, today: str) -> None:
    asked = {"value_type": "relative_date"}
    assert ask("date", "equals", "today", value=today, zone=zone, **asked).is_met
    assert ask("datetime", "equals", "today", value="2026-03-04T23:00:00Z", zone=zone, **asked).is_met
    assert not ask("date", "greater_than", "today", value=today, zone=zone, **asked).is_met


@pytest.mark.parametrize(
    ("kind", "value", "values", "said"),
    [
        ("number", 5, ["many"], "a is compared with 'many', which is no number"),
        ("date", "2026-03-04", ["soon"], "a is compared with 'soon', which is no date"),
        ("date", 20260304, ["2026-03-04"], "a is no date"),
        ("price", {"currency": "EUR"}, ["5"], "a is no number"),
    ],
)
def test_what_is_at_fault_is_named(kind: str, value: object, values: list[str], said: str) -> None:
    assert ask(kind, "equals", *values, value=value).problems == (said,)


def test_an_unknown_token_and_a_journeys_answer_are_said() -> None:
    assert "counted from today" in ask("date", "equals", "someday", value="2026-03-04", value_type="relative_date").problems[0]
    asked = statement("a", "equals", "x", origin_type="journey_block")
    verdict = evaluate(parse_condition(branch("c", asked)), Facts(primary={"a": "x"}), NOW, ZoneInfo("UTC"))
    assert not verdict.is_met
    assert "journeys are not known" in verdict.problems[0]


def test_what_each_statement_found_is_kept_for_people() -> None:
    asked = branch("c", statement("city", "equals", "Bonn"), statement("age", "greater_than", "5", kind="number"))
    verdict = evaluate(parse_condition(asked), Facts(primary={"city": "Bonn", "age": "old"}), NOW, ZoneInfo("UTC"))
    first, second = verdict.findings
    assert (first.is_met, first.found, first.problem) == (True, ("Bonn",), None)
    assert (second.is_met, second.found) == (False, ("old",))
    assert second.problem is not None
    assert (second.problem.attribute, second.problem.kind, second.problem.value) == ("age", "number_value", "old")
