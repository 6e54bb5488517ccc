"""Patterns of events, as the public automation API documents them."""

import time
from typing import Any

import pytest

from workflows.engine.event_patterns import matches_event

EVENT = {
    "email": "j.doe@doe.com",
    "name": "John",
    "empty": "",
    "nothing": None,
    "price": 20,
    "tags": ["vip", "new"],
    "none": [],
    "address": {"country": "Germany"},
}


@pytest.mark.parametrize(
    "pattern",
    [
        {},
        {"nothing": [None]},
        {"empty": [""]},
        {"name": ["Ada", "John"]},
        {"name": ["John"], "price": [20]},
        {"price": [20.0]},
        {"name": [{"equals-ignore-case": "joHN"}]},
        {"$or": [{"name": ["Ada"]}, {"price": [20]}]},
        {"name": [{"anything-but": ["Ada"]}]},
        {"name": [{"anything-but": {"prefix": "A"}}]},
        {"price": [{"numeric": ["=", 20]}]},
        {"price": [{"numeric": [">", 10, "<=", 20]}]},
        {"email": [{"exists": True}]},
        {"phone": [{"exists": False}]},
        {"email": [{"prefix": "j."}]},
        {"email": [{"suffix": ".com"}]},
        {"email": [{"wildcard": "*@doe.com"}]},
        {"email": [{"wildcard": "j*doe*com"}]},
        {"email": [{"wildcard": "j.doe@doe.com"}]},
        {"tags": ["vip"]},
        {"address": {"country": ["Germany"]}},
        {"address.country": ["Germany"]},
    ],
)
def test_what_the_event_has_matches(pattern: Any) -> None:
    assert matches_event(pattern, EVENT)


@pytest.mark.parametrize(
    "pattern",
    [
        {"name": ["john"]},
        {"name": ["John"], "price": [21]},
        {"price": ["20"]},
        {"price": [True]},
        {"$or": [{"name": ["Ada"]}, {"price": [21]}]},
        {"$or": []},
        {"name": [{"anything-but": ["John"]}]},
        {"price": [{"numeric": [">", 10, "<", 20]}]},
        {"price": [{"numeric": [">"]}]},
        {"price": [{"numeric": [[], 10]}]},
        {"name": [{"numeric": [">", 1]}]},
        {"email": [{"exists": False}]},
        {"phone": [{"exists": True}]},
        {"phone": [None]},
        {"phone": [{"anything-but": ["1"]}]},
        {"email": [{"wildcard": "j.doe@doe.com*doe.com"}]},
        {"email": [{"wildcard": "*@doe.org"}]},
        {"email": [{"like": "j"}]},
        {"email": [{"prefix": "j", "suffix": "m"}]},
        {"email": [{"prefix": 1}]},
        {"none": ["vip"]},
        {"tags": "vip"},
        {"name": {"country": ["Germany"]}},
        {"name.first": ["John"]},
    ],
)
def test_what_it_has_not_or_what_cannot_be_read_does_not(pattern: Any) -> None:
    assert not matches_event(pattern, EVENT)


@pytest.mark.parametrize("pattern", [None, [], "x", 3])
def test_what_is_no_pattern_matches_nothing(pattern: Any) -> None:
    assert not matches_event(pattern, EVENT)


def test_no_wildcard_takes_long() -> None:
    begun = time.process_time()
    assert not matches_event({"text": [{"wildcard": "*a" * 1000 + "b"}]}, {"text": "a" * 20_000})
    assert time.process_time() - begun < 5
