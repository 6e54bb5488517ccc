"""What experiments change in the product's processes: shorter times, and kinds of jobs that harm whoever runs them."""

import os
import signal
import time
from datetime import timedelta
from typing import Any

from django.apps import AppConfig

LEASE = timedelta(seconds=3)
HEARTBEAT = 0.75
HARD_LIMIT = timedelta(seconds=1)


class Hooks(AppConfig):
    name = "tests.chaos.hooks"
    label = "chaos"

    def ready(self) -> None:
        """Shorten the times by the same factor, and teach the worker what poison is."""
        from workflows import dispatch, jobs
        from workflows.services import leases, queue

        queue.LEASE = LEASE
        queue.FIRST_DELAY = timedelta(seconds=0.2)
        queue.MAX_CRASHES = int(os.environ.get("FLOWDECK_CHAOS_CRASHES", queue.MAX_CRASHES))
        leases.HEARTBEAT = HEARTBEAT
        dispatch.SWEEP_EVERY = 0.5
        for name, harm in HARMS.items():
            jobs.WORK[f"poison_{name}"] = jobs.Work(record=harm, limit=HARD_LIMIT)
            jobs.WORK[f"poison_{name}_call"] = jobs.Work(record=nothing, call=harm_outside(harm), limit=HARD_LIMIT)
        jobs.WORK["count"] = jobs.Work(record=count, call=take_time)


def nothing(actor: Any, job: Any, result: Any) -> None:
    """A job that goes well."""


def take_time(actor: Any, job: Any) -> None:
    time.sleep(float(job.payload.get("seconds", 0)))


def count(actor: Any, job: Any, result: Any) -> None:
    """Add one to an entity, in the transaction that ends the job."""
    from workflows.models import Entity

    entity = Entity.objects.select_for_update().get(pk=job.payload["entity_id"])
    entity.attributes = {**entity.attributes, "count": entity.attributes["count"] + 1}
    entity.save(update_fields=["attributes"])


def harm_outside(harm: Any) -> Any:
    return lambda actor, job: harm(actor, job, None)


def kill_worker(actor: Any, job: Any, result: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def eat_memory(actor: Any, job: Any, result: Any) -> None:
    """Allocate until the limit that the worker was started with refuses."""
    eaten = []
    while True:
        eaten.append(bytearray(64 << 20))


def loop(actor: Any, job: Any, result: Any) -> None:
    while True:
        time.sleep(0.01)


HARMS = {"kill": kill_worker, "memory": eat_memory, "loop": loop}
