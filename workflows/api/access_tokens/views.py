"""Access tokens over REST, for who may make some: createAccessToken, listAccessTokens, revokeAccessToken."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from workflows.api.access_tokens import serializers
from workflows.api.requests import actor_of, read_body
from workflows.api.views import View
from workflows.documents import timestamp
from workflows.models import ApiToken
from workflows.services.errors import InvalidInput
from workflows.services.tokens import LIFETIME, find_token, issue_token, list_tokens, revoke_token

MAX_LISTED = 1000


def render_token(token: ApiToken) -> dict[str, Any]:
    shown = {
        "id": token.id,
        "created_at": timestamp(token.created_at),
        "name": token.name,
        "token_type": serializers.API,
        "assignments": [f"{token.organisation.slug}:{token.role}"],
        "read_only": token.read_only,
    }
    if token.last_used_on:
        shown["last_used"] = token.last_used_on.isoformat()
    if token.expires_at:
        shown["expires_at"] = timestamp(token.expires_at)
    return shown


def read_role(request: Request, assignments: list[str]) -> str | None:
    """Return the role that is asked for, of the caller's own organisation."""
    if not assignments:
        return None
    slug, _sign, role = assignments[0].partition(":")
    if slug != actor_of(request).organisation.slug or not role:
        raise InvalidInput("assignments", f"must be like {actor_of(request).organisation.slug}:member")
    return role


class TokenList(View):
    """createAccessToken, whose answer holds the secret, and listAccessTokens, which holds none."""

    @extend_schema(request=serializers.NewToken, responses={201: serializers.NewTokenAnswer}, operation_id="createAccessToken")
    def post(self, request: Request) -> Response:
        body = read_body(request, serializers.NewToken)
        token, bearer = issue_token(
            actor_of(request),
            body["name"],
            lifetime=body.get("expires_in", LIFETIME),
            role=read_role(request, body.get("assignments", [])),
            read_only=body["read_only"],
        )
        return Response(render_token(token) | {"token": bearer}, status=status.HTTP_201_CREATED)

    @extend_schema(
        parameters=[OpenApiParameter("token_type", str, OpenApiParameter.QUERY, many=True)],
        responses=serializers.TokenAnswer(many=True),
        operation_id="listAccessTokens",
    )
    def get(self, request: Request) -> Response:
        actor = actor_of(request)
        wanted = request.query_params.getlist("token_type") or request.query_params.getlist("token_type[]")
        rows = list_tokens(actor)[:MAX_LISTED] if not wanted or serializers.API in wanted else []
        return Response([render_token(token) for token in rows])


class TokenDetail(View):
    """revokeAccessToken."""

    @extend_schema(responses=serializers.TokenAnswer, operation_id="revokeAccessToken")
    def delete(self, request: Request, token_id: str) -> Response:
        token = find_token(actor_of(request), token_id)
        revoke_token(token)
        return Response(render_token(token))
