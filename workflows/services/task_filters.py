"""The filter document of saved boards: conditions in groups, nested, of which all or any must hold.

Only its shape is checked here; what the keys are and how values are compared, `task_conditions` knows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from workflows.services.errors import InvalidInput

MAX_CONDITIONS = 100
MAX_DEPTH = 5
MAX_VALUES = 500

Scalar = str | int | float | bool


class Operator(StrEnum):
    EQUALS = "EQUALS"
    NOT_EQUALS = "NOT_EQUALS"
    EMPTY = "EMPTY"
    NOT_EMPTY = "NOT_EMPTY"
    CONTAINS = "CONTAINS"
    NOT_CONTAINS = "NOT_CONTAINS"
    IS_ONE_OF = "IS_ONE_OF"
    IS_NONE_OF = "IS_NONE_OF"
    GREATER_THAN = "GREATER_THAN"
    LESS_THAN = "LESS_THAN"
    GREATER_THAN_OR_EQUAL = "GREATER_THAN_OR_EQUAL"
    LESS_THAN_OR_EQUAL = "LESS_THAN_OR_EQUAL"


class DataType(StrEnum):
    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of a filter. `path` is where it stands in what was sent."""

    key: str
    operator: Operator
    values: tuple[Scalar, ...]
    path: str
    data_type: DataType | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions of which all must hold, or any. An empty group restricts nothing."""

    items: tuple["Condition | Group", ...] = ()
    any: bool = False


def parse_filter(data: Any, path: str) -> Group:
    """Check the shape of a filter document. Keys and the types of values are checked by `build_condition`."""
    left = [MAX_CONDITIONS]
    return _parse_group(data, path, MAX_DEPTH, left)


def _parse_group(data: Any, path: str, depth: int, left: list[int]) -> Group:
    if not isinstance(data, Mapping):
        raise InvalidInput(path, "must be an object")
    if depth == 0:
        raise InvalidInput(path, f"groups may be nested {MAX_DEPTH} levels deep")
    if data.get("combination") not in ("AND", "OR"):
        raise InvalidInput(f"{path}.combination", "must be AND or OR")
    items = data.get("items")
    if not isinstance(items, Sequence) or isinstance(items, str):
        raise InvalidInput(f"{path}.items", "must be a list")
    left[0] -= len(items)
    if left[0] < 0:
        raise InvalidInput(f"{path}.items", f"a filter may hold {MAX_CONDITIONS} conditions at most")
    parsed: list[Condition | Group] = []
    for index, item in enumerate(items):
        place = f"{path}.items[{index}]"
        is_group = isinstance(item, Mapping) and "items" in item
        parsed.append(_parse_group(item, place, depth - 1, left) if is_group else _parse_condition(item, place))
    return Group(tuple(parsed), any=data["combination"] == "OR")


def _parse_condition(data: Any, path: str) -> Condition:
    if not isinstance(data, Mapping):
        raise InvalidInput(path, "must be an object")
    key = data.get("key")
    if not isinstance(key, str) or not key:
        raise InvalidInput(f"{path}.key", "must be a text")
    if data.get("operator") not in [*Operator]:
        raise InvalidInput(f"{path}.operator", f"must be one of {', '.join(Operator)}")
    kind = data.get("data_type")
    if kind is not None and kind not in [*DataType]:
        raise InvalidInput(f"{path}.data_type", f"must be one of {', '.join(DataType)}")
    values = _parse_values(data.get("value"), f"{path}.value")
    return Condition(key, Operator(data["operator"]), values, path, DataType(kind) if kind else None)


def _parse_values(data: Any, path: str) -> tuple[Scalar, ...]:
    values = data if isinstance(data, list | tuple) else () if data is None else (data,)
    if len(values) > MAX_VALUES:
        raise InvalidInput(path, f"may hold {MAX_VALUES} values at most")
    for value in values:
        if not isinstance(value, Scalar):
            raise InvalidInput(path, "must be a text, a number, true, false, or a list of these")
    return tuple(values)
