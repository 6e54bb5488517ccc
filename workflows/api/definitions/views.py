"""Flow templates and closing reasons over REST."""

from typing import Any, cast

import orjson
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from workflows.api.definitions import answers, serializers
from workflows.api.definitions.rendering import render_reason, render_templates
from workflows.api.operations import in_query
from workflows.api.requests import actor_of, read_body, read_flag
from workflows.api.views import View, etag
from workflows.models import ClosingReason, FlowTemplate
from workflows.permissions import Actor
from workflows.services import closing_reasons, templates
from workflows.services.versions import lock_template_version

MAX_LISTED = 1000
ENFORCE = in_query("enforce_limits", bool, description="Limits are enforced always; this is taken and not used")


def visible_templates(actor: Actor) -> QuerySet[FlowTemplate]:
    actor.require("workflow:definition:view")
    return FlowTemplate.objects.filter(organisation=actor.organisation, deleted_at=None).select_related("definition")


def read_template(request: Request) -> dict[str, Any]:
    """Return a template's document as it was sent, after its known fields were checked."""
    read_body(request, serializers.Template)
    return dict(request.data)


def answer_template(actor: Actor, template: FlowTemplate, code: int = status.HTTP_200_OK) -> Response:
    document = render_templates([template], actor.organisation.slug)[0]
    return Response(document, status=code, headers={"ETag": etag(template.version)})


class TemplateList(View):
    """listFlowTemplates and createFlowTemplate."""

    @extend_schema(
        parameters=[OpenApiParameter(name, str) for name in ("trigger_type", "trigger_source_id", "trigger_schema")],
        responses=answers.FoundTemplates,
        operation_id="listFlowTemplates",
    )
    def get(self, request: Request) -> Response:
        actor = actor_of(request)
        rows = visible_templates(actor)
        query = request.query_params
        wanted = {"type": query.get("trigger_type"), "source_id": query.get("trigger_source_id")}
        wanted["entity_schema"] = query.get("trigger_schema")
        if wanted["type"] and wanted["type"] not in serializers.TRIGGER_TYPES:
            raise ValidationError({"trigger_type": f"must be one of {', '.join(serializers.TRIGGER_TYPES)}"})
        given = {f"triggers__{name}": value for name, value in wanted.items() if value}
        if any("\0" in value for value in given.values()):
            raise ValidationError("NUL characters are not allowed")
        rows = rows.filter(**given).distinct() if given else rows
        found = render_templates(rows.order_by("-updated_at", "id")[:MAX_LISTED], actor.organisation.slug)
        return Response({"results": found})

    @extend_schema(
        parameters=[ENFORCE],
        request=serializers.Template,
        responses={201: answers.FlowTemplateAnswer},
        operation_id="createFlowTemplate",
    )
    def post(self, request: Request) -> Response:
        actor = actor_of(request)
        return answer_template(actor, templates.create_template(actor, read_template(request)), status.HTTP_201_CREATED)


class TemplateSearch(View):
    """searchFlowTemplates."""

    @extend_schema(request=serializers.TemplateSearch, responses=answers.FoundTemplates, operation_id="searchFlowTemplates")
    def post(self, request: Request) -> Response:
        actor = actor_of(request)
        body = read_body(request, serializers.TemplateSearch)
        rows = visible_templates(actor)
        if body.get("name"):
            rows = rows.filter(name__icontains=body["name"])
        if body.get("definition_id"):
            rows = rows.filter(pk=body["definition_id"])
        if body.get("enabled") is not None:
            rows = rows.filter(enabled=body["enabled"])
        if body.get("trigger_type"):
            rows = rows.filter(triggers__type=body["trigger_type"]).distinct()
        order = ("-" if body["sort_order"] == "desc" else "") + body["sort_by"]
        page = rows.order_by(order, "id")[body["from"] : body["from"] + body["size"]]
        return Response({"hits": rows.count(), "results": render_templates(page, actor.organisation.slug)})


