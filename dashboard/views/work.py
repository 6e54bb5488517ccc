"""The work board: its three forms, what is loaded later, and moving a task from column to column."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import push_url, trigger_client_event

from dashboard.answers import changed_pane, open_pane, read_shown
from dashboard.live import live_page, of_organisation, shown_in
from dashboard.places import place_of
from dashboard.requests import Request, wants_fragment
from dashboard.undoing import offer_undo
from dashboard.views.lifecycle import find_entities
from dashboard.views.my_tasks import read_place
from dashboard.views.tasks import answer_clash
from dashboard.work_board import WorkBoard, own_query
from dashboard.work_columns import TitledLane, assignee_lane, column_id
from dashboard.work_moves import REASONS, Target, column_of, read_ids, seen_value
from dashboard.work_view import WorkView, read_query, read_view
from dashboard.worklist import find_rights
from workflows.models import Assignment, Task
from workflows.permissions import VIEW, tasks_within
from workflows.services import boards
from workflows.services.errors import Clash, InvalidInput, NotFound
from workflows.services.tasks import patch_task

MOST_START = 100_000


@require_GET
@live_page(of_organisation)
def show_work(request: Request) -> HttpResponse:
    """The page; for htmx the tasks with what stands around them, the next page of the list, or the pane of a task.

    Without anything asked for, the organisation's default board; a saved board alone, the view that was kept with it.
    """
    kept = find_kept(request)
    if kept:
        return HttpResponseRedirect(f"{request.path}{kept}")
    work = WorkBoard(request.actor, read_view(request.GET))
    if wants_fragment(request):
        if request.htmx.target == "pane":
            return render(request, "dashboard/_pane.html", open_pane(request, work.place))
        start = request.GET.get("start", "")
        if start.isascii() and start.isdecimal() and int(start[:9]) <= MOST_START:
            return render(request, "dashboard/_work_rows.html", work.frame() | work.listed(int(start[:9])))
        response = render(request, "dashboard/_work.html", work.page())
        return push_url(response, work.place.address())
    return render(request, "dashboard/work.html", work.page(read_shown(shown_in(request))) | open_pane(request, work.place))


def find_kept(request: Request) -> str:
    """Return the query of the view that is meant by an address that names a saved board or nothing; empty for none."""
    names = set(request.GET) - {"task"}
    if names == {"saved"} and request.GET["saved"]:
        board_id = request.GET["saved"]
    elif not names and request.actor.organisation.default_board_id:
        board_id = boards.DEFAULT
    else:
        return ""
    board = boards.find_board(request.actor, board_id)
    query = own_query(board)
    if query is None:
        return "" if "saved" in names else f"?saved={board.id}"
    return read_query(f"{query}&saved={board.id}").query(task=request.GET.get("task", ""))


def view_of(request: Request) -> WorkView:
    """Return the view of the page from which something was asked."""
    place = place_of(request)
    if place is None or place.name != "work-board":
        return read_view(request.GET)
    return read_query(urlencode(place.query))


@require_GET
def show_more(request: Request) -> HttpResponse:
    """The next cards of a column, to stand in place of the button that asked for them."""
    after = read_place(request.GET.get("after", ""))
    if after is None:
        raise NotFound
    work = WorkBoard(request.actor, view_of(request))
    column = work.more(request.GET.get("column", ""), after)
    return render(
        request, "dashboard/_work_cards.html", {"column": column, "view": work.view, "task_prefix": work.place.task_prefix}
    )


@require_GET
def offer_moves(request: Request, task_id: UUID) -> HttpResponse:
    """The menu of a card: every column as a place to move it to, or why it cannot go there."""
    work = WorkBoard(request.actor, view_of(request))
    task = find_task(request, task_id)
    rights = find_rights(request.actor, [task.id])[task.id]
    assigned = [row.assignee for row in Assignment.objects.filter(task_id=task.id).order_by("position", "id") if row.assignee]
    origin = request.GET.get("from") or column_of(work.view.by, task, work.planner)
    was = seen_value(work.view.by, task, assigned)
    targets = [
        Target(lane.key, lane.title, work.mover.refuse(task, lane.key, rights), origin, was)
        for lane in work.lanes()
        if lane.key != origin
    ]
    return render(request, "dashboard/_work_moves.html", {"task": task, "targets": targets})


def find_task(request: Request, task_id: UUID) -> Task:
    request.actor.require("kanban:view")
    rows = Task.objects.filter(
        tasks_within(request.actor, VIEW), pk=task_id, organisation=request.actor.organisation, execution__deleted_at=None
    )
    task = rows.select_related("execution").first()
    if task is None:
        raise NotFound
    return task


@require_POST
def move_task(request: Request, task_id: UUID) -> HttpResponse:
    """Write the field by which the board stands in columns. Answers with the columns that changed."""
    view = view_of(request)
    work = WorkBoard(request.actor, view)
    task = find_task(request, task_id)
    rights = find_rights(request.actor, [task.id])[task.id]
    lane = find_lane(work, request.POST.get("to", ""))
    reason = work.mover.refuse(task, lane.key, rights)
    if reason:
        raise InvalidInput(lane.title, str(REASONS[reason]))
    was, origin = request.POST.get("was", ""), request.POST.get("from", "")
    patch = work.mover.patch(lane.key, origin, read_ids(was) if view.by == "assignee" else [])
    try:
        done = patch_task(request.actor, task.execution_id, task.id, patch, expected=work.mover.expected(was))
    except Clash as clash:
        return answer_clash(request, task.execution_id, task.id, clash, patch)
    response = answer_move(request, task, view, [origin, lane.key])
    text = _("“%(name)s” moved to %(column)s") % {"name": task.name, "column": lane.title}
    offer_undo(request, response, done, _("moved to %s") % lane.title)
    trigger_client_event(response, "announce", {"text": text})
    moved = {"task": str(task.id), "column": column_id(lane.key)}
    return trigger_client_event(response, "moved", moved, after="settle")


def find_lane(work: WorkBoard, key: str) -> TitledLane:
    found = next((lane for lane in work.lanes() if lane.key == key), None)
    if found is None and work.view.by == "assignee" and key in work.people.by_id:
        return assignee_lane(key, work.people)
    if found is None:
        raise InvalidInput("to", _("there is no such column"))
    return found


def answer_move(request: Request, task: Task, view: WorkView, keys: list[str]) -> HttpResponse:
    work = WorkBoard(request.actor, view)
    pane = changed_pane(request, task.execution_id, work.place)
    # Tasks with several assignees stand in several columns.
    if view.form == "board" and view.by != "assignee":
        context: dict[str, Any] = {"columns": work.columns(only=keys), "view": view, "task_prefix": work.place.task_prefix}
        return render(request, "dashboard/_changed_columns.html", pane | context)
    return render(request, "dashboard/_changed_work_board.html", pane | work.page())


@require_GET
def offer_subjects(request: Request) -> HttpResponse:
    """Entities to filter by that match what was typed."""
    request.actor.require("kanban:view")
    words = request.GET.get("words", "").replace("\0", "")
    found = find_entities(request.actor, words) if words.strip() and request.actor.may("entity:view") else []
    return render(request, "dashboard/_subjects.html", {"entities": found, "words": words})
