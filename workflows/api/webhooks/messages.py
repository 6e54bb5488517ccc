"""Messages to the endpoints of the webhook catalogue over REST: reading them, sending them again, trying an endpoint out."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from workflows.api.operations import in_query
from workflows.api.requests import actor_of, read_body, read_flag, read_text
from workflows.api.views import View
from workflows.api.webhooks import serializers
from workflows.api.webhooks.rendering import render_attempts, render_cursor, render_message, render_result
from workflows.jobs import send_now
from workflows.models import Job, Webhook
from workflows.services import webhook_messages
from workflows.services.errors import NotFound
from workflows.services.webhook_messages import CONDITIONS, messages_to, parse_message_id, with_attempts
from workflows.services.webhooks import find_webhook

PAGE = 25


class MessageList(View):
    """getWehookEvents."""

    @extend_schema(
        parameters=[in_query("status", enum=list(CONDITIONS)), in_query("cursor")],
        responses=OpenApiTypes.OBJECT,
        operation_id="getWehookEvents",
        deprecated=True,
    )
    def get(self, request: Request, webhook_id: str) -> Response:
        webhook = visible_webhook(request, webhook_id)
        rows = messages_to(webhook)
        wanted = read_text(request, "status")
        if wanted:
            if wanted not in CONDITIONS:
                raise ValidationError({"status": f"must be one of {', '.join(CONDITIONS)}"})
            rows = rows.filter(CONDITIONS[wanted])
        cursor = read_text(request, "cursor")
        if cursor:
            rows = behind(rows, *read_cursor(cursor))
        page, last = read_page(rows, PAGE)
        answer: dict[str, Any] = {"data": render_page(webhook, page)}
        return Response(answer | ({"cursor": write_cursor(last)} if last else {}))


class MessageSearch(View):
    """getWebhookEventsV2."""

    @extend_schema(request=serializers.MessageSearch, responses=OpenApiTypes.OBJECT, operation_id="getWebhookEventsV2")
    def post(self, request: Request, webhook_id: str) -> Response:
        webhook = visible_webhook(request, webhook_id)
        asked = read_body(request, serializers.MessageSearch)
        rows = narrow(messages_to(webhook), asked)
        page, last = read_page(rows, asked["limit"])
        following = render_cursor(last) if last else None
        return Response({"data": render_page(webhook, page), "next_cursor": following, "has_more": last is not None})


class MessageDetail(View):
    """getEventById."""

    @extend_schema(responses=OpenApiTypes.OBJECT, operation_id="getEventById")
    def get(self, request: Request, webhook_id: str, event_id: str) -> Response:
        webhook, message = webhook_messages.find_message(actor_of(request), webhook_id, event_id)
        return Response(render_message(webhook, message) | {"attempts": render_attempts(message)})


class Replay(View):
    """replayEvent."""

    @extend_schema(request=serializers.Replay, responses={204: None}, operation_id="replayEvent")
    def post(self, request: Request, webhook_id: str, event_id: str) -> Response:
        read_body(request, serializers.Replay)
        webhook_messages.replay_message(actor_of(request), webhook_id, event_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class BatchReplay(View):
    """batchReplayEvents."""

    @extend_schema(request=serializers.BatchReplay, responses={202: OpenApiTypes.OBJECT}, operation_id="batchReplayEvents")
    def post(self, request: Request, webhook_id: str) -> Response:
        ids = read_body(request, serializers.BatchReplay)["eventIds"]
        replayed = webhook_messages.replay_messages(actor_of(request), webhook_id, ids)
        return Response({"replayed_event_ids": replayed}, status=status.HTTP_202_ACCEPTED)


class Trigger(View):
    """triggerWebhook. With `sync` the answer of the endpoint is waited for, unless the request is to be done once only."""

    @extend_schema(
        request=serializers.Trigger,
        parameters=[in_query("sync", bool)],
        responses=OpenApiTypes.OBJECT,
        operation_id="triggerWebhook",
    )
    def post(self, request: Request, webhook_id: str) -> Response:
        body = read_body(request, serializers.Trigger)
        # A request with a key is one transaction, in which no call is made.
        if read_flag(request, "sync") and "Idempotency-Key" not in request.headers:
            job = send_now(actor_of(request), webhook_id, body)
        else:
            job = webhook_messages.begin_message(actor_of(request), webhook_id, body)
        return Response(render_result(with_attempts([job])[0]))


class Example(View):
    """getWebhookExample."""

    @extend_schema(request=serializers.Example, responses=OpenApiTypes.OBJECT, operation_id="getWebhookExample")
    def post(self, request: Request, webhook_id: str) -> Response:
        webhook = visible_webhook(request, webhook_id)
        read_body(request, serializers.Example)
        return Response(webhook_messages.example_message(webhook, timezone.now()))


def visible_webhook(request: Request, webhook_id: str) -> Webhook:
    actor = actor_of(request)
    actor.require("webhook:view")
    return find_webhook(actor, webhook_id)


def narrow(rows: QuerySet[Job], asked: dict[str, Any]) -> QuerySet[Job]:
    """Leave what a search asks for."""
    if asked.get("status"):
        rows = rows.filter(CONDITIONS[asked["status"]])
    if asked.get("event_id"):
        rows = rows.filter(pk=read_id(asked["event_id"], "event_id"))
    within = asked.get("timestamp") or {}
    if within.get("from"):
        rows = rows.filter(created_at__gte=within["from"])
    if within.get("to"):
        rows = rows.filter(created_at__lte=within["to"])
    if asked.get("cursor"):
        rows = behind(rows, asked["cursor"]["created_at"], read_id(asked["cursor"]["event_id"], "cursor.event_id"))
    return rows


def read_id(text: str, field: str) -> UUID:
    try:
        return parse_message_id(text)
    except NotFound as error:
        raise ValidationError({field: "is no id of an event"}) from error


def behind(rows: QuerySet[Job], moment: datetime, key: UUID) -> QuerySet[Job]:
    return rows.filter(Q(created_at__lt=moment) | Q(created_at=moment, id__lt=key))


def read_page(rows: QuerySet[Job], limit: int) -> tuple[list[Job], Job | None]:
    """Return a page, and its last row when there are more."""
    found = list(rows[: limit + 1])
    return found[:limit], found[limit - 1] if len(found) > limit else None


def render_page(webhook: Webhook, jobs: list[Job]) -> list[dict[str, Any]]:
    return [render_message(webhook, message) for message in with_attempts(jobs)]


def write_cursor(job: Job) -> str:
    return urlsafe_b64encode(f"{job.created_at.isoformat()}~{job.pk}".encode()).decode()


def read_cursor(text: str) -> tuple[datetime, UUID]:
    """Read a cursor. Raises ValidationError for what is none."""
    try:
        moment, _, key = urlsafe_b64decode(text).decode().partition("~")
        place = datetime.fromisoformat(moment), UUID(key)
    except ValueError as error:
        raise ValidationError({"cursor": "is no cursor of this list"}) from error
    if place[0].tzinfo is None:
        raise ValidationError({"cursor": "is no cursor of this list"})
    return place
