"""Background work: claimed once, fenced, retried, given up; and what a person sees of it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from tests import factories
from workflows import jobs
from workflows.dispatch import Dispatcher
from workflows.models import Execution, Job, JobState
from workflows.permissions import Actor
from workflows.services import queue


@pytest.fixture
def flow(actor: Actor) -> Execution:
    """A flow whose current task is an automation that is to be run."""
    data = factories.sequence(2)
    data["tasks"][0] |= {"task_type": "AUTOMATION", "automation_config": {"flow_id": "missing"}}
    return factories.start(actor, data)


def test_a_run_of_an_unknown_automation_fails_the_task_with_the_reason(flow: Execution) -> None:
    job = Job.objects.get()
    jobs.run_job(str(job.id))
    task = factories.task_of(flow, "t1")
    assert task.status == "FAILED"
    assert "no automation" in task.extra["run"]["error_reason"]
    assert factories.current(flow) == ["t1"]
    job.refresh_from_db()
    assert (job.state, job.attempt) == (JobState.DONE, 1)


def test_the_same_message_again_does_nothing(flow: Execution) -> None:
    job = Job.objects.get()
    for _ in range(3):
        jobs.run_job(str(job.id))
    job.refresh_from_db()
    assert (job.attempt, Execution.objects.get().version) == (1, 2)


def test_a_person_can_finish_what_a_machine_could_not(flow: Execution, actor: Actor) -> None:
    from workflows.services.tasks import patch_task

    jobs.run_job(str(Job.objects.get().id))
    patch_task(actor, flow.id, factories.task_of(flow, "t1").id, {"status": "COMPLETED"})
    assert factories.current(flow) == ["t2"]


def test_a_job_of_a_deleted_execution_ends_quietly(flow: Execution, actor: Actor) -> None:
    from workflows.services.executions import delete_execution

    delete_execution(actor, flow.id, soft=True)
    jobs.run_job(str(Job.objects.get().id))
    assert Job.objects.get().state == JobState.DONE


def test_a_failing_job_is_tried_again_later_and_given_up_after_five(flow: Execution, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(actor: Actor, job: Job, result: None) -> None:
        raise RuntimeError("broken")

    monkeypatch.setitem(jobs.WORK, "run_task", replace(jobs.WORK["run_task"], record=fail))
    job = Job.objects.get()
    for attempt in range(1, 6):
        Job.objects.update(run_at=timezone.now())
        jobs.run_job(str(job.id))
        job.refresh_from_db()
        assert job.attempt == attempt
    assert (job.state, job.last_error) == (JobState.DEAD, "RuntimeError: broken")
    assert factories.task_of(flow, "t1").status == "FAILED"
    assert "5 attempts" in factories.task_of(flow, "t1").extra["run"]["error_reason"]


def test_a_worker_that_lost_its_lease_writes_nothing(flow: Execution) -> None:
    first = queue.claim(Job.objects.get().id, "one")
    assert first is not None
    Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    jobs.sweep()
    second = queue.claim(first.id, "two")
    assert second is not None
    with pytest.raises(queue.LeaseLost):
        queue.finish(first)
    queue.finish(second)
    assert Job.objects.get().state == JobState.DONE


def test_a_job_that_kills_its_workers_is_given_up_after_three(flow: Execution) -> None:
    job = Job.objects.get()
    for _ in range(3):
        assert queue.claim(job.id, "victim")
        Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        jobs.sweep()
    job.refresh_from_db()
    assert (job.state, job.crashes) == (JobState.DEAD, 3)
    assert factories.task_of(flow, "t1").status == "FAILED"


def test_a_running_job_with_a_lease_is_left_alone(flow: Execution) -> None:
    queue.claim(Job.objects.get().id, "one")
    jobs.sweep()
    assert Job.objects.get().state == JobState.RUNNING


def test_the_dispatcher_rings_once_and_again_when_nothing_happened(flow: Execution, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[object] = []
    monkeypatch.setattr("workflows.dispatch.ring", rung.append)
    dispatcher = Dispatcher(None)
    for now in (100.0, 100.3, 104.0, 106.0):
        dispatcher.tick(now)
    assert rung == [Job.objects.get().id] * 2


def test_what_is_not_due_yet_waits(flow: Execution) -> None:
    Job.objects.update(run_at=timezone.now() + timedelta(minutes=1))
    assert queue.due_jobs(10) == []
    assert queue.claim(Job.objects.get().id, "early") is None


def test_a_dispatcher_goes_on_whatever_a_round_ends_with(monkeypatch: pytest.MonkeyPatch) -> None:
    dispatcher = Dispatcher(None)
    rounds: list[float] = []

    def tick(now: float) -> None:
        rounds.append(now)
        if len(rounds) == 3:
            dispatcher.stopping.set()
        raise MemoryError

    monkeypatch.setattr(dispatcher, "tick", tick)
    monkeypatch.setattr("workflows.dispatch.close_old_connections", lambda: None)
    dispatcher.run()
    assert len(rounds) == 3
