"""Leases of running jobs: a thread keeps one for as long as the job may run, and no longer.

A job that hangs is not kept alive by a worker that is well: at its limit the lease is left to run out, and another worker may
take the job. The thread that hangs cannot be ended from outside; so the whole process is, once the lease has passed.
"""

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import Error, connection

from workflows.models import Job
from workflows.services import queue

log = logging.getLogger(__name__)

HEARTBEAT = 15.0
# The exit code of a worker that ends itself because one of its jobs hangs.
HUNG = 70


@contextmanager
def keep_lease(job: Job, limit: timedelta) -> Iterator[None]:
    """Extend a claimed job's lease every 15 s while the block runs, until `limit`."""
    ended = threading.Event()
    keeper = threading.Thread(target=_keep, args=(job, limit.total_seconds(), ended), name=f"lease {job.pk}", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()


def _keep(job: Job, left: float, ended: threading.Event) -> None:
    try:
        while not ended.wait(min(HEARTBEAT, left)):
            left -= HEARTBEAT
            if left <= 0:
                break
            if not _extend(job):
                return
        if not ended.wait(queue.LEASE.total_seconds()):
            log.critical("job %s (%s) hangs; its worker ends with it", job.pk, job.kind)
            end_process()
    finally:
        connection.close()


def _extend(job: Job) -> bool:
    """Whether the lease is still ours, as far as can be told: when the database does not answer, the next beat tries again."""
    try:
        return queue.extend(job)
    except Error as error:
        log.warning("job %s: its lease could not be extended: %s", job.pk, error)
        return True


def end_process() -> None:
    """End at once, whatever the other threads do; the supervisor starts a new worker, and the leases bring the jobs back."""
    os._exit(HUNG)
