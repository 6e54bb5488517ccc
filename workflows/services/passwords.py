"""Passwords: a forgotten one is set anew behind a link in a mail, a known one is changed. Nobody learns who has an account."""

import hashlib
import time
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate
from django.db.models import OuterRef, Q, Subquery
from django.http import HttpRequest
from django.utils import timezone

from workflows import origin
from workflows.models import ActorKind, AuditEntry, Membership, Session, Share, User
from workflows.models.audit import note
from workflows.services.account_mails import CHANGED, RESET, write_mail
from workflows.services.sign_ins import organisation_of
from workflows.services.transactions import in_transaction

ASKED = "password.reset_asked"
# A person gets one mail in so many seconds, however often somebody asks for it.
ONE_MAIL = 300


class TooOften(Exception):
    """The same was asked from the same address as often as one may fail to sign in."""


@in_transaction
def ask_reset(email: str) -> None:
    """Send a link with which the account's password can be set anew, if there is an account. Raises TooOften.

    The same statements are made for an address that belongs to nobody.
    """
    text = email.strip().lower().replace("\0", "")[:200]
    first = Membership.objects.filter(user=OuterRef("pk")).order_by("pk").values("organisation_id")[:1]
    host = Share.objects.filter(user=OuterRef("pk")).order_by("created_at").values("organisation_id")[:1]
    accounts = User.objects.filter(email=text).annotate(home=Subquery(first), host=Subquery(host))
    user_id, home, invited_by = accounts.values_list("pk", "home", "host").first() or (None, None, None)
    asked = AuditEntry.objects.filter(
        Q(organisation_id=home) if home else Q(organisation_id__isnull=True),
        at__gte=timezone.now() - settings.AXES_COOLOFF_TIME,
        action=ASKED,
        subject=text,
        address=origin.present().address,
    )
    if asked.count() >= settings.AXES_FAILURE_LIMIT:
        raise TooOften
    note(ASKED, subject_id=user_id or "", subject=text, organisation_id=home)
    key = hashlib.sha256(text.encode()).hexdigest()[:32]
    write_mail(RESET, user_id, home or invited_by, once=f"reset:{key}:{int(time.time()) // ONE_MAIL}")


def set_forgotten(user: User, password: str) -> None:
    """Give the account of a person who came by a link its new password; all sessions end."""
    origin.name_actor(ActorKind.USER.value, str(user.pk), organisation_of(user))
    set_password(user, password, "password.reset")


@in_transaction
def set_password(user: User, password: str, act: str = "password.changed") -> None:
    """Set a password that was checked, and tell the person by mail. Sessions that were opened with the former one end."""
    user.set_password(password)
    user.save(update_fields=["password"])
    # They would be refused anyway, by the hash of the password that they hold; so they are gone from the list, too.
    Session.objects.filter(user=user).delete()
    home = organisation_of(user)
    note(act, subject_id=user.pk, subject=str(user), organisation_id=home)
    invited_by = Share.objects.filter(user=user).order_by("created_at").values_list("organisation_id", flat=True).first()
    write_mail(CHANGED, user.pk, home or invited_by)


def is_own_password(request: HttpRequest, user: User, password: str) -> bool:
    """Whether somebody who is signed in knows their password. Failures count as those to sign in do."""
    found: Any = authenticate(request, username=user.email, password=password)
    return found is not None and found.pk == user.pk
