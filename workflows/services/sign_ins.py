"""Signing in and out, as the trail tells of it: who came, who tried, who is kept out for a while."""

from typing import Any

from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from workflows.models import ActorKind, Membership, User
from workflows.models.audit import note
from workflows.origin import name_actor


@receiver(user_logged_in)
def note_sign_in(sender: object, user: User, **_about: Any) -> None:
    organisation_id = organisation_of(user)
    name_actor(ActorKind.USER.value, str(user.pk), organisation_id)
    note("sign_in.succeeded", subject_id=user.pk, subject=str(user), organisation_id=organisation_id)


@receiver(user_logged_out)
def note_sign_out(sender: object, user: User | None, **_about: Any) -> None:
    if user is not None:
        note("sign_in.ended", subject_id=user.pk, subject=str(user), organisation_id=organisation_of(user))


@receiver(user_login_failed)
def note_failure(sender: object, credentials: dict[str, Any], **_about: Any) -> None:
    _note_of_address("sign_in.failed", credentials.get("username"), credentials.get("factor", "password"))


@receiver(user_locked_out)
def note_lockout(sender: object, username: str | None = None, factor: str | None = None, **_about: Any) -> None:
    _note_of_address("sign_in.locked_out", username, factor)


def _note_of_address(action: str, email: object, factor: object = None) -> None:
    """Tell the organisation of the account that was tried. What belongs to no account is told to nobody but the operator."""
    text = str(email or "").strip().lower().replace("\0", "")
    user = User.objects.filter(email=text).first()
    organisation_id = organisation_of(user) if user else None
    after = {"factor": factor} if factor else None
    note(action, subject_id=user.pk if user else "", subject=text, after=after, organisation_id=organisation_id)


def organisation_of(user: User) -> int | None:
    """Return the organisation that a person joined first."""
    return Membership.objects.filter(user=user).order_by("pk").values_list("organisation_id", flat=True).first()


def find_username(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """Return the e-mail address that was tried, in the spelling by which failures are counted."""
    text = (credentials or {}).get("username") or request.POST.get("username") or ""
    return str(text).strip().lower().replace("\0", "")[:255]


def find_client(request: HttpRequest) -> str:
    """Return the caller's address, in which proxies of the operator's have been seen through already."""
    return str(request.META.get("REMOTE_ADDR", ""))
