"""Pages that stay true while others work: the browser asks with the mark of what it shows, and mostly hears that nothing changed.

A live request is one for the page's own address with the header `Live`, which says what is shown of it, and with the page's mark
in `If-None-Match`. It is answered with 304, or with the page and its new mark; live.js takes over what differs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, wraps
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID
from zlib import crc32

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, HttpResponseNotModified
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language

from dashboard.people import People
from dashboard.requests import Request
from dashboard.wording import describe_event
from workflows.models import Event, Task
from workflows.permissions import VIEW, Actor, tasks_within
from workflows.services.changes import execution_mark, organisation_mark, viewers_in
from workflows.services.due import zone_of

MOST_NEWS = 20
# The fields of a task's pane by what the history calls their change.
FIELDS = {
    "task.status": "status",
    "task.due_date": "due_date",
    "task.assigned": "assignees",
    "task.name": "name",
    "task.details": "description",
}


@dataclass(frozen=True, slots=True)
class News:
    """Something that somebody else has done, in words."""

    who: str
    what: str
    task: UUID | None
    task_name: str
    field: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What a page is about: one execution, or everything in the organisation."""

    actor: Actor
    execution_id: UUID | None = None

    def mark(self) -> str:
        """Return the mark of everything that decides how the page looks to this person now."""
        if self.execution_id:
            found = execution_mark(self.actor, self.execution_id)
        else:
            found = organisation_mark(self.actor.organisation)
        # "Today", "late" and the like become others without a change.
        hour = timezone.localtime().strftime("%d%H")
        rights = f"{self.actor.role}{crc32((self.actor.grants or '').encode())}"
        return f'"{found}/{rights}/{get_language()}/{hour}"'

    def stream_address(self) -> str:
        return reverse("execution-stream", args=[self.execution_id]) if self.execution_id else reverse("stream")

    def events_since(self, mark: str) -> list[dict[str, Any]]:
        """Return the newest of what others did since a mark was made."""
        rows = Event.objects.filter(organisation=self.actor.organisation).exclude(actor_kind="user", actor_id=self.actor.id)
        if not self.actor.may(VIEW):
            rows = rows.filter(task_id__in=Task.objects.filter(tasks_within(self.actor, VIEW)).values("pk"))
        found = mark.strip('"').partition("/")[0]
        try:
            if self.execution_id:
                rows = rows.filter(execution_id=self.execution_id, seq__gte=int(found.split(".")[1])).order_by("-seq")
            else:
                rows = rows.filter(at__gt=read_moment(found.partition("~")[0])).order_by("-at")
        except (ValueError, IndexError):
            return []
        return list(rows.values()[:MOST_NEWS])


class Live:
    """What a live page is told of itself. `since`: the mark of what the browser has shown so far."""

    def __init__(self, request: Request, subject: Subject, mark: str, since: str = "") -> None:
        self.request, self.subject, self.mark, self.since = request, subject, mark, since

    @property
    def stream(self) -> str:
        """Where the server tells of changes by itself; empty where it cannot hold a connection open."""
        return self.subject.stream_address() if streams(self.request) else ""

    @property
    def presence(self) -> str:
        """Where the browser says that the person is there."""
        return reverse("presence", args=[self.subject.execution_id]) if self.subject.execution_id else ""

    @property
    def viewers(self) -> list[str]:
        """The ids of the others who look at the same execution; told to colleagues only."""
        return viewers_in(self.mark) if self.subject.execution_id and self.subject.actor.may(VIEW) else []

    @cached_property
    def news(self) -> list[News]:
        """What others did since; three statements, none when the page is shown for the first time."""
        events = self.subject.events_since(self.since) if self.since else []
        if not events:
            return []
        people, zone = People(self.subject.actor.organisation), zone_of(self.subject.actor.organisation)
        who = people.actors(events)
        names = people.member_names
        tasks = dict(Task.objects.filter(pk__in={event["task_id"] for event in events}).values_list("pk", "name"))
        return [
            News(
                who[event["actor_kind"], event["actor_id"]],
                describe_event(event, names, zone),
                event["task_id"],
                tasks.get(event["task_id"], ""),
                FIELDS.get(event["action"], ""),
            )
            for event in events
        ]


def read_moment(text: str) -> datetime:
    """Raises ValueError for what is no moment of a mark."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment


def streams(request: Request) -> bool:
    """Whether this server, or one beside it, can send events."""
    return isinstance(request, ASGIRequest) or settings.LIVE_STREAM


def of_organisation(request: Request) -> Subject:
    return Subject(request.actor)


def of_execution(request: Request, execution_id: UUID) -> Subject:
    return Subject(request.actor, execution_id)


def live_page(find_subject: Callable[..., Subject]) -> Callable[..., Any]:
    """Make a page's view answer live requests, with 304 when nothing has changed: then the view is not called."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def answer(request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.htmx:
                return view(request, *args, **kwargs)
            # Read before the page: what changes meanwhile makes the mark out of date, not the page.
            subject = find_subject(request, *args, **kwargs)
            mark, since = subject.mark(), request.headers.get("If-None-Match", "") if is_live(request) else ""
            response = HttpResponseNotModified()
            if mark != since:
                request.live = Live(request, subject, mark, since)
                response = view(request, *args, **kwargs)
            if is_live(request) and response.status_code in (200, 304):
                response.headers["ETag"] = mark
            return response

        return answer

    return decorate


def is_live(request: Request) -> bool:
    return "Live" in request.headers


def shown_in(request: Request) -> list[str]:
    """Return what a live request says is shown of lists that one has asked more of."""
    return parse_qs(request.headers.get("Live", "")[:10_000]).get("shown", [])
