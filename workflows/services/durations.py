"""Durations as ISO 8601 writes them, as far as their length is certain: weeks, days, hours, minutes, seconds."""

import re
from datetime import timedelta

PATTERN = re.compile(r"P(?:(\d{1,4})W)?(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?")


def parse_duration(text: object) -> timedelta:
    """Read a duration. ValueError for what is none, or is nothing."""
    match = PATTERN.fullmatch(text) if isinstance(text, str) else None
    if match is None or not any(match.groups()):
        raise ValueError("must be an ISO 8601 duration of weeks, days, hours, minutes or seconds, such as PT30S")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not length:
        raise ValueError("must be longer than nothing")
    return length
