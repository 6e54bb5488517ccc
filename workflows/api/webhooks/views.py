"""The webhook catalogue over REST."""

from django.utils import timezone
from drf_spectacular.plumbing import build_array_type, build_object_type
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from workflows.api.operations import in_query
from workflows.api.requests import actor_of, read_body
from workflows.api.views import View
from workflows.api.webhooks import serializers
from workflows.api.webhooks.rendering import render_webhook
from workflows.engine.flow_events import FlowEvent
from workflows.models import Webhook
from workflows.services import webhooks

MOST_LISTED = 1000


class WebhookList(View):
    """getConfigs, createConfig."""

    @extend_schema(
        parameters=[in_query("eventName")],
        responses={200: build_array_type(build_object_type())},
        operation_id="getConfigs",
    )
    def get(self, request: Request) -> Response:
        actor = actor_of(request)
        actor.require("webhook:view")
        now = timezone.now()
        rows = Webhook.objects.filter(organisation=actor.organisation)
        if request.query_params.get("eventName"):
            rows = rows.filter(event_name=request.query_params["eventName"])
        return Response([render_webhook(webhook, now) for webhook in rows.order_by("-created_at", "-id")[:MOST_LISTED]])

    @extend_schema(request=serializers.Webhook, responses={201: OpenApiTypes.OBJECT}, operation_id="createConfig")
    def post(self, request: Request) -> Response:
        webhook, secret = webhooks.create_webhook(actor_of(request), read_body(request, serializers.Webhook))
        return Response(render_webhook(webhook, timezone.now()) | {"signingSecret": secret}, status=status.HTTP_201_CREATED)


class WebhookDetail(View):
    """getConfig, updateConfig, deleteConfig."""

    @extend_schema(responses=OpenApiTypes.OBJECT, operation_id="getConfig")
    def get(self, request: Request, webhook_id: str) -> Response:
        actor = actor_of(request)
        actor.require("webhook:view")
        return Response(render_webhook(webhooks.find_webhook(actor, webhook_id), timezone.now()))

    @extend_schema(request=serializers.Webhook, responses=OpenApiTypes.OBJECT, operation_id="updateConfig")
    def put(self, request: Request, webhook_id: str) -> Response:
        body = read_body(request, serializers.Webhook)
        return Response(render_webhook(webhooks.replace_webhook(actor_of(request), webhook_id, body), timezone.now()))

    @extend_schema(responses={204: None}, operation_id="deleteConfig")
    def delete(self, request: Request, webhook_id: str) -> Response:
        webhooks.delete_webhook(actor_of(request), webhook_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class SecretRotation(View):
    """rotateSecret: a new signing secret, which is shown once; the one before is good for another day."""

    @extend_schema(request=None, responses=OpenApiTypes.OBJECT, operation_id="rotateWebhookSecret")
    def post(self, request: Request, webhook_id: str) -> Response:
        webhook, secret = webhooks.rotate_secret(actor_of(request), webhook_id)
        return Response(render_webhook(webhook, timezone.now()) | {"signingSecret": secret})


class ConfiguredEvents(View):
    """getConfiguredEvents: the events of flows."""

    @extend_schema(responses={200: build_array_type(build_object_type())}, operation_id="getConfiguredEvents")
    def get(self, request: Request) -> Response:
        actor_of(request).require("webhook:view")
        return Response([{"eventName": event.value, "eventLabel": _label(event.value)} for event in FlowEvent])


def _label(name: str) -> str:
    """Return the name in words: what was written in one is taken apart at its capitals."""
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name.replace("Curr", "Current"))
    return words.strip().capitalize()
