"""Sharing with partners, customers and installers: what is shown to whom, until when; and who comes in by it.

Revoking and expiry work on the next request, as nothing but the row is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Q, QuerySet
from django.utils import timezone

from workflows.models import ActorKind, Audience, Entity, Membership, Organisation, Share, User
from workflows.models.sharing import is_live
from workflows.permissions import UPDATE, VIEW, Actor, Guest, PermissionRefused
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.executions import find_execution
from workflows.services.steps import parse_id
from workflows.services.transactions import in_transaction

EDIT, SEE = "share:edit", "share:view"
SALT = "flowdeck.share"
MAX_TOKEN = 200
MOST_SHARES = 100
LONGEST = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class NewShare:
    """With whom to share: a partner organisation by its id or an e-mail; for customers and installers the e-mail is a note."""

    audience: str = Audience.PARTNER
    partner: str = ""
    email: str = ""
    expires_at: datetime | None = None


@in_transaction
def share_execution(actor: Actor, execution_id: str | UUID, new: NewShare) -> Share:
    """Show one execution to somebody."""
    actor.require(EDIT)
    execution = find_execution(actor, execution_id)
    return _create(actor, new, Share(execution=execution))


@in_transaction
def share_entity(actor: Actor, entity_id: str | UUID, new: NewShare) -> Share:
    """Show a partner all executions about one entity, also those that begin later."""
    actor.require(EDIT)
    found = Entity.objects.filter(pk=parse_id(entity_id), organisation=actor.organisation, deleted_at=None)
    if not found.exists():
        raise NotFound
    if new.audience != Audience.PARTNER:
        raise InvalidInput("audience", "only partners can be shown all executions about an entity")
    return _create(actor, new, Share(entity_id=parse_id(entity_id)))


def _create(actor: Actor, new: NewShare, share: Share) -> Share:
    now = timezone.now()
    if new.audience not in Audience.values:
        raise InvalidInput("audience", f"must be one of {', '.join(Audience.values)}")
    if new.expires_at is not None and not now < new.expires_at <= now + LONGEST:
        raise InvalidInput("expires_at", "must lie ahead, and within two years")
    share.organisation, share.audience, share.expires_at = actor.organisation, new.audience, new.expires_at
    share.created_at, share.created_by = now, actor.id
    share.email = _check_email(new.email) if new.email else ""
    if new.audience == Audience.PARTNER:
        if bool(new.partner) is bool(new.email):
            raise InvalidInput("email", "name either a partner organisation or an e-mail")
        share.partner = _find_partner(actor, new.partner) if new.partner else None
        known = Share.objects.filter(email=share.email, audience=Audience.PARTNER).exclude(user=None)
        share.user_id = known.values_list("user_id", flat=True).first() if share.email else None
    if _shares_of(share).filter(is_live(now)).count() >= MOST_SHARES:
        raise InvalidInput("execution_id", f"it is shared with {MOST_SHARES} already")
    share.save(force_insert=True)
    return share


def _check_email(text: str) -> str:
    email = text.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise InvalidInput("email", "is no e-mail address") from error
    return email


def _find_partner(actor: Actor, slug: str) -> Organisation:
    partner = Organisation.objects.filter(slug=slug).exclude(pk=actor.organisation.pk).first()
    if partner is None:
        raise InvalidInput("partner", "there is no such organisation here")
    return partner


def _shares_of(share: Share) -> QuerySet[Share]:
    same = {"execution": share.execution} if share.execution else {"entity_id": share.entity_id}
    return Share.objects.filter(organisation=share.organisation, **same)


@in_transaction
def revoke_share(actor: Actor, share_id: str | UUID) -> Share:
    """Show it no longer, from the next request on; revoking again changes nothing."""
    actor.require(EDIT)
    share = Share.objects.filter(pk=parse_id(share_id), organisation=actor.organisation).first()
    if share is None:
        raise NotFound
    if share.revoked_at is None:
        share.revoked_at = timezone.now()
        share.save(update_fields=["revoked_at"])
    return share


def list_shares(actor: Actor, execution_id: UUID, entity_ids: Sequence[UUID] = ()) -> QuerySet[Share]:
    """Return with whom an execution, or what it is about, is or was shared."""
    actor.require(SEE)
    about = Q(execution_id=execution_id) | Q(entity_id__in=list(entity_ids))
    rows = Share.objects.filter(about, organisation=actor.organisation)
    return rows.select_related("partner", "user").order_by("-created_at", "pk")


# Who comes in


def guest_of(home: Actor, slug: str) -> Actor:
    """Return a member or token of a partner as a guest of an organisation. Raises NotFound when it shares nothing with them."""
    if not home.might(VIEW):
        raise PermissionRefused(VIEW)
    guest = partner_guest(home)
    sharing = Organisation.objects.filter(slug=slug, pk__in=guest.shares().values("organisation_id")).first()
    if sharing is None:
        raise NotFound
    return Actor(sharing, home.kind, home.id, guest=guest, limits=home.limits)


def partner_guest(home: Actor) -> Guest:
    """Return as what somebody of one organisation looks at what others share with it."""
    user_id = int(home.id) if home.kind is ActorKind.USER else None
    names = frozenset({home.id, home.organisation.slug})
    return Guest(home.might(UPDATE), home.organisation.pk, user_id, names)


def person_guest(user: User, home: Actor | None) -> Guest:
    """Return as what a person looks at what is shared with them, or with their organisation where their role lets them see it."""
    if home is not None and home.might(VIEW):
        guest = partner_guest(home)
        return Guest(guest.may_work, guest.partner_id, user.pk, guest.names | {user.email.lower()})
    return Guest(home is None, None, user.pk, frozenset({str(user.pk), user.email.lower()}))


def find_host(guest: Guest, user: User, organisation_id: int) -> Actor:
    """Return the person as a guest of one of the organisations that share with them. Raises NotFound."""
    host = Organisation.objects.filter(pk=organisation_id, pk__in=guest.shares().values("organisation_id")).first()
    if host is None:
        raise NotFound
    return Actor(host, ActorKind.USER, str(user.pk), guest=guest)


# Invitations and links


def make_link(share: Share) -> str:
    """Return what stands in a share's address: signed, so that guessing costs no query; of no use once the share has ended."""
    return signing.Signer(salt=SALT).sign(share.pk.hex)


