"""The second factor: set up, asked for after the password, renewed, taken away. A code is good once, whichever kind it is.

Who tries codes is counted with those who try passwords (`guard`), so that both close the account to an address alike. Wrong codes
are counted over all addresses, too: only who has shown the password gets so far, and addresses are cheap.
"""

import hmac
import math
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

import pyotp
from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest
from django.utils import timezone

from workflows.models import AuditEntry, Membership, Organisation, RecoveryCode, Role, SecondFactor, User
from workflows.models.access import hash_secret, is_hash_of
from workflows.models.audit import note
from workflows.models.session import Session, hash_key
from workflows.permissions import Actor
from workflows.sealing import seal, unseal
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.roles import EDIT_MEMBERS, EDIT_ROLES, lock_member
from workflows.services.sign_ins import note_lockout, organisation_of
from workflows.services.transactions import in_transaction

ISSUER = "Flowdeck"
RECOVERY_CODES = 10
# Without letters and digits that are taken for one another.
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # pragma: allowlist secret
# A device's clock may be wrong by one step of 30 s.
DRIFT = (-1, 0, 1)
MAX_CODE = 40
# After so many wrong codes in so long, from whatever addresses, none is looked at: three in a million are right.
MOST_CODES = 20
CODES_WINDOW = timedelta(hours=1)


def has_second_factor(user: User) -> bool:
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).exists()


@in_transaction
def guard(request: HttpRequest, user: User, is_right: Callable[[], bool]) -> bool:
    """Ask whether a code is right, unless too many were wrong from this address or in all; then it is answered as locked out."""
    credentials = {"username": user.email}
    # One code at a time: of any number of requests at once no more are tried than there is room for.
    SecondFactor.objects.select_for_update().filter(user=user).first()
    wait = seconds_closed(user)
    if wait or not AxesProxyHandler.is_allowed(request, credentials):
        _lock_out(request, credentials, wait)
        return False
    if is_right():
        return True
    user_login_failed.send(sender=__name__, credentials=credentials | {"factor": "code"}, request=request)
    wait = seconds_closed(user)
    if wait:
        note_lockout(__name__, user.email, "code")
        _lock_out(request, credentials, wait)
    return False


def seconds_closed(user: User, now: datetime | None = None) -> int:
    """Return for how long no code of the person is looked at, as too many were wrong since they last came in; mostly 0."""
    at = now or timezone.now()
    acts = AuditEntry.objects.filter(subject_id=str(user.pk), at__gt=at - CODES_WINDOW).order_by("-pk")
    came = acts.filter(action="sign_in.succeeded").values_list("pk", flat=True).first()
    failures = acts.filter(action="sign_in.failed", after__factor="code")
    if came is not None:
        failures = failures.filter(pk__gt=came)
    times = list(failures.values_list("at", flat=True)[:MOST_CODES])
    return math.ceil((times[-1] + CODES_WINDOW - at).total_seconds()) if len(times) == MOST_CODES else 0


def _lock_out(request: HttpRequest, credentials: dict[str, str], wait: int) -> None:
    request.axes_locked_out = True  # type: ignore[attr-defined]
    request.axes_credentials = credentials  # type: ignore[attr-defined]
    request.lockout_wait = wait  # type: ignore[attr-defined]


@in_transaction
def begin_setup(user: User) -> None:
    """Make a new secret, asked for only when a code has shown that a device holds it. Raises InvalidInput if one does."""
    if has_second_factor(user):
        raise InvalidInput("second_factor", "there is one; switch it off first")
    SecondFactor.objects.filter(user=user).delete()
    SecondFactor.objects.create(user=user, secret=seal(pyotp.random_base32()))


def read_setup(user: User) -> tuple[str, str]:
    """Return the secret that waits for its first code, and the address by which devices take it. Raises NotFound."""
    factor = SecondFactor.objects.filter(user=user, confirmed_at=None).first()
    if factor is None:
        raise NotFound
    secret = unseal(factor.secret)
    return secret, pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=ISSUER)


@in_transaction
def confirm_setup(user: User, code: str, session_key: str | None, now: datetime | None = None) -> list[str] | None:
    """Have the factor asked for from now on; return the recovery codes, which are not shown again. None: the code is wrong.

    Sessions in other browsers, which were opened without it, end.
    """
    factor = SecondFactor.objects.select_for_update().filter(user=user, confirmed_at=None).first()
    if factor is None:
        raise NotFound
    step = find_step(factor, code, now)
    if step is None:
        return None
    factor.confirmed_at, factor.last_step = now or timezone.now(), step
    factor.save(update_fields=["confirmed_at", "last_step"])
    Session.objects.filter(user=user).exclude(pk=hash_key(session_key or "")).delete()
    return _write_codes(user)


