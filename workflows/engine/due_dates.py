"""Due dates: the two forms of their text, the deadline that a text means, and dates that count from an event.

A date with an offset is an instant. One without is floating: a day of the calendar wherever it is read, so that it never shifts;
its text must come back exactly as it was given.
"""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Any


class Unit(StrEnum):
    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"
    YEARS = "years"


# A hundred years and somewhat more: what is longer is a slip, and would leave the calendar.
LONGEST = {
    Unit.MINUTES: 53_000_000,
    Unit.HOURS: 880_000,
    Unit.DAYS: 37_000,
    Unit.WEEKS: 5_300,
    Unit.MONTHS: 1_200,
    Unit.YEARS: 100,
}


class Anchor(StrEnum):
    """The event from which a relative due date counts."""

    WORKFLOW_STARTED = "WORKFLOW_STARTED"
    TASK_FINISHED = "TASK_FINISHED"
    PHASE_FINISHED = "PHASE_FINISHED"
    A_PRECEDING_TASK_COMPLETED = "A_PRECEDING_TASK_COMPLETED"
    ALL_PRECEDING_TASKS_COMPLETED = "ALL_PRECEDING_TASKS_COMPLETED"


@dataclass(frozen=True, slots=True)
class Due:
    """A due date that was read: an instant, or the wall-clock time of a floating one."""

    moment: datetime

    @property
    def floating(self) -> bool:
        return self.moment.tzinfo is None

    def day(self, zone: tzinfo) -> date:
        """The day on which it falls for a reader in `zone`."""
        return self.moment.date() if self.floating else self.moment.astimezone(zone).date()

    def deadline(self, zone: tzinfo) -> datetime:
        """The last instant at which it is not overdue: the instant itself; for a floating date the end of its day in `zone`."""
        if not self.floating:
            return self.moment.astimezone(UTC)
        following = datetime.combine(self.moment.date() + timedelta(days=1), time(), zone)
        return following.astimezone(UTC) - timedelta(milliseconds=1)


def parse(text: str) -> Due:
    """Read a due date in ISO 8601: a day, or a date and time with or without an offset. ValueError for anything else."""
    try:
        moment = datetime.fromisoformat(text)
        # Room on both sides for zones and the end of the day.
        if not 1000 <= moment.year <= 9000:
            raise ValueError
    except ValueError as error:
        raise ValueError(f"{text[:40]!r} is no date; use a form like 2026-05-28 or 2026-05-28T10:30:00.000Z") from error
    return Due(moment)


@dataclass(frozen=True, slots=True)
class DueDateConfig:
    """A rule for a due date: so long after an event. `task_id` and `phase_id` name whose end is meant."""

    duration: int
    unit: Unit
    anchor: Anchor
    task_id: str | None = None
    phase_id: str | None = None


def parse_due_date_config(data: Mapping[str, Any]) -> DueDateConfig:
    """Read the contract's `due_date_config`; ValueError for a wrong part."""
    try:
        unit, anchor = Unit(data["unit"]), Anchor(data["type"])
    except (KeyError, ValueError) as error:
        raise ValueError(f"due_date_config needs a known unit and type: {error}") from error
    duration = data.get("duration")
    most = LONGEST[unit]
    if isinstance(duration, bool) or not isinstance(duration, int | float) or abs(duration) > most or duration != int(duration):
        raise ValueError(f"due_date_config.duration must be a whole number of at most {most} {unit}")
    return DueDateConfig(int(duration), unit, anchor, data.get("task_id"), data.get("phase_id"))


def shift(day: date, amount: int, unit: Unit) -> date:
    """Move a day; the day of a month that is too short becomes its last."""
    if unit in (Unit.DAYS, Unit.WEEKS):
        return day + timedelta(days=amount * (7 if unit is Unit.WEEKS else 1))
    months = day.year * 12 + day.month - 1 + amount * (12 if unit is Unit.YEARS else 1)
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def resolve(config: DueDateConfig, event_at: datetime, zone: tzinfo) -> str:
    """Return the due date's text: minutes and hours elapse from the event; longer units count days in `zone` and float."""
    if config.unit in (Unit.MINUTES, Unit.HOURS):
        moment = event_at.astimezone(UTC) + timedelta(**{config.unit.value: config.duration})
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    day = shift(event_at.astimezone(zone).date(), config.duration, config.unit)
    return f"{day.isoformat()}T00:00:00.000"
