"""The list of executions: searched, filtered, page by page."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from dashboard.live import live_page, of_organisation
from dashboard.people import People, Person
from dashboard.requests import Request, wants_fragment
from dashboard.wording import STATUS, Due, describe_day, describe_due
from dashboard.worklist import read_titles
from workflows.engine.status import ExecutionStatus
from workflows.models import Assignment, ContextRef, Entity, Execution, Task
from workflows.permissions import VIEW, Actor, tasks_within
from workflows.services.due import zone_of
from workflows.services.reading import seen_executions

PAGE = 50
MOST_COUNTED = 500


@dataclass(frozen=True, slots=True)
class Row:
    """An execution in the list."""

    execution: Execution
    status_name: str
    due: Due | None
    current: list[str]
    assignees: list[Person]
    about: str
    started: str


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for."""

    name: str = ""
    status: str = ""
    after: tuple[datetime, UUID] | None = None

    def link(self, **changes: str) -> str:
        """Return the query string of the same list with something else in it."""
        values = {"q": self.name, "status": self.status} | changes
        return "?" + urlencode({key: value for key, value in values.items() if value})


@require_GET
@live_page(of_organisation)
def show_executions(request: Request) -> HttpResponse:
    """The list, or for htmx only its results."""
    request.actor.require_some(VIEW)
    filters = read_filters(request)
    found = matching(request.actor, filters)
    page = list(before(found, filters.after)[: PAGE + 1])
    context = {
        "filters": filters,
        "rows": build_rows(request.actor, page[:PAGE]),
        "next": next_page(filters, page),
        "first": filters.link() if filters.after else "",
        "count": found.values("pk")[: MOST_COUNTED + 1].count(),
        "most": MOST_COUNTED,
        "tabs": [("", None), *((status.value, STATUS[status]) for status in ExecutionStatus)],
        "is_filtered": bool(filters.name or filters.status),
    }
    template = "dashboard/executions.html"
    return render(request, template + "#results" if wants_fragment(request) else template, context)


def read_filters(request: Request) -> Filters:
    """Read the address; what makes no sense is left out, as an address may be old or cut."""
    status = request.GET.get("status", "")
    return Filters(
        name=request.GET.get("q", "").replace("\0", "").strip()[:100],
        status=status if status in [*ExecutionStatus] else "",
        after=read_place(request.GET.get("after", "")),
    )


def read_place(text: str) -> tuple[datetime, UUID] | None:
    moment, _, key = text.partition("~")
    try:
        place = datetime.fromisoformat(moment), UUID(key)
    except ValueError:
        return None
    return place if place[0].tzinfo else None


def matching(actor: Actor, filters: Filters) -> QuerySet[Execution]:
    rows = seen_executions(actor)
    if filters.name:
        # Many executions share the name of their process; people look for whom they are about.
        named = Entity.objects.filter(organisation=actor.organisation, title__icontains=filters.name)
        about = ContextRef.objects.filter(is_primary=True, entity_id__in=named.values("id"))
        rows = rows.filter(Q(name__icontains=filters.name) | Q(id__in=about.values("execution_id")))
    if filters.status:
        rows = rows.filter(status=filters.status)
    return rows.order_by("-created_at", "-id")


def before(rows: QuerySet[Execution], place: tuple[datetime, UUID] | None) -> QuerySet[Execution]:
    """Leave out what came up to and with `place`: pages stay right while new executions are started."""
    if place is None:
        return rows
    moment, key = place
    return rows.filter(Q(created_at__lt=moment) | Q(created_at=moment, id__lt=key))


def next_page(filters: Filters, page: Sequence[Execution]) -> str:
    if len(page) <= PAGE:
        return ""
    last = page[PAGE - 1]
    return filters.link(after=f"{last.created_at.isoformat()}~{last.id}")


def build_rows(actor: Actor, executions: Sequence[Execution]) -> list[Row]:
    """Add what the rows show of other tables; five queries for any number of rows."""
    ids = [execution.id for execution in executions]
    current: defaultdict[UUID, list[str]] = defaultdict(list)
    for execution_id, name in (
        Task.objects.filter(tasks_within(actor, VIEW), execution_id__in=ids, crt_since__isnull=False)
        .order_by("position")
        .values_list("execution_id", "name")
    ):
        current[execution_id].append(name)
    assignments: defaultdict[UUID, list[Assignment]] = defaultdict(list)
    working = Q(task__crt_since__isnull=False) | Q(task=None, phase=None)
    for row in Assignment.objects.filter(working, execution_id__in=ids).order_by("id"):
        assignments[row.execution_id].append(row)
    about = read_titles(actor, ids)
    people = People(actor.organisation)
    zone, now = zone_of(actor.organisation), timezone.now()
    return [
        Row(
            execution=execution,
            status_name=str(STATUS[execution.status]),
            due=describe_due(next_due(execution), execution.status, zone, now),
            current=current[execution.id],
            assignees=list({person.id: person for person in people.of(assignments[execution.id])}.values()),
            about=about.get(execution.id, ""),
            started=describe_day(execution.created_at.astimezone(zone).date(), now.astimezone(zone).date()),
        )
        for execution in executions
    ]


def next_due(execution: Execution) -> str:
    """Return the earliest of the dates that wait: of the current tasks, or of the execution as a whole."""
    if execution.status != ExecutionStatus.STARTED:
        return ""
    moments = [moment for moment in (execution.next_due_at, execution.due_at) if moment]
    return min(moments).isoformat() if moments else ""
