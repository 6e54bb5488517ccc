"""Patterns that an event has to match: alternatives in lists, comparisons as objects with one name, `$or` between fields.

The syntax is that of the public automation API's filters. What cannot be read matches nothing.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

NUMERIC: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


class _Missing:
    """What a field holds that is not there."""


MISSING = _Missing()


def matches_event(pattern: Any, event: Any) -> bool:
    """Whether every field of the pattern is matched by the event's field of that name or path."""
    if not isinstance(pattern, Mapping):
        return False
    return all(
        _matches_any(wanted, event) if name == "$or" else _matches_field(wanted, _look_up(event, name))
        for name, wanted in pattern.items()
    )


def _matches_any(alternatives: Any, event: Any) -> bool:
    return isinstance(alternatives, list) and any(matches_event(pattern, event) for pattern in alternatives)


def _look_up(event: Any, name: str) -> Any:
    """Return the field of this very name, else what the name leads to as a path with dots."""
    if not isinstance(event, Mapping):
        return MISSING
    if name in event:
        return event[name]
    first, dot, rest = name.partition(".")
    return _look_up(event[first], rest) if dot and first in event else MISSING


def _matches_field(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, Mapping):
        return matches_event(wanted, value)
    if not isinstance(wanted, list):
        return False
    # A list matches when one of its values does.
    values = value if isinstance(value, list) and value else [value]
    return any(_matches_value(one, single) for one in wanted for single in values)


def _matches_value(wanted: Any, value: Any) -> bool:
    if not isinstance(wanted, Mapping):
        return (type(wanted) is type(value) and wanted == value) or (_is_number(wanted) and _is_number(value) and wanted == value)
    if len(wanted) != 1:
        return False
    ((name, argument),) = wanted.items()
    if name == "exists":
        return isinstance(argument, bool) and argument is (value is not MISSING)
    comparison = COMPARISONS.get(name)
    return comparison is not None and value is not MISSING and comparison(argument, value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_anything_but(argument: Any, value: Any) -> bool:
    refused = argument if isinstance(argument, list) else [argument]
    return not any(_matches_value(one, value) for one in refused)


def _is_in_range(argument: Any, value: Any) -> bool:
    """Pairs of a comparison and a number, all of which have to hold."""
    if not isinstance(argument, list) or not argument or len(argument) % 2 or not _is_number(value):
        return False
    pairs = zip(argument[::2], argument[1::2], strict=True)
    return all(isinstance(sign, str) and sign in NUMERIC and _is_number(n) and NUMERIC[sign](value, n) for sign, n in pairs)


def _is_like(argument: str, value: str) -> bool:
    """`*` stands for any characters. Found from left to right, so that no pattern takes long."""
    head, *rest = argument.split("*")
    if not rest:
        return argument == value
    *middle, tail = rest
    if not value.startswith(head) or len(value) < len(head) + len(tail) or not value.endswith(tail):
        return False
    at, end = len(head), len(value) - len(tail)
    for part in middle:
        found = value.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _of_texts(compare: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    return lambda argument, value: isinstance(argument, str) and isinstance(value, str) and compare(argument, value)


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "equals-ignore-case": _of_texts(lambda argument, value: argument.casefold() == value.casefold()),
    "anything-but": _is_anything_but,
    "numeric": _is_in_range,
    "prefix": _of_texts(lambda argument, value: value.startswith(argument)),
    "suffix": _of_texts(lambda argument, value: value.endswith(argument)),
    "wildcard": _of_texts(_is_like),
}