class TemplateDetail(View):
    """getFlowTemplate, updateFlowTemplate, deleteFlowTemplate."""

    lock_version = staticmethod(lock_template_version)

    @extend_schema(responses=answers.FlowTemplateAnswer, operation_id="getFlowTemplate")
    def get(self, request: Request, template_id: str) -> Response:
        actor = actor_of(request)
        actor.require("workflow:definition:view")
        return answer_template(actor, templates.find_template(actor, template_id))

    @extend_schema(
        parameters=[ENFORCE],
        request=serializers.Template,
        responses=answers.FlowTemplateAnswer,
        operation_id="updateFlowTemplate",
    )
    def put(self, request: Request, template_id: str) -> Response:
        actor = actor_of(request)
        return answer_template(actor, templates.update_template(actor, template_id, read_template(request)))

    @extend_schema(responses={204: None}, operation_id="deleteFlowTemplate")
    def delete(self, request: Request, template_id: str) -> Response:
        templates.delete_template(actor_of(request), template_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class TemplateDuplicate(View):
    """duplicateFlowTemplate."""

    @extend_schema(request=None, responses={201: answers.FlowTemplateAnswer}, operation_id="duplicateFlowTemplate")
    def post(self, request: Request, template_id: str) -> Response:
        actor = actor_of(request)
        return answer_template(actor, templates.duplicate_template(actor, template_id), status.HTTP_201_CREATED)


class Limits(View):
    """getMaxAllowedLimit."""

    @extend_schema(responses=serializers.MaxAllowed, operation_id="getMaxAllowedLimit")
    def get(self, request: Request) -> Response:
        actor = actor_of(request)
        actor.require("workflow:definition:view")
        return Response({"currentNoOfWorkflows": templates.count_templates(actor), "maxAllowed": templates.MAX_TEMPLATES})


class ReasonList(View):
    """getAllClosingReasons and createClosingReason."""

    @extend_schema(
        parameters=[OpenApiParameter("includeInactive", bool)], responses=answers.ReasonList, operation_id="getAllClosingReasons"
    )
    def get(self, request: Request) -> Response:
        actor = actor_of(request)
        actor.require("workflow:definition:view")
        rows = ClosingReason.objects.filter(organisation=actor.organisation)
        if not read_flag(request, "includeInactive"):
            rows = rows.filter(status="ACTIVE")
        return Response({"reasons": [render_reason(row) for row in rows]})

    @extend_schema(request=serializers.NewReason, responses={201: answers.ReasonAnswer}, operation_id="createClosingReason")
    def post(self, request: Request) -> Response:
        body = read_body(request, serializers.NewReason)
        reason = closing_reasons.create_closing_reason(actor_of(request), **body)
        return Response(render_reason(reason), status=status.HTTP_201_CREATED)


class ReasonDetail(View):
    """getClosingReason, updateClosingReason, deleteClosingReason."""

    @extend_schema(responses=answers.ReasonAnswer, operation_id="getClosingReason")
    def get(self, request: Request, reason_id: str) -> Response:
        actor = actor_of(request)
        actor.require("workflow:definition:view")
        return Response(render_reason(closing_reasons.find_closing_reason(actor, reason_id)))

    @extend_schema(request=serializers.PatchReason, responses=answers.ReasonAnswer, operation_id="updateClosingReason")
    def patch(self, request: Request, reason_id: str) -> Response:
        body = cast(closing_reasons.ReasonPatch, read_body(request, serializers.PatchReason))
        return Response(render_reason(closing_reasons.patch_closing_reason(actor_of(request), reason_id, body)))

    @extend_schema(responses={204: None}, operation_id="deleteClosingReason")
    def delete(self, request: Request, reason_id: str) -> Response:
        closing_reasons.delete_closing_reason(actor_of(request), reason_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ReasonStatus(View):
    """getClosingReasonV1 and changeReasonStatus, the older pair."""

    @extend_schema(responses=answers.ReasonAnswer, operation_id="getClosingReasonV1")
    def get(self, request: Request, reason_id: str) -> Response:
        actor = actor_of(request)
        actor.require("workflow:definition:view")
        return Response(render_reason(closing_reasons.find_closing_reason(actor, reason_id)))

    @extend_schema(request=serializers.ReasonStatus, responses={202: None}, operation_id="changeReasonStatus")
    def patch(self, request: Request, reason_id: str) -> Response:
        body = cast(closing_reasons.ReasonPatch, read_body(request, serializers.ReasonStatus))
        closing_reasons.patch_closing_reason(actor_of(request), reason_id, body)
        return Response(status=status.HTTP_202_ACCEPTED)


class TemplateReasons(View):
    """getWorkflowClosingReasons and setWorkflowClosingReasons: the ids that a template offers."""

    @extend_schema(responses=serializers.ReasonIds, operation_id="getWorkflowClosingReasons")
    def get(self, request: Request, template_id: str) -> Response:
        actor = actor_of(request)
        actor.require("workflow:definition:view")
        data = orjson.loads(templates.find_template(actor, template_id).definition.body)
        return Response({"reasons": [{"id": reason["id"]} for reason in data.get("closing_reasons") or ()]})

    @extend_schema(request=serializers.ReasonIds, responses={201: None}, operation_id="setWorkflowClosingReasons")
    def patch(self, request: Request, template_id: str) -> Response:
        body = read_body(request, serializers.ReasonIds)
        templates.set_template_reasons(actor_of(request), template_id, [reason["id"] for reason in body["reasons"]])
        return Response(status=status.HTTP_201_CREATED)
