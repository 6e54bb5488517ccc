"""The operations that are compared: start, read, list, complete; and two pages."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response

from bench.stock.models import Assignment, Context, Edge, Event, Execution, Phase, Task, Template
from bench.stock.serializers import ExecutionSerializer, StartSerializer, TaskSerializer

FINISHED = ("COMPLETED", "SKIPPED")


def whole(request: Request) -> QuerySet[Execution]:
    rows = Execution.objects.filter(organisation=request.auth.organisation)
    return rows.prefetch_related("phases", "tasks__assignments", "edges", "contexts")


class ExecutionList(generics.ListCreateAPIView[Execution]):
    serializer_class = ExecutionSerializer

    def get_queryset(self) -> QuerySet[Execution]:
        rows = whole(self.request).order_by("-created_at")
        entity = self.request.query_params.get("entity_id")
        return rows.filter(contexts__entity_id=entity) if entity else rows

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = StartSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        body = serializer.validated_data
        template = get_object_or_404(Template, pk=body["template_id"], organisation=request.auth.organisation)
        execution = start(request, template, body["contexts"])
        execution = whole(request).get(pk=execution.pk)
        return Response(ExecutionSerializer(execution).data, status=status.HTTP_201_CREATED)


class ExecutionDetail(generics.RetrieveAPIView[Execution]):
    serializer_class = ExecutionSerializer

    def get_queryset(self) -> QuerySet[Execution]:
        return whole(self.request)


class TaskDetail(generics.UpdateAPIView[Task]):
    serializer_class = TaskSerializer

    def get_queryset(self) -> QuerySet[Task]:
        rows = Task.objects.filter(execution_id=self.kwargs["execution_id"])
        return rows.filter(execution__organisation=self.request.auth.organisation).select_related("phase")

    @transaction.atomic
    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        Execution.objects.select_for_update().get(pk=self.kwargs["execution_id"])
        return super().update(request, *args, **kwargs)

    def perform_update(self, serializer: Any) -> None:
        before, after = serializer.instance.status, serializer.validated_data.get("status")
        if after in (None, before):
            serializer.save()
            return
        now = timezone.now()
        stamps: dict[str, Any] = {"status_updated_at": now}
        if after in FINISHED:
            stamps |= {"completed_at": now, "completed_by": str(self.request.user.pk), "crt_since": None}
        move_on(self.request, serializer.save(**stamps), before)


@transaction.atomic
def start(request: Request, template: Template, contexts: list[dict[str, Any]]) -> Execution:
    definition, now = template.definition, timezone.now()
    execution = Execution.objects.create(
        organisation=template.organisation, template=template, name=template.name, started_by=str(request.user.pk)
    )
    Context.objects.bulk_create([Context(execution=execution, **context) for context in contexts])
    phases = {
        item["id"]: Phase(execution=execution, template_id=item["id"], position=position, name=item["name"])
        for position, item in enumerate(definition["phases"])
    }
    targets = {edge["to_id"] for edge in definition["edges"]}
    tasks = {
        item["id"]: Task(
            execution=execution,
            phase=phases[item["phase_id"]],
            template_id=item["id"],
            position=position,
            name=item["name"],
            task_type=item["task_type"],
            description=item.get("description"),
            crt_since=None if item["id"] in targets else now,
        )
        for position, item in enumerate(definition["tasks"])
    }
    current = [task for task in tasks.values() if task.crt_since]
    for task in current:
        task.phase.status, task.phase.started_at = "IN_PROGRESS", now
    Phase.objects.bulk_create(phases.values())
    Task.objects.bulk_create(tasks.values())
    Assignment.objects.bulk_create(
        Assignment(task=tasks[item["id"]], assignee=assignee)
        for item in definition["tasks"]
        for assignee in item.get("assigned_to", [])
    )
    Edge.objects.bulk_create(
        Edge(execution=execution, key=edge["id"], source=tasks[edge["from_id"]], target=tasks[edge["to_id"]])
        for edge in definition["edges"]
    )
    actor = str(request.user.pk)
    events = [Event(execution=execution, actor=actor, action="execution.started", after={"name": execution.name})]
    events += [Event(execution=execution, actor=actor, action="task.current", task=task) for task in current]
    Event.objects.bulk_create(events)
    return execution


def move_on(request: Request, task: Task, before: str) -> None:
    """Write the history; when the task is finished, make those current of which all predecessors are."""
    execution, now, actor = task.execution, timezone.now(), str(request.user.pk)
    events = [
        Event(
            execution=execution,
            task=task,
            actor=actor,
            action="task.status",
            before={"status": before},
            after={"status": task.status},
        )
    ]
    if task.status in FINISHED:
        for following in Task.objects.filter(incoming__source=task).select_related("phase"):
            if following.incoming.exclude(source__status__in=FINISHED).exists():
                continue
            following.crt_since = now
            following.save()
            events.append(Event(execution=execution, task=following, actor=actor, action="task.current"))
            begin(following.phase)
        if not task.phase.tasks.exclude(status__in=FINISHED).exists():
            task.phase.status, task.phase.completed_at = "COMPLETED", now
            task.phase.save()
        if not execution.tasks.filter(crt_since__isnull=False).exists():
            execution.status, execution.completed_at = "DONE", now
            events.append(Event(execution=execution, actor=actor, action="execution.status", after={"status": "DONE"}))
    execution.save()
    Event.objects.bulk_create(events)


def begin(phase: Phase) -> None:
    if phase.status == "OPEN":
        phase.status, phase.started_at = "IN_PROGRESS", timezone.now()
        phase.save()


@login_required
def show_executions(request: HttpRequest) -> HttpResponse:
    """Fifty executions as a page: what each is about, its current tasks, and who works on them."""
    rows = Execution.objects.filter(organisation=request.user.membership.organisation).order_by("-created_at")  # type: ignore[union-attr]
    rows = rows.prefetch_related("contexts", "tasks__assignments")
    page = Paginator(rows, 50).get_page(request.GET.get("page"))
    return render(request, "stock/executions.html", {"page": page})


@login_required
def show_board(request: HttpRequest, execution_id: str) -> HttpResponse:
    """One execution as a board: a column for each phase, a lane for each status, a card for each task."""
    rows = Execution.objects.filter(organisation=request.user.membership.organisation)  # type: ignore[union-attr]
    execution = get_object_or_404(rows.prefetch_related("phases__tasks__assignments"), pk=execution_id)
    columns = []
    for phase in execution.phases.all():
        tasks = list(phase.tasks.all())
        lanes = [(name, [task for task in tasks if task.status == name]) for name in ("PENDING", "IN_PROGRESS", "ON_HOLD")]
        lanes.append(("COMPLETED", [task for task in tasks if task.status in FINISHED]))
        columns.append((phase, lanes, sum(task.status in FINISHED for task in tasks), len(tasks)))
    return render(request, "stock/board.html", {"execution": execution, "columns": columns})
