"""Once only: what a request with a key came to is kept with its effect, and answers the same request again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone

from workflows.models import IdempotencyKey
from workflows.models.rows import try_lock
from workflows.permissions import Actor
from workflows.sealing import Unreadable, seal, unseal
from workflows.services.transactions import in_transaction

KEPT = timedelta(days=7)
BATCH = 1000


class KeyInFlight(Exception):
    """The same request is being worked on at this moment."""


class KeyReused(Exception):
    """The key was used for another request."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request as far as it must be the same: where it goes, its key, and a hash of its body."""

    method: str
    path: str
    key: str
    body_hash: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer in the form in which it leaves."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)
    replayed: bool = False


@in_transaction
def answer_once(actor: Actor, call: Call, work: Callable[[], Answer], now: datetime | None = None) -> Answer:
    """Do `work` and keep its answer, or return the one that is kept. When it raises, nothing of it stays, and no key either.

    Raises KeyInFlight while another does the same, KeyReused when the key stands for another body.
    """
    at = now or timezone.now()
    place = {
        "organisation": actor.organisation,
        "credential": actor.id,
        "method": call.method,
        "path": call.path,
        "key": call.key,
    }
    if not try_lock(f"idempotency {actor.organisation.pk} {actor.id} {call.method} {call.path} {call.key}"):
        raise KeyInFlight
    row = IdempotencyKey.objects.filter(**place).first()
    if row is not None and row.created_at > at - KEPT:
        if row.body_hash != call.body_hash:
            raise KeyReused
        return _replay(row)
    if row is not None:
        row.delete()
    answer = work()
    IdempotencyKey.objects.create(
        **place, body_hash=call.body_hash, status=answer.status, headers=answer.headers, body=seal(answer.body), created_at=at
    )
    return answer


def _replay(row: IdempotencyKey) -> Answer:
    """What was made may have been told a secret in its answer, so that is kept sealed. Unreadable, it is still not done twice."""
    try:
        return Answer(row.status, unseal(row.body), row.headers, replayed=True)
    except Unreadable as error:
        raise KeyReused from error


def sweep_keys(now: datetime | None = None) -> int:
    """Forget keys that are old enough, some at a time; return how many."""
    old = IdempotencyKey.objects.filter(created_at__lte=(now or timezone.now()) - KEPT).values_list("pk", flat=True)
    return IdempotencyKey.objects.filter(pk__in=list(old[:BATCH])).delete()[0]
