"""The same change of many tasks: the sheet in which it is chosen, the change itself, and what came of it."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

from dashboard.answers import answer, answer_everywhere
from dashboard.my_tasks import list_snoozes
from dashboard.people import People
from dashboard.places import place_of
from dashboard.requests import Request, wants_fragment
from dashboard.views.tasks import read_due_date
from dashboard.wording import VERBS
from dashboard.work_board import WorkBoard
from dashboard.work_view import read_query
from workflows.engine.status import TaskStatus
from workflows.jobs import change_now, undo_now
from workflows.models import BulkChange, BulkState
from workflows.permissions import UPDATE
from workflows.services import bulk, workboard
from workflows.services.due import zone_of
from workflows.services.due_buckets import Planner
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.steps import parse_id
from workflows.services.tasks import RIGHTS, TaskPatch

FIELDS = {"status": "status", "assignees": "assigned_to", "due_date": "due_date"}
STATUSES = (TaskStatus.COMPLETED, TaskStatus.IN_PROGRESS, TaskStatus.ON_HOLD, TaskStatus.SKIPPED, TaskStatus.PENDING)
MOST_LISTED = 500
REASONS = {
    bulk.RIGHT: gettext_lazy("Your role does not allow this."),
    bulk.GONE: gettext_lazy("It no longer exists, or it is not yours to see."),
    bulk.CLOSED: gettext_lazy("Its execution is closed."),
    bulk.LOCKED: gettext_lazy("It waits for other tasks."),
    bulk.DECISION: gettext_lazy("It is a decision: open it and choose its branch."),
    bulk.MACHINE: gettext_lazy("A machine does it: open it to run it."),
    bulk.TRANSITION: gettext_lazy("Its status does not allow this."),
    bulk.INVALID: gettext_lazy("The value does not fit this task."),
    bulk.UNDO: gettext_lazy("It was changed again since, or the flow went on."),
    bulk.FAULT: gettext_lazy("Something went wrong on the server; try again."),
}


@require_GET
def show_sheet(request: Request, field: str) -> HttpResponse:
    """What can be given to all selected tasks."""
    request.actor.require_some(RIGHTS.get(FIELDS[field], UPDATE))
    context: dict[str, Any] = {"field": field}
    if field == "status":
        context["choices"] = [(status.value, VERBS[status]) for status in STATUSES]
    elif field == "assignees":
        members = People(request.actor.organisation).members
        context["people"] = sorted(members, key=lambda person: person.id != request.actor.id)
    else:
        context["snoozes"] = list_snoozes(Planner(timezone.now(), zone_of(request.actor.organisation)))
    return render(request, "dashboard/_bulk_sheet.html", context)


@require_POST
def change_tasks(request: Request) -> HttpResponse:
    """Change the selected tasks; many of them are left to a worker, whose progress has a page."""
    patch = read_patch(request)
    tasks = read_matching(request) if request.POST.get("all") else read_tasks(request)
    return answer_change(request, change_now(request.actor, tasks, patch))


def read_matching(request: Request) -> list[UUID]:
    """Return all tasks that match what the list asks for from which the change was chosen, shown or not."""
    place = place_of(request)
    if place is None or place.name != "work-board":
        raise InvalidInput("task", _("only the list of tasks can be changed as a whole"))
    work = WorkBoard(request.actor, read_query(urlencode(place.query)))
    return workboard.find_matching(request.actor, work.view.filters, work.base, bulk.MOST + 1)


def read_tasks(request: Request) -> list[UUID]:
    """Read the ids; one that is malformed names nothing."""
    texts = request.POST.getlist("task")[: bulk.MOST + 1]
    try:
        return [parse_id(text) for text in texts]
    except NotFound as error:
        raise InvalidInput("task", _("this is no task")) from error


def read_patch(request: Request) -> TaskPatch:
    field, value = request.POST.get("field", ""), request.POST.get("value", "")
    if field == "status":
        return {"status": value}
    if field == "assignees":
        known = {person.id for person in People(request.actor.organisation).members}
        if value and value not in known:
            raise InvalidInput(_("Assignees"), _("there is no such person"))
        return {"assigned_to": [value] if value else []}
    if field == "due_date":
        return read_due_date(request)[0]
    raise InvalidInput("field", _("this cannot be changed for many tasks"))


@require_POST
def undo_change(request: Request, change_id: UUID) -> HttpResponse:
    """Take a change back for all tasks that it has changed."""
    return answer_change(request, undo_now(request.actor, change_id))


def answer_change(request: Request, change: BulkChange) -> HttpResponse:
    if change.finished_at is None:
        return HttpResponseClientRedirect(reverse("bulk", args=[change.id]))
    counts = bulk.count_states(change)
    message = describe(counts, is_undo=change.undoes_id is not None)
    response = render_page(request, message)
    context = {"change": change, "message": message, **outcome(change, counts)}
    response.content += render_to_string("dashboard/_bulk_toast.html", context, request).encode()
    return trigger_client_event(response, "changed-many", {"tasks": change.total}, after="settle")


def render_page(request: Request, message: str) -> HttpResponse:
    """Return what changed on the page from which the change was asked for."""
    if place_of(request) is not None:
        return answer_everywhere(request, message)
    try:
        found = resolve(request.htmx.current_url_abs_path.partition("?")[0] if request.htmx.current_url_abs_path else "")
    except Resolver404:
        found = None
    if found is not None and found.url_name == "board":
        return answer(request, found.kwargs["execution_id"], message)
    return trigger_client_event(HttpResponse(), "announce", {"text": message})


def describe(counts: dict[str, int], *, is_undo: bool = False) -> str:
    """Return what came of it in words: "12 done, 2 not allowed"."""
    done, same, refused = (counts.get(state, 0) for state in (BulkState.DONE, BulkState.SAME, BulkState.REFUSED))
    words = ngettext("%d taken back", "%d taken back", done) if is_undo else ngettext("%d done", "%d done", done)
    parts = [words % done]
    if same:
        parts.append(ngettext("%d was so already", "%d were so already", same) % same)
    if refused:
        parts.append(ngettext("%d not allowed", "%d not allowed", refused) % refused)
    return ", ".join(parts)


def outcome(change: BulkChange, counts: dict[str, int]) -> dict[str, Any]:
    return {
        "refused": counts.get(BulkState.REFUSED, 0),
        "may_undo": change.undoes_id is None and bool(counts.get(BulkState.DONE)),
    }


@require_GET
def show_change(request: Request, change_id: UUID) -> HttpResponse:
    """The page of a change: how far it is, and what was not done and why. For htmx its part, or the same as a dialog."""
    change = bulk.find_bulk(request.actor, change_id)
    counts = bulk.count_states(change)
    refused = bulk.list_items(change, [BulkState.REFUSED], MOST_LISTED)
    is_dialog = bool(request.htmx) and request.htmx.target == "dialog"
    context = {
        "change": change,
        "title": _("Taking back") if change.undoes_id else _("Change of many tasks"),
        "words": describe(counts, is_undo=change.undoes_id is not None),
        "ended": change.total - counts.get(BulkState.WAITING, 0),
        "is_finished": change.finished_at is not None,
        "items": [(item, REASONS[item.reason]) for item in refused],
        "done": [] if is_dialog else bulk.list_items(change, [BulkState.DONE, BulkState.SAME], MOST_LISTED),
        **outcome(change, counts),
    }
    if is_dialog:
        return render(request, "dashboard/_bulk_refused.html", context)
    template = "dashboard/_bulk_result.html" if wants_fragment(request) else "dashboard/bulk.html"
    return render(request, template, context)
