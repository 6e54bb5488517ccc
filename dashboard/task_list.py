"""The tasks of one execution as a list: phase after phase, or in the order of a column."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.cards import Board, Card
from dashboard.places import Place
from dashboard.wording import STATUS, describe_moment
from workflows.models import Phase, Task

COLUMNS = {
    "name": gettext_lazy("Task"),
    "status": gettext_lazy("Status"),
    "phase": gettext_lazy("Phase"),
    "type": gettext_lazy("Type"),
    "assignees": gettext_lazy("Assignees"),
    "due": gettext_lazy("Due"),
    "started": gettext_lazy("Started"),
    "finished": gettext_lazy("Finished"),
}


@dataclass(frozen=True, slots=True)
class Stamp:
    """When something was done to a task, and by whom; nobody: by the system."""

    at: datetime
    when: str
    who: str


@dataclass(frozen=True, slots=True)
class Row:
    card: Card
    phase: str
    started: Stamp | None
    finished: Stamp | None


@dataclass(frozen=True, slots=True)
class Section:
    """Rows under a heading; without a name: all of them, in the order of a column."""

    key: str
    name: str
    status: str
    status_name: str
    done: int
    total: int
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Heading:
    """A column; `order` is how the list is sorted by it, `address` sorts by it or turns it round."""

    key: str
    name: str
    order: str
    address: str


def build_list(board: Board, place: Place) -> dict[str, Any]:
    """Return what the list needs; one statement more than the board where tokens have worked on tasks."""
    sort = dict(place.query).get("sort", "")
    key = sort.removeprefix("-")
    rows = build_rows(board)
    if key in ORDERS:
        sections = [Section("all", "", "", "", 0, 0, sort_rows(rows, key, descending=sort.startswith("-")))]
    else:
        sections = group_by_phase(board.phases, rows)
    return {
        "sections": sections,
        "is_sorted": key in ORDERS,
        "unsorted_address": place.address(sort=""),
        "headings": [heading(place, column, key, sort) for column in COLUMNS if column != "phase" or key in ORDERS],
    }


def build_rows(board: Board) -> list[Row]:
    phases: dict[UUID | None, str] = {phase.id: phase.name for phase in board.phases}
    names = board.people.names(key for task in board.tasks for key in workers(task))
    now = timezone.now()

    def stamp(at: datetime | None, key: str) -> Stamp | None:
        return Stamp(at, describe_moment(at, now), names[key]) if at else None

    return [
        Row(
            card=card,
            phase=phases.get(card.task.phase_id, ""),
            started=stamp(card.task.started_at, card.task.in_progress_by),
            finished=stamp(card.task.completed_at, card.task.completed_by or card.task.skipped_by),
        )
        for card in board.cards.values()
    ]


def workers(task: Task) -> tuple[str, ...]:
    return task.in_progress_by, task.completed_by, task.skipped_by


def group_by_phase(phases: Sequence[Phase], rows: Sequence[Row]) -> list[Section]:
    """Return the rows phase by phase; those of no phase come last, as on the board."""
    found: dict[UUID | None, list[Row]] = {phase.id: [] for phase in phases}
    for row in rows:
        found.setdefault(row.card.task.phase_id, []).append(row)
    named: dict[UUID | None, Phase] = {phase.id: phase for phase in phases}
    return [section(named.get(key), group) for key, group in found.items() if group]


def section(phase: Phase | None, rows: list[Row]) -> Section:
    live = [row.card for row in rows if row.card.is_live]
    return Section(
        key=phase.template_id if phase else "none",
        name=phase.name if phase else _("No phase"),
        status=phase.status if phase else "",
        status_name=str(STATUS[phase.status]) if phase else "",
        done=sum(card.is_finished for card in live),
        total=len(live),
        rows=rows,
    )


# What a row is sorted by; None has no value and comes last, whichever way the list is turned.
ORDERS: dict[str, Callable[[Row], Any]] = {
    "name": lambda row: row.card.task.name.casefold(),
    "status": lambda row: row.card.status_name.casefold(),
    "phase": lambda row: row.phase.casefold() or None,
    "type": lambda row: row.card.type_name.casefold(),
    "assignees": lambda row: [person.name.casefold() for person in row.card.assignees] or None,
    "due": lambda row: row.card.task.due_at,
    "started": lambda row: row.started.at if row.started else None,
    "finished": lambda row: row.finished.at if row.finished else None,
}


def sort_rows(rows: Sequence[Row], key: str, *, descending: bool) -> list[Row]:
    """Return the rows in the order of a column; equals stay in the order of the flow."""
    value = ORDERS[key]
    filled = sorted((row for row in rows if value(row) is not None), key=value, reverse=descending)
    return [*filled, *(row for row in rows if value(row) is None)]


def heading(place: Place, column: str, key: str, sort: str) -> Heading:
    order = ("descending" if sort.startswith("-") else "ascending") if column == key else "none"
    return Heading(column, str(COLUMNS[column]), order, place.address(sort=f"-{column}" if order == "ascending" else column))
