"""What people do to tasks: each edit is one field, saved at once, and answers with everything that it changed on the page."""

from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from dashboard.answers import answer, render_change
from dashboard.cards import Board, Card
from dashboard.quick_add import find_place, list_places
from dashboard.requests import Request
from dashboard.undoing import offer_undo
from dashboard.views.board import load_board, page
from dashboard.wording import STATUS, describe_age
from dashboard.work_moves import REASONS
from workflows.engine import due_dates
from workflows.models import Phase, Task
from workflows.permissions import UPDATE
from workflows.services.errors import Clash, InvalidInput, NotFound
from workflows.services.schedules import cancel_schedule, execute_task
from workflows.services.tasks import ADD, NewTask, TaskPatch, add_task, patch_task

MAX_NAME = 255
MAX_DESCRIPTION = 10_000


@dataclass(frozen=True, slots=True)
class ClashNotice:
    """The same field was changed by somebody else: both values in words, and what is needed to insist on one's own."""

    field: str
    label: str
    who: str
    when: str
    theirs: str
    mine: str
    inputs: list[tuple[str, str]]


@require_POST
def save_field(request: Request, execution_id: UUID, task_id: UUID, field: str) -> HttpResponse:
    """Save one field of a task. `was` holds what the person saw: when it is no longer so, both values are shown (409)."""
    patch, seen = FIELDS[field](request)
    try:
        task = patch_task(request.actor, execution_id, task_id, patch, expected=seen)
    except Clash as clash:
        return answer_clash(request, execution_id, task_id, clash, patch)
    message = _("It is yours now") if request.POST.get("claim") else announce(patch)
    return answer(request, execution_id, message, undoable=None if patch.get("revert_execution") else task)


def read_status(request: Request) -> tuple[TaskPatch, TaskPatch]:
    patch: TaskPatch = {"status": request.POST.get("status", "")}
    if request.POST.get("branch"):
        patch["next_condition_id"] = request.POST["branch"]
    if request.POST.get("revert") == "true":
        patch["revert_execution"] = True
    return patch, {"status": request.POST.get("was", "")}


def read_due_date(request: Request) -> tuple[TaskPatch, TaskPatch]:
    """A day becomes a floating date; a date with a time, which only insisting on a clash sends, stays as it is."""
    text = request.POST.get("due_date", "")
    if len(text) == len("2026-01-31"):
        text += "T00:00:00.000"
    try:
        if text:
            due_dates.parse(text)
    except ValueError as error:
        raise InvalidInput(_("Due date"), str(error)) from error
    return {"due_date": text}, {"due_date": request.POST.get("was", "")}


def read_assignees(request: Request) -> tuple[TaskPatch, TaskPatch]:
    chosen = [value[:128] for value in request.POST.getlist("assigned_to") if value]
    return {"assigned_to": chosen}, {"assigned_to": [value for value in request.POST.getlist("was") if value]}


def read_name(request: Request) -> tuple[TaskPatch, TaskPatch]:
    name = request.POST.get("name", "").replace("\0", "").strip()
    if not name:
        raise InvalidInput(_("Name"), _("a task needs one"))
    return {"name": name[:MAX_NAME]}, {"name": request.POST.get("was", "")}


def read_description(request: Request) -> tuple[TaskPatch, TaskPatch]:
    text, was = (request.POST.get(name, "").replace("\r\n", "\n").replace("\0", "") for name in ("description", "was"))
    return {"description": {"enabled": bool(text), "value": text[:MAX_DESCRIPTION]}}, {"description": {"value": was}}


FIELDS = {
    "status": read_status,
    "due_date": read_due_date,
    "assignees": read_assignees,
    "name": read_name,
    "description": read_description,
}


def announce(patch: TaskPatch) -> str:
    """Return what a screen reader is to say."""
    if "status" in patch:
        return _("Saved: %s") % STATUS[patch["status"]]
    return _("Saved")


def answer_clash(request: Request, execution_id: UUID, task_id: UUID, clash: Clash, patch: TaskPatch) -> HttpResponse:
    """Return the page as it is now, and in the pane both values; nothing was saved."""
    board = load_board(request, execution_id)
    return render_change(request, board, str(task_id), status=409, clash=notice(board, clash, patch))


def notice(board: Any, clash: Clash, patch: TaskPatch) -> ClashNotice:
    event = clash.event or {}
    names = board.people.actors([event]) if event else {}
    mine = cast(dict[str, Any], patch)[clash.field]
    if clash.field == "description":
        mine = mine["value"]
    field = "assignees" if clash.field == "assigned_to" else clash.field
    name = "assigned_to" if clash.field == "assigned_to" else clash.field
    values = mine if isinstance(mine, list) else [mine]
    current = clash.current if isinstance(clash.current, list) else [clash.current]
    inputs = [(name, str(value)) for value in values] + [("was", str(value)) for value in current]
    if "next_condition_id" in patch:
        inputs.append(("branch", patch["next_condition_id"]))
    return ClashNotice(
        field=field,
        label=label(clash.field),
        who=next(iter(names.values()), _("Somebody")),
        when=describe_age(cast(Any, event["at"])) if event else "",
        theirs=show(board, clash.field, clash.current),
        mine=show(board, clash.field, mine),
        inputs=inputs,
    )


def label(field: str) -> str:
    return {
        "status": _("Status"),
        "due_date": _("Due date"),
        "assigned_to": _("Assignees"),
        "name": _("Name"),
        "description": _("Description"),
    }[field]


