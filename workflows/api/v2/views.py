"""Flow executions over REST. Each method reads a request, calls one service and says what came of it."""

from typing import Any, cast
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from workflows.api.requests import actor_of, read_body, read_flag
from workflows.api.v2 import answers, serializers
from workflows.api.views import View, etag
from workflows.definitions import load_definition
from workflows.documents import render_phase, render_task
from workflows.models import Assignment, Task
from workflows.models.rows import select_rows
from workflows.permissions import VIEW, Actor
from workflows.services.executions import (
    Context,
    ExecutionPatch,
    StartRequest,
    delete_execution,
    patch_execution,
    start_execution,
)
from workflows.services.narrowing import narrow_task
from workflows.services.phases import PhasePatch, patch_phase
from workflows.services.reading import find_executions, read_execution, read_version
from workflows.services.schedules import (
    cancel_schedule,
    cancel_schedule_by_id,
    execute_task,
    run_automation,
    run_schedule_now,
)
from workflows.services.task_automations import reconcile_task
from workflows.services.tasks import NewTask, TaskPatch, add_task, patch_task
from workflows.services.versions import lock_execution_version, lock_phase_version, lock_task_version


def answer_execution(version: int, body: bytes, code: int = status.HTTP_200_OK) -> Response:
    return Response(body, status=code, headers={"ETag": etag(version), "Cache-Control": "private, no-cache"})


def is_unchanged(request: Request, version: int) -> bool:
    """Whether the caller holds this version already. If-None-Match compares weakly (RFC 9110, 13.1.2)."""
    given = request.headers.get("If-None-Match", "")
    return etag(version) in [tag.strip().removeprefix("W/") for tag in given.split(",")]


class ExecutionList(View):
    """startFlowExecution."""

    @extend_schema(request=serializers.StartFlow, responses={201: answers.FlowExecution}, operation_id="startFlowExecution")
    def post(self, request: Request) -> Response:
        body = read_body(request, serializers.StartFlow)
        trigger = body.get("trigger") or {"type": "MANUAL"}
        execution = start_execution(
            actor_of(request),
            StartRequest(
                template_id=body["flow_template_id"],
                contexts=[Context(**context) for context in body["contexts"]],
                trigger=trigger["type"],
                automation_config=trigger.get("automation_config"),
                purposes=body["purposes"],
            ),
        )
        return answer_execution(execution.version, execution.document.body.encode(), status.HTTP_201_CREATED)


class ExecutionDetail(View):
    """getFlowExecution, patchFlowExecution, deleteFlowExecution."""

    lock_version = staticmethod(lock_execution_version)

    @extend_schema(responses=answers.FlowExecution, operation_id="getFlowExecution")
    def get(self, request: Request, execution_id: str) -> Response:
        actor = actor_of(request)
        if "If-None-Match" in request.headers and is_unchanged(request, version := read_version(actor, execution_id)):
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": etag(version)})
        return answer_execution(*read_execution(actor, execution_id))

    @extend_schema(request=serializers.PatchFlow, responses=answers.FlowExecution, operation_id="patchFlowExecution")
    def patch(self, request: Request, execution_id: str) -> Response:
        actor = actor_of(request)
        body = read_body(request, serializers.PatchFlow)
        if "contexts" in body:
            body["contexts"] = [Context(**context) for context in body["contexts"]]
        patch_execution(actor, execution_id, cast(ExecutionPatch, body))
        return answer_execution(*read_execution(actor, execution_id))

    @extend_schema(parameters=[OpenApiParameter("soft", bool)], responses={204: None}, operation_id="deleteFlowExecution")
    def delete(self, request: Request, execution_id: str) -> Response:
        delete_execution(actor_of(request), execution_id, soft=read_flag(request, "soft"))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ExecutionSearch(View):
    """searchFlowExecutions."""

    @extend_schema(request=serializers.SearchFlows, responses=answers.FoundFlows, operation_id="searchFlowExecutions")
    def post(self, request: Request) -> Response:
        actor = actor_of(request)
        actor.require_some(VIEW)
        body = read_body(request, serializers.SearchFlows)
        found = find_executions(actor, body["entity_id"], body["entity_schema"], body["from"], body["size"])
        return Response(b'{"results":[' + b",".join(found) + b"]}")


