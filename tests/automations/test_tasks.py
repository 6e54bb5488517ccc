"""Tasks that an automation does: begun with the task, told to it, corrected, cancelled with it, healed when lost."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests import factories
from tests.automations.conftest import statuses
from tests.dump import dump
from workflows import jobs
from workflows.automations.perform import ACTIONS
from workflows.automations.situation import ActionType, CannotDo
from workflows.models import AutomationExecution, AutomationFlow, Event, Execution, Job, JobState, Task
from workflows.permissions import Actor
from workflows.services.automation_flows import create_automation
from workflows.services.automation_run import done, paused
from workflows.services.automation_runs import cancel_run, resume_run, retrigger_action
from workflows.services.errors import InvalidInput
from workflows.services.executions import delete_execution, patch_execution
from workflows.services.resume_tokens import make_token
from workflows.services.schedules import run_automation
from workflows.services.task_automations import HEAL_AGAIN, MAX_HEALS, reconcile_task
from workflows.services.tasks import patch_task

CANCEL = {"type": "cancel-flow-execution", "config": {"extra_description": "no roof"}}


def make_flow(actor: Actor, *actions: dict[str, Any], **fields: Any) -> AutomationFlow:
    return create_automation(actor, factories.automation(*actions, **fields))[0]


def begin(actor: Actor, *actions: dict[str, Any], work: bool = True, **fields: Any) -> Execution:
    """Start a flow whose first task is an automation of these actions."""
    execution = factories.start(actor, factories.with_automation(str(make_flow(actor, *actions).id), **fields))
    if work:
        factories.run_jobs()
    return execution


def first(execution: Execution) -> Task:
    return factories.task_of(execution, "t1")


def of_task(execution: Execution) -> AutomationExecution:
    found = AutomationExecution.objects.filter(workflow_execution_id=execution.id).order_by("-created_at").first()
    assert found is not None
    return found


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """An action type that cannot be done."""

    def call(situation: Any) -> Any:
        raise CannotDo("CUSTOM_ACTION_ERROR", "the roof is too small")

    monkeypatch.setitem(ACTIONS, "broken", ActionType("CUSTOM_ACTION_ERROR", call=call))


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Action types that wait for a person, and for a service."""
    monkeypatch.setitem(ACTIONS, "person", ActionType("INTERNAL_ERROR", call=lambda _: paused("confirmation")))
    monkeypatch.setitem(ACTIONS, "service", ActionType("INTERNAL_ERROR", call=lambda _: paused("callback")))


def test_the_flow_goes_on_when_the_automation_has_succeeded(actor: Actor) -> None:
    execution = begin(actor, factories.set_city("Bonn"))
    assert factories.current(execution) == ["t2"]
    task = first(execution)
    run = of_task(execution)
    assert task.status == "COMPLETED"
    assert task.extra["run"] == {"execution_id": str(run.id), "execution_status": "success"}
    assert run.trigger_event["type"] == "flow_automation_task"
    assert run.context["caller"] == actor.id
    assert run.workflow_task_id == task.id


def test_a_failure_stays_on_the_task_in_words(actor: Actor, broken: None) -> None:
    execution = begin(actor, {"type": "broken", "name": "Check roof"})
    task = first(execution)
    assert (task.status, factories.current(execution)) == ("FAILED", ["t1"])
    assert task.extra["run"]["error_reason"] == "Check roof: the roof is too small"
    event = Event.objects.get(action="task.run")
    assert event.after["reason"] == "Check roof: the roof is too small"


@pytest.mark.parametrize(
    ("action", "status"),
    [({"type": "unknown"}, "SKIPPED"), ({"type": "person"}, "WAITING_FOR_CONFIRMATION"), ({"type": "service"}, "IN_PROGRESS")],
)
def test_each_end_has_its_status(actor: Actor, waiting: None, action: dict[str, Any], status: str) -> None:
    assert first(begin(actor, action)).status == status


