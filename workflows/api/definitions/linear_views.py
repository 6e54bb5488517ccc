"""Definitions over REST in the older dialect."""

from typing import Any

import orjson
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from workflows.api.definitions import linear, serializers
from workflows.api.definitions.views import MAX_LISTED, visible_templates
from workflows.api.requests import actor_of, read_body
from workflows.api.views import View, etag
from workflows.definitions import load_definition
from workflows.models import FlowTemplate
from workflows.services import templates
from workflows.services.errors import InvalidInput
from workflows.services.versions import lock_template_version


def answer_definition(template: FlowTemplate, code: int = status.HTTP_200_OK) -> Response:
    document = linear.render_definition(template, orjson.loads(template.definition.body))
    return Response(document, status=code, headers={"ETag": etag(template.version)})


class DefinitionList(View):
    """getDefinitions and createDefinition."""

    @extend_schema(responses=serializers.WorkflowDefinition(many=True), operation_id="getDefinitions")
    def get(self, request: Request) -> Response:
        rows = visible_templates(actor_of(request)).order_by("-updated_at", "id")[:MAX_LISTED]
        return Response([linear.render_definition(row, orjson.loads(row.definition.body)) for row in rows])

    @extend_schema(
        request=serializers.WorkflowDefinition,
        responses={201: serializers.WorkflowDefinition},
        operation_id="createDefinition",
    )
    def post(self, request: Request) -> Response:
        data = linear.read_definition(read_body(request, serializers.WorkflowDefinition))
        return answer_definition(templates.create_template(actor_of(request), data), status.HTTP_201_CREATED)


class DefinitionDetail(View):
    """getDefinition, updateDefinition, deleteDefinition."""

    lock_version = staticmethod(lock_template_version)

    @extend_schema(responses=serializers.WorkflowDefinition, operation_id="getDefinition")
    def get(self, request: Request, template_id: str) -> Response:
        actor = actor_of(request)
        actor.require("workflow:definition:view")
        return answer_definition(templates.find_template(actor, template_id))

    @extend_schema(
        request=serializers.WorkflowDefinition, responses=serializers.WorkflowDefinition, operation_id="updateDefinition"
    )
    def put(self, request: Request, template_id: str) -> Response:
        actor = actor_of(request)
        body = read_body(request, serializers.WorkflowDefinition)
        template = templates.change_template(actor, template_id, lambda template: replace_linear(template, body))
        return answer_definition(template)

    @extend_schema(responses={204: None}, operation_id="deleteDefinition")
    def delete(self, request: Request, template_id: str) -> Response:
        templates.delete_template(actor_of(request), template_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


def replace_linear(template: FlowTemplate, body: dict[str, Any]) -> dict[str, Any]:
    """Return what a template becomes. Raises InvalidInput for one that a list cannot say."""
    old = orjson.loads(template.definition.body)
    if not linear.is_linear(load_definition(template.definition_id).graph, old):
        raise InvalidInput("flow", "this template has branches, which sections and steps would lose; change it over /v2/flows")
    return linear.read_definition({"enabled": template.enabled, **body}, old)
