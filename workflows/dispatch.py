"""The dispatcher: a thread in every worker that finds due jobs in the table and rings the bell for them.

The table is the queue; a message only says "look now". So any number of dispatchers may run, and any message may be lost.
"""

import logging
import os
import threading
import time
from typing import Any
from uuid import UUID

from celery import bootsteps
from celery.worker import state
from django.db import Error, close_old_connections
from kombu.exceptions import OperationalError

from workflows.jobs import ENDED, forget, heal, run_job, sweep
from workflows.services.queue import due_jobs

log = logging.getLogger(__name__)

INTERVAL = 0.25
# Between two rounds even when jobs end all the time.
PAUSE = 0.05
BATCH = 100
# A message that was not acted on for so long is taken for lost.
RESEND_AFTER = 5.0
SWEEP_EVERY = 5.0
HEAL_EVERY = 30.0
FORGET_EVERY = 600.0
# A worker that takes nothing for so long, while there is work and the broker takes messages, does not hear the bell any more.
SILENT_AFTER = 60.0


class Dispatcher(bootsteps.StartStopStep):  # type: ignore[misc]
    """Begins when the worker can take messages, ends before it shuts down."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self.stopping = threading.Event()
        self.thread: threading.Thread | None = None
        self.sent: dict[UUID, float] = {}
        self.swept = self.healed = self.forgot = 0.0
        self.silence = Silence()

    def start(self, worker: Any) -> None:
        self.stopping.clear()
        self.thread = threading.Thread(target=self.run, name="dispatcher", daemon=True)
        self.thread.start()

    def stop(self, worker: Any) -> None:
        self.stopping.set()
        ENDED.set()
        if self.thread is not None:
            self.thread.join(timeout=5)

    def run(self) -> None:
        while not self.stopping.is_set():
            ENDED.wait(INTERVAL)
            ENDED.clear()
            try:
                self.tick(time.monotonic())
            except (Error, OSError, OperationalError) as error:
                self.silence.is_explained()
                log.warning("dispatcher: %s; trying again", error)
            except Exception:
                # Of a worker without its dispatcher nobody would know why it is idle.
                self.silence.is_explained()
                log.exception("dispatcher: trying again")
            finally:
                close_old_connections()
            self.stopping.wait(PAUSE)

    def tick(self, now: float) -> None:
        """Ring for what is due and not rung for lately; now and then look for dead workers."""
        self.sent = {job: at for job, at in self.sent.items() if now - at < RESEND_AFTER}
        due = due_jobs(BATCH)
        for job_id in due:
            if job_id not in self.sent:
                ring(job_id)
                self.sent[job_id] = now
        if self.silence.lasts(now, waiting=bool(due)):
            end_worker()
        if now - self.swept >= SWEEP_EVERY:
            self.swept = now
            sweep()
        if now - self.healed >= HEAL_EVERY:
            self.healed = now
            heal()
        if now - self.forgot >= FORGET_EVERY:
            self.forgot = now
            forget()


class Silence:
    """How long this worker has taken no message although there was work all the time and nothing explains it.

    Celery's workers have been seen to consume nothing any more after a connection to Redis was cut, and to say nothing of it.
    """

    def __init__(self) -> None:
        self.taken = -1
        self.since: float | None = None

    def is_explained(self) -> None:
        """The database or the broker does not answer: it is known why nothing is taken."""
        self.since = None

    def lasts(self, now: float, *, waiting: bool) -> bool:
        """Look once more; True when it has been quiet for too long."""
        taken = sum(state.total_count.values())
        if not waiting or state.active_requests or taken != self.taken or self.since is None:
            self.taken = taken
            self.since = now
        return now - self.since >= SILENT_AFTER


def end_worker() -> None:
    """End the process, so that whoever looks after it starts another. It is idle, so nothing is cut off."""
    log.critical("no message has come for %d s although there is work; this worker ends, to be started anew", SILENT_AFTER)
    os._exit(1)


def ring(job_id: UUID) -> None:
    """Send the message. A broker that does not answer is not waited for: the next round tries again."""
    run_job.apply_async((str(job_id),), retry=False)
