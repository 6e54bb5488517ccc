"""API tokens: made once, shown once, renewed, revoked for good."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from workflows.models import ActorKind, ApiToken, Organisation, User
from workflows.models.access import hash_secret
from workflows.permissions import ACTIONS, Actor, Grant, PermissionRefused
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.roles import require_grantable
from workflows.services.transactions import in_transaction

# What a token gets that nobody has said anything else about, and the longest that people may choose.
LIFETIME = timedelta(days=90)
LONGEST = timedelta(days=365)
SHORTEST = timedelta(seconds=30)
# For how long the secret before may be taken beside a new one.
OVERLAPS = {"none": timedelta(0), "hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}


@in_transaction
def create_token(
    organisation: Organisation,
    name: str,
    role: str,
    *,
    created_by: User | None = None,
    expires_at: datetime | None = None,
    scopes: Sequence[str] = (),
    read_only: bool = False,
) -> tuple[ApiToken, str]:
    """Return a new token and its bearer string, which is not stored and cannot be shown again.

    Without `expires_at` it is good until it is revoked: that is the operator's to decide, on the command line.
    """
    secret = new_secret()
    token = ApiToken.objects.create(
        organisation=organisation,
        name=name,
        role=role,
        secret_hash=hash_secret(secret),
        created_by=created_by,
        expires_at=expires_at,
        scopes=" ".join(scopes),
        read_only=read_only,
    )
    return token, f"{token.id}.{secret}"


@in_transaction
def issue_token(
    actor: Actor,
    name: str,
    *,
    lifetime: timedelta = LIFETIME,
    role: str | None = None,
    scopes: Sequence[str] = (),
    read_only: bool = False,
    now: datetime | None = None,
) -> tuple[ApiToken, str]:
    """Have somebody make a token that may do what they may themselves, or less, and that ends some day.

    `role`: another one than their own, which holds no more than theirs.
    """
    actor.require("token:create")
    if not name.replace("\0", "").strip():
        raise InvalidInput("name", "a token needs one")
    if not SHORTEST <= lifetime <= LONGEST:
        raise InvalidInput("expires_in", f"must be {SHORTEST.seconds} seconds to {LONGEST.days} days")
    if role is not None and role != actor.role:
        require_grantable(actor, role)
    for scope in scopes:
        check_scope(actor, scope)
    creator = User.objects.filter(pk=actor.id).first() if actor.kind is ActorKind.USER else None
    return create_token(
        actor.organisation,
        name.strip()[:200],
        role or actor.role,
        created_by=creator,
        expires_at=(now or timezone.now()) + lifetime,
        # A token made by a token that may do less, or by one that only reads, may not do more.
        scopes=list(scopes) or list(actor.limits.scopes),
        read_only=read_only or actor.limits.read_only,
    )


def check_scope(actor: Actor, scope: str, *, is_unconditional: bool = False) -> None:
    """Raise InvalidInput unless the scope is an action, or a beginning of some, and the actor may do all that it covers.

    `is_unconditional`: to whatever there is, as the conditions of their own role are not those of the token's.
    """
    covered = [action for action in ACTIONS if Grant(scope).covers(action)]
    if not covered:
        raise InvalidInput("scopes", f"there is no action {scope}")
    may = actor.may if is_unconditional else actor.might
    refused = [action for action in covered if not may(action)]
    if refused:
        raise InvalidInput("scopes", f"you may not do {refused[0]} yourself")


@in_transaction
def renew_token(
    actor: Actor, token_id: str, overlap: timedelta, *, days: int = LIFETIME.days, now: datetime | None = None
) -> tuple[ApiToken, str]:
    """Give a token a new secret; one that is to end does so `days` from now. The secret before is taken for `overlap` longer.

    Raises PermissionRefused or InvalidInput when the token may do more than the actor, who would hold its secret then.
    """
    token = find_token(actor, token_id, lock=True)
    _require_no_more(actor, token)
    at = now or timezone.now()
    if token.revoked_at is not None:
        raise InvalidInput("token", "it was revoked; make a new one")
    secret = new_secret()
    if overlap:
        token.previous_hash, token.previous_until = token.secret_hash, at + overlap
    else:
        token.previous_hash, token.previous_until = "", None
    token.secret_hash = hash_secret(secret)
    if token.expires_at is not None:
        token.expires_at = at + timedelta(days=days)
    token.save()
    return token, f"{token.id}.{secret}"


def _require_no_more(actor: Actor, token: ApiToken) -> None:
    scopes = token.scopes.split()
    for scope in scopes:
        check_scope(actor, scope, is_unconditional=token.role != actor.role)
    if not scopes and actor.limits.scopes:
        raise PermissionRefused("token:create")
    if not scopes and token.role != actor.role:
        require_grantable(actor, token.role)


@in_transaction
def revoke_token(token: ApiToken) -> None:
    """Refuse a token from now on; revoking it again changes nothing."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())


def list_tokens(actor: Actor) -> QuerySet[ApiToken]:
    """Return the organisation's tokens that were not revoked, the newest first, to somebody who may make some."""
    actor.require("token:create")
    rows = ApiToken.objects.filter(organisation=actor.organisation, revoked_at=None)
    return rows.select_related("organisation").order_by("-created_at", "id")


def find_token(actor: Actor, token_id: str, *, lock: bool = False) -> ApiToken:
    """Return a token of the actor's organisation, to somebody who may make some. Raises NotFound."""
    actor.require("token:create")
    rows = ApiToken.objects.filter(organisation=actor.organisation, pk=token_id)
    token: ApiToken | None = (rows.select_for_update() if lock else rows).first()
    if token is None:
        raise NotFound
    return token


def new_secret() -> str:
    return secrets.token_urlsafe(32)
