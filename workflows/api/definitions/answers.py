"""What templates and closing reasons look like in answers, for the OpenAPI document: `rendering` renders them."""

from typing import Any

from rest_framework import serializers

from workflows.api import fields
from workflows.api.definitions import serializers as requests


class ReasonAnswer(serializers.Serializer[Any]):
    """A closing reason of the catalogue."""

    id = fields.Text(required=False)
    title = fields.Text(required=False)
    status = fields.OneOf(requests.REASON_STATUSES, required=False)
    lastUpdateTime = fields.Text(required=False)
    creationTime = fields.Text(required=False)


class ReasonList(serializers.Serializer[Any]):
    reasons = ReasonAnswer(many=True)


class FlowTemplateAnswer(requests.Template):
    """A template as it was saved, with what the server says about it."""

    closing_reasons = ReasonAnswer(many=True, required=False)  # type: ignore[assignment]


class FoundTemplates(serializers.Serializer[Any]):
    hits = serializers.FloatField(required=False)
    results = FlowTemplateAnswer(many=True, required=False)
