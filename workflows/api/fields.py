"""Strict fields: a number is no text, "true" is no boolean, and what neither column nor engine can take ends here."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from workflows.engine import due_dates

MAX_ID = 128
MAX_NAME = 255
MAX_DESCRIPTION = 10_000


class Text(serializers.CharField):
    """A JSON string, kept as it is."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"trim_whitespace": False, "allow_blank": True} | options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise ValidationError("must be a text")
        return super().to_internal_value(data)


class Name(Text):
    """What people call something: not blank, and short enough for a column."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_blank": False, "max_length": MAX_NAME} | options)

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        if not value.strip():
            raise ValidationError("must not be blank")
        return value


class Identifier(Text):
    """An opaque id: not empty, short enough for a column."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_blank": False, "max_length": MAX_ID} | options)


class Flag(serializers.BooleanField):
    """true or false, nothing that looks like it."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise ValidationError("must be true or false")
        return data


class Whole(serializers.IntegerField):
    """A whole number."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | float) or data != int(data):
            raise ValidationError("must be a whole number")
        return super().to_internal_value(int(data))


class Count(serializers.FloatField):
    """A whole number where the contract has any number."""

    def to_internal_value(self, data: Any) -> int:
        value = Whole().to_internal_value(data)
        self.run_validators(value)
        return value


class OneOf(serializers.ChoiceField):
    """One of some words."""

    def __init__(self, choices: Iterable[str] | type[StrEnum], **options: Any) -> None:
        super().__init__(choices=[str(choice) for choice in choices], **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in self.choices:
            raise ValidationError(f"must be one of {', '.join(map(str, self.choices))}")
        return data


class Object(serializers.DictField):
    """Any JSON object."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise ValidationError("must be an object")
        return data


class DueDate(Text):
    """A due date as text; null or "" clears it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_null": True, "max_length": 40, "required": False} | options)

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        if value:
            try:
                due_dates.parse(value)
            except ValueError as error:
                raise ValidationError(str(error)) from error
        return value


class DueDateRule(Object):
    """A `due_date_config`; null drops it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_null": True, "required": False} | options)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        value = super().to_internal_value(data)
        try:
            due_dates.parse_due_date_config(value)
        except ValueError as error:
            raise ValidationError(str(error)) from error
        for name in ("task_id", "phase_id"):
            if value.get(name) is not None and not isinstance(value[name], str):
                raise ValidationError({name: ErrorDetail("must be a text")})
        return value


class Assignee(serializers.Field[Any, Any, Any, Any]):
    """A user's or group's id, or a variable with what it stands for."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str):
            return Identifier().run_validation(data)
        if isinstance(data, dict) and isinstance(data.get("variable"), str):
            values = data.get("value")
            if not isinstance(values, list | None):
                raise ValidationError({"value": ErrorDetail("must be a list of texts")})
            Identifier(max_length=MAX_NAME).run_validation(data["variable"])
            return {"variable": data["variable"], "value": [Identifier().run_validation(value) for value in values or ()]}
        raise ValidationError('must be a text or an object with "variable"')

    def to_representation(self, value: Any) -> Any:
        return value


class Assignees(serializers.ListField):
    """A list of assignees; null empties it."""

    child = Assignee()

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"required": False, "max_length": 200} | options)


class Parts(serializers.ListSerializer[Any]):
    """A list of objects. Whether the list may be null or not, what is in it may not."""

    def run_child_validation(self, data: Any) -> Any:
        if data is None:
            self.fail("null")
        return super().run_child_validation(data)


class Part(serializers.Serializer[Any]):
    """An object inside a body."""

    class Meta:
        list_serializer_class = Parts


class Description(serializers.Serializer[Any]):
    """A description that can be switched off."""

    enabled = Flag(required=False)
    value = Text(required=False, max_length=MAX_DESCRIPTION)


class Journey(serializers.Serializer[Any]):
    """A form that belongs to a task."""

    id = Text(required=False, max_length=MAX_NAME)
    journeyId = Text(required=False, max_length=MAX_NAME)
    name = Text(required=False, max_length=MAX_NAME)
    complete_task_automatically = Flag(required=False)


class Portal(serializers.Serializer[Any]):
    """How a task shows to customers, installers or partners."""

    enabled = Flag(required=False)
    label = Text(required=False, max_length=MAX_NAME)  # type: ignore[assignment]
    description = Text(required=False, max_length=MAX_DESCRIPTION)
    journey = Journey(required=False, allow_null=True)


class PartnerInfo(serializers.Serializer[Any]):
    """How a task shows to partners."""

    enabled = Flag(required=False)
    label = Text(required=False, max_length=MAX_NAME)  # type: ignore[assignment]
    description = Text(required=False, max_length=MAX_DESCRIPTION)
