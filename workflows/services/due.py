"""Due dates on rows: the text as given, the deadline that it means, and the rule that a row has now."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from workflows.engine import due_dates
from workflows.models import Execution, Organisation, Phase, Task
from workflows.services.errors import InvalidInput

Row = Execution | Phase | Task


def zone_of(organisation: Organisation) -> ZoneInfo:
    return ZoneInfo(organisation.time_zone)


def write_due_date(row: Row, text: str | None, organisation: Organisation) -> None:
    """Set or clear (None or "") a due date. Raises InvalidInput for what is no date."""
    row.due_date = text or ""
    try:
        due = due_dates.parse(text) if text else None
    except ValueError as error:
        raise InvalidInput("due_date", str(error)) from error
    row.due_at = due.deadline(zone_of(organisation)) if due else None


def config_of(row: Row, design: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the `due_date_config` of a row: what was set by hand, None included, over the design."""
    config: dict[str, Any] | None = row.extra.get("due_date_config", design.get("due_date_config"))
    return config or None


def put_config(row: Row, config: Mapping[str, Any] | None) -> None:
    row.extra = {**row.extra, "due_date_config": config}


def write_designed_date(row: Row, design: Mapping[str, Any], organisation: Organisation) -> None:
    """Date a row that comes into being by its design; an explicit date wins over a rule and drops it."""
    write_due_date(row, design.get("due_date"), organisation)
    if row.due_date and design.get("due_date_config"):
        put_config(row, None)
