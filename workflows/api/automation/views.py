"""Automation flows and their runs over REST."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from workflows.api.automation import answers, serializers
from workflows.api.automation.rendering import render_flow, render_resumed, render_run
from workflows.api.operations import ErrorAnswer, in_query
from workflows.api.requests import actor_of, read_body, read_flag, read_number
from workflows.api.views import View
from workflows.models import AutomationExecution
from workflows.services import automation_flows as flows
from workflows.services import automation_runs as runs
from workflows.services.automation_reading import after_cursor, cursor_of, runs_of_entity, with_actions
from workflows.services.automation_starts import RunRequest, start_automation
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.executions import find_execution
from workflows.services.steps import parse_id

MAX_FROM = 1_000_000
MAX_PAGE = 200
PAGING = (in_query("include_flows", bool), in_query("from", int), in_query("size", int))


class FlowList(View):
    """searchFlows, createFlow."""

    @extend_schema(
        parameters=[
            *(in_query(name) for name in ("schema", "trigger_source_id", "trigger_event_name", "target_workflow")),
            *PAGING,
        ],
        responses=answers.FoundAutomations,
        operation_id="searchFlows",
    )
    def get(self, request: Request) -> Response:
        actor = actor_of(request)
        actor.require("automation:view")
        query = request.query_params
        search = flows.Search(
            schema=query.get("schema", ""),
            trigger_source_id=query.get("trigger_source_id", ""),
            trigger_event_name=query.get("trigger_event_name", ""),
            target_workflow=query.get("target_workflow", ""),
            include_flows=read_flag(request, "include_flows"),
        )
        found = flows.search_automations(actor, search)
        begin = read_number(request, "from", default=0, most=MAX_FROM)
        size = read_number(request, "size", default=25, most=MAX_PAGE)
        page = found.select_related("organisation")[begin : begin + size]
        return Response({"total": found.count(), "results": [render_flow(flow) for flow in page]})

    @extend_schema(request=serializers.Flow, responses={201: answers.CreatedFlow}, operation_id="createFlow")
    def post(self, request: Request) -> Response:
        flow, secret = flows.create_automation(actor_of(request), read_body(request, serializers.Flow))
        return Response(render_flow(flow) | {"signing_secret": secret}, status=status.HTTP_201_CREATED)


class FlowBatch(View):
    """batchGetFlows."""

    @extend_schema(request=serializers.FlowIds, responses=answers.FoundAutomations, operation_id="batchGetFlows")
    def post(self, request: Request) -> Response:
        actor = actor_of(request)
        actor.require("automation:view")
        found = flows.find_automations(actor, read_body(request, serializers.FlowIds)["ids"])
        return Response({"total": len(found), "results": [render_flow(flow) for flow in found]})


class FlowDetail(View):
    """getFlow, putFlow, deleteFlow."""

    @extend_schema(responses=answers.AutomationFlowAnswer, operation_id="getFlow")
    def get(self, request: Request, flow_id: str) -> Response:
        actor = actor_of(request)
        actor.require("automation:view")
        return Response(render_flow(flows.find_automation(actor, flow_id)))

    @extend_schema(request=serializers.Flow, responses=answers.AutomationFlowAnswer, operation_id="putFlow")
    def put(self, request: Request, flow_id: str) -> Response:
        return Response(render_flow(flows.replace_automation(actor_of(request), flow_id, read_body(request, serializers.Flow))))

    @extend_schema(responses={200: None}, operation_id="deleteFlow")
    def delete(self, request: Request, flow_id: str) -> Response:
        flows.delete_automation(actor_of(request), flow_id)
        return Response(status=status.HTTP_200_OK)


def answer_run(execution: AutomationExecution, code: int = status.HTTP_200_OK) -> Response:
    return Response(render_run(*with_actions([execution])[0]), status=code)


class ExecutionList(View):
    """getExecutions, startExecution."""

    @extend_schema(
        parameters=[in_query("entity_id"), *PAGING], responses=answers.RunsPage, operation_id="getAutomationExecutions"
    )
    def get(self, request: Request) -> Response:
        actor = actor_of(request)
        actor.require("automation:view")
        entity_id = request.query_params.get("entity_id", "")
        found = runs_of_entity(actor, entity_id, include_flows=read_flag(request, "include_flows"))
        begin = read_number(request, "from", default=0, most=MAX_FROM)
        size = read_number(request, "size", default=25, most=MAX_PAGE)
        page = with_actions(list(found[begin : begin + size]))
        return Response({"total": found.count(), "results": [render_run(*run) for run in page]})

    @extend_schema(
        request=serializers.StartExecution, responses={201: answers.AutomationRunAnswer}, operation_id="startExecution"
    )
    def post(self, request: Request) -> Response:
        actor = actor_of(request)
        body = read_body(request, serializers.StartExecution)
        execution_id = None
        if body.get("workflow_context"):
            execution_id = _workflow_of(request, body["workflow_context"]["workflow_exec_id"])
        run = RunRequest(flow_id=body["flow_id"], entity_id=body["entity_id"], workflow_execution_id=execution_id)
        return answer_run(start_automation(actor, run), status.HTTP_201_CREATED)


def _workflow_of(request: Request, execution_id: str) -> UUID:
    """Return the id of a flow execution that the caller may name. A run started here tells no task: that is the task's doing."""
    try:
        return find_execution(actor_of(request), parse_id(execution_id)).id
    except NotFound as error:
        raise InvalidInput("workflow_context.workflow_exec_id", f"there is no flow execution {execution_id}") from error


