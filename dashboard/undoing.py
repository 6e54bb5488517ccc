"""Offering to take back what was just done, and why that may not be possible, in words."""

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy

from dashboard.requests import Request
from workflows.models import Task
from workflows.services import undo
from workflows.services.errors import UndoRefused

REFUSALS = {
    undo.CHANGED: gettext_lazy("It was changed again since."),
    undo.WENT_ON: gettext_lazy("The flow went on meanwhile: somebody has worked on “%(about)s”."),
    undo.BEGUN: gettext_lazy("“%(about)s” has begun meanwhile, and what a machine does outside cannot be taken back."),
    undo.WENT_BACK: gettext_lazy("Going back has reset tasks, and what was done to them is not brought back."),
    undo.MACHINE: gettext_lazy("A machine does this task; open it to run it or to go back."),
    undo.DECISION: gettext_lazy("It is a decision: open it and choose its branch."),
}


def describe_refusal(error: UndoRefused) -> str:
    return str(REFUSALS[error.reason]) % {"about": error.about}


def offer_undo(request: Request, response: HttpResponse, task: Task, message: str) -> None:
    """Add a note to an answer that offers to take back what was just done; nothing when nothing was changed."""
    act = undo.find_act_on(request.actor, task)
    if act is None or act.events[0].at != task.updated_at:
        return
    context = {"message": message, "task": task, "seq": act.seq}
    response.content += render_to_string("dashboard/_toast.html", context, request).encode()
