"""Bodies and answers of access tokens, in the shape of the public contract."""

import re
from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from workflows.api import fields

API = "api"
SHORTEST = 30
UNITS = {
    "ms": 0.001,
    "millisecond": 0.001,
    "s": 1,
    "second": 1,
    "m": 60,
    "minute": 60,
    "h": 3600,
    "hour": 3600,
    "d": 86400,
    "day": 86400,
    "w": 7 * 86400,
    "week": 7 * 86400,
    "y": 365 * 86400,
    "year": 365 * 86400,
}
DURATION = re.compile(r"(\d{1,12}) ?([a-z]*)")


@extend_schema_field({"oneOf": [{"type": "integer", "minimum": SHORTEST}, {"type": "string"}]})
class Duration(serializers.Field[timedelta, Any, Any, Any]):
    """Seconds as a number, or a text such as 10h, 7d or 2 days; without a unit seconds, too."""

    def to_internal_value(self, data: Any) -> timedelta:
        if isinstance(data, bool) or not isinstance(data, int | str):
            raise ValidationError("must be a number of seconds, or a text such as 7d")
        found = DURATION.fullmatch(str(data))
        unit = found and (found[2] or "s")
        seconds = UNITS.get(unit) or UNITS.get(unit.removesuffix("s")) if unit else None
        if found is None or seconds is None:
            raise ValidationError("must be a number of seconds, or a text such as 10h, 7d or 2 days")
        return timedelta(seconds=min(int(found[1]) * seconds, 10**9))


class NewToken(serializers.Serializer[Any]):
    """What is asked for. `assignments`: at most one role, as `<organisation>:<role>`; without one that of who asks."""

    name = fields.Name(max_length=200)
    token_type = serializers.CharField(required=False, default=API)
    assignments = serializers.ListField(child=fields.Identifier(), required=False, max_length=1)
    expires_in = Duration(required=False)
    read_only = fields.Flag(required=False, default=False)  # type: ignore[assignment]
    anonymize = fields.Flag(required=False, default=False)

    def validate_token_type(self, value: str) -> str:
        if value != API:
            raise ValidationError("only tokens of the type api are made here")
        return value

    def validate_anonymize(self, value: bool) -> bool:
        if value:
            raise ValidationError("answers are not anonymised here; leave it out")
        return value


class TokenAnswer(serializers.Serializer[Any]):
    """A token, without what opens."""

    id = serializers.CharField()
    created_at = serializers.DateTimeField()
    name = serializers.CharField()
    token_type = serializers.ChoiceField([API])
    assignments = serializers.ListField(child=serializers.CharField())
    read_only = serializers.BooleanField()  # type: ignore[assignment]
    last_used = serializers.DateField(required=False)
    expires_at = serializers.DateTimeField(required=False)


class NewTokenAnswer(TokenAnswer):
    token = serializers.CharField(help_text="The bearer string; it is not shown again")
