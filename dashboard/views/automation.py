"""The page of automations: what ran, what was given up, and how it is begun again; and the page behind a confirmation link."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from dashboard.answers import answer
from dashboard.areas import list_areas
from dashboard.requests import Request, wants_fragment
from dashboard.runs import RUN_STATUS, load_dead_letters, load_runs
from workflows.models import AutomationExecution
from workflows.permissions import Actor
from workflows.services.automation_reading import after_cursor, cursor_of
from workflows.services.automation_runs import resume_run
from workflows.services.dead_letters import dead_jobs, redrive
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.resume_tokens import read_token
from workflows.services.task_automations import reconcile_task

PAGE = 30
MOST_COUNTED = 99
GIVEN_UP = "given-up"
TABS = ("", "in_progress", "paused", "failed", "success")


@require_GET
def show_runs(request: Request) -> HttpResponse:
    """The list of runs, or of what was given up; for htmx only the results."""
    request.actor.require("automation:view")
    template = "dashboard/automation.html"
    return render(request, template + "#results" if wants_fragment(request) else template, results(request.actor, request.GET))


def results(actor: Actor, query: Any) -> dict[str, Any]:
    wanted = query.get("status", "")
    dead = dead_jobs(actor)
    context: dict[str, Any] = {
        "status": wanted if wanted in (*TABS, GIVEN_UP) else "",
        "tabs": [(status, RUN_STATUS[status][0] if status else _("All")) for status in TABS],
        "given_up": dead[: MOST_COUNTED + 1].count(),
        "most": MOST_COUNTED,
        "areas": list_areas(actor, "automation"),
        "may_redrive": actor.may("automation:trigger"),
    }
    if context["status"] == GIVEN_UP:
        return context | {"letters": load_dead_letters(list(dead[:PAGE]))}
    rows = AutomationExecution.objects.filter(organisation=actor.organisation).order_by("-created_at", "-id")
    if context["status"]:
        rows = rows.filter(status=context["status"])
    if query.get("after"):
        try:
            rows = after_cursor(rows, query["after"])
        except InvalidInput:
            # An address may be old or cut; the first page is shown.
            context["status"] = context["status"] or ""
    page = list(rows[: PAGE + 1])
    following = cursor_of(page[PAGE - 1]) if len(page) > PAGE else ""
    return context | {"runs": load_runs(actor, page[:PAGE]), "next": following}


@require_POST
def redrive_job(request: Request, job_id: UUID) -> HttpResponse:
    """Begin again what was given up, and show what is left."""
    redrive(request.actor, job_id)
    context = results(request.actor, {"status": GIVEN_UP})
    response = render(request, "dashboard/automation.html#results", context)
    return trigger_client_event(response, "announce", {"text": _("It is tried again")})


@require_POST
def refresh_task(request: Request, execution_id: UUID, task_id: UUID) -> HttpResponse:
    """Bring a task in line with its run."""
    reconcile_task(request.actor, execution_id, task_id)
    return answer(request, execution_id, _("The status is refreshed"))


@require_http_methods(["GET", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """What a link in a mail leads to. Following it changes nothing, as mail filters follow links too; the button does."""
    try:
        read_token(token)
        if request.method == "POST":
            resume_run(token)
            return render(request, "dashboard/confirm.html", {"state": "done"})
    except NotFound:
        return render(request, "dashboard/confirm.html", {"state": "unknown"}, status=404)
    except InvalidInput:
        return render(request, "dashboard/confirm.html", {"state": "over"}, status=410)
    return render(request, "dashboard/confirm.html", {"state": "asked"})
