"""What the page "My tasks" shows: what waits for a person by due date, and what nobody has taken yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy, ngettext

from dashboard.mentions import load_mentions
from dashboard.people import People
from dashboard.places import Place as Page
from dashboard.wording import describe_day
from dashboard.worklist import Row, build_rows
from workflows.permissions import Actor
from workflows.services.due_buckets import Bucket, Planner
from workflows.services.reading import seen_executions
from workflows.services.worklists import MOST_COUNTED, POOL, Place, find_groups, find_page, read_tasks

NAMES = {
    Bucket.OVERDUE.value: gettext_lazy("Overdue"),
    Bucket.TODAY.value: gettext_lazy("Today"),
    Bucket.WEEK.value: gettext_lazy("This week"),
    Bucket.LATER.value: gettext_lazy("Later"),
    Bucket.NONE.value: gettext_lazy("No date"),
    POOL: gettext_lazy("Not taken yet"),
}
HERE = Page("my-tasks", "/")
# More than this is not shown at once, however often one has asked for more.
MOST_SHOWN = 500


@dataclass(frozen=True, slots=True)
class Snooze:
    """A day to which a due date can be put off."""

    label: str
    day: date
    words: str


@dataclass(frozen=True, slots=True)
class Section:
    """A group of tasks with those that are shown of it."""

    key: str
    name: str
    rows: list[Row]
    count: int
    more: bool

    @property
    def counted(self) -> str:
        return count_words(self.count)

    @property
    def is_pool(self) -> bool:
        return self.key == POOL


def count_words(count: int) -> str:
    """Return a number, or that it is a large one."""
    return f"{MOST_COUNTED}+" if count > MOST_COUNTED else str(count)


def build_page(actor: Actor, sizes: Mapping[str, int] | None = None) -> dict[str, Any]:
    """Return what the whole page needs; ten statements, whatever there is to do."""
    now = timezone.now()
    groups = find_groups(actor, sizes, now)
    tasks = read_tasks(actor, [pk for group in groups.values() for pk in group.ids])
    people = People(actor.organisation)
    rows = {row.id: row for row in build_rows(actor, list(tasks.values()), people, now)}
    sections = [
        Section(key, str(name), [rows[pk] for pk in groups[key].ids if pk in rows], groups[key].count, groups[key].more)
        for key, name in NAMES.items()
    ]
    own = [section for section in sections if not section.is_pool]
    total = sum(section.count for section in own)
    return {
        "sections": own,
        "pool": sections[-1],
        "total": total,
        "total_words": ngettext("%s task waits for you", "%s tasks wait for you", total) % count_words(total),
        "late": own[0],
        "task_prefix": HERE.task_prefix,
        "is_new": not total and not sections[-1].count and not seen_executions(actor).exists(),
        "mentions": load_mentions(actor),
    }


def build_more(actor: Actor, group: str, after: Place) -> dict[str, Any]:
    """Return what the next page of one group needs; at most seven statements."""
    now = timezone.now()
    ids, more = find_page(actor, group, after, now)
    tasks = read_tasks(actor, ids)
    rows = build_rows(actor, [tasks[pk] for pk in ids if pk in tasks], People(actor.organisation), now)
    return {
        "section": Section(group, str(NAMES[group]), rows, len(rows), more),
        "task_prefix": HERE.task_prefix,
    }


def list_snoozes(planner: Planner) -> list[Snooze]:
    """Return tomorrow and next Monday; on a Sunday they are the same day, and one is enough."""
    tomorrow, monday = planner.today + timedelta(days=1), planner.next_monday
    days = {tomorrow: gettext_lazy("Tomorrow"), monday: gettext_lazy("Next Monday")}
    return [Snooze(str(label), day, describe_day(day, planner.today)) for day, label in days.items()]


def read_sizes(texts: list[str]) -> dict[str, int]:
    """Read how many tasks of which group are shown; what makes no sense is left out."""
    sizes = {}
    for text in texts[: len(NAMES)]:
        key, _sign, number = text.partition(":")
        if key in NAMES and number.isascii() and number.isdecimal():
            sizes[key] = min(max(int(number[:4]), 1), MOST_SHOWN)
    return sizes
