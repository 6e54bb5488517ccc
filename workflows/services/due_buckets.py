"""Due dates in the groups in which people plan: overdue, today, this week, later, none."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.db.models import Q

DAY = timedelta(days=1)
FRIDAY = 4


class Bucket(StrEnum):
    OVERDUE = "overdue"
    TODAY = "today"
    WEEK = "week"
    LATER = "later"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Planner:
    """What the buckets mean to somebody in `zone` at a moment. Weeks begin on Monday."""

    now: datetime
    zone: ZoneInfo

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    @property
    def next_monday(self) -> date:
        return self.today + (7 - self.today.weekday()) * DAY

    def begin(self, day: date) -> datetime:
        """Return the first instant of a day."""
        return datetime.combine(day, time(), self.zone)

    @property
    def conditions(self) -> Mapping[Bucket, Q]:
        """Return the condition over `due_at` for each bucket; together they cover everything, once."""
        tomorrow, monday = self.begin(self.today + DAY), self.begin(self.next_monday)
        return {
            Bucket.OVERDUE: Q(due_at__lt=self.now),
            Bucket.TODAY: Q(due_at__gte=self.now, due_at__lt=tomorrow),
            Bucket.WEEK: Q(due_at__gte=tomorrow, due_at__lt=monday),
            Bucket.LATER: Q(due_at__gte=monday),
            Bucket.NONE: Q(due_at__isnull=True),
        }

    def day_for(self, bucket: Bucket) -> date | None:
        """Return the day that putting a task into a bucket sets; None where no day does.

        This week: Friday, or what is left of it after that; nothing is left on a Sunday.
        """
        match bucket:
            case Bucket.TODAY:
                return self.today
            case Bucket.WEEK:
                friday = self.today + (FRIDAY - self.today.weekday()) * DAY
                sunday = self.next_monday - DAY
                return next((day for day in (friday, sunday) if day > self.today), None)
            case Bucket.LATER:
                return self.next_monday
        return None
