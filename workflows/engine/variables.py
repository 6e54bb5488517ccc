"""Variables that stand for assignees, such as `{{entity.owner}}`: who they are, by the entities of a flow."""

import re
from collections.abc import Iterator, Mapping

from workflows.engine.conditions import Facts

VARIABLE = re.compile(r"\{\{\s*([\w-]+)((?:\.[\w-]+)+)\s*\}\}")
# Where an object that stands for a person keeps its id.
ID_NAMES = ("user_id", "id", "_id")
MAX_ID = 128


def resolve_variable(text: str, facts: Facts) -> list[str]:
    """Return the ids that a variable stands for, each once; none when it names nothing.

    `entity` is the primary entity; another first word is a schema, and means the first entity of it.
    """
    match = VARIABLE.fullmatch(text.strip())
    if match is None:
        return []
    value: object = facts.primary if match[1] == "entity" else facts.by_schema.get(match[1], {})
    for name in match[2].lstrip(".").split("."):
        value = _attribute(value, name)
    return list(dict.fromkeys(_ids(value)))


def _attribute(value: object, name: str) -> object:
    """Return an attribute of an object; of a list, those of its elements."""
    if isinstance(value, Mapping):
        return value.get(name)
    return [_attribute(item, name) for item in value] if isinstance(value, list) else None


def _ids(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from _ids(next((value[name] for name in ID_NAMES if value.get(name)), None))
    elif isinstance(value, list):
        for item in value:
            yield from _ids(item)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        text = str(value).strip()
        if 0 < len(text) <= MAX_ID:
            yield text
