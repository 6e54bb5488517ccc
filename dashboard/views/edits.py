"""Edits on a card: a small sheet for one field of a task, and acts that need no more to be said."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import trigger_client_event

from dashboard.answers import answer
from dashboard.cards import Board, Card
from dashboard.my_tasks import list_snoozes
from dashboard.requests import Request
from dashboard.views.board import find_card, load_board
from dashboard.views.tasks import quick_add
from dashboard.work_moves import REASONS
from workflows.engine.status import ExecutionStatus
from workflows.models import Task
from workflows.permissions import UPDATE, VIEW, tasks_within
from workflows.services import undo
from workflows.services.due_buckets import Planner
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.tasks import take_task

RIGHTS = {
    "status": UPDATE,
    "assignees": "workflow:execution:task:assign",
    "due_date": "workflow:execution:task:update_date",
}


def find_execution_id(request: Request, task_id: UUID) -> UUID:
    """Return the execution of a task that the person may see. Raises NotFound."""
    rows = Task.objects.filter(tasks_within(request.actor, VIEW), pk=task_id, organisation=request.actor.organisation)
    rows = rows.filter(execution__deleted_at=None)
    found = rows.values_list("execution_id", flat=True).first()
    if found is None:
        raise NotFound
    return found


def load_card(request: Request, task_id: UUID) -> tuple[Board, Card]:
    """Return the board of a task that the person may see, and its card there. Raises NotFound."""
    board = load_board(request, find_execution_id(request, task_id))
    card = find_card(board, str(task_id))
    if card is None:
        raise NotFound
    return board, card


@require_GET
def show_editor(request: Request, task_id: UUID, field: str) -> HttpResponse:
    """The sheet in which one field of a task is changed, or why it cannot be."""
    board, card = load_card(request, task_id)
    context: dict[str, Any] = {"card": card, "execution": board.execution, "refused": refuse(board, card, field)}
    if field == "assignees":
        assigned = {person.id for person in card.assignees}
        # Oneself is who is assigned most.
        people = sorted(board.people.members, key=lambda person: person.id != request.actor.id)
        context |= {"people": people, "assigned": assigned}
        context |= {"strangers": [person for person in card.assignees if not person.is_member]}
    if field == "due_date":
        context["snoozes"] = list_snoozes(Planner(timezone.now(), board.zone))
    return render(request, f"dashboard/_edit_{field}.html", context)


def refuse(board: Board, card: Card, field: str) -> str:
    """Return why a field cannot be changed; empty when it can."""
    if not board.may(RIGHTS[field], card.task):
        return str(REASONS["right"])
    if board.execution.status == ExecutionStatus.CLOSED:
        return str(REASONS["closed"])
    if field == "status" and not (card.moves or card.run_label):
        return str(REASONS["transition" if card.task.enabled else "locked"])
    return ""


@require_GET
def offer_days(request: Request, task_id: UUID) -> HttpResponse:
    """The menu of days to which a task can be put off, or why it cannot be."""
    board, card = load_card(request, task_id)
    reason = refuse(board, card, "due_date")
    context = {"card": card, "refused": reason, "snoozes": list_snoozes(Planner(timezone.now(), board.zone))}
    return render(request, "dashboard/_snooze.html", context)


@require_GET
def show_add(request: Request, task_id: UUID) -> HttpResponse:
    """The sheet in which a task is added to the phase of another one."""
    board, card = load_card(request, task_id)
    phase = next((phase for phase in board.phases if phase.id == card.task.phase_id), None)
    return render(request, "dashboard/_edit_add.html", quick_add(board, phase))


@require_POST
def take(request: Request, task_id: UUID) -> HttpResponse:
    """Add the person who asks to the assignees."""
    execution_id = find_execution_id(request, task_id)
    task = take_task(request.actor, execution_id, task_id)
    if task is None:
        return answer(request, execution_id, _("It is yours already"))
    return answer(request, execution_id, _("It is yours now"), undoable=task)


@require_POST
def undo_act(request: Request, execution_id: UUID, seq: int) -> HttpResponse:
    """Take back what the person did, named by its row in the history."""
    return answer_undo(request, undo.undo(request.actor, execution_id, seq))


@require_POST
def undo_last(request: Request) -> HttpResponse:
    """Take back what the person did last."""
    request.actor.require_some(VIEW)
    act = undo.find_last_act(request.actor)
    if act is None:
        raise InvalidInput(_("Undo"), _("you have changed nothing within the last hour"))
    return answer_undo(request, undo.undo(request.actor, act.execution_id, act.seq))


def answer_undo(request: Request, task: Task) -> HttpResponse:
    response = answer(request, task.execution_id, _("Taken back: %s") % task.name)
    return trigger_client_event(response, "undone", {"task": str(task.id)}, after="settle")