@in_transaction
def take_code(user: User, code: str, now: datetime | None = None) -> bool:
    """Whether this is a code of the person's device or one of their recovery codes; it is used up by that."""
    factor = SecondFactor.objects.select_for_update().filter(user=user, confirmed_at__isnull=False).first()
    if factor is None:
        return False
    step = find_step(factor, code, now)
    if step is not None:
        # The condition stands in the UPDATE: of two requests with one code one is let in, on both databases.
        return bool(SecondFactor.objects.filter(pk=factor.pk, last_step__lt=step).update(last_step=step))
    return _take_recovery_code(user, code)


def find_step(factor: SecondFactor, code: str, now: datetime | None = None) -> int | None:
    """Return the time step of a code that was not used, nor one after it; None for what is no such code."""
    text = "".join(code[:MAX_CODE].split())
    if not (text.isascii() and text.isdecimal()):
        return None
    totp = pyotp.TOTP(unseal(factor.secret))
    present = totp.timecode(now or timezone.now())
    steps = [present + drift for drift in DRIFT]
    found = [step for step in steps if hmac.compare_digest(totp.generate_otp(step), text)]
    return next((step for step in found if step > factor.last_step), None)


def _take_recovery_code(user: User, code: str) -> bool:
    text = _plain(code)
    unused = RecoveryCode.objects.select_for_update().filter(user=user, used_at=None)
    found = [row.pk for row in unused if is_hash_of(row.code_hash, text)]
    if not found or not RecoveryCode.objects.filter(pk=found[0], used_at=None).update(used_at=timezone.now()):
        return False
    left = RecoveryCode.objects.filter(user=user, used_at=None).count()
    _note("recovery_code_used", user, {"left": left})
    return True


@in_transaction
def renew_codes(user: User) -> list[str]:
    """Return ten new recovery codes; those from before are worth nothing any more. Raises NotFound without a second factor."""
    if not has_second_factor(user):
        raise NotFound
    return _write_codes(user)


@in_transaction
def switch_off(user: User) -> None:
    """Ask the person for no code any more."""
    SecondFactor.objects.filter(user=user).delete()
    RecoveryCode.objects.filter(user=user).delete()


@in_transaction
def reset_member(actor: Actor, user_id: str) -> None:
    """Take the factor from a member who has lost their device. Not from somebody whose account opens other doors as well."""
    actor.require(EDIT_MEMBERS)
    member = lock_member(actor, user_id)
    user = member.user
    elsewhere = Membership.objects.filter(user=user).exclude(organisation=actor.organisation)
    if user.is_staff or user.is_superuser or elsewhere.exists():
        raise InvalidInput("member", "their account opens other organisations too; ask whoever runs this installation")
    if str(user.pk) != actor.id and member.role == Role.OWNER and not actor.may(EDIT_ROLES):
        raise InvalidInput("member", "only an owner can do this for an owner")
    reset(user)


@in_transaction
def reset(user: User) -> None:
    """Take a person's factor away, and sign them out everywhere: whoever has the device may be signed in with it."""
    switch_off(user)
    Session.objects.filter(user=user).delete()
    _note("reset", user, None)


@in_transaction
def demand(actor: Actor, is_demanded: bool) -> None:
    """Have everybody in the organisation set up a second factor before anything else, or no longer."""
    actor.require(EDIT_ROLES)
    Organisation.objects.filter(pk=actor.organisation.pk).update(second_factor_required=is_demanded)


def codes_left(user: User) -> int:
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def _write_codes(user: User) -> list[str]:
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(12)) for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, code_hash=hash_secret(code)) for code in codes)
    _note("recovery_codes_made", user, {"codes": len(codes)})
    return [f"{code[:4]}-{code[4:8]}-{code[8:]}" for code in codes]


def _plain(code: str) -> str:
    return "".join(code[:MAX_CODE].upper().replace("-", " ").split())


def _note(what: str, user: User, after: dict[str, object] | None) -> None:
    note(f"second_factor.{what}", subject_id=user.pk, subject=str(user), after=after, organisation_id=organisation_of(user))
