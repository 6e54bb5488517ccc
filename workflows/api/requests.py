"""Reading a request: its body through a serializer, its flags from the query."""

from typing import Any, cast

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from workflows.permissions import Actor


def actor_of(request: Request) -> Actor:
    """Return who asks; authentication has put it there."""
    return cast(Actor, request.user)


def read_body(request: Request, serializer: type[Serializer[Any]]) -> dict[str, Any]:
    """Return the checked body; only fields that were sent or have a default are in it. Raises ValidationError."""
    checked = serializer(data=request.data)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


def read_flag(request: Request, name: str, *, default: bool = False) -> bool:
    """Return a true or false of the query string. Raises ValidationError for anything else."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if text.lower() not in ("true", "false"):
        raise ValidationError({name: "must be true or false"})
    return text.lower() == "true"


def read_text(request: Request, name: str) -> str:
    """Return a text of the query string, "" when it is not there. Raises ValidationError for one that no database can take."""
    text = str(request.query_params.get(name, ""))
    if "\0" in text:
        raise ValidationError({name: "NUL characters are not allowed"})
    return text


def read_number(request: Request, name: str, *, default: int, most: int) -> int:
    """Return a whole number of the query string, from 0 to `most`. Raises ValidationError for anything else."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 9 and int(text) <= most):
        raise ValidationError({name: f"must be a whole number from 0 to {most}"})
    return int(text)
