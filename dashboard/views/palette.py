"""The command palette: one address that answers with what matches the words."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard.cards import Board, Card
from dashboard.palette import MOST_WORDS, build_palette
from dashboard.requests import Request
from dashboard.views.board import find_card, load_board
from dashboard.views.edits import find_execution_id
from workflows.permissions import PermissionRefused
from workflows.services.errors import NotFound


@require_GET
def search(request: Request) -> HttpResponse:
    """What can be chosen; `task` names the one that has the focus, whose acts come first."""
    words = " ".join(request.GET.get("q", "").replace("\0", "").split())[:MOST_WORDS]
    board, card = find_focused(request, request.GET.get("task", ""))
    sections = build_palette(request.actor, words, board, card)
    count = sum(len(section.choices) for section in sections)
    return render(request, "dashboard/_palette_found.html", {"sections": sections, "count": count, "words": words})


def find_focused(request: Request, task_id: str) -> tuple[Board | None, Card | None]:
    """Return the task that has the focus, and its board; one that is gone or not to be seen has no acts."""
    try:
        board = load_board(request, find_execution_id(request, UUID(task_id)))
    except (ValueError, NotFound, PermissionRefused):
        return None, None
    return board, find_card(board, task_id)
