"""What is compared with: the same kind of work done with Celery alone, as most of its users do it.

A chain of steps. Each calls the outside, notes in the database that it was done, and has the next one sent after the commit. With
CONTROL=late the message is acknowledged after the work, and given back when the worker process is lost.
"""

import os
from typing import Any

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.chaos.settings")

import django

django.setup()

import urllib3  # noqa: E402
from django.db import transaction  # noqa: E402

from workflows.models import Entity  # noqa: E402

STEPS = 20
LATE = os.environ.get("CONTROL") == "late"

app = Celery("control")
app.conf.update(
    broker_url=os.environ["CELERY_BROKER_URL"],
    broker_connection_retry_on_startup=True,
    # Unacknowledged messages are delivered again after so long. The default is an hour; this is generous to the control.
    broker_transport_options={"visibility_timeout": 5, "socket_timeout": 2, "socket_connect_timeout": 2},
    task_acks_late=LATE,
    task_reject_on_worker_lost=LATE,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
)


@app.task(name="control.step")  # type: ignore[untyped-decorator]
def step(entity_id: str, number: int) -> None:
    body: dict[str, Any] = {"metadata": {"execution_id": entity_id, "action_id": str(number)}}
    urllib3.request("POST", os.environ["CONTROL_SINK"], json=body, timeout=10)
    with transaction.atomic():
        entity = Entity.objects.select_for_update().get(pk=entity_id)
        entity.attributes = {**entity.attributes, "done": [*entity.attributes["done"], number]}
        entity.save(update_fields=["attributes"])
        if number < STEPS:
            transaction.on_commit(lambda: step.delay(entity_id, number + 1))