class ExecutionSearch(View):
    """searchExecutions."""

    @extend_schema(request=serializers.SearchExecutions, responses=answers.FoundRuns, operation_id="searchAutomationExecutions")
    def post(self, request: Request) -> Response:
        actor = actor_of(request)
        actor.require("automation:view")
        body = read_body(request, serializers.SearchExecutions)
        found = runs_of_entity(actor, body["entity_id"], include_flows=body["include_flows"])
        if body.get("cursor"):
            found = after_cursor(found, body["cursor"])
        rows = list(found[: body["size"] + 1])
        page = rows[: body["size"]]
        answer = {"total": len(page), "results": [render_run(*run) for run in with_actions(page)]}
        if len(rows) > len(page):
            answer["next_cursor"] = cursor_of(page[-1])
        return Response(answer)


class ExecutionDetail(View):
    """getExecution, cancelExecution."""

    @extend_schema(responses=answers.AutomationRunAnswer, operation_id="getAutomationExecution")
    def get(self, request: Request, execution_id: str) -> Response:
        actor = actor_of(request)
        actor.require("automation:view")
        return answer_run(runs.find_run(actor, execution_id))

    @extend_schema(responses=answers.AutomationRunAnswer, operation_id="cancelExecution")
    def delete(self, request: Request, execution_id: str) -> Response:
        return answer_run(runs.cancel_run(actor_of(request), execution_id))


class ActionRetrigger(View):
    """retriggerAction."""

    @extend_schema(request=serializers.Retry, responses={200: None}, operation_id="retriggerAction")
    def post(self, request: Request, execution_id: str, action_id: str) -> Response:
        body = read_body(request, serializers.Retry)
        actor = actor_of(request)
        runs.retrigger_action(actor, execution_id, action_id, body["retry_strategy"], body.get("condition_id"))
        return Response(status=status.HTTP_200_OK)


class ScheduleDetail(View):
    """cancelSchedule. The schema names it otherwise, as the document of flow executions has a cancelSchedule too."""

    @extend_schema(responses=answers.ScheduleAnswer, operation_id="cancelAutomationSchedule")
    def delete(self, request: Request, execution_id: str, schedule_id: str) -> Response:
        return Response(runs.cancel_run_schedule(actor_of(request), execution_id, schedule_id))


class Resume(View):
    """resumeExecutionWithToken. Public: the token, signed and about one action only, is the credential."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        request=serializers.Resume,
        responses={200: answers.Resumed, 404: ErrorAnswer},
        operation_id="resumeExecutionWithToken",
        auth=[],
    )
    def post(self, request: Request) -> Response:
        body = read_body(request, serializers.Resume)
        return Response(render_resumed(*runs.resume_run(body["resume_token"])))
