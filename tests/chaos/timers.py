"""Experiment 6: many timers that are overdue and many leases that have passed, found by several dispatchers at the same moment."""

import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from tests import factories
from tests.chaos import flows, ledger
from tests.chaos.lab import ORGANISATIONS, make_token, open_lab
from tests.chaos.machines import Servers
from tests.chaos.report import Report
from workflows.models import ActorKind, Event, Job, JobState, Organisation, Role, Task
from workflows.permissions import Actor
from workflows.services.executions import Context, StartRequest, start_execution

IN_EACH = 20


@dataclass(frozen=True, slots=True)
class Size:
    timers: int
    expired: int
    patience: float


SHORT = Size(timers=300, expired=50, patience=90)
FULL = Size(timers=10_000, expired=1000, patience=900)


def run(servers: Servers, size: Size) -> Report:
    report = Report("overdue timers", servers.database)
    actors = [make_actor(name) for name in ORGANISATIONS]
    past = timezone.now() - timedelta(hours=1)
    for number in range(size.timers // IN_EACH):
        start_scheduled(actors[number % len(actors)], past)
    expired = ledger.open_ledger(size.expired, state=JobState.RUNNING, attempt=1, lease_until=past, worker="gone:1")
    pending = Job.objects.filter(state__in=[JobState.READY, JobState.RUNNING])
    with open_lab(servers, workers=4):
        begun = time.monotonic()
        while pending.exists() and time.monotonic() - begun < size.patience:
            time.sleep(0.2)
        took = time.monotonic() - begun
    report.figures |= {
        "timers": size.timers,
        "leases that had passed": size.expired,
        "seconds until all had fired": round(took, 1),
    }
    fired = Event.objects.filter(action="task.schedule_fired")
    counts = Counter(fired.values_list("task_id", flat=True))
    report.expect("every timer fires", len(counts) == size.timers, f"{len(counts)} of {size.timers}")
    report.expect("once", set(counts.values()) <= {1}, counts.most_common(3))
    report.expect("and its task is done", not Task.objects.exclude(status="COMPLETED").exists())
    early = [event for event in fired if event.before["scheduled_at"] > event.at.isoformat()]
    report.expect("never early", not early, *early[:3])
    report.expect("each expired job counts once", not ledger.miscounted(expired), *ledger.miscounted(expired)[:5])
    slow = Job.objects.filter(crashes__gt=F("attempt")).count()
    report.expect("no job is taken back twice", not slow, slow)
    return report


def make_actor(name: str) -> Actor:
    make_token(name)
    return Actor(Organisation.objects.get(slug=name), ActorKind.SYSTEM, "", Role.OWNER)


def start_scheduled(actor: Actor, past: Any) -> None:
    """Start an execution an hour ago: twenty decisions that were to be taken one minute later."""
    schedule = {"mode": "delayed", "duration": 1, "unit": "minutes"}
    tasks = [flows.decide(f"d{number}") | {"schedule": schedule} for number in range(IN_EACH)]
    edges = [
        factories.edge(task["id"], None, condition_id=f"c-{name}") | {"id": f"{task['id']}-{name}"}
        for task in tasks
        for name in ("yes", "no")
    ]
    template = factories.make_template(actor, {"name": "Timers", "tasks": tasks, "edges": edges})
    entity = factories.make_entity(actor, answer="yes")
    start_execution(actor, StartRequest(template.id, [Context(str(entity.id), "contact", True)]), past)
