"""The start page: what waits for the person who is signed in."""

from datetime import datetime
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard.answers import open_pane
from dashboard.live import live_page, of_organisation, shown_in
from dashboard.my_tasks import HERE, NAMES, build_more, build_page, read_sizes
from dashboard.requests import Request, wants_fragment
from workflows.permissions import VIEW
from workflows.services import worklists
from workflows.services.errors import NotFound


@require_GET
@live_page(of_organisation)
def show_my_tasks(request: Request) -> HttpResponse:
    """The page; for htmx the pane of a task, or the lists as they are now."""
    request.actor.require_some(VIEW)
    if wants_fragment(request):
        if request.htmx.target == "pane":
            return render(request, "dashboard/_pane.html", open_pane(request, HERE))
        return render(request, "dashboard/_my_tasks.html", build_page(request.actor, read_sizes(request.GET.getlist("shown"))))
    page = build_page(request.actor, read_sizes(shown_in(request)))
    page["tour"] = "tour" in request.GET or not request.preferences.tour_seen
    return render(request, "dashboard/my_tasks.html", page | open_pane(request, HERE))


@require_GET
def show_more(request: Request, group: str) -> HttpResponse:
    """The next tasks of a group, to stand in place of the button that asked for them."""
    after = read_place(request.GET.get("after", ""))
    if group not in NAMES or after is None:
        raise NotFound
    return render(request, "dashboard/_task_rows.html", build_more(request.actor, group, after))


def read_place(text: str) -> worklists.Place | None:
    moment, _, key = text.partition("~")
    try:
        due_at = datetime.fromisoformat(moment) if moment else None
        place = worklists.Place(due_at, UUID(key))
    except ValueError:
        return None
    return place if due_at is None or due_at.tzinfo else None
