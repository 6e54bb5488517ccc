"""The pages of guests: partners who work on shared tasks, people who accept an invitation, holders of a signed link."""

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dashboard.requests import Request
from dashboard.wording import describe_due
from workflows.engine.errors import WorkflowError
from workflows.models import Audience, Comment, Share, User
from workflows.permissions import Actor, Guest, PermissionRefused
from workflows.services import sharing
from workflows.services.comments import add_comment
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.shared_tasks import SharedTask, link_actor, list_for_link, list_for_partner
from workflows.services.tasks import TaskPatch, patch_task

MOST_COMMENTS = 100


def guest_of(request: Request) -> Guest:
    return sharing.person_guest(request.user, request.actor)


def rows(tasks: list[SharedTask]) -> list[dict[str, Any]]:
    """Add when each is due, in words, by the calendar of the organisation that shares it."""
    return [{"task": task, "due": describe_due(task.due_date, task.status, ZoneInfo(task.time_zone))} for task in tasks]


def sort_out(tasks: list[dict[str, Any]]) -> dict[str, Any]:
    """Return tasks by what they ask of the guest."""
    return {
        "waiting": [row for row in tasks if row["task"].waits],
        "later": [row for row in tasks if not row["task"].waits and not row["task"].is_done],
        "done": [row for row in tasks if row["task"].is_done],
    }


@require_GET
def show_shared(request: Request) -> HttpResponse:
    """Everything that is shared with the person, by whichever organisation."""
    tasks = rows(list_for_partner(guest_of(request)))
    return render(request, "dashboard/shared.html", sort_out(tasks) | {"saved": "saved" in request.GET})


def find_task(request: Request, execution_id: UUID, task_id: UUID) -> SharedTask:
    found = list_for_partner(guest_of(request), execution_id)
    task = next((task for task in found if task.id == task_id), None)
    if task is None:
        raise NotFound
    return task


@require_GET
def show_task(request: Request, execution_id: UUID, task_id: UUID) -> HttpResponse:
    task = find_task(request, execution_id, task_id)
    [row] = rows([task])
    # What others have said of a task is not for partners; they see what they said themselves.
    own = Comment.objects.filter(task_id=task.id, author=request.user, deleted_at=None).order_by("created_at", "pk")
    context = {"row": row, "task": task, "may_work": guest_of(request).may_work, "comments": own[:MOST_COMMENTS]}
    return render(request, "dashboard/shared_task.html", context)


@require_POST
def comment(request: Request, execution_id: UUID, task_id: UUID) -> HttpResponse:
    task = find_task(request, execution_id, task_id)
    host = sharing.find_host(guest_of(request), request.user, task.organisation_id)
    add_comment(host, execution_id, request.POST.get("text", ""), task_id)
    return HttpResponseRedirect(reverse("shared-task", args=[execution_id, task_id]))


@require_POST
def finish_task(request: Request, execution_id: UUID, task_id: UUID) -> HttpResponse:
    task = find_task(request, execution_id, task_id)
    host = sharing.find_host(guest_of(request), request.user, task.organisation_id)
    patch: TaskPatch = {"status": "COMPLETED"}
    if request.POST.get("branch"):
        patch["next_condition_id"] = request.POST["branch"]
    patch_task(host, execution_id, task_id, patch)
    return HttpResponseRedirect(reverse("shared") + "?saved")


# Invitations


@require_http_methods(["GET", "POST"])
def show_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Make an account for who was invited, or let in who has one. Following the link changes nothing; the button does."""
    try:
        share = sharing.read_link(token)
        if share.audience != Audience.PARTNER or not share.email:
            raise NotFound
    except NotFound:
        return private(render(request, "dashboard/invitation.html", {"state": "over"}, status=404))
    context: dict[str, Any] = {"share": share, "state": "sign-in" if sharing.has_account(share) else "new"}
    if isinstance(request.user, User) and request.user.email.lower() == share.email:
        context["state"] = "accept"
    if request.method == "POST":
        try:
            return accept(request, share)
        except InvalidInput as error:
            return private(render(request, "dashboard/invitation.html", context | {"problem": str(error)}, status=422))
        except NotFound:
            return private(render(request, "dashboard/invitation.html", context, status=409))
    return private(render(request, "dashboard/invitation.html", context))


def accept(request: HttpRequest, share: Share) -> HttpResponse:
    if isinstance(request.user, User):
        sharing.accept_as(share, request.user)
    else:
        user = sharing.accept_anew(share, request.POST.get("name", ""), request.POST.get("password", ""))
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return HttpResponseRedirect(reverse("shared"))


# Links of customers and installers


@require_http_methods(["GET", "POST"])
def show_portal(request: HttpRequest, token: str) -> HttpResponse:
    """What is done and what waits for a customer or an installer. No account: the link is what lets them in."""
    try:
        share = sharing.read_link(token)
        if share.audience == Audience.PARTNER:
            raise NotFound
    except NotFound:
        return private(render(request, "dashboard/portal.html", {"state": "over"}, status=404))
    actor = link_actor(share)
    status, problem = 200, ""
    if request.method == "POST":
        status, problem = mark_done(request, share, actor)
        if not problem:
            return private(HttpResponseRedirect(request.path + "?saved"))
    tasks = rows(list_for_link(share, actor))
    context = sort_out(tasks) | {"state": "shown", "share": share, "problem": problem, "saved": "saved" in request.GET}
    return private(render(request, "dashboard/portal.html", context, status=status))


def mark_done(request: HttpRequest, share: Share, actor: Actor) -> tuple[int, str]:
    """Finish a task; return the status and what is to be said when that was not possible."""
    try:
        patch_task(actor, str(share.execution_id), request.POST.get("task", ""), {"status": "COMPLETED"})
    except (WorkflowError, PermissionRefused):
        return 422, _("This can no longer be marked as done.")
    except NotFound:
        return 404, _("This can no longer be marked as done.")
    return 200, ""


def private(response: HttpResponse) -> HttpResponse:
    """A link is a key: it is told to nobody, neither by referrer nor to search engines."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response
