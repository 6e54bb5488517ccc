"""Experiment 2: the same kills for the same kind of work done with Celery alone, to see what the rows are for."""

import os
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass

from django.utils import timezone

from tests.chaos.kills import is_worker
from tests.chaos.machines import Processes, Servers
from tests.chaos.report import Report
from tests.chaos.sink import Sink
from workflows.models import Entity, Organisation

# Name, what the workers are told, whether workers are killed, how often the broker is emptied.
KINDS = (
    ("plain on_commit(delay), workers killed", "plain", True, 0),
    ("acks_late and reject_on_worker_lost, workers killed", "late", True, 0),
    ("the same, nobody killed, the broker emptied three times", "late", False, 3),
)


@dataclass(frozen=True, slots=True)
class Size:
    kills: int
    chains: int
    patience: float


SHORT = Size(kills=20, chains=40, patience=120)
FULL = Size(kills=200, chains=100, patience=180)


def run(servers: Servers, size: Size) -> Report:
    """It is green when it shows the difference: what is lost or done twice here is what the product does not lose."""
    report = Report("controls: Celery alone", servers.database)
    for name, kind, is_killed, flushes in KINDS:
        report.figures[name] = run_kind(servers, size, kind, size.kills if is_killed else 0, flushes)
    return report


def run_kind(servers: Servers, size: Size, kind: str, kills: int, flushes: int) -> dict[str, int]:
    assert servers.broker is not None
    servers.broker.flush()
    with Sink() as sink:
        environment = servers.environment | {"CONTROL": kind, "CONTROL_SINK": sink.url}
        command = [sys.executable, "-m", "celery", "-q", "-A", "tests.chaos.control_app", "worker", "--concurrency", "4"]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "ERROR"]
        os.environ.update({"CONTROL": kind, "CONTROL_SINK": sink.url})
        from tests.chaos.control_app import STEPS, step

        processes = Processes([command] * 3, environment, servers.directory / "control.log")
        try:
            chains: list[str] = []
            for number in range(kills or flushes):
                while len(chains) < size.chains * (number + 1) / (kills or flushes):
                    chains.append(begin(step))
                time.sleep(random.uniform(0.2, 1.5))
                wait_for_a_call(sink, 5)
                if kills:
                    workers = [pid for pid in processes.victims() if is_worker(pid)]
                    os.kill(random.choice(workers), signal.SIGKILL)
                else:
                    servers.broker.flush()
            wait_for_silence(sink, size.patience)
        finally:
            processes.close()
        return count(sink, chains, STEPS)


def wait_for_a_call(sink: Sink, patience: float) -> None:
    """Until calls are under way; but not for long, as all chains may have been lost."""
    deadline = time.monotonic() + patience
    while sink.waiting < 2 and time.monotonic() < deadline:
        time.sleep(0.01)


def begin(step) -> str:  # type: ignore[no-untyped-def]
    now = timezone.now()
    owner = Organisation.objects.get_or_create(slug="control", name="control")[0]
    entity = Entity.objects.create(organisation=owner, schema="chain", attributes={"done": []}, created_at=now, updated_at=now)
    step.delay(str(entity.id), 1)
    return str(entity.id)


def wait_for_silence(sink: Sink, patience: float) -> None:
    """Until nothing has arrived for longer than a message may be held back."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        last = sink.receipts[-1].at if sink.receipts else 0.0
        if time.time() - last > 15:
            return
        time.sleep(0.5)


def count(sink: Sink, chains: list[str], steps: int) -> dict[str, int]:
    done = {
        str(key): Counter(numbers) for key, numbers in Entity.objects.filter(pk__in=chains).values_list("id", "attributes__done")
    }
    calls = Counter((r.body["metadata"]["execution_id"], r.body["metadata"]["action_id"]) for r in sink.receipts)
    return {
        "chains": len(chains),
        "chains that never ended": sum(not done[key][steps] for key in chains),
        "steps that were lost": sum(steps - len(done[key]) for key in chains),
        "calls that came again, with nothing to tell them by": sum(n - 1 for n in calls.values()),
        "steps that were noted twice": sum(n - 1 for numbers in done.values() for n in numbers.values() if n > 1),
    }