def show(board: Any, field: str, value: Any) -> str:
    """Return a field's value in words."""
    if field == "status":
        return str(STATUS.get(value, value))
    if field == "assigned_to":
        return ", ".join(board.people.find(key if isinstance(key, str) else key["variable"]).name for key in value) or _("nobody")
    if field == "due_date":
        return date_format(due_dates.parse(value).day(board.zone), "DATE_FORMAT") if value else _("none")
    return str(value) or _("none")


@require_GET
def offer_moves(request: Request, execution_id: UUID, task_id: UUID) -> HttpResponse:
    """The menu of a card, loaded when it is opened: what can be done to the task's status now."""
    board = load_board(request, execution_id)
    return render(request, "dashboard/_moves.html", {"card": require_card(board, task_id), "execution": board.execution})


def require_card(board: Board, task_id: UUID) -> Card:
    card = board.cards.get(task_id)
    if card is None:
        raise NotFound
    return card


@require_GET
def preview_return(request: Request, execution_id: UUID, task_id: UUID) -> HttpResponse:
    """The dialog that says what going back to a task resets, before it is done."""
    request.actor.require_some(UPDATE)
    board = load_board(request, execution_id)
    card = require_card(board, task_id)
    undone = board.undone_by_going_back(card.task, timezone.now())
    words = ngettext("%d task will be reset to To do.", "%d tasks will be reset to To do.", len(undone)) % len(undone)
    return render(request, "dashboard/_go_back.html", page(board) | {"card": card, "undone": undone, "undone_words": words})


@require_POST
def run_task(request: Request, execution_id: UUID, task_id: UUID) -> HttpResponse:
    """Do a machine's task now, whatever it was scheduled for."""
    task = execute_task(request.actor, execution_id, task_id)
    return answer(request, execution_id, _("Saved: %s") % STATUS[task.status])


@require_POST
def cancel_task_schedule(request: Request, execution_id: UUID, task_id: UUID) -> HttpResponse:
    """Cancel a schedule; the task is skipped."""
    cancel_schedule(request.actor, execution_id, task_id)
    return answer(request, execution_id, _("The schedule is cancelled and the task skipped"))


@require_GET
def show_new_task(request: Request, execution_id: UUID) -> HttpResponse:
    """The dialog in which a task is added between two that follow each other."""
    board = load_board(request, execution_id)
    return render(request, "dashboard/_new_task.html", page(board) | {"places": places(board)})


def places(board: Board) -> list[tuple[str, str, str]]:
    """Return where a task can be put: its value, the task before, the one after; what is near first."""
    found = sorted(list_places(board), key=lambda place: (place[0].crt_since is None, place[0].position))
    return [(f"{before.id}~{after.id}", before.name, after.name) for before, after in found]


@require_GET
def show_quick_add(request: Request, execution_id: UUID) -> HttpResponse:
    """The sheet in which tasks are added to a phase, one after another."""
    board = load_board(request, execution_id)
    return render(request, "dashboard/_edit_add.html", quick_add(board, find_phase(board, request.GET.get("phase", ""))))


def quick_add(board: Board, phase: Phase | None) -> dict[str, Any]:
    """Return what the sheet needs: where the task will be, or why it cannot be anywhere."""
    place = find_place(board, phase.id if phase else None)
    refused = ""
    if not board.is_running:
        refused = str(REASONS["closed"])
    elif place is None:
        refused = _("There is no place for another task in this phase.")
    elif not board.may(ADD, place[0]):
        refused = str(REASONS["right"])
    return {
        "execution": board.execution,
        "phase_id": phase.id if phase else "",
        "phase_name": phase.name if phase else _("No phase"),
        "after": _("It comes after “%s”. Enter adds it and stays for the next one.") % place[0].name if place else "",
        "refused": refused,
    }


def find_phase(board: Board, phase_id: str) -> Phase | None:
    """Return the phase that is named; none for tasks of no phase. Raises NotFound for one that is not there."""
    if not phase_id:
        return None
    found = next((phase for phase in board.phases if str(phase.id) == phase_id), None)
    if found is None:
        raise NotFound
    return found


@require_POST
def add_quickly(request: Request, execution_id: UUID) -> HttpResponse:
    """Add a task to a phase by its name alone."""
    board = load_board(request, execution_id)
    phase = find_phase(board, request.POST.get("phase", ""))
    name = new_name(request)
    place = find_place(board, phase.id if phase else None)
    if place is None:
        raise InvalidInput(_("Place"), _("There is no place for another task in this phase."))
    new: NewTask = {"name": name} | ({"phase_id": str(phase.id)} if phase else {})
    task = add_task(request.actor, execution_id, place[0].id, place[1].id, new)
    return answer_added(request, task)


def answer_added(request: Request, task: Task) -> HttpResponse:
    """Answer that a task was added, and offer to take that back."""
    response = answer(request, task.execution_id, _("Added: %s") % task.name)
    offer_undo(request, response, task, _("was added"))
    return response


def new_name(request: Request) -> str:
    name = request.POST.get("name", "").replace("\0", "").strip()[:MAX_NAME]
    if not name:
        raise InvalidInput(_("Name"), _("a task needs one"))
    return name


@require_POST
def create_task(request: Request, execution_id: UUID) -> HttpResponse:
    name = new_name(request)
    previous, _sign, following = request.POST.get("place", "").partition("~")
    new: NewTask = {"name": name}
    if request.POST.get("due_date"):
        new["due_date"] = f"{request.POST['due_date'][:10]}T00:00:00.000"
    task = add_task(request.actor, execution_id, previous, following, new)
    return answer_added(request, task)
