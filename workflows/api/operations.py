"""How an operation stands in the schema: besides what its view declares, the refusals that every operation may answer with,
the headers that it honours, its heading and examples.
"""

import re
from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema_serializer
from rest_framework import serializers

from workflows.api.examples import EXAMPLES

# By the beginning of the path; the first that fits.
TAGS = (
    ("/v2/flows/executions", "Flow executions"),
    ("/v2/flows/templates", "Flow templates"),
    ("/v1/workflows/executions", "Executions (V1)"),
    ("/v1/workflows/closing-reasons", "Closing reasons"),
    ("/v2/workflows/closing-reasons", "Closing reasons"),
    ("/v1/workflows/definitions", "Definitions (V1)"),
    ("/v1/workflows", "Definitions (V1)"),
    ("/v1/entity", "Entities"),
    ("/v2/entity", "Entities"),
    ("/v1/kanban", "Saved boards"),
    ("/v1/automation", "Automations"),
    ("/v1/webhooks", "Webhooks"),
    ("/v2/webhooks", "Webhooks"),
    ("/v1/agents", "Agents"),
    ("/v1/access-tokens", "Access tokens"),
)
REFUSALS = {
    "400": "What was sent cannot be accepted; the message names the field",
    "401": "No access token, or one that is unknown, expired or revoked",
    "403": "The token's role does not allow this",
    "404": "There is no such thing in the token's organisation",
    "409": "Somebody else has changed it meanwhile, or the same request is being worked on",
    "412": "If-Match names another version than the present one",
    "413": "The body is too large",
    "415": "The body is not declared as application/json",
    "422": "The Idempotency-Key was used for a request with another body",
    "429": "The token, or its organisation, has made too many requests; try again after the seconds that Retry-After says",
    "503": "The database is busy; try again after the seconds that Retry-After says",
}
# Operations whose body may say which state it was made from.
COMPARING = ("updateFlowTemplate",)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="A text of your own: the same request with the same key is done once, and answered the same each time",
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag that you have read: refused with 412 when it is no longer true",
)


def in_query(name: str, kind: type = str, **options: Any) -> OpenApiParameter:
    """A parameter of the query string that may be left out."""
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, **options)


@extend_schema_serializer(component_name="ErrorResp")
class ErrorAnswer(serializers.Serializer[Any]):
    """A refusal."""

    message = serializers.CharField(help_text="What was refused and why")


class Operation(AutoSchema):
    """The settings name it as the schema class of all views."""

    def get_summary(self) -> str:
        """The operation's id as words."""
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(self.get_operation_id())).lower()
        return words[:1].upper() + words[1:]

    def get_description(self) -> str:  # type: ignore[override]
        """The method's own words; a view's docstring speaks to who reads the code."""
        method = getattr(self.view, str(self.method).lower(), None)
        return (method.__doc__ or "").strip() if method else ""

    def get_tags(self) -> list[str]:
        found = [tag for prefix, tag in TAGS if str(self.path).startswith(prefix)]
        return found[:1] or super().get_tags()

    def get_examples(self) -> list[OpenApiExample]:
        return EXAMPLES.get(self.get_operation_id(), [])

    def get_override_parameters(self) -> list[Any]:
        given = list(super().get_override_parameters())
        if self._is_done_once():
            given.append(IDEMPOTENCY_KEY)
        if self._depends_on_version():
            given.append(IF_MATCH)
        return given

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        error = self.resolve_serializer(ErrorAnswer, "response").ref
        for code in self._refusals():
            answer = {"description": REFUSALS[code], "content": {"application/json": {"schema": error}}}
            bodies.setdefault(code, answer)
        return dict(sorted(bodies.items()))

    def _refusals(self) -> list[str]:
        """Return the statuses with which this operation may refuse."""
        codes = ["503", *(("401", "403", "429") if self.view.get_authenticators() else ())]
        parameters = self._get_parameters()
        has_body = self.method in ("POST", "PUT", "PATCH")
        if has_body:
            codes += ["400", "413", "415"]
        places = {parameter["in"] for parameter in parameters}
        if places:
            codes.append("400")
        if "path" in places:
            codes.append("404")
        if self._is_done_once():
            codes += ["409", "422"]
        if self._depends_on_version():
            codes.append("412")
        if self.get_operation_id() in COMPARING:
            codes.append("409")
        return codes

    def _is_done_once(self) -> bool:
        return self.method == "POST" and hasattr(self.view, "lock_version") and bool(self.view.get_authenticators())

    def _depends_on_version(self) -> bool:
        return self.method in ("PATCH", "PUT", "DELETE") and getattr(self.view, "lock_version", None) is not None
