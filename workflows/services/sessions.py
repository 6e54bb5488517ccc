"""Where a person is signed in, and ending it there: theirs alone, so no right is asked for."""

from django.db.models import QuerySet
from django.utils import timezone

from workflows.models import User
from workflows.models.audit import note
from workflows.models.session import Session, hash_key
from workflows.services.errors import NotFound
from workflows.services.sign_ins import organisation_of
from workflows.services.transactions import in_transaction


def list_sessions(user: User) -> QuerySet[Session]:
    """Return the browsers in which a person is signed in, the latest used first."""
    return Session.objects.filter(user=user, expire_date__gt=timezone.now()).order_by("-last_seen_at", "pk")


@in_transaction
def end_session(user: User, session_id: str) -> None:
    """Sign a person out in one browser, from its next request on. Raises NotFound for the sessions of others."""
    session = Session.objects.select_for_update().filter(user=user, pk=session_id).first()
    if session is None:
        raise NotFound
    _end(user, [session])


@in_transaction
def end_other_sessions(user: User, key: str | None) -> int:
    """Sign a person out everywhere but in the browser that holds the key; return in how many."""
    others = list(Session.objects.select_for_update().filter(user=user).exclude(pk=hash_key(key or "")))
    _end(user, others)
    return len(others)


def _end(user: User, sessions: list[Session]) -> None:
    for session in sessions:
        ended = {"address": session.address, "device": session.device, "created_at": session.created_at}
        note("session.ended", subject_id=user.pk, subject=str(user), before=ended, organisation_id=organisation_of(user))
    Session.objects.filter(pk__in=[session.pk for session in sessions]).delete()
