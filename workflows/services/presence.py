"""Who looks at an execution just now: one row for a person and an execution, written over and over; it expires by itself."""

from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from workflows.models import Presence, User
from workflows.permissions import Actor
from workflows.services.executions import find_execution
from workflows.services.transactions import in_transaction

# Browsers say every ten seconds that they are there.
EXPIRES = timedelta(seconds=25)
KEPT = timedelta(hours=1)
BATCH = 500


@in_transaction
def enter(actor: Actor, user: User, execution_id: UUID, now: datetime | None = None) -> None:
    """Say that a person has an execution open. Raises NotFound."""
    execution = find_execution(actor, execution_id)
    Presence.objects.bulk_create(
        [Presence(execution=execution, user=user, seen_at=now or timezone.now())],
        update_conflicts=True,
        unique_fields=["execution", "user"],
        update_fields=["seen_at"],
    )


@in_transaction
def leave(user: User, execution_id: UUID) -> None:
    """Say that a person has gone."""
    Presence.objects.filter(execution_id=execution_id, user=user).delete()


def sweep_presence(now: datetime | None = None) -> int:
    """Forget rows that have long expired, some at a time; return how many."""
    old = Presence.objects.filter(seen_at__lte=(now or timezone.now()) - KEPT).values_list("pk", flat=True)
    return Presence.objects.filter(pk__in=list(old[:BATCH])).delete()[0]
