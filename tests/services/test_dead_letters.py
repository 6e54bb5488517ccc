"""What was given up is listed, and begun again by kind."""

from typing import Any

import pytest

from tests import factories
from tests.dump import dump
from workflows import jobs
from workflows.automations.perform import ACTIONS
from workflows.automations.situation import ActionType
from workflows.models import AutomationExecution, Execution, Job, JobState, Organisation, Role
from workflows.permissions import Actor, PermissionRefused
from workflows.services.automation_flows import create_automation
from workflows.services.automation_run import done
from workflows.services.dead_letters import dead_jobs, redrive
from workflows.services.errors import NotFound


def fail(*_: Any) -> Any:
    raise RuntimeError("broken")


@pytest.fixture
def dead(actor: Actor, monkeypatch: pytest.MonkeyPatch) -> Execution:
    """A flow whose task has failed, because the job of its action was given up."""
    monkeypatch.setitem(ACTIONS, "broken", ActionType("INTERNAL_ERROR", call=fail))
    flow, _ = create_automation(actor, factories.automation({"type": "broken"}))
    execution = factories.start(actor, factories.with_automation(str(flow.id)))
    jobs.run_job(str(Job.objects.get().pk))
    Job.objects.filter(kind="run_action").update(attempt=4)
    factories.run_jobs()
    assert factories.task_of(execution, "t1").status == "FAILED"
    return execution


def test_an_action_is_begun_again_under_its_name_and_its_task_goes_on(
    actor: Actor, dead: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = dead_jobs(actor).get()
    monkeypatch.setitem(ACTIONS, "broken", ActionType("INTERNAL_ERROR", call=lambda _: done()))
    redrive(actor, letter.pk)
    factories.run_jobs()
    letter.refresh_from_db()
    assert (letter.state, letter.attempt) == (JobState.DONE, 6)
    assert AutomationExecution.objects.get().status == "success"
    assert factories.current(dead) == ["t2"]
    assert not dead_jobs(actor).exists()


def test_a_task_whose_dispatch_was_given_up_is_run_again(actor: Actor) -> None:
    flow, _ = create_automation(actor, factories.automation(factories.set_city()))
    execution = factories.start(actor, factories.with_automation(str(flow.id)))
    real = jobs.WORK["run_task"]
    jobs.WORK["run_task"] = jobs.Work(record=fail, give_up=real.give_up)
    try:
        Job.objects.update(attempt=4)
        factories.run_jobs()
    finally:
        jobs.WORK["run_task"] = real
    assert factories.task_of(execution, "t1").status == "FAILED"
    redrive(actor, dead_jobs(actor).get().pk)
    factories.run_jobs()
    assert factories.current(execution) == ["t2"]
    assert not dead_jobs(actor).exists()


def test_others_see_and_begin_nothing(actor: Actor, dead: Execution, other_organisation: Organisation) -> None:
    stranger = factories.actor_of(factories.make_user(other_organisation, "x@other.example", "X", Role.OWNER), other_organisation)
    viewer = factories.actor_of(factories.make_user(actor.organisation, "v@acme.example", "V", Role.VIEWER), actor.organisation)
    letter = dead_jobs(actor).get()
    before = dump()
    assert not dead_jobs(stranger).exists()
    with pytest.raises(NotFound):
        redrive(stranger, letter.pk)
    with pytest.raises(PermissionRefused):
        redrive(viewer, letter.pk)
    assert dump() == before


def test_what_is_not_dead_is_not_begun_again(actor: Actor, dead: Execution) -> None:
    letter = dead_jobs(actor).get()
    redrive(actor, letter.pk)
    with pytest.raises(NotFound):
        redrive(actor, letter.pk)
