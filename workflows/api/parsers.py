"""Request bodies: JSON within limits, checked before anything else looks at them."""

from collections.abc import Mapping
from typing import IO, Any

import orjson
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_ITEMS = 1000


class BodyTooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = f"The body is larger than {MAX_BYTES} bytes"


class JSONParser(BaseParser):
    """Strict JSON: no NaN, no NUL characters (PostgreSQL stores none), bounded size, depth and lists."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        body = stream.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise BodyTooLarge
        try:
            data = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is not valid JSON: {error}") from error
        _check(data, "", MAX_DEPTH)
        return data


def _check(value: Any, path: str, depth: int) -> None:
    if isinstance(value, str):
        if "\0" in value:
            raise ParseError(f"{path or 'body'}: NUL characters are not allowed")
        return
    if not isinstance(value, dict | list):
        return
    if depth == 0:
        raise ParseError(f"The body is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        for key, item in value.items():
            _check(key, path, depth)
            _check(item, f"{path}.{key}" if path else key, depth - 1)
        return
    if len(value) > MAX_ITEMS:
        raise ParseError(f"{path or 'body'}: a list may hold {MAX_ITEMS} items at most")
    for index, item in enumerate(value):
        _check(item, f"{path}[{index}]", depth - 1)
