"""The page of one execution: its board or another view of it, and the pane of the task that the address names."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard.agents import load_agent_runs
from dashboard.cards import Board, Card
from dashboard.comments import load_comments
from dashboard.execution_page import build_tabs, build_view
from dashboard.live import live_page, of_execution
from dashboard.people import People
from dashboard.places import Place, execution_place
from dashboard.requests import Request, wants_fragment
from dashboard.runs import load_task_runs
from dashboard.wording import STATUS, describe_event, describe_moment
from workflows.definitions import load_definition
from workflows.engine.status import TaskType
from workflows.models import Event, Task
from workflows.permissions import UPDATE, Actor
from workflows.services import undo
from workflows.services.comments import RIGHT
from workflows.services.errors import NotFound
from workflows.services.executions import find_execution
from workflows.services.steps import parse_id

MOST_EVENTS = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of history in words."""

    who: str
    what: str
    at: datetime
    when: str
    seq: int
    is_undo: bool = False


def load_board(request: Request, execution_id: UUID) -> Board:
    execution = find_execution(request.actor, execution_id)
    return Board(request.actor, execution, load_definition(execution.definition_id), People(request.actor.organisation))


@require_GET
@live_page(of_execution)
def show_board(request: Request, execution_id: UUID) -> HttpResponse:
    """The page in one of its views; for htmx the pane, as little else changes when a task is opened or closed."""
    board = load_board(request, execution_id)
    place = execution_place(request, execution_id)
    wanted = request.GET.get("task", "")
    context = page(board) | pane(board, wanted, place)
    if wants_fragment(request):
        return render(request, "dashboard/_opened.html", context | build_tabs(place, wanted))
    return render(request, "dashboard/execution.html", context | build_view(board, place, wanted))


def page(board: Board) -> dict[str, Any]:
    """What the board and its header need."""
    actor = board.actor
    return {
        "board": board,
        "execution": board.execution,
        "status_name": STATUS[board.execution.status],
        "may_close": actor.may("workflow:execution:cancel"),
        "may_share": actor.may("share:view"),
        "may_delete": actor.may("workflow:execution:delete"),
        "may_edit": actor.may("workflow:execution:update_details"),
        "may_add": actor.may("workflow:execution:task:add") and board.is_running,
    }


def pane(board: Board, task_id: str, place: Place) -> dict[str, Any]:
    """What the pane of a task needs on the page `place`; nothing when no task of this execution is named."""
    card = find_card(board, task_id)
    if card is None:
        return {"card": None}
    events = list(Event.objects.filter(task_id=card.id).order_by("-seq").values()[:MOST_EVENTS])
    design = board.compiled.task(card.task.template_id)
    actor = board.actor
    is_open = board.execution.status != "CLOSED"
    return {
        "card": card,
        "close_address": place.address(),
        "own_address": place.address(card.id),
        "is_over_all": place.is_over_all,
        "phase": next((column.name for column in board.columns for lane in column.lanes if card in lane.cards), ""),
        "entries": describe(board, events),
        "undoable": own_last(board.actor, events) if is_open else None,
        "description": (card.task.extra.get("description") or design.get("description") or {}).get("value", ""),
        "assigned": {person.id for person in card.assignees},
        "strangers": [person for person in card.assignees if not person.is_member],
        "may_update": is_open and board.may(UPDATE, card.task),
        "may_assign": is_open and board.may("workflow:execution:task:assign", card.task),
        "may_date": is_open and board.may("workflow:execution:task:update_date", card.task),
        "offers_branches": bool(card.branches) and not card.is_finished and bool(card.moves or card.run_label),
        "evaluated_at": evaluated_at(card.task),
        "may_cancel": bool(card.timing and card.timing.time) and any(move.status == "SKIPPED" for move in card.moves),
        "problem": (card.task.extra.get("run") or {}).get("error_reason", ""),
        "agent_runs": load_agent_runs(card.task) if card.task.task_type == TaskType.AI_AGENT else [],
        "runs": load_task_runs(actor, card.task) if card.task.task_type == TaskType.AUTOMATION else [],
        "comments": load_comments(board, card.id),
        "may_comment": board.may(RIGHT, card.task),
        "clash": None,
    }


def own_last(actor: Actor, events: list[dict[str, Any]]) -> int | None:
    """Return the row of the history at which undoing is offered: the first of the latest act, if it is the person's own."""
    acts = [event for event in events if event["action"] in undo.FIELDS]
    if not acts or (acts[0]["actor_kind"], acts[0]["actor_id"]) != (actor.kind, actor.id):
        return None
    same = [event for event in acts if event["at"] == acts[0]["at"]]
    return None if any("undoes" in (event["after"] or {}) for event in same) else same[-1]["seq"]


def evaluated_at(task: Task) -> datetime | None:
    """When a decision was evaluated last."""
    times = [verdict["evaluated_at"] for verdict in (task.extra.get("verdicts") or {}).values()]
    return datetime.fromisoformat(max(times)) if times else None


def find_card(board: Board, task_id: str) -> Card | None:
    if not task_id:
        return None
    try:
        return board.cards.get(parse_id(task_id))
    except NotFound:
        return None


def describe(board: Board, events: list[dict[str, Any]]) -> list[Entry]:
    who = board.people.actors(events)
    names = board.people.member_names
    return [
        Entry(
            who[event["actor_kind"], event["actor_id"]],
            describe_event(event, names, board.zone),
            event["at"],
            describe_moment(event["at"]),
            event["seq"],
            "undoes" in (event["after"] or {}),
        )
        for event in events
    ]
