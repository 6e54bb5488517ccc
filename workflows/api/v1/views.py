"""Executions and steps in the older dialect. Each method reads a request, calls one service and says what came of it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import orjson
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from workflows.api.requests import actor_of, read_body
from workflows.api.v1 import answers, dialect, serializers
from workflows.api.v1.paging import read_key, render_key
from workflows.api.v1.rendering import context_ids, render_execution, render_step
from workflows.api.views import View, etag
from workflows.definitions import load_definition
from workflows.documents import render_context, render_task
from workflows.models import Assignment, ContextRef, Task
from workflows.permissions import VIEW, Actor, PermissionRefused
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.executions import (
    Context,
    ExecutionPatch,
    StartRequest,
    delete_execution,
    find_execution,
    patch_execution,
    start_execution,
)
from workflows.services.reading import MAX_FOUND, executions_about, read_documents, read_execution, seen_executions
from workflows.services.rearranging import Place, delete_task, insert_task, patch_and_move
from workflows.services.searching import (
    ExecutionSearch,
    Sorting,
    StepState,
    TaskSearch,
    read_titles,
    search_executions,
    search_tasks,
)
from workflows.services.tasks import NewTask, TaskPatch
from workflows.services.versions import lock_execution_version, lock_task_version

# The services name fields as the other dialect does.
FIELDS = {
    "flow_template_id": "workflowId",
    "due_date_config.task_id": "dynamicDueDate.stepId",
    "due_date_config.phase_id": "dynamicDueDate.phaseId",
    "due_date_config": "dynamicDueDate",
    "due_date": "dueDate",
    "closing_reason.selected_reasons": "selectedClosingReasons",
    "contexts": "contexts",
    "phase_id": "sectionId",
    "task.automation_config": "automationConfig",
}


class V1View(View):
    """A view of the older dialect. Partners are served by the newer one only."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        actor = actor_of(request)
        if actor.guest:
            raise PermissionRefused(VIEW)

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, InvalidInput):
            name = next((old for old in FIELDS if exc.field.startswith(old)), "")
            field = FIELDS.get(name, "") + exc.field.removeprefix(name)
            exc = InvalidInput(field.replace(".entity_id", ".id"), str(exc).removeprefix(f"{exc.field}: "))
        return super().handle_exception(exc)


def read_contexts(body: Mapping[str, Any]) -> list[Context]:
    return [Context(entity_id=context["id"], entity_schema=context["schema"]) for context in body["contexts"]]


def render_documents(actor: Actor, bodies: Iterable[bytes], *, slim: bool) -> list[dict[str, Any]]:
    documents = [orjson.loads(body) for body in bodies]
    titles = read_titles(actor, [key for document in documents for key in context_ids(document)])
    return [render_execution(document, titles, slim=slim) for document in documents]


class ExecutionList(V1View):
    """getExecutions and createExecution."""

    @extend_schema(
        operation_id="getExecutions",
        parameters=[OpenApiParameter("context", str), OpenApiParameter("schema", str)],
        responses=answers.ExecutionSlim(many=True),
    )
    def get(self, request: Request) -> Response:
        actor = actor_of(request)
        actor.require_some(VIEW)
        entity, schema = request.query_params.get("context"), request.query_params.get("schema")
        rows = seen_executions(actor)
        if entity:
            rows = executions_about(actor, entity, schema or None)
        elif schema:
            about = ContextRef.objects.filter(organisation=actor.organisation, entity_schema=schema)
            rows = rows.filter(id__in=about.values("execution_id"))
        found = read_documents(actor, rows.order_by("-created_at", "-id")[:MAX_FOUND])
        return Response(render_documents(actor, found.values(), slim=True))

    @extend_schema(
        operation_id="createExecution", request=serializers.CreateExecution, responses={201: answers.WorkflowExecution}
    )
    def post(self, request: Request) -> Response:
        actor = actor_of(request)
        body = read_body(request, serializers.CreateExecution)
        execution = start_execution(
            actor,
            StartRequest(
                template_id=body["workflowId"],
                contexts=read_contexts(body),
                trigger=body["trigger"],
                purposes=body.get("purposes") or (),
                assigned_to=body.get("assignedTo"),
                needs_context=False,
            ),
        )
        [answer] = render_documents(actor, [execution.document.body.encode()], slim=False)
        return Response(answer, status=status.HTTP_201_CREATED, headers={"ETag": etag(execution.version)})


