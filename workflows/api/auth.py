"""Who calls the API: a bearer token, checked by one indexed lookup on each request, so a revoked one is refused at once."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rest_framework import status
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from workflows.models import ActorKind, ApiToken
from workflows.models.access import hash_secret, is_current, is_hash_of
from workflows.models.hot import read_token
from workflows.origin import name_actor
from workflows.permissions import Actor, Limits
from workflows.services.limits import seconds_to_wait
from workflows.services.sharing import guest_of

if TYPE_CHECKING:
    # The framework's views load this module while they are being loaded themselves.
    from rest_framework.views import APIView

MAX_BEARER = 200
# Names the organisation whose shared tasks a partner asks for.
ORGANISATION_HEADER = "x-epilot-org-id"
# Routes that are asked with POST because their question is a document, and change nothing.
READ_BY_POST = frozenset(
    {
        "v1/automation/executions:search",
        "v1/automation/flows:batchGet",
        "v1/entity:search",
        "v1/kanban/query/flows:execute",
        "v1/webhooks/configs/<str:webhook_id>/example",
        "v1/workflows/executions/search",
        "v1/workflows/executions/steps/search",
        "v2/flows/executions:search",
        "v2/flows/templates:search",
        "v2/webhooks/configs/<str:webhook_id>/events",
    }
)


class TooManyRequests(APIException):
    """The token, or its organisation, has made as many requests as it may; `wait` seconds later there is room again."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS

    def __init__(self, wait: int) -> None:
        super().__init__(f"Too many requests: try again in {wait} s")
        self.wait = wait


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <id>.<secret>`. What is wrong with a token is not told: unknown, expired, revoked look the same."""

    def authenticate(self, request: Request) -> tuple[Actor, ApiToken] | None:
        header = request.headers.get("Authorization", "")
        scheme, _, bearer = header.partition(" ")
        if scheme.lower() != "bearer":
            return None
        found = find_token(bearer.strip())
        if found is None:
            raise AuthenticationFailed("Unauthorized: the access token is not valid")
        token, grants = found
        wait = seconds_to_wait(token.id, token.organisation.id, "reads" if is_read(request) else "mutations")
        if wait:
            raise TooManyRequests(wait)
        limits = Limits(tuple(token.scopes.split()), token.read_only)
        actor = Actor(token.organisation, ActorKind.TOKEN, token.id, token.role, grants, limits=limits)
        wanted = request.headers.get(ORGANISATION_HEADER, "")
        if wanted and wanted != token.organisation.slug:
            # Nothing is shared, or there is no such organisation: that is not told apart.
            actor = guest_of(actor, wanted)
        name_actor(ActorKind.TOKEN.value, token.id, actor.organisation.pk)
        return actor, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def find_token(bearer: str) -> tuple[ApiToken, str | None] | None:
    """Return the usable token that a bearer string belongs to, and the grants of its role if it is one of the organisation's."""
    token_id, _, secret = bearer.partition(".")
    if not secret or len(bearer) > MAX_BEARER or not bearer.isascii() or not bearer.isprintable():
        return None
    found = read_token(token_id)
    if found is None or not found[0].matches(secret):
        return None
    token, used_today, grants = found
    if not used_today:
        _note_use(token, secret)
    return token, grants


def _note_use(token: ApiToken, secret: str) -> None:
    """Keep the day of the last use: one write per token and day. A hash under an earlier key is made anew meanwhile."""
    ApiToken.objects.filter(pk=token.pk).update(last_used_on=datetime.now(UTC).date())
    if is_hash_of(token.secret_hash, secret) and not is_current(token.secret_hash):
        ApiToken.objects.filter(pk=token.pk, secret_hash=token.secret_hash).update(secret_hash=hash_secret(secret))


def is_read(request: Request) -> bool:
    """Searches are read with POST, and count as reads; whatever may change something counts as a mutation."""
    place = request.resolver_match
    return request.method in SAFE_METHODS or (request.method == "POST" and place is not None and place.route in READ_BY_POST)


class MayDo(BasePermission):
    """Anyone who is known. What an actor may do in particular is asked where it is done."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return isinstance(request.user, Actor)
