"""Paths into attributes, as mappings and texts name them: `steps[1].['Product Info'].price`. Nothing is ever evaluated."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

Path = tuple[str | int, ...]

PART = re.compile(
    r"""\.?(?:\[(?P<index>\d{1,4})\]|\[(?P<quote>['"])(?P<quoted>[^'"]+)(?P=quote)\]|(?P<name>[^.\[\]{}'"\s][^.\[\]{}'"]*))"""
)
PLACEHOLDER = re.compile(r"\{\{\s*([^{}]{1,200}?)\s*\}\}")
MAX_PARTS = 20
# What an object is called where a text is wanted.
NAMES = ("email", "phone", "name", "title", "_title", "value", "id", "_id")


def parse_path(text: str) -> Path:
    """Read a path. ValueError for what is none."""
    rest = text.removeprefix("$.").strip()
    parts: list[str | int] = []
    at = 0
    while at < len(rest):
        match = PART.match(rest, at)
        if match is None or (at == 0 and rest.startswith(".")) or len(parts) == MAX_PARTS:
            raise ValueError(f"{text[:100]!r} is no path")
        parts.append(int(match["index"]) if match["index"] else (match["quoted"] or match["name"]).strip())
        at = match.end()
    if not parts:
        raise ValueError("a path is missing")
    return tuple(parts)


def read_path(value: Any, path: Path) -> Any:
    """Return what a path leads to, None where it leads nowhere. A name asked of a list asks its only element."""
    for part in path:
        if isinstance(part, str) and isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(part, int):
            value = value[part] if isinstance(value, list) and part < len(value) else None
        else:
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is None:
            return None
    return value


def write_path(target: Mapping[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """Return the target with a value at a path; what lies on the way is made. ValueError where the path goes through a text."""
    result = _write(dict(target), path, value)
    if not isinstance(result, dict):
        raise ValueError("the path begins with a number")
    return result


def _write(target: Any, path: Path, value: Any) -> Any:
    if not path:
        return value
    first, rest = path[0], path[1:]
    if isinstance(first, int):
        items = list(target) if isinstance(target, list) else []
        if (target is not None and not isinstance(target, list)) or first > len(items):
            raise ValueError(f"there is no place [{first}]")
        items[first : first + 1] = [_write(items[first] if first < len(items) else None, rest, value)]
        return items
    if target is not None and not isinstance(target, Mapping):
        raise ValueError(f"{first!r} cannot be set inside a text or list")
    entries = dict(target or {})
    entries[first] = _write(entries.get(first), rest, value)
    return entries


def fill(text: str, find: Callable[[str], Any]) -> str:
    """Put values in the place of `{{path}}`; what is not there leaves nothing. Values are never looked at for placeholders."""
    return PLACEHOLDER.sub(lambda match: as_text(find(match[1])), text)


def as_text(value: Any) -> str:
    """Return a value as a person would write it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return next((as_text(value[name]) for name in NAMES if value.get(name) not in (None, "")), "")
    if isinstance(value, list | tuple):
        return ", ".join(text for text in map(as_text, value) if text)
    return value if isinstance(value, str) else json.dumps(value)
