"""What has happened to an execution: who, what, from what to what; day by day, page by page, of one kind or of all."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from dashboard.cards import Board
from dashboard.comments import Said, find_comments, may_comment
from dashboard.places import Place
from dashboard.wording import describe_event
from workflows.models import Event
from workflows.permissions import VIEW

PAGE = 50
KINDS = {
    "status": gettext_lazy("Status"),
    "assignment": gettext_lazy("Assignees"),
    "dates": gettext_lazy("Dates"),
    "comments": gettext_lazy("Comments"),
    "automations": gettext_lazy("Automations"),
}
# What belongs to no kind is among all only.
ACTIONS = {
    "status": (
        "task.status task.current task.reset task.enabled task.branch task.evaluated phase.status execution.started "
        "execution.status execution.closing_reason"
    ).split(),
    "assignment": ["task.assigned", "phase.assigned", "execution.assigned"],
    "dates": (
        "task.due_date phase.due_date execution.due_date task.scheduled task.schedule_cancelled task.schedule_fired "
        "task.schedule_refused"
    ).split(),
    "comments": ["comment.added", "comment.edited", "comment.deleted"],
    "automations": (
        "task.run task.run_started task.run_healed task.failure task.agent task.agent_again task.agent_answered "
        "execution.failure execution.sync_failed"
    ).split(),
}
KIND_OF = {action: kind for kind, actions in ACTIONS.items() for action in actions}
FAILURES = ("task.failure", "execution.failure", "execution.sync_failed")


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that has happened. `subject`: the name of its task or phase; `address`: where the task is opened."""

    who: str
    what: str
    at: datetime
    time: str
    kind: str
    is_failure: bool
    is_undo: bool
    subject: str
    address: str
    comment: Said | None


@dataclass(frozen=True, slots=True)
class Day:
    name: str
    iso: str
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class Filter:
    key: str
    name: str
    address: str
    is_current: bool


def build_timeline(board: Board, place: Place) -> dict[str, Any]:
    """Return what the timeline needs; at most four statements more than the board, whatever has happened."""
    asked = dict(place.query)
    kind = asked.get("kind", "") if asked.get("kind") in KINDS else ""
    found = find_events(board, kind, read_number(asked.get("before", "")))
    page = found[:PAGE]
    first = place.address(kind=kind, before="")
    return {
        "days": group_by_day(board, describe_events(board, page, place)),
        "kinds": [
            Filter(key, str(name), place.address(kind=key, before=""), key == kind)
            for key, name in (("", _("Everything")), *KINDS.items())
        ],
        "is_filtered": bool(kind),
        "older_address": place.address(kind=kind, before=str(page[-1]["seq"])) if len(found) > PAGE else "",
        "newest_address": first if asked.get("before") else "",
        "may_comment": may_comment(board),
    }


def read_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def find_events(board: Board, kind: str, before: int | None) -> list[dict[str, Any]]:
    """Return the events of a page and one more, the latest first; whoever sees some tasks only is told of these only."""
    rows = Event.objects.filter(execution_id=board.execution.id)
    if kind:
        rows = rows.filter(action__in=ACTIONS[kind])
    if before is not None:
        rows = rows.filter(seq__lt=before)
    if not board.actor.may(VIEW):
        rows = rows.filter(task_id__in=list(board.cards))
    return list(rows.order_by("-seq").values()[: PAGE + 1])


def describe_events(board: Board, events: Sequence[dict[str, Any]], place: Place) -> list[Entry]:
    who = board.people.actors(events)
    people = board.people.member_names
    names: dict[UUID | None, str] = {row.id: row.name for row in (*board.seen, *board.phases)}
    comments = find_comments(board, [event["after"]["comment_id"] for event in events if event["action"] == "comment.added"])
    return [
        Entry(
            who=who[event["actor_kind"], event["actor_id"]],
            what=describe_event(event, people, board.zone),
            at=event["at"],
            time=f"{event['at'].astimezone(board.zone):%H:%M}",
            kind=KIND_OF.get(event["action"], ""),
            is_failure=event["action"] in FAILURES,
            is_undo="undoes" in (event["after"] or {}),
            subject=names.get(event["task_id"] or event["phase_id"], ""),
            address=place.address(event["task_id"]) if event["task_id"] in names else "",
            comment=comments.get((event["after"] or {}).get("comment_id", "")) if event["action"] == "comment.added" else None,
        )
        for event in events
    ]


def group_by_day(board: Board, entries: Sequence[Entry]) -> list[Day]:
    today = timezone.now().astimezone(board.zone).date()
    days = itertools.groupby(entries, key=lambda entry: entry.at.astimezone(board.zone).date())
    return [Day(name_day(day, today), day.isoformat(), list(found)) for day, found in days]


def name_day(day: date, today: date) -> str:
    if day == today:
        return _("Today")
    if day == today - timedelta(days=1):
        return _("Yesterday")
    return date_format(day, pgettext("a day with its weekday", "l, j M Y"))
