"""What an edit answers with: everything that it may have changed on the page from which it came."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django_htmx.http import trigger_client_event

from dashboard import my_tasks
from dashboard.cards import Board
from dashboard.execution_page import build_view
from dashboard.my_tasks import MOST_SHOWN
from dashboard.places import Place, execution_place, place_of
from dashboard.requests import Request
from dashboard.undoing import offer_undo
from dashboard.views.board import load_board, page, pane
from dashboard.work_board import WorkBoard
from dashboard.work_columns import MOST_COLUMNS
from dashboard.work_view import read_query
from workflows.models import Task
from workflows.services.errors import NotFound
from workflows.services.steps import parse_id


def answer(request: Request, execution_id: UUID, message: str, undoable: Task | None = None) -> HttpResponse:
    """Return what changed, each part to replace what is on the page, and what a screen reader is to say.

    `undoable`: the task to which something was done that can be taken back.
    """
    board = load_board(request, execution_id)
    response = render_change(request, board, request.POST.get("open", ""))
    if undoable is not None:
        offer_undo(request, response, undoable, message)
    return trigger_client_event(response, "announce", {"text": message})


def answer_everywhere(request: Request, message: str) -> HttpResponse:
    """Return the lists of a page over all executions as they are now, and its pane, if a task is open."""
    place = place_of(request)
    if place is None:
        raise NotFound
    context = open_pane(request, place, request.POST.get("open", "")) | PAGES[place.name](request, place)
    response = render(request, f"dashboard/_changed_{place.name.replace('-', '_')}.html", context)
    return trigger_client_event(response, "announce", {"text": message})


def render_change(request: Request, board: Board, task_id: str, status: int = 200, **extra: Any) -> HttpResponse:
    """Render the changed parts, with the pane of a task; `extra` is for the pane.

    On the page of an execution these are header, what its view shows, and pane; elsewhere the lists, and the pane if it shows a
    task of this execution.
    """
    place = place_of(request)
    if place is None:
        place = execution_place(request, board.execution.id)
        context = page(board) | build_view(board, place, task_id) | pane(board, task_id, place) | extra
        return render(request, "dashboard/_changed.html", context, status=status)
    context = page(board) | pane(board, task_id, place) | extra | PAGES[place.name](request, place)
    return render(request, f"dashboard/_changed_{place.name.replace('-', '_')}.html", context, status=status)


def _render_my_tasks(request: Request, place: Place) -> dict[str, Any]:
    return my_tasks.build_page(request.actor, my_tasks.read_sizes(request.POST.getlist("shown")))


def _render_work(request: Request, place: Place) -> dict[str, Any]:
    work = WorkBoard(request.actor, read_query(urlencode(place.query)))
    return work.page(read_shown(request.POST.getlist("shown")))


def read_shown(texts: list[str]) -> dict[str, int]:
    """Read how many cards of which column are shown; what makes no sense is left out."""
    pairs = (text.rpartition(":") for text in texts[:MOST_COLUMNS])
    return {key: min(int(number[:4]), MOST_SHOWN) for key, _, number in pairs if number.isascii() and number.isdecimal()}


PAGES = {"my-tasks": _render_my_tasks, "work-board": _render_work}


def changed_pane(request: Request, execution_id: UUID, place: Place) -> dict[str, Any]:
    """Return what the pane needs when it shows a task of this execution; otherwise it stays as it is."""
    wanted = request.POST.get("open", "")
    if not wanted:
        return {"card": None}
    board = load_board(request, execution_id)
    return page(board) | pane(board, wanted, place)


def open_pane(request: Request, place: Place, task_id: str | None = None) -> dict[str, Any]:
    """Return what the pane needs of a task, or of the one that the address names; nothing when there is none to show."""
    wanted = request.GET.get("task", "") if task_id is None else task_id
    try:
        task = Task.objects.filter(pk=parse_id(wanted), organisation=request.actor.organisation).first() if wanted else None
    except NotFound:
        task = None
    if task is None:
        return {"card": None}
    try:
        board = load_board(request, task.execution_id)
    except NotFound:
        return {"card": None}
    return page(board) | pane(board, wanted, place)
