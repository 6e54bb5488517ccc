"""The key at which a page of executions ended, in the two texts that the contract has for it.

`creationTime` is the start of the last execution; behind it stand its id and, for the other orders, the value that was sorted by.
A key made of a time alone is understood too.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from rest_framework.exceptions import ValidationError

from workflows.services.searching import Key, Sorting

SEPARATOR = "~"


def render_key(org_id: str, key: Key, started_at: datetime, sorting: Sorting) -> dict[str, Any]:
    parts = [started_at.astimezone(UTC).isoformat(), str(key.id)]
    if sorting.column != "created_at":
        value = key.value.astimezone(UTC).isoformat() if isinstance(key.value, datetime) else key.value
        parts += [] if value is None else [value]
    return {"orgId": org_id, "creationTime": SEPARATOR.join(parts)}


def read_key(text: str, sorting: Sorting) -> Key:
    """Raises ValidationError for what was no key of this order."""
    started, *rest = text.split(SEPARATOR, 2)
    try:
        at = read_time(started)
        row = UUID(rest[0]) if rest else None
        if sorting.column == "created_at":
            return Key(at, row)
        if row is None:
            raise ValueError(text)
        if len(rest) == 1:
            return Key(None, row)
        return Key(rest[1] if sorting.column == "name" else read_time(rest[1]), row)
    except ValueError as error:
        message = "send back the lastEvaluatedKey of the page before, with the same sorting"
        raise ValidationError({"pagination": {"creationTime": message}}) from error


def read_time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if not 1000 <= moment.year <= 9000:
        raise ValueError(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
