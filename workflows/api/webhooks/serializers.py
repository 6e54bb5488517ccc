"""Request bodies of the webhook catalogue. What an endpoint holds besides is kept as it was sent."""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from workflows.api import fields
from workflows.services.webhook_messages import MOST_REPLAYED, MessageStatus
from workflows.services.webhooks import METHODS


class Retries(serializers.Serializer[Any]):
    """How often a message is tried again."""

    enabled = fields.Flag()
    maxAttempts = fields.Whole(required=False, min_value=1, max_value=5, default=3)


class Payload(fields.Object):
    """What a message holds; its headers are texts by name."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        value = super().to_internal_value(data)
        if not isinstance(value.get("custom_headers"), dict | None):
            raise serializers.ValidationError({"custom_headers": "must be an object"})
        return value


class Webhook(serializers.Serializer[Any]):
    """createConfig, updateConfig."""

    name = fields.Name()
    eventName = fields.Text(allow_blank=False, max_length=200)
    events = serializers.ListField(child=fields.Text(max_length=200), required=False, max_length=100)
    flowTemplateId = fields.Text(required=False, allow_null=True, max_length=fields.MAX_ID)
    url = fields.Text(required=False, max_length=2000)
    httpMethod = fields.OneOf(METHODS, required=False, default="POST")
    enabled = fields.Flag(required=False, default=True)
    auth = fields.Object(required=False)
    retryPolicy = Retries(required=False)
    payloadConfiguration = Payload(required=False)

    def to_internal_value(self, data: Any) -> Any:
        checked = super().to_internal_value(data)
        return {**data, **checked}


class Moment(serializers.DateTimeField):
    """An instant as text, with its zone."""

    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, str):
            raise serializers.ValidationError("must be an instant")
        return super().to_internal_value(value)


class Cursor(serializers.Serializer[Any]):
    """The last message of the page before."""

    created_at = Moment()
    event_id = fields.Text(max_length=100)


class Range(serializers.Serializer[Any]):
    """From when to when; both ends belong to it."""

    vars()["from"] = Moment(required=False)
    to = Moment(required=False)


class MessageSearch(serializers.Serializer[Any]):
    """getWebhookEventsV2."""

    limit = fields.Whole(required=False, min_value=1, max_value=25, default=25)
    cursor = Cursor(required=False, allow_null=True)
    timestamp = Range(required=False)
    event_id = fields.Text(required=False, max_length=100)
    status = fields.OneOf(MessageStatus, required=False)


class Replay(serializers.Serializer[Any]):
    """replayEvent. Nothing transforms a message, so there is no transformation to apply again."""

    reapply_transform = fields.Flag(required=False)


class BatchReplay(Replay):
    """batchReplayEvents."""

    eventIds = serializers.ListField(child=fields.Text(max_length=100), min_length=1, max_length=MOST_REPLAYED)


class Metadata(serializers.Serializer[Any]):
    """Where a message comes from; what else is in it stays."""

    organization_id = fields.Text(max_length=200)

    def to_internal_value(self, data: Any) -> Any:
        checked = super().to_internal_value(data)
        return {**data, **checked}


@extend_schema_serializer(component_name="WebhookMessage")
class Trigger(serializers.Serializer[Any]):
    """triggerWebhook: the message itself."""

    metadata = Metadata()

    def to_internal_value(self, data: Any) -> Any:
        checked = super().to_internal_value(data)
        return {**data, **checked}


class Example(serializers.Serializer[Any]):
    """getWebhookExample."""

    automation_id = fields.Text(required=False, max_length=fields.MAX_ID)