def read_link(token: str) -> Share:
    """Return the share of a link. Raises NotFound for what is not ours, revoked or expired: nobody is told which."""
    try:
        pk = UUID(signing.Signer(salt=SALT).unsign(token[: MAX_TOKEN + 1]))
    except (signing.BadSignature, ValueError) as error:
        raise NotFound from error
    shares = Share.objects.select_related("organisation", "execution")
    share = shares.filter(is_live(timezone.now()), pk=pk).first()
    if share is None or (share.execution and share.execution.deleted_at is not None):
        raise NotFound
    return share


@in_transaction
def accept_as(share: Share, user: User) -> None:
    """Let a person who has an account come in by an invitation to their own e-mail. Raises NotFound for anybody else's."""
    if share.audience != Audience.PARTNER or not share.email or share.email != user.email.lower():
        raise NotFound
    # All that was ever shared with this address is theirs: the link shows that it is.
    Share.objects.filter(email=share.email, audience=Audience.PARTNER, user=None).update(user=user)


@in_transaction
def accept_anew(share: Share, name: str, password: str) -> User:
    """Make an account for the person who was invited, and let them in. Raises InvalidInput; NotFound when they have one."""
    if share.audience != Audience.PARTNER or not share.email or User.objects.filter(email=share.email).exists():
        raise NotFound
    name = name.replace("\0", "").strip()[:200]
    if not name:
        raise InvalidInput("name", "is needed")
    user = User(email=share.email, name=name)
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidInput("password", " ".join(error.messages)) from error
    user.password = make_password(password)
    user.save(force_insert=True)
    accept_as(share, user)
    return user


def has_account(share: Share) -> bool:
    return User.objects.filter(email=share.email).exists()


def is_partner_only(user: User) -> bool:
    """Whether somebody belongs to no organisation, and was invited by one."""
    return not Membership.objects.filter(user=user).exists() and Share.objects.filter(user=user).exists()