class ExecutionDetail(V1View):
    """getExecution, updateExecution, deleteExecution."""

    lock_version = staticmethod(lock_execution_version)

    @extend_schema(operation_id="getExecution", responses=answers.WorkflowExecution)
    def get(self, request: Request, execution_id: str) -> Response:
        actor = actor_of(request)
        try:
            version, body = read_execution(actor, execution_id)
        except NotFound:
            # As the contract has it: what is not found is an empty answer.
            return Response(status=status.HTTP_200_OK)
        [answer] = render_documents(actor, [body], slim=False)
        return Response(answer, headers={"ETag": etag(version), "Cache-Control": "private, no-cache"})

    @extend_schema(operation_id="updateExecution", request=serializers.UpdateExecution, responses={204: None})
    def patch(self, request: Request, execution_id: str) -> Response:
        patch_execution(actor_of(request), execution_id, read_execution_patch(read_body(request, serializers.UpdateExecution)))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(operation_id="deleteExecution", responses={204: None})
    def delete(self, request: Request, execution_id: str) -> Response:
        delete_execution(actor_of(request), execution_id, soft=False)
        return Response(status=status.HTTP_204_NO_CONTENT)


def read_execution_patch(body: Mapping[str, Any]) -> ExecutionPatch:
    patch: dict[str, Any] = {new: body[old] for old, new in (("status", "status"), ("dueDate", "due_date")) if old in body}
    if "assignedTo" in body:
        patch["assigned_to"] = body["assignedTo"] or []
    if body.get("closedBy"):
        patch["closed_by"] = body["closedBy"]
    closing = {"selectedClosingReasons": "selected_reasons", "closingReasonDescription": "extra_description"}
    if closing.keys() & body.keys():
        patch["closing_reason"] = {new: body[old] for old, new in closing.items() if old in body}
    if "dynamicDueDate" in body:
        patch["due_date_config"] = dialect.read_due_rule(body["dynamicDueDate"])
    if "contexts" in body:
        patch["contexts"] = read_contexts(body)
    return cast(ExecutionPatch, patch)


class ExecutionReasons(V1View):
    """getClosingReasonExecution."""

    @extend_schema(operation_id="getClosingReasonExecution", responses=answers.Reasons)
    def get(self, request: Request, execution_id: str) -> Response:
        return Response({"reasons": find_execution(actor_of(request), execution_id).extra.get("configured_reasons") or []})


class ExecutionSearchView(V1View):
    """searchExecutions."""

    @extend_schema(operation_id="searchExecutions", request=serializers.FindExecutions, responses=answers.FoundExecutions)
    def post(self, request: Request) -> Response:
        actor = actor_of(request)
        actor.require_some(VIEW)
        body = read_body(request, serializers.FindExecutions)
        sorting = Sorting(body["sorting"])
        after = (body.get("pagination") or {}).get("creationTime")
        search = ExecutionSearch(
            name=body.get("name") or "",
            status=body.get("status"),
            include_done=body["includeDoneWorkflows"],
            assigned_to=body.get("assignedTo"),
            sorting=sorting,
            after=read_key(after, sorting) if after else None,
        )
        found, last = search_executions(actor, search)
        answer: dict[str, Any] = {"executions": render_documents(actor, found, slim=True)}
        if last is not None:
            answer["lastEvaluatedKey"] = render_key(actor.organisation.slug, last[0], last[1], sorting)
        return Response(answer)


def render_task_as_step(task: Task) -> dict[str, Any]:
    document = render_task(task, load_definition(task.execution.definition_id), Assignment.objects.filter(task_id=task.id))
    return render_step(document, str(task.execution_id))


class StepList(V1View):
    """createStep."""

    @extend_schema(operation_id="createStep", request=serializers.CreateStep, responses={201: answers.Step})
    def post(self, request: Request, execution_id: str) -> Response:
        body = read_body(request, serializers.CreateStep)
        new: dict[str, Any] = {"name": body["name"], "task_type": body["executionType"]}
        new |= {name: body[name] for name in ("status", "description") if body.get(name)}
        if body.get("automationConfig"):
            new["automation_config"] = read_automation(body["automationConfig"])
        where = Place(body["insertionIndex"], body.get("sectionId") or None)
        task = insert_task(actor_of(request), execution_id, where, cast(NewTask, new))
        return Response(render_task_as_step(task), status=status.HTTP_201_CREATED, headers={"ETag": etag(task.version)})


