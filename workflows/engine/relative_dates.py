"""Date tokens such as THIS_WEEK, as ranges of days that mean something else tomorrow."""

from datetime import date, timedelta

from workflows.engine.due_dates import Unit, shift

Range = tuple[date, date]


def resolve_token(token: str, today: date) -> Range | None:
    """Return the first and last day that a token means, None for an unknown one. Case does not matter; weeks begin on Monday."""
    day = timedelta(days=1)
    monday = today - timedelta(days=today.weekday())
    first = today.replace(day=1)
    next_month = shift(first, 1, Unit.MONTHS)
    ranges: dict[str, Range] = {
        "TODAY": (today, today),
        "TOMORROW": (today + day, today + day),
        "YESTERDAY": (today - day, today - day),
        "IN_THE_FUTURE": (today + day, date.max),
        "IN_THE_PAST": (date.min, today - day),
        "TODAY_OR_EARLIER": (date.min, today),
        "THIS_WEEK": (monday, monday + 6 * day),
        "NEXT_WEEK": (monday + 7 * day, monday + 13 * day),
        "LAST_WEEK": (monday - 7 * day, monday - day),
        "THIS_MONTH": (first, next_month - day),
        "NEXT_MONTH": (next_month, shift(first, 2, Unit.MONTHS) - day),
        "LAST_MONTH": (shift(first, -1, Unit.MONTHS), first - day),
    }
    return ranges.get(token.strip().upper())
