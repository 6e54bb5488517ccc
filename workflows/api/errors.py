"""Refusals in the contract's shape: `{"message": ...}`, naming the field, under the documented status."""

import logging
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, DataError, InterfaceError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response

from workflows.api.auth import TooManyRequests
from workflows.engine.errors import UnknownNode, WorkflowError
from workflows.origin import present
from workflows.permissions import PermissionRefused
from workflows.services.errors import Clash, InvalidInput, NotFound, StaleVersion
from workflows.services.transactions import is_away, is_transient

log = logging.getLogger(__name__)


def answer_error(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Return the answer to a refusal; None for what is no refusal but a fault of ours."""
    found = _status_and_message(error)
    if found is None:
        return None
    code, message = found
    headers = {}
    if isinstance(error, exceptions.APIException) and getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(error.wait)
    if code == status.HTTP_503_SERVICE_UNAVAILABLE:
        headers["Retry-After"] = "1"
    body = {"message": message}
    if code >= status.HTTP_500_INTERNAL_SERVER_ERROR:
        # By it the operator finds the log lines; it stands in the header of every answer, too.
        body["request_id"] = present().request_id
    return Response(body, status=code, headers=headers)


def _status_and_message(error: Exception) -> tuple[int, str] | None:
    match error:
        case NotFound() | UnknownNode() | Http404():
            return status.HTTP_404_NOT_FOUND, "Not found"
        case PermissionRefused() | PermissionDenied():
            return status.HTTP_403_FORBIDDEN, str(error) or "Forbidden"
        case StaleVersion() | Clash():
            return status.HTTP_409_CONFLICT, str(error)
        case WorkflowError() | InvalidInput():
            return status.HTTP_400_BAD_REQUEST, str(error)
        case exceptions.ValidationError():
            return status.HTTP_400_BAD_REQUEST, first_message(error.detail)
        case exceptions.APIException():
            return error.status_code, str(error.detail)
        case DatabaseError() | InterfaceError():
            return _of_database(error)
    return None


def _of_database(error: DatabaseError | InterfaceError) -> tuple[int, str] | None:
    if isinstance(error, DataError) and "NUL" in str(error):
        # Of the query string, as bodies are looked through. PostgreSQL takes none; SQLite finds nothing.
        return status.HTTP_400_BAD_REQUEST, "NUL characters are not allowed"
    if is_transient(error):
        log.warning("database busy: %s", error)
        return status.HTTP_503_SERVICE_UNAVAILABLE, "The database is busy; try again"
    if is_away(error):
        log.error("database away: %s", error)
        return status.HTTP_503_SERVICE_UNAVAILABLE, "The database does not answer; try again"
    return None


def first_message(detail: Any, path: str = "") -> str:
    """Return the first problem of a validation, with the path of its field."""
    if isinstance(detail, Mapping):
        name, inner = next(iter(detail.items()))
        if name == "non_field_errors":
            return first_message(inner, path)
        if isinstance(name, int):
            return first_message(inner, f"{path}[{name}]")
        return first_message(inner, f"{path}.{name}" if path else str(name))
    if isinstance(detail, list):
        for index, item in enumerate(detail):
            if item and not isinstance(item, str):
                return first_message(item, f"{path}[{index}]")
            if item:
                return first_message(item, path)
    return f"{path}: {detail}" if path else str(detail)