class StepDetail(V1View):
    """updateStep and deleteStep."""

    lock_version = staticmethod(lock_task_version)

    @extend_schema(operation_id="updateStep", request=serializers.UpdateStep, responses=answers.Step)
    def patch(self, request: Request, execution_id: str, task_id: str) -> Response:
        body = read_body(request, serializers.UpdateStep)
        position = body.get("position")
        where = Place(position["index"], position.get("sectionId") or None) if position else None
        task = patch_and_move(actor_of(request), execution_id, task_id, read_step_patch(body), where)
        return Response(render_task_as_step(task), headers={"ETag": etag(task.version)})

    @extend_schema(operation_id="deleteStep", responses={204: None})
    def delete(self, request: Request, execution_id: str, task_id: str) -> Response:
        delete_task(actor_of(request), execution_id, task_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


def read_automation(config: Mapping[str, Any]) -> dict[str, Any]:
    names = {"flowId": "flow_id", "executionId": "execution_id", "executionStatus": "execution_status"}
    return {new: config[old] for old, new in names.items() if config.get(old) is not None}


def read_step_patch(body: Mapping[str, Any]) -> TaskPatch:
    names = {"status": "status", "dueDate": "due_date", "name": "name", "description": "description"}
    patch: dict[str, Any] = {new: body[old] for old, new in names.items() if old in body}
    workers = {"assignedToInProgress": "in_progress_by", "assignedToOnHold": "on_hold_by"}
    patch |= {new: body[old] for old, new in workers.items() if body.get(old)}
    assignees = dialect.read_assignees(body)
    if assignees is not None:
        patch["assigned_to"] = assignees
    if "dynamicDueDate" in body:
        patch["due_date_config"] = dialect.read_due_rule(body["dynamicDueDate"])
    if "automationConfig" in body:
        patch["automation_config"] = read_automation(body["automationConfig"])
    return cast(TaskPatch, patch)


class StepSearch(V1View):
    """searchSteps."""

    @extend_schema(operation_id="searchSteps", request=serializers.FindSteps, responses=answers.FoundSteps)
    def post(self, request: Request) -> Response:
        actor = actor_of(request)
        actor.require_some(VIEW)
        body = read_body(request, serializers.FindSteps)
        page = body.get("pagination") or {"from": 0, "size": 25}
        search = TaskSearch(
            execution_name=body.get("executionName") or "",
            name=body.get("stepName") or "",
            assigned_to=body.get("assignedTo"),
            include_done=body["includeDoneWorkflows"],
            manually_created=body.get("manuallyCreated"),
            state=StepState(body["status"]) if body.get("status") else None,
            sorting=Sorting(body["sorting"]),
            start=page["from"],
            size=page["size"],
        )
        hits, tasks = search_tasks(actor, search)
        return Response({"hits": hits, "results": render_found(actor, tasks)})


def render_found(actor: Actor, tasks: Sequence[Task]) -> list[dict[str, Any]]:
    """Return steps with what is to be known of their executions; three queries for any number of them."""
    assignments: dict[Any, list[Assignment]] = {}
    for row in Assignment.objects.filter(task_id__in=[task.id for task in tasks]):
        assignments.setdefault(row.task_id, []).append(row)
    contexts: dict[Any, list[ContextRef]] = {}
    for context in ContextRef.objects.filter(execution_id__in={task.execution_id for task in tasks}).order_by("position"):
        contexts.setdefault(context.execution_id, []).append(context)
    titles = read_titles(actor, [str(row.entity_id) for rows in contexts.values() for row in rows])
    return [
        render_step(
            render_task(task, load_definition(task.execution.definition_id), assignments.get(task.id, ())), str(task.execution_id)
        )
        | {
            "executionName": task.execution.name,
            "executionStatus": task.execution.status,
            "contexts": [
                {"id": c["entity_id"], "title": titles.get(c["entity_id"], ""), "schema": c["entity_schema"]}
                for c in map(render_context, contexts.get(task.execution_id, ()))
            ],
        }
        for task in tasks
    ]
