"""Saved views of the work board: keep one, change it, share it, make it what everybody begins with, delete it."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from dashboard.places import place_of
from dashboard.requests import Request
from dashboard.work_board import WorkBoard, is_owner, kept_query
from dashboard.work_view import WorkView, read_query
from workflows.models import SavedBoard, ShareKind
from workflows.permissions import Actor
from workflows.services import boards
from workflows.services.boards import BoardPatch
from workflows.services.errors import InvalidInput
from workflows.services.transactions import in_transaction
from workflows.services.workboard import lane_document, saved_filter

MAX_TITLE = 255
DATASET = "workflow_tasks_overview"


@require_http_methods(["GET", "POST"])
def save_view(request: Request) -> HttpResponse:
    """The dialog in which a view gets a name and readers; POST keeps it, as a new board or in place of the one that is shown."""
    request.actor.require("kanban:edit")
    work = WorkBoard(request.actor, view_of(request))
    if request.method == "POST":
        board = keep(request.actor, work, read_form(request), replace=request.POST.get("as") == "same")
        return go_to(board)
    board = work.saved
    context = {
        "work": work,
        "saved": board,
        "is_own": board is not None and is_owner(board, request.actor),
        "readers": {share.person for share in board.shares.all() if share.kind == ShareKind.READER} if board else set(),
        "people": [person for person in work.people.members if person.id != request.actor.id],
    }
    return render(request, "dashboard/_save_view.html", context)


def view_of(request: Request) -> WorkView:
    place = place_of(request)
    return read_query(urlencode(place.query) if place is not None and place.name == "work-board" else "")


def read_form(request: Request) -> BoardPatch:
    title = request.POST.get("title", "").replace("\0", "").strip()[:MAX_TITLE]
    if not title:
        raise InvalidInput(_("Name"), _("a view needs one"))
    who = request.POST.get("who", "me")
    people = [key[:128] for key in request.POST.getlist("shared_with")[:1000] if key]
    return {"title": title, "shared_with_org": who == "all", "shared_with": people if who == "some" else []}


@in_transaction
def keep(actor: Actor, work: WorkBoard, values: BoardPatch, *, replace: bool) -> SavedBoard:
    old = work.saved if replace else None
    config = build_config(work, old)
    if old is None:
        return boards.create_board(actor, values | {"config": config})
    return boards.patch_board(actor, old.id, values | {"config": config})


def build_config(work: WorkBoard, old: SavedBoard | None) -> dict[str, Any]:
    """Return the view as a document of the public contract, and as the query of its address, which says all of it.

    What others have put into the document stays. A board of another system keeps its columns and its filter.
    """
    kept = (
        dict((old or work.saved or SavedBoard()).config)
        if work.base is not None or work.view.by == "lanes"
        else dict(old.config if old else {})
    )
    lanes = [
        {"id": lane.key[:128], "title": lane.title, "position": place, "filter": lane_document(lane.lane)}
        for place, lane in enumerate(work.lanes())
    ]
    ours: dict[str, Any] = {
        "dataset": DATASET,
        "sorting": {"field": work.view.sort, "direction": "desc" if work.view.descending else "asc"},
    }
    if work.view.by == "lanes" or work.base is not None:
        return {**kept, **ours}
    query = kept_query(work.view)
    return {**kept, **ours, "board_filter": saved_filter(work.view.filters), "swimlanes": lanes, "flowdeck": {"query": query}}


@require_POST
def update_view(request: Request) -> HttpResponse:
    """Keep the view as it is now under the name that it has."""
    work = WorkBoard(request.actor, view_of(request))
    if work.saved is None:
        raise InvalidInput(_("View"), _("there is none to be changed"))
    return go_to(boards.patch_board(request.actor, work.saved.id, {"config": build_config(work, work.saved)}))


@require_http_methods(["GET", "POST"])
def delete_view(request: Request, board_id: str) -> HttpResponse:
    """The dialog that asks whether one is sure; POST deletes the view."""
    if request.method == "POST":
        boards.delete_board(request.actor, board_id)
        return HttpResponseClientRedirect(f"{reverse('work-board')}?by=status")
    request.actor.require("kanban:edit")
    return render(request, "dashboard/_delete_view.html", {"saved": boards.find_board(request.actor, board_id)})


@require_POST
def set_default(request: Request, board_id: str) -> HttpResponse:
    """Make a view the one that everybody begins with, or no more."""
    if request.POST.get("off"):
        boards.clear_default_board(request.actor)
        return HttpResponseClientRedirect(f"{reverse('work-board')}?by=status")
    return go_to(boards.set_default_board(request.actor, board_id))


def go_to(board: SavedBoard) -> HttpResponse:
    return HttpResponseClientRedirect(f"{reverse('work-board')}?saved={board.id}")
