"""Due dates: two forms of text, the deadline that each means, and dates that count from an event."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from workflows.engine.due_dates import parse, parse_due_date_config, resolve

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "day", "deadline"),
    [
        ("2026-03-04", date(2026, 3, 4), "2026-03-04T22:59:59.999000+00:00"),
        ("2026-03-04T00:00:00.000", date(2026, 3, 4), "2026-03-04T22:59:59.999000+00:00"),
        ("2026-03-04T23:30:00.000Z", date(2026, 3, 5), "2026-03-04T23:30:00+00:00"),
        ("2026-03-29", date(2026, 3, 29), "2026-03-29T21:59:59.999000+00:00"),
    ],
)
def test_a_day_ends_in_the_readers_zone_and_an_instant_is_one(text: str, day: date, deadline: str) -> None:
    due = parse(text)
    assert due.day(BERLIN) == day
    assert due.deadline(BERLIN).isoformat() == deadline


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "2026-02-30", "12:00", "0001-01-01", "9999-12-31"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no date"):
        parse(text)


@pytest.mark.parametrize(
    ("duration", "unit", "text"),
    [
        (90, "minutes", "2026-01-31T23:00:00.000Z"),
        (2, "hours", "2026-01-31T23:30:00.000Z"),
        (1, "days", "2026-02-01T00:00:00.000"),
        (2, "weeks", "2026-02-14T00:00:00.000"),
        (1, "months", "2026-02-28T00:00:00.000"),
        (25, "months", "2028-02-29T00:00:00.000"),
        (1, "years", "2027-01-31T00:00:00.000"),
    ],
)
def test_short_units_elapse_and_long_ones_count_days_and_clamp(duration: int, unit: str, text: str) -> None:
    config = parse_due_date_config({"duration": duration, "unit": unit, "type": "WORKFLOW_STARTED"})
    assert resolve(config, datetime(2026, 1, 31, 21, 30, tzinfo=UTC), BERLIN) == text


def test_a_day_is_the_organisations_even_late_in_the_evening() -> None:
    config = parse_due_date_config({"duration": 1, "unit": "days", "type": "WORKFLOW_STARTED"})
    assert resolve(config, datetime(2026, 3, 4, 23, 30, tzinfo=UTC), BERLIN) == "2026-03-06T00:00:00.000"


@pytest.mark.parametrize(
    "config",
    [
        {"duration": 1, "unit": "eons", "type": "WORKFLOW_STARTED"},
        {"duration": 1, "unit": "days", "type": "SOMEDAY"},
        {"duration": 1.5, "unit": "days", "type": "WORKFLOW_STARTED"},
        {"duration": True, "unit": "days", "type": "WORKFLOW_STARTED"},
        {"duration": "1", "unit": "days", "type": "WORKFLOW_STARTED"},
        {"duration": 101, "unit": "years", "type": "WORKFLOW_STARTED"},
        {"unit": "days", "type": "WORKFLOW_STARTED"},
    ],
)
def test_a_broken_rule_is_refused(config: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="due_date_config"):
        parse_due_date_config(config)
