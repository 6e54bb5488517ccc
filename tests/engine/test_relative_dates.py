"""What each date token means, on an ordinary day and at the ends of weeks, months and years."""

from datetime import date

import pytest

from workflows.engine.relative_dates import resolve_token

WEDNESDAY, NEW_YEARS_EVE, MONDAY = date(2026, 3, 4), date(2025, 12, 31), date(2026, 6, 1)


def days(first: str, last: str) -> tuple[date, date]:
    return date.fromisoformat(first), date.fromisoformat(last)


@pytest.mark.parametrize(
    ("token", "today", "expected"),
    [
        ("TODAY", WEDNESDAY, days("2026-03-04", "2026-03-04")),
        ("TOMORROW", WEDNESDAY, days("2026-03-05", "2026-03-05")),
        ("YESTERDAY", WEDNESDAY, days("2026-03-03", "2026-03-03")),
        ("IN_THE_FUTURE", WEDNESDAY, days("2026-03-05", "9999-12-31")),
        ("IN_THE_PAST", WEDNESDAY, days("0001-01-01", "2026-03-03")),
        ("TODAY_OR_EARLIER", WEDNESDAY, days("0001-01-01", "2026-03-04")),
        ("THIS_WEEK", WEDNESDAY, days("2026-03-02", "2026-03-08")),
        ("NEXT_WEEK", WEDNESDAY, days("2026-03-09", "2026-03-15")),
        ("LAST_WEEK", WEDNESDAY, days("2026-02-23", "2026-03-01")),
        ("THIS_MONTH", WEDNESDAY, days("2026-03-01", "2026-03-31")),
        ("NEXT_MONTH", WEDNESDAY, days("2026-04-01", "2026-04-30")),
        ("LAST_MONTH", WEDNESDAY, days("2026-02-01", "2026-02-28")),
        ("TOMORROW", NEW_YEARS_EVE, days("2026-01-01", "2026-01-01")),
        ("THIS_WEEK", NEW_YEARS_EVE, days("2025-12-29", "2026-01-04")),
        ("NEXT_MONTH", NEW_YEARS_EVE, days("2026-01-01", "2026-01-31")),
        ("THIS_WEEK", MONDAY, days("2026-06-01", "2026-06-07")),
        ("LAST_WEEK", MONDAY, days("2026-05-25", "2026-05-31")),
        (" this_month ", MONDAY, days("2026-06-01", "2026-06-30")),
    ],
)
def test_a_token_is_a_range_of_days(token: str, today: date, expected: tuple[date, date]) -> None:
    assert resolve_token(token, today) == expected


def test_an_unknown_token_means_nothing() -> None:
    assert resolve_token("SOON", WEDNESDAY) is None
