"""Roles of an organisation's own, and who has which role. Nobody gives what they do not have; one owner always stays.

A change works on the next request of whoever has the role: grants are read with the membership or the token, never kept.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.text import slugify

from workflows.models import ApiToken, CustomRole, Membership, Organisation, Role, User
from workflows.permissions import BUILT_IN, Actor, BadGrant, PermissionRefused, Policy, parse_grants, policy_of
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.transactions import in_transaction

EDIT_ROLES, EDIT_MEMBERS = "role:edit", "member:edit"
MAX_NAME, MOST_ROLES = 200, 100


def list_roles(actor: Actor) -> QuerySet[CustomRole]:
    """Return the organisation's own roles."""
    actor.require("role:view")
    return CustomRole.objects.filter(organisation=actor.organisation).order_by("name", "pk")


def find_role(actor: Actor, slug: str) -> CustomRole:
    """Raises NotFound unless the organisation made this role."""
    role = list_roles(actor).filter(slug=slug).first()
    if role is None:
        raise NotFound
    return role


@in_transaction
def create_role(actor: Actor, name: str, grants: Any) -> CustomRole:
    """Make a role. Its id comes from its name and never changes, as memberships and tokens hold it."""
    actor.require(EDIT_ROLES)
    kept = _check(actor, grants)
    _lock(actor)
    taken = set(CustomRole.objects.filter(organisation=actor.organisation).values_list("slug", flat=True))
    if len(taken) >= MOST_ROLES:
        raise InvalidInput("name", f"an organisation can have {MOST_ROLES} roles of its own")
    slug = _free_slug(name, taken | set(BUILT_IN) | {"new"})
    return CustomRole.objects.create(organisation=actor.organisation, slug=slug, name=_name(name), grants=kept)


@in_transaction
def replace_role(actor: Actor, slug: str, name: str, grants: Any) -> CustomRole:
    """Give a role another name and other grants."""
    actor.require(EDIT_ROLES)
    role = find_role(actor, slug)
    _check(actor, role.grants)
    role.grants = _check(actor, grants)
    role.name = _name(name)
    role.updated_at = timezone.now()
    role.save(update_fields=["name", "grants", "updated_at"])
    return role


@in_transaction
def delete_role(actor: Actor, slug: str) -> None:
    """Remove a role that nobody has any more. Raises InvalidInput while somebody does."""
    actor.require(EDIT_ROLES)
    role = find_role(actor, slug)
    _lock(actor)
    if Membership.objects.filter(organisation=actor.organisation, role=slug).exists():
        raise InvalidInput("role", "there are people who have it; give them another one first")
    tokens = ApiToken.objects.filter(organisation=actor.organisation, role=slug, revoked_at=None)
    if tokens.exists():
        raise InvalidInput("role", "there are tokens that have it; revoke them first")
    role.delete()


@in_transaction
def add_member(actor: Actor, user: User, role: str) -> Membership:
    """Let a person who has an account belong to the organisation."""
    actor.require(EDIT_MEMBERS)
    _lock(actor)
    require_grantable(actor, role)
    if Membership.objects.filter(organisation=actor.organisation, user=user).exists():
        raise InvalidInput("user", "belongs to the organisation already")
    return Membership.objects.create(organisation=actor.organisation, user=user, role=role)


@in_transaction
def change_member(actor: Actor, user_id: str, role: str) -> Membership:
    """Give a person of the organisation another role."""
    actor.require(EDIT_MEMBERS)
    member = lock_member(actor, user_id)
    require_grantable(actor, role)
    if member.role == Role.OWNER and role != Role.OWNER:
        _keep_an_owner(actor, member)
    member.role = role
    member.save(update_fields=["role"])
    return member


@in_transaction
def remove_member(actor: Actor, user_id: str) -> None:
    """Take a person out of the organisation. Their account and what they did stay."""
    actor.require(EDIT_MEMBERS)
    member = lock_member(actor, user_id)
    if member.role == Role.OWNER:
        _keep_an_owner(actor, member)
    member.delete()