def answer_task(actor: Actor, task: Task, code: int = status.HTTP_200_OK) -> Response:
    compiled = load_definition(task.execution.definition_id)
    document = render_task(task, compiled, select_rows(Assignment, "position", task=task.id))
    if actor.guest:
        document = narrow_task(document, actor.guest)
    return Response(document, status=code, headers={"ETag": etag(task.version)})


class TaskList(View):
    """addTask."""

    @extend_schema(request=serializers.AddTask, responses={201: answers.FlowTask}, operation_id="addTask")
    def post(self, request: Request, execution_id: str) -> Response:
        body = read_body(request, serializers.AddTask)
        new = dict(body["task"])
        if isinstance(new.get("id"), UUID):
            new["id"] = str(new["id"])
        task = add_task(actor_of(request), execution_id, body["previous_task_id"], body["next_task_id"], cast(NewTask, new))
        return answer_task(actor_of(request), task, status.HTTP_201_CREATED)


class TaskDetail(View):
    """patchTask."""

    lock_version = staticmethod(lock_task_version)

    @extend_schema(request=serializers.PatchTask, responses=answers.FlowTask, operation_id="patchTask")
    def patch(self, request: Request, execution_id: str, task_id: str) -> Response:
        body: Any = read_body(request, serializers.PatchTask)
        return answer_task(actor_of(request), patch_task(actor_of(request), execution_id, task_id, cast(TaskPatch, body)))


class TaskExecute(View):
    """executeTask."""

    @extend_schema(request=None, responses=answers.FlowTask, operation_id="executeTask")
    def post(self, request: Request, execution_id: str, task_id: str) -> Response:
        return answer_task(actor_of(request), execute_task(actor_of(request), execution_id, task_id))


class TaskAutomation(View):
    """runTaskAutomation."""

    @extend_schema(request=None, responses=answers.FlowTask, operation_id="runTaskAutomation")
    def post(self, request: Request, execution_id: str, task_id: str) -> Response:
        return answer_task(actor_of(request), run_automation(actor_of(request), execution_id, task_id))


class TaskReconciliation(View):
    """reconcileAutomationTask."""

    @extend_schema(request=None, responses=answers.FlowExecution, operation_id="reconcileAutomationTask")
    def post(self, request: Request, execution_id: str, task_id: str) -> Response:
        actor = actor_of(request)
        reconcile_task(actor, execution_id, task_id)
        return answer_execution(*read_execution(actor, execution_id))


class TaskSchedule(View):
    """cancelTaskSchedule."""

    lock_version = staticmethod(lock_task_version)

    @extend_schema(responses={204: None}, operation_id="cancelTaskSchedule")
    def delete(self, request: Request, execution_id: str, task_id: str) -> Response:
        cancel_schedule(actor_of(request), execution_id, task_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class TaskScheduleNow(View):
    """runTaskScheduleNow."""

    @extend_schema(request=None, responses=answers.FlowTask, operation_id="runTaskScheduleNow")
    def post(self, request: Request, execution_id: str, task_id: str) -> Response:
        return answer_task(actor_of(request), run_schedule_now(actor_of(request), execution_id, task_id))


class ScheduleDetail(View):
    """cancelSchedule: the older form of cancelTaskSchedule, by the schedule's id."""

    @extend_schema(request=None, responses={204: None}, operation_id="cancelSchedule", deprecated=True)
    def post(self, request: Request, execution_id: str, schedule_id: str) -> Response:
        cancel_schedule_by_id(actor_of(request), execution_id, schedule_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class PhaseDetail(View):
    """patchPhase."""

    lock_version = staticmethod(lock_phase_version)

    @extend_schema(request=serializers.PatchPhase, responses=answers.FlowPhase, operation_id="patchPhase")
    def patch(self, request: Request, execution_id: str, phase_id: str) -> Response:
        body: Any = read_body(request, serializers.PatchPhase)
        phase = patch_phase(actor_of(request), execution_id, phase_id, cast(PhasePatch, body))
        compiled = load_definition(phase.execution.definition_id)
        document = render_phase(phase, compiled, Assignment.objects.filter(phase_id=phase.id))
        return Response(document, headers={"ETag": etag(phase.version)})
