"""The Celery application. A message is a job's id; what happens is in the job's row (docs/architecture.md, "Background work")."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from django.conf import settings  # noqa: E402

from workflows.dispatch import Dispatcher  # noqa: E402

app = Celery("flowdeck")
app.conf.update(
    broker_url=settings.CELERY_BROKER_URL,
    broker_connection_retry_on_startup=True,
    # The broker in memory looks for messages once a second unless it is told otherwise.
    broker_transport_options=(
        {"polling_interval": 0.01}
        if settings.CELERY_BROKER_URL.startswith("memory://")
        else {"socket_timeout": 2, "socket_connect_timeout": 2}
    ),
    imports=("workflows.jobs",),
    accept_content=["json"],
    task_ignore_result=True,
    task_acks_late=False,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
)
app.steps["worker"].add(Dispatcher)
