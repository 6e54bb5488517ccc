"""What the work board shows, as columns, as a list and as a calendar, and everything around it."""

import calendar
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from dashboard.my_tasks import NAMES, count_words
from dashboard.people import People
from dashboard.places import Place
from dashboard.wording import STATUS, describe_day
from dashboard.work_columns import TitledLane, WorkCard, WorkColumn, chosen_template, list_lanes
from dashboard.work_moves import REASONS, Mover, seen_value
from dashboard.work_view import COLUMNS, FORMS, GROUPINGS, OWN_LANES, WorkView
from dashboard.worklist import Row, build_rows
from workflows.definitions import load_definition
from workflows.models import Entity, FlowTemplate, SavedBoard
from workflows.permissions import Actor
from workflows.services import boards, workboard, worklists
from workflows.services.due import zone_of
from workflows.services.due_buckets import Bucket, Planner
from workflows.services.errors import NotFound
from workflows.services.reading import seen_executions
from workflows.services.workboard import ME, NOBODY, Show
from workflows.services.worklists import MOST_COUNTED, PAGE, read_tasks

MOST_TEMPLATES = 200
MOST_IN_DAY = 4
FORM_NAMES = {"board": gettext_lazy("Board"), "list": gettext_lazy("List"), "calendar": gettext_lazy("Calendar")}
GROUPING_NAMES = {
    "status": gettext_lazy("Status"),
    "phase": gettext_lazy("Phase"),
    "assignee": gettext_lazy("Assignee"),
    "due": gettext_lazy("Due date"),
    "template": gettext_lazy("Process"),
    OWN_LANES: gettext_lazy("Saved columns"),
}
SHOW_NAMES = {
    Show.CURRENT: gettext_lazy("To be done now"),
    Show.OPEN: gettext_lazy("All that is open"),
    Show.ALL: gettext_lazy("Finished ones too"),
}
COLUMN_NAMES = {
    "about": gettext_lazy("About"),
    "execution": gettext_lazy("Execution"),
    "phase": gettext_lazy("Phase"),
    "type": gettext_lazy("Type"),
    "status": gettext_lazy("Status"),
    "assignees": gettext_lazy("Assignees"),
    "due": gettext_lazy("Due date"),
}
SORT_OF = {
    "about": "context_entity_title",
    "execution": "execution_name",
    "phase": "phase_name",
    "status": "status",
    "due": "due_date",
}


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that applies, and the address of the view without it."""

    name: str
    value: str
    address: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A column of the list. `order`: ascending, descending or none; `address` sorts by it."""

    key: str
    name: str
    address: str = ""
    order: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the calendar; what does not fit is reached by its address."""

    day: date
    rows: list[Row]
    hidden: int
    is_today: bool
    is_outside: bool
    name: str
    address: str


class WorkBoard:
    """A view as a person sees it. A fixed number of statements for each form, whatever it holds."""

    def __init__(self, actor: Actor, view: WorkView) -> None:
        actor.require("kanban:view")
        self.actor, self.view = actor, view
        self.now = timezone.now()
        self.planner = Planner(self.now, zone_of(actor.organisation))
        self.people = People(actor.organisation)
        rows = FlowTemplate.objects.filter(organisation=actor.organisation, deleted_at=None).order_by("name", "id")
        if not actor.may("workflow:definition:view"):
            # Then processes are known by what is to be seen of them.
            rows = rows.filter(pk__in=seen_executions(actor).values("template_id"))
        self.templates: Mapping[str, FlowTemplate] = {row.id: row for row in rows[:MOST_TEMPLATES]}
        self.boards = list(boards.visible_boards(actor).order_by("title", "id")[:MOST_TEMPLATES])
        self.saved = next((board for board in self.boards if board.id == view.saved), None)
        if view.saved and self.saved is None:
            raise NotFound
        self.mover = Mover(actor, view.by, self.planner)

    @property
    def place(self) -> Place:
        return Place("work-board", reverse("work-board"), tuple(self.view.pairs()))

    @property
    def base(self) -> dict[str, Any] | None:
        """The filter of a board that another system has saved; ours are in the address."""
        if self.saved is None or own_query(self.saved) is not None:
            return None
        document = self.saved.config.get("board_filter")
        return document if isinstance(document, dict) else None

    def lanes(self) -> list[TitledLane]:
        return list_lanes(self.actor, self.view, self.people, self.templates, self.saved)

    def columns(self, only: Collection[str] = (), sizes: Mapping[str, int] | None = None) -> list[WorkColumn]:
        """Return the columns, filled; `only` those with these keys if there are any."""
        lanes = self.lanes()
        wanted = [lane for lane in lanes if not only or lane.key in only]
        groups = workboard.find_columns(self.actor, self.view.filters, [each.lane for each in wanted], self.base, sizes, self.now)
        tasks = read_tasks(self.actor, [pk for group in groups for pk in group.ids])
        rows = {row.id: row for row in build_rows(self.actor, list(tasks.values()), self.people, self.now)}
        filled = [
            WorkColumn(
                lane.key,
                lane.title,
                [self.card(row, lane.key, lanes) for row in sorted((rows[pk] for pk in group.ids if pk in rows), key=in_order)],
                group.count,
                group.more,
                is_done=lane.key == "DONE",
            )
            for lane, group in zip(wanted, groups, strict=True)
        ]
        return [column for column in filled if only or column.count or self.stays(column.key)]

    def stays(self, key: str) -> bool:
        """Whether a column is shown when it is empty: not the rest, and not statuses that nobody gives."""
        return key not in ("+", "-", "WAITING", "FAILED")

    def card(self, row: Row, column: str, lanes: list[TitledLane]) -> WorkCard:
        was = seen_value(self.view.by, row.task, [person.id for person in row.people])
        reasons = {lane.key: self.mover.refuse(row.task, lane.key, row.rights) for lane in lanes if lane.key != column}
        if len(set(reasons.values())) == 1:
            # The same for all of them, mostly because the field is not one that can be written.
            return WorkCard(row, was, next(iter(reasons.values())))
        lines = [f"{reason} {key}" for key, reason in reasons.items() if reason]
        return WorkCard(row, was, "\n".join(lines))

    def more(self, key: str, after: worklists.Place) -> WorkColumn:
        """Return the next cards of one column."""
        lanes = self.lanes()
        lane = next((each for each in lanes if each.key == key), None)
        if lane is None:
            raise NotFound
        ids, more = workboard.find_more(self.actor, self.view.filters, lane.lane, self.base, after)
        tasks = read_tasks(self.actor, ids)
        rows = build_rows(self.actor, [tasks[pk] for pk in ids if pk in tasks], self.people, self.now)
        return WorkColumn(key, lane.title, [self.card(row, key, lanes) for row in rows], len(rows), more)

    def listed(self, start: int = 0, size: int = PAGE) -> dict[str, Any]:
        """Return a page of the list, or as much of it as is shown already."""
        view = self.view
        ids, more, count = workboard.find_listed(self.actor, view.filters, self.base, view.sort, view.descending, start, size)
        tasks = read_tasks(self.actor, ids)
        rows = build_rows(self.actor, [tasks[pk] for pk in ids if pk in tasks], self.people, self.now)
        return {
            "rows": [self.card(row, "", []) for row in rows],
            "count_words": ngettext("%s task", "%s tasks", count) % count_words(count),
            "next_start": start + size if more else 0,
            "list_prefix": f"{self.place.address()}&start=",
            "headings": self.headings(),
            "columns": view.columns,
            "column_choices": [(key, COLUMN_NAMES[key], key in view.columns) for key in COLUMNS],
        }

    def headings(self) -> list[Heading]:
        names = [("name", _("Task"), "name")] + [(key, str(COLUMN_NAMES[key]), SORT_OF.get(key, "")) for key in self.view.columns]
        return [self.heading(*each) for each in names]

    def heading(self, key: str, name: str, sort: str) -> Heading:
        if not sort:
            return Heading(key, name)
        is_sorted = self.view.sort == sort
        order = ("descending" if self.view.descending else "ascending") if is_sorted else "none"
        turned = f"-{sort}" if is_sorted and not self.view.descending else sort
        return Heading(key, name, self.view.query(sort="" if turned == "due_date" else turned), order)

    def month(self) -> dict[str, Any]:
        """Return the weeks of the month that is shown, with what is due on each day."""
        today = self.planner.today
        first = date.fromisoformat(f"{self.view.month}-01") if self.view.month else today.replace(day=1)
        weeks = calendar.Calendar().monthdatescalendar(first.year, first.month)
        found = workboard.find_between(self.actor, self.view.filters, self.base, weeks[0][0], weeks[-1][-1])
        by_day: defaultdict[date, list[Any]] = defaultdict(list)
        for pk, due_at in found[:MOST_COUNTED]:
            by_day[due_at.astimezone(self.planner.zone).date()].append(pk)
        shown = [pk for ids in by_day.values() for pk in ids[:MOST_IN_DAY]]
        tasks = read_tasks(self.actor, shown)
        rows = {row.id: row for row in build_rows(self.actor, list(tasks.values()), self.people, self.now)}
        before, after = first - timedelta(days=1), first + timedelta(days=32)
        return {
            "month_name": date_format(first, "F Y"),
            "weekdays": [(date_format(day, "D"), date_format(day, "l")) for day in weeks[0]],
            "weeks": [[self.day(day, by_day[day], rows, first.month) for day in week] for week in weeks],
            "previous_address": self.view.query(month=f"{before:%Y-%m}"),
            "next_address": self.view.query(month=f"{after:%Y-%m}"),
            "this_address": self.view.query(month=""),
            "is_any": bool(found),
            "is_cut": len(found) > MOST_COUNTED,
        }

    def day(self, day: date, ids: list[Any], rows: Mapping[Any, Row], month: int) -> Day:
        shown = [rows[pk] for pk in ids[:MOST_IN_DAY] if pk in rows]
        address = self.view.query(without=("due", "month"), view="list", due=day.isoformat())
        is_today = day == self.planner.today
        return Day(
            day,
            shown,
            len(ids) - len(shown),
            is_today,
            day.month != month,
            date_format(day, pgettext("a day with its weekday and month", "l, j F")),
            address,
        )

    def chips(self) -> list[Chip]:
        filters, view = self.view.filters, self.view
        found = [(name, value) for name, value in view.pairs() if name in ("template", "phase", "status", "assignee", "due")]
        chips = [
            Chip(self.filter_name(name), self.value_name(name, value), view.query(without=[(name, value)]))
            for name, value in found
        ]
        if filters.entity:
            title = (
                Entity.objects.filter(organisation=self.actor.organisation, pk=filters.entity)
                .values_list("title", flat=True)
                .first()
            )
            chips.append(Chip(_("About"), title or filters.entity[:8], view.query(without=["entity"])))
        if filters.words:
            chips.append(Chip(_("Text"), filters.words, view.query(without=["q"])))
        return chips

    def filter_name(self, name: str) -> str:
        return str(GROUPING_NAMES[name])

    def value_name(self, name: str, value: str) -> str:
        """Return what a filter asks for, in words."""
        match name:
            case "template":
                return self.templates[value].name if value in self.templates else value
            case "status":
                return str(STATUS[value])
            case "assignee":
                return {NOBODY: _("Nobody"), ME: _("Me")}.get(value) or self.people.find(value).name
            case "due":
                return str(NAMES[value]) if value in NAMES else describe_day(date.fromisoformat(value), self.planner.today)
        return value

    def choices(self) -> list[tuple[str, str, list[tuple[str, str]]]]:
        """Return the filters that can be chosen from a list: part of the address, name, values."""
        people = [(NOBODY, _("Nobody")), (ME, _("Me"))]
        if self.actor.may("kanban:all_assignee_filters"):
            people += [(person.id, person.name) for person in self.people.members if person.id != self.actor.id]
        statuses = [status.value for statuses in workboard.STATUS_COLUMNS.values() for status in statuses]
        found = [
            ("template", [(template.id, template.name) for template in self.templates.values()]),
            ("phase", [(name, name) for name in self.phase_names()]),
            ("status", [(status, str(STATUS[status])) for status in statuses]),
            ("assignee", people),
            ("due", [(bucket.value, str(NAMES[bucket])) for bucket in Bucket]),
        ]
        return [(name, self.filter_name(name), values) for name, values in found if values]

    def phase_names(self) -> list[str]:
        """Return the phases of the chosen process; which process is meant has to be known."""
        template = chosen_template(self.view, self.templates)
        if template is None:
            return []
        return list(
            dict.fromkeys(str(phase["name"]) for phase in load_definition(template.definition_id).data.get("phases") or [])
        )

    def frame(self) -> dict[str, Any]:
        """Return what stands around the tasks: forms, groupings, filters, saved views."""
        view, actor = self.view, self.actor
        own = {board.id for board in self.boards if is_owner(board, actor)}
        default = actor.organisation.default_board_id
        return {
            "work": self,
            "view": view,
            "pairs": view.pairs(),
            "forms": [
                (key, FORM_NAMES[key], view.query(without=["view", "sort", "month"], view="" if key == "board" else key))
                for key in FORMS
            ],
            "groupings": [(key, GROUPING_NAMES[key]) for key in GROUPINGS]
            + ([(OWN_LANES, GROUPING_NAMES[OWN_LANES])] if view.by == OWN_LANES else []),
            "shows": list(SHOW_NAMES.items()),
            "chips": self.chips(),
            "choices": self.choices(),
            "clear_address": view.query(without=["q", "entity", "template", "phase", "status", "assignee", "due"]),
            "own_boards": [board for board in self.boards if board.id in own],
            "other_boards": [board for board in self.boards if board.id not in own],
            "default_id": default,
            "saved": self.saved,
            "is_own": self.saved is not None and self.saved.id in own,
            "is_changed": self.saved is not None
            and own_query(self.saved) is not None
            and own_query(self.saved) != kept_query(view),
            "may_save": actor.may("kanban:edit"),
            "may_default": actor.may("kanban:set_org_default_board"),
            "task_prefix": self.place.task_prefix,
            "reasons": list(REASONS.items()),
            "note": str(REASONS[view.by]) if view.by in REASONS else "",
        }

    def page(self, sizes: Mapping[str, int] | None = None, start: int = 0) -> dict[str, Any]:
        """Return what the whole page needs in its form."""
        if self.view.form == "list":
            return self.frame() | self.listed(start, max(PAGE, (sizes or {}).get("list", PAGE)))
        if self.view.form == "calendar":
            return self.frame() | self.month()
        columns = self.columns(sizes=sizes)
        return self.frame() | {
            "columns": columns,
            "is_empty": not any(column.count for column in columns),
            "needs_template": self.view.by == "phase" and not columns,
        }


def in_order(row: Row) -> tuple[bool, float, str]:
    due = row.task.due_at
    return due is None, due.timestamp() if due else 0, str(row.task.id)


def is_owner(board: SavedBoard, actor: Actor) -> bool:
    return any(share.person == actor.id and share.kind == "owner" for share in board.shares.all())


def own_query(board: SavedBoard) -> str | None:
    """Return the view that was kept with a board, as a query; None for boards of other systems."""
    kept = board.config.get("flowdeck")
    query = kept.get("query") if isinstance(kept, dict) else None
    return query if isinstance(query, str) else None


def kept_query(view: WorkView) -> str:
    """Return a view as it is kept with a board."""
    return view.query(without=["saved"]).removeprefix("?")