def test_a_hot_flow_fails_its_task_with_the_reason(actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflows.services.automation_starts.HOT_RUNS", 0)
    task = first(begin(actor))
    assert (task.status, task.extra["run"]["execution_status"]) == ("FAILED", "hot")
    assert "switched off" in task.extra["run"]["error_reason"]


def test_a_confirmation_lets_the_flow_go_on(actor: Actor, waiting: None) -> None:
    execution = begin(actor, {"type": "person"})
    action = of_task(execution).actions.get()
    assert action.job_id is not None
    resume_run(make_token(action.execution_id, action.key, action.job_id))
    factories.run_jobs()
    assert (first(execution).status, factories.current(execution)) == ("COMPLETED", ["t2"])


def test_a_run_that_is_cancelled_skips_its_task(actor: Actor, waiting: None) -> None:
    execution = begin(actor, {"type": "service"})
    cancel_run(actor, of_task(execution).id)
    factories.run_jobs()
    assert (first(execution).status, factories.current(execution)) == ("SKIPPED", ["t2"])


@pytest.mark.parametrize("flow_id", ["missing", "0199aaaa-0000-7000-8000-000000000000", ""])
def test_without_its_automation_a_task_fails_with_the_reason(actor: Actor, flow_id: str) -> None:
    execution = factories.start(actor, factories.with_automation(flow_id))
    factories.run_jobs()
    assert first(execution).status == "FAILED"
    assert "utomation" in first(execution).extra["run"]["error_reason"]


def test_a_disabled_automation_fails_the_task_and_is_said(actor: Actor) -> None:
    flow = make_flow(actor, enabled=False)
    execution = factories.start(actor, factories.with_automation(str(flow.id)))
    factories.run_jobs()
    assert "is disabled" in first(execution).extra["run"]["error_reason"]


def test_a_failed_task_is_run_again_as_a_new_run(actor: Actor, broken: None, monkeypatch: pytest.MonkeyPatch) -> None:
    execution = begin(actor, {"type": "broken"})
    monkeypatch.setitem(ACTIONS, "broken", ActionType("CUSTOM_ACTION_ERROR", call=lambda _: done()))
    run_automation(actor, execution.id, first(execution).id)
    assert first(execution).status == "IN_PROGRESS"
    factories.run_jobs()
    assert (first(execution).status, AutomationExecution.objects.count()) == ("COMPLETED", 2)
    assert "error_reason" not in first(execution).extra["run"]


def test_an_action_that_is_done_again_brings_the_failed_task_with_it(
    actor: Actor, broken: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = begin(actor, {"type": "broken"})
    monkeypatch.setitem(ACTIONS, "broken", ActionType("CUSTOM_ACTION_ERROR", call=lambda _: done()))
    retrigger_action(actor, of_task(execution).id, "a1")
    factories.run_jobs()
    assert (first(execution).status, AutomationExecution.objects.count()) == ("COMPLETED", 1)


def test_a_manual_automation_waits_until_it_is_run(actor: Actor) -> None:
    execution = begin(actor, factories.set_city(), trigger_mode="manual")
    assert (first(execution).status, AutomationExecution.objects.count()) == ("PENDING", 0)
    run_automation(actor, execution.id, first(execution).id)
    factories.run_jobs()
    assert first(execution).status == "COMPLETED"


def test_the_same_dispatch_again_starts_no_second_run(actor: Actor, waiting: None) -> None:
    execution = begin(actor, {"type": "service"})
    Job.objects.filter(kind="run_task").update(state=JobState.READY)
    factories.run_jobs()
    assert AutomationExecution.objects.count() == 1
    assert first(execution).status == "IN_PROGRESS"


def test_the_entity_of_an_earlier_task_is_taken_when_it_is_asked_for(actor: Actor) -> None:
    attributes = [{"target": "name", "operation": {"_set": "Made"}}]
    make = {"type": "map-entity", "config": {"target_schema": "account", "mapping_attributes": attributes}}
    use = {
        "type": "map-entity",
        "config": {"target_schema": "account", "mapping_attributes": [{"target": "seen", "operation": {"_set": True}}]},
    }
    data = factories.with_automation(str(make_flow(actor, make).id))
    context = {"source": "task", "task_id": "t1"}
    data["tasks"][1] |= {
        "task_type": "AUTOMATION",
        "automation_config": {"flow_id": str(make_flow(actor, use).id), "input_context": context},
    }
    execution = factories.start(actor, data)
    factories.run_jobs()
    execution.refresh_from_db()
    assert execution.status == "DONE"
    from workflows.models import Entity

    assert Entity.objects.get(schema="account").attributes == {"name": "Made", "seen": True}


def test_closing_cancels_what_runs_and_reopening_begins_it_anew(actor: Actor, waiting: None) -> None:
    execution = begin(actor, {"type": "person"})
    patch_execution(actor, execution.id, {"status": "CLOSED"})
    factories.run_jobs()
    assert of_task(execution).status == "cancelled"
    assert first(execution).status == "WAITING_FOR_CONFIRMATION"
    patch_execution(actor, execution.id, {"status": "STARTED"})
    factories.run_jobs()
    assert AutomationExecution.objects.count() == 2
    assert (of_task(execution).status, factories.current(execution)) == ("paused", ["t1"])


@pytest.mark.parametrize("soft", [True, False])
def test_deleting_cancels_what_runs(actor: Actor, waiting: None, soft: bool) -> None:
    execution = begin(actor, {"type": "person"})
    delete_execution(actor, execution.id, soft=soft)
    factories.run_jobs()
    assert AutomationExecution.objects.get().status == "cancelled"
    assert not Job.objects.filter(state=JobState.READY).exists()


def test_skipping_a_task_cancels_its_run(actor: Actor, waiting: None) -> None:
    execution = begin(actor, {"type": "person"})
    patch_task(actor, execution.id, first(execution).id, {"status": "SKIPPED"})
    factories.run_jobs()
    assert (of_task(execution).status, factories.current(execution)) == ("cancelled", ["t2"])


def test_what_ended_while_a_task_was_on_hold_is_not_done_again(actor: Actor, waiting: None) -> None:
    execution = begin(actor, {"type": "service"})
    patch_task(actor, execution.id, first(execution).id, {"status": "ON_HOLD"})
    action = of_task(execution).actions.get()
    assert action.job_id is not None
    resume_run(make_token(action.execution_id, action.key, action.job_id))
    factories.run_jobs()
    assert (of_task(execution).status, first(execution).status) == ("success", "ON_HOLD")
    run_automation(actor, execution.id, first(execution).id)
    factories.run_jobs()
    assert (first(execution).status, AutomationExecution.objects.count()) == ("COMPLETED", 1)


def test_putting_a_task_back_to_pending_cancels_its_run(actor: Actor, waiting: None) -> None:
    execution = begin(actor, {"type": "service"})
    patch_task(actor, execution.id, first(execution).id, {"status": "ON_HOLD"})
    patch_task(actor, execution.id, first(execution).id, {"status": "PENDING"})
    factories.run_jobs()
    states = list(AutomationExecution.objects.order_by("created_at").values_list("status", flat=True))
    assert states[0] == "cancelled"
    assert "cancelled" not in states[1:]


def test_going_back_runs_the_automation_again(actor: Actor) -> None:
    data = factories.sequence(3)
    flow = make_flow(actor, factories.set_city())
    data["tasks"][1] |= {"task_type": "AUTOMATION", "automation_config": {"flow_id": str(flow.id)}}
    execution = factories.start(actor, data)
    patch_task(actor, execution.id, first(execution).id, {"status": "COMPLETED"})
    factories.run_jobs()
    assert factories.current(execution) == ["t3"]
    patch_task(actor, execution.id, first(execution).id, {"status": "PENDING", "revert_execution": True})
    assert "run" not in factories.task_of(execution, "t2").extra
    patch_task(actor, execution.id, first(execution).id, {"status": "COMPLETED"})
    factories.run_jobs()
    assert (factories.current(execution), AutomationExecution.objects.count()) == (["t3"], 2)


def test_an_automation_may_close_its_own_flow(actor: Actor) -> None:
    execution = begin(actor, CANCEL)
    execution.refresh_from_db()
    assert (execution.status, execution.extra["extra_description"]) == ("CLOSED", "no roof")
    assert (of_task(execution).status, statuses(of_task(execution))) == ("success", ["success"])


def test_an_automation_without_a_flow_has_none_to_close(actor: Actor) -> None:
    from workflows.services.automation_starts import RunRequest, start_automation

    run = start_automation(actor, RunRequest(make_flow(actor, CANCEL).id, factories.make_entity(actor).id))
    factories.run_jobs()
    assert run.actions.get().error["error_code"] == "CANCEL_FLOW_EXECUTION_ERROR"


class TestReconcile:
    def test_corrects_a_task_that_was_not_told(self, actor: Actor) -> None:
        execution = begin(actor, factories.set_city(), work=False)
        for job in Job.objects.filter(kind="run_task"):
            jobs.run_job(str(job.pk))
        for job in Job.objects.filter(kind="run_action"):
            jobs.run_job(str(job.pk))
        Job.objects.filter(kind="report_run").delete()
        assert (of_task(execution).status, first(execution).status) == ("success", "IN_PROGRESS")
        reconcile_task(actor, execution.id, first(execution).id)
        assert (first(execution).status, factories.current(execution)) == ("COMPLETED", ["t2"])
        before = dump()
        reconcile_task(actor, execution.id, first(execution).id)
        assert dump() == before

    def test_leaves_a_task_alone_whose_run_goes_on(self, actor: Actor, waiting: None) -> None:
        execution = begin(actor, {"type": "service"})
        before = dump()
        reconcile_task(actor, execution.id, first(execution).id)
        assert dump() == before

    def test_leaves_a_task_alone_that_is_about_to_be_run_again(self, actor: Actor, broken: None) -> None:
        execution = begin(actor, {"type": "broken"})
        run_automation(actor, execution.id, first(execution).id)
        before = dump()
        reconcile_task(actor, execution.id, first(execution).id)
        assert dump() == before

    def test_is_refused_for_a_task_of_a_person(self, actor: Actor) -> None:
        execution = factories.start(actor)
        with pytest.raises(InvalidInput):
            reconcile_task(actor, execution.id, first(execution).id)


class TestHealing:
    def later(self, monkeypatch: pytest.MonkeyPatch, minutes: int) -> None:
        moment = timezone.now() + timedelta(minutes=minutes)
        monkeypatch.setattr("workflows.jobs.timezone.now", lambda: moment)

    def lost(self, actor: Actor) -> Execution:
        """A flow whose dispatch is gone without a trace."""
        execution = begin(actor, factories.set_city(), work=False)
        Job.objects.all().delete()
        return execution

    def test_begins_again_what_was_lost_after_two_minutes(self, actor: Actor) -> None:
        execution = self.lost(actor)
        jobs.heal()
        assert not Job.objects.exists()
        Task.objects.update(status_updated_at=timezone.now() - timedelta(minutes=3))
        jobs.heal()
        run = first(execution).extra["run"]
        assert run["heal_attempts"] == 1
        jobs.heal()
        assert Job.objects.count() == 1
        factories.run_jobs()
        assert (first(execution).status, AutomationExecution.objects.count()) == ("COMPLETED", 1)

    def test_tries_three_times_with_pauses_and_then_says_so(self, actor: Actor) -> None:
        from workflows.services.task_automations import heal_run

        execution = self.lost(actor)
        task = first(execution)
        moment = timezone.now() + timedelta(minutes=3)
        for attempt in range(1, MAX_HEALS + 1):
            for _ in range(2):
                heal_run(actor, execution.id, task.id, moment)
                Job.objects.all().delete()
            assert first(execution).extra["run"]["heal_attempts"] == attempt
            moment += HEAL_AGAIN + timedelta(seconds=1)
        heal_run(actor, execution.id, task.id, moment)
        assert first(execution).status == "FAILED"
        assert "lost 3 times" in first(execution).extra["run"]["error_reason"]

    def test_does_the_action_again_whose_job_is_gone(self, actor: Actor) -> None:
        execution = begin(actor, factories.set_city(), work=False)
        jobs.run_job(str(Job.objects.get(kind="run_task").pk))
        Job.objects.filter(kind="run_action").delete()
        Job.objects.filter(state=JobState.READY).delete()
        Task.objects.update(status_updated_at=timezone.now() - timedelta(minutes=3))
        jobs.heal()
        factories.run_jobs()
        assert (first(execution).status, AutomationExecution.objects.count()) == ("COMPLETED", 1)

    def test_leaves_alone_what_waits_for_somebody_or_has_work_left(self, actor: Actor, waiting: None) -> None:
        begin(actor, {"type": "service"})
        begin(actor, factories.set_city(), work=False)
        Task.objects.update(status_updated_at=timezone.now() - timedelta(minutes=3))
        before = dump()
        jobs.heal()
        assert dump() == before