def list_members(actor: Actor) -> QuerySet[Membership]:
    actor.require("member:view")
    return Membership.objects.filter(organisation=actor.organisation).select_related("user").order_by("user__name", "pk")


def require_grantable(actor: Actor, role: str) -> None:
    """Raise unless the actor may give this role to somebody: it exists, and holds nothing that they do not have themselves."""
    if role in BUILT_IN:
        policy = BUILT_IN[role]
    else:
        own = CustomRole.objects.filter(organisation=actor.organisation, slug=role).first()
        if own is None:
            raise InvalidInput("role", "there is no such role")
        policy = policy_of(role, orjson.dumps(own.grants).decode())
    _require_covered(actor, policy)


def role_names(actor: Actor) -> dict[str, str]:
    """Return the roles that there are, by id; those of the product have their ids as names."""
    own = CustomRole.objects.filter(organisation=actor.organisation).order_by("name").values_list("slug", "name")
    return {role: role for role in BUILT_IN} | dict(own)


def _require_covered(actor: Actor, policy: Policy) -> None:
    own = actor.policy.grants
    if any(grant.is_deny for grant in own):
        raise PermissionRefused(EDIT_ROLES)
    for wanted in policy.grants:
        if not wanted.is_deny and not any(not grant.conditions and grant.covers(wanted.action) for grant in own):
            raise PermissionRefused(wanted.action)


def _check(actor: Actor, grants: Any) -> list[Mapping[str, Any]]:
    """Return grants as they are kept: only what is understood of them."""
    try:
        parsed = parse_grants(grants)
    except BadGrant as error:
        raise InvalidInput(error.path, str(error)) from error
    _require_covered(actor, Policy(parsed))
    return [
        {"action": grant.action, "effect": "deny" if grant.is_deny else "allow"}
        | (
            {
                "conditions": [
                    {"attributes": list(each.attributes), "operation": each.operation}
                    | ({"values": list(each.values)} if each.values else {})
                    for each in grant.conditions
                ]
            }
            if grant.conditions
            else {}
        )
        for grant in parsed
    ]


def _name(name: str) -> str:
    name = name.replace("\0", "").strip()
    if not 1 <= len(name) <= MAX_NAME:
        raise InvalidInput("name", f"must have 1 to {MAX_NAME} characters")
    return name


def _free_slug(name: str, taken: set[str]) -> str:
    base = slugify(name)[:50] or "role"
    return next(slug for slug in (base, *(f"{base}-{number}" for number in range(2, 1000))) if slug not in taken)


def _lock(actor: Actor) -> None:
    """One change of roles and members at a time: whoever counts owners, or users of a role, must not be overtaken."""
    list(Organisation.objects.select_for_update(no_key=True).filter(pk=actor.organisation.pk).values_list("pk"))


def lock_member(actor: Actor, user_id: str) -> Membership:
    """Return a member whom the actor may change, as `find_member` does, while nobody else changes members."""
    _lock(actor)
    return find_member(actor, user_id)


def find_member(actor: Actor, user_id: str) -> Membership:
    """Return a member whom the actor may change. Raises NotFound; PermissionRefused for who has more than the actor."""
    if not (user_id.isascii() and user_id.isdecimal() and len(user_id) < 19):
        raise NotFound
    member = Membership.objects.filter(organisation=actor.organisation, user_id=int(user_id)).select_related("user").first()
    if member is None:
        raise NotFound
    if member.role in role_names(actor):
        # Whoever has more than oneself is not one's own to change.
        require_grantable(actor, member.role)
    return member


def _keep_an_owner(actor: Actor, leaving: Membership) -> None:
    others = Membership.objects.filter(organisation=actor.organisation, role=Role.OWNER).exclude(pk=leaving.pk)
    if not others.filter(user__is_active=True).exists():
        raise InvalidInput("role", "an organisation needs an owner; make somebody else one first")
