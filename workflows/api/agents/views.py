"""What agents say later, and what people say to them."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from workflows.api import fields
from workflows.api.requests import actor_of, read_body
from workflows.api.v2.views import answer_task
from workflows.api.views import View
from workflows.services.agent_runs import answer_agent, keep_late_answer
from workflows.services.agent_tokens import read_agent_token

MAX_REASON = 2000


class AgentReport(serializers.Serializer[Any]):
    """An answer of an agent, in the words of its answers or of its events."""

    status = fields.Text(required=False, max_length=40)
    execution_status = fields.Text(required=False, max_length=40)

    def to_internal_value(self, data: Any) -> Any:
        checked = super().to_internal_value(data)
        return {**data, **checked}


class AgentApproval(serializers.Serializer[Any]):
    """Yes, and why."""

    reason = fields.Text(required=False, max_length=MAX_REASON, default="")


class AgentRejection(serializers.Serializer[Any]):
    """No, and why."""

    reason = fields.Text(max_length=MAX_REASON)


class Callback(View):
    """reportAgentExecution. Public: the token in the address, signed and about one question only, is the credential."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(request=AgentReport, responses={202: OpenApiTypes.OBJECT}, operation_id="reportAgentExecution", auth=[])
    def post(self, request: Request, token: str) -> Response:
        keep_late_answer(*read_agent_token(token), read_body(request, AgentReport))
        return Response({"accepted": True}, status=status.HTTP_202_ACCEPTED)


class Approval(View):
    """approveAgentTask."""

    @extend_schema(request=AgentApproval, responses=OpenApiTypes.OBJECT, operation_id="approveAgentTask")
    def post(self, request: Request, execution_id: str, task_id: str) -> Response:
        reason = read_body(request, AgentApproval)["reason"]
        return answer_task(
            actor_of(request), answer_agent(actor_of(request), execution_id, task_id, approved=True, reason=reason)
        )


class Rejection(View):
    """rejectAgentTask."""

    @extend_schema(request=AgentRejection, responses=OpenApiTypes.OBJECT, operation_id="rejectAgentTask")
    def post(self, request: Request, execution_id: str, task_id: str) -> Response:
        reason = read_body(request, AgentRejection)["reason"]
        return answer_task(
            actor_of(request), answer_agent(actor_of(request), execution_id, task_id, approved=False, reason=reason)
        )
