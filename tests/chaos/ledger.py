"""Jobs that can be counted: each adds one to an entity of its own, so that a second time, or none, shows."""

from typing import Any

from django.utils import timezone

from workflows.models import Entity, Job, JobState, Organisation


def open_ledger(count: int, seconds: float = 0, **fields: Any) -> list[Job]:
    """Leave jobs, spread over the organisations."""
    organisations = list(Organisation.objects.order_by("id"))
    now = timezone.now()
    owners = [organisations[number % len(organisations)] for number in range(count)]
    entities = [Entity(organisation=o, schema="ledger", attributes={"count": 0}, created_at=now, updated_at=now) for o in owners]
    Entity.objects.bulk_create(entities)
    jobs = [
        Job(organisation=e.organisation, kind="count", payload={"entity_id": str(e.id), "seconds": seconds}, **fields)
        for e in entities
    ]
    return Job.objects.bulk_create(jobs)


def miscounted(jobs: list[Job]) -> list[str]:
    """Return what was not done exactly once."""
    states = dict(Job.objects.filter(pk__in=[job.pk for job in jobs]).values_list("id", "state"))
    counts = dict(Entity.objects.filter(schema="ledger").values_list("id", "attributes__count"))
    by_text = {str(key): value for key, value in counts.items()}
    found = []
    for job in jobs:
        count, state = by_text[job.payload["entity_id"]], states[job.pk]
        if (count, state) != (1, JobState.DONE):
            found.append(f"job {job.pk} is {state} and was counted {count} times")
    return found
