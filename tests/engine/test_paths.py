"""Paths into attributes: read, written, and filled into texts."""

import re
from typing import Any

import pytest

from workflows.engine.paths import MAX_PARTS, as_text, fill, parse_path, read_path, write_path

ORDER = {"steps": [{"Product Info": {"price": 3}}, {"name": "b"}], "contact": [{"email": "a@b.example"}], "none": None}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("name", ("name",)),
        ("$.name", ("name",)),
        (" a.b ", ("a", "b")),
        ("steps[1].['Product Info'].price", ("steps", 1, "Product Info", "price")),
        ('["a.b"].c', ("a.b", "c")),
        ("[0]", (0,)),
        ("a[1234]", ("a", 1234)),
        (".".join("x" * MAX_PARTS), ("x",) * MAX_PARTS),
    ],
)
def test_a_path_is_read_part_by_part(text: str, path: tuple[str | int, ...]) -> None:
    assert parse_path(text) == path


@pytest.mark.parametrize(
    "text", [".a", "a..b", "a[", "a[b]", "a[12345]", "a['b", "{{a}}", "['a\"]", "a." + ".".join("x" * MAX_PARTS), "a b[ ]"]
)
def test_what_is_no_path_is_refused_with_its_beginning(text: str) -> None:
    with pytest.raises(ValueError, match=r" is no path$") as refusal:
        parse_path(text)
    assert str(refusal.value) == f"{text[:100]!r} is no path"


def test_a_long_text_is_cut_in_the_refusal() -> None:
    with pytest.raises(ValueError, match="is no path") as refusal:
        parse_path("." + "x" * 200)
    assert str(refusal.value) == f"{'.' + 'x' * 99!r} is no path"


@pytest.mark.parametrize("text", ["", " ", "$."])
def test_a_path_has_at_least_one_part(text: str) -> None:
    with pytest.raises(ValueError, match=r"^a path is missing$"):
        parse_path(text)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("steps[0].['Product Info'].price", 3),
        ("steps[1].name", "b"),
        ("steps[2]", None),
        ("steps.name", None),
        ("contact.email", "a@b.example"),
        ("contact[0].email", "a@b.example"),
        ("none.name", None),
        ("contact[0].email.name", None),
        ("steps[0][0]", None),
        ("name", None),
    ],
)
def test_a_path_leads_to_a_value_or_to_nothing(path: str, value: Any) -> None:
    assert read_path(ORDER, parse_path(path)) == value


@pytest.mark.parametrize(
    ("before", "path", "after"),
    [
        ({}, "a.b", {"a": {"b": 1}}),
        ({"a": {"c": 2}}, "a.b", {"a": {"c": 2, "b": 1}}),
        ({}, "a[0].b", {"a": [{"b": 1}]}),
        ({"a": [5, 6, 7]}, "a[1]", {"a": [5, 1, 7]}),
        ({"a": [5]}, "a[1]", {"a": [5, 1]}),
        ({"a": [{"b": 0, "c": 2}]}, "a[0].b", {"a": [{"b": 1, "c": 2}]}),
        ({"a": None}, "a.b", {"a": {"b": 1}}),
    ],
)
def test_a_value_is_written_and_what_lies_on_the_way_is_made(before: Any, path: str, after: Any) -> None:
    kept = repr(before)
    assert write_path(before, parse_path(path), 1) == after
    assert repr(before) == kept


@pytest.mark.parametrize(
    ("before", "path", "message"),
    [
        ({"a": "text"}, "a.b", "'b' cannot be set inside a text or list"),
        ({"a": []}, "a.b", "'b' cannot be set inside a text or list"),
        ({"a": []}, "a[1]", "there is no place [1]"),
        ({"a": {}}, "a[0]", "there is no place [0]"),
        ({}, "[0]", "there is no place [0]"),
    ],
)
def test_a_value_is_not_written_through_what_is_something_else(before: Any, path: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        write_path(before, parse_path(path), 1)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (1.5, "1.5"),
        ("x", "x"),
        (["a", None, "b"], "a, b"),
        (("a", 1), "a, 1"),
        ({"name": "n", "email": "e"}, "e"),
        ({"email": "", "phone": "p"}, "p"),
        ({"title": "t", "_title": "u"}, "t"),
        ({"_title": "u", "value": 3}, "u"),
        ({"value": 3, "id": "i"}, "3"),
        ({"id": "i", "_id": "j"}, "i"),
        ({"_id": "j"}, "j"),
        ({"name": None, "other": 1}, ""),
    ],
)
def test_a_value_as_a_person_would_write_it(value: Any, text: str) -> None:
    assert as_text(value) == text


def test_placeholders_are_filled_once() -> None:
    values = {"a": "{{b}}", "b": 2}
    assert fill("x {{a}} {{ b }}{{none}} {b}", values.get) == "x {{b}} 2 {b}"
