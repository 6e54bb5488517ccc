"""How runs go: in order, past what may fail, waiting for times and people, cancelled, tried again, and never hot."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests import factories
from tests.automations.conftest import Runner, errors, statuses
from tests.dump import dump
from workflows import jobs
from workflows.automations.perform import ACTIONS
from workflows.automations.situation import ActionType, CannotDo
from workflows.models import AutomationExecution, AutomationFlow, Entity, Job, JobState
from workflows.permissions import Actor
from workflows.services import automation_runs as runs
from workflows.services.automation_flows import create_automation
from workflows.services.automation_run import done, paused
from workflows.services.automation_starts import RunRequest, start_automation
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.resume_tokens import make_token

SET = factories.set_city
BAD: dict[str, Any] = {"type": "map-entity", "config": {}}


def condition(value: str, **fields: Any) -> dict[str, Any]:
    source = {"origin": "trigger", "originType": "entity", "schema": "contact", "attribute": "city", "attributeType": "string"}
    return {"id": "c", "statements": [{"source": source, "operation": "equals", "values": [value]}]} | fields


def due(value: int = 1, unit: str = "hours", **source: str) -> dict[str, Any]:
    return {
        "id": "s",
        "numberOfUnits": value,
        "timePeriod": unit,
        "timeRelation": "after",
        "source": {"id": "t", "origin": "trigger"} | source,
    }


def test_actions_are_done_in_order_and_each_once(run: Runner, entity: Entity) -> None:
    execution = run(SET("Bonn"), SET("Aachen"))
    assert (execution.status, statuses(execution)) == ("success", ["success", "success"])
    entity.refresh_from_db()
    assert (entity.attributes["city"], entity.version) == ("Aachen", 3)
    assert execution.finished_at is not None


def test_a_failure_stops_the_rest(run: Runner) -> None:
    execution = run(BAD, SET())
    assert (execution.status, statuses(execution)) == ("failed", ["failed", "pending"])
    assert errors(execution) == ["BAD_CONFIG: target_schema is missing"]


def test_a_failure_that_is_allowed_does_not(run: Runner) -> None:
    execution = run(BAD | {"allow_failure": True}, SET())
    assert (execution.status, statuses(execution)) == ("success", ["failed", "success"])


def test_unknown_types_are_passed_over_and_say_so(run: Runner) -> None:
    execution = run({"type": "cart-checkout"}, {"type": "inform-erp"})
    assert (execution.status, statuses(execution)) == ("skipped", ["skipped", "skipped"])
    assert "cart-checkout are not supported" in execution.actions.get(position=0).reason["message"]


def test_a_flow_without_actions_succeeds_at_once(run: Runner) -> None:
    assert run().status == "success"


@pytest.mark.parametrize(("value", "expected"), [("Köln", ["success", "success"]), ("Bonn", ["skipped", "success"])])
def test_a_condition_decides_for_its_actions(run: Runner, value: str, expected: list[str]) -> None:
    execution = run(SET("Jülich", condition_id="c"), SET("Düren"), conditions=[condition(value)])
    assert statuses(execution) == expected
    assert execution.conditions[0]["evaluationResult"] is (value == "Köln")


def test_a_condition_that_cannot_be_evaluated_fails_its_actions(run: Runner) -> None:
    asked = condition("x")
    asked["statements"][0]["source"]["originType"] = "journey_block"
    execution = run(SET(condition_id="c"), SET(), conditions=[asked])
    assert (execution.status, statuses(execution)) == ("failed", ["failed", "pending"])
    assert execution.conditions[0]["error_output"]["error_code"] == "BAD_CONFIG"
    execution = run(SET(condition_id="c"), SET(), conditions=[asked | {"allow_failure": True}])
    assert (execution.status, statuses(execution)) == ("success", ["cancelled", "success"])


@pytest.mark.parametrize(("operation", "expected"), [("entity_exists", "success"), ("entity_does_not_exist", "skipped")])
def test_a_condition_may_ask_whether_an_entity_is_there(run: Runner, operation: str, expected: str) -> None:
    statement = {"source": {"schema": "contact"}, "operation": operation}
    assert statuses(run(SET(condition_id="c"), conditions=[{"id": "c", "statements": [statement]}])) == [expected]


def test_a_schedule_holds_its_action_back_until_it_is_due(run: Runner) -> None:
    execution = run(SET("Jülich"), SET("Düren", schedule_id="s"), schedules=[due()])
    assert (execution.status, statuses(execution)) == ("scheduled", ["success", "scheduled"])
    job = Job.objects.get(kind="wake_automation")
    assert abs(job.run_at - execution.created_at - timedelta(hours=1)) < timedelta(seconds=1)
    jobs.run_job(str(job.pk))
    assert Job.objects.get(pk=job.pk).attempt == 0
    Job.objects.filter(pk=job.pk).update(run_at=timezone.now())
    factories.run_jobs()
    execution.refresh_from_db()
    assert (execution.status, statuses(execution)) == ("success", ["success", "success"])


@pytest.mark.parametrize(("order", "expected"), [("AFTER_SCHEDULE", "scheduled"), ("BEFORE_SCHEDULE", "skipped")])
def test_a_condition_is_evaluated_after_its_schedule_unless_it_says_before(run: Runner, order: str, expected: str) -> None:
    asked = condition("Bonn", schedule_id="s", evaluation_order=order)
    execution = run(SET(condition_id="c"), conditions=[asked], schedules=[due()])
    assert statuses(execution) == [expected]


def test_what_is_evaluated_after_its_schedule_sees_the_data_of_then(run: Runner, actor: Actor, entity: Entity) -> None:
    from workflows.services.entities import patch_entity

    execution = run(SET(condition_id="c"), conditions=[condition("Bonn", schedule_id="s")], schedules=[due()])
    patch_entity(actor, "contact", entity.id, {"city": "Bonn"})
    Job.objects.filter(kind="wake_automation").update(run_at=timezone.now())
    factories.run_jobs()
    assert statuses(execution) == ["success"]


@pytest.mark.parametrize(
    ("schedule", "said"),
    [(due(attribute="starts"), "holds no date"), (due(attribute="city"), "no date"), (due(attribute="moved"), "already past")],
)
def test_a_schedule_that_cannot_be_computed_fails_with_its_code(
    run: Runner, actor: Actor, entity: Entity, schedule: dict[str, Any], said: str
) -> None:
    from workflows.services.entities import patch_entity

    patch_entity(actor, "contact", entity.id, {"moved": "2020-01-01"})
    execution = run(SET(schedule_id="s"), schedules=[schedule])
    assert execution.status == "failed"
    assert errors(execution)[0].startswith("INVALID_SCHEDULE_CONFIG: ")
    assert said in errors(execution)[0]


def test_a_schedule_that_is_cancelled_lets_the_run_go_on(run: Runner, actor: Actor) -> None:
    execution = run(SET("Jülich", schedule_id="s"), SET("Düren"), schedules=[due()])
    assert runs.cancel_run_schedule(actor, execution.id, "s")["id"] == "s"
    factories.run_jobs()
    execution.refresh_from_db()
    assert (execution.status, statuses(execution)) == ("success", ["cancelled", "success"])
    assert not Job.objects.filter(state=JobState.READY).exists()
    with pytest.raises(NotFound):
        runs.cancel_run_schedule(actor, execution.id, "s")


def test_a_cancelled_run_begins_nothing_more(run: Runner, actor: Actor, entity: Entity) -> None:
    execution = run(SET(), SET("Aachen"), work=False)
    runs.cancel_run(actor, execution.id)
    factories.run_jobs()
    execution.refresh_from_db()
    assert (execution.status, statuses(execution)) == ("cancelled", ["cancelled", "cancelled"])
    entity.refresh_from_db()
    assert entity.attributes["city"] == "Köln"
    before = dump()
    runs.cancel_run(actor, execution.id)
    assert dump() == before


def test_a_result_that_comes_after_the_cancel_is_thrown_away(run: Runner, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    execution = run({"type": "slow"}, SET(), work=False)

    def call(situation: Any) -> Any:
        runs.cancel_run(actor, execution.id)
        return done()

    monkeypatch.setitem(ACTIONS, "slow", ActionType("INTERNAL_ERROR", call=call))
    factories.run_jobs()
    execution.refresh_from_db()
    assert (execution.status, statuses(execution)) == ("cancelled", ["cancelled", "cancelled"])


@pytest.fixture
def flaky(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An action type that fails as long as the list says so; it notes the names of its effects."""
    effects: list[str] = []

    def call(situation: Any) -> Any:
        effects.append(situation.job.effect_id)
        if len(effects) == 1:
            raise CannotDo("CUSTOM_ACTION_ERROR", "not today")
        return done()

    monkeypatch.setitem(ACTIONS, "flaky", ActionType("CUSTOM_ACTION_ERROR", call=call))
    return effects


def key(execution: AutomationExecution, position: int = 0) -> str:
    return execution.actions.get(position=position).key


def test_a_failed_action_is_done_again_under_the_same_name_and_the_rest_follows(
    run: Runner, actor: Actor, flaky: list[str]
) -> None:
    execution = run({"type": "flaky"}, SET())
    assert execution.status == "failed"
    runs.retrigger_action(actor, execution.id, key(execution))
    factories.run_jobs()
    execution.refresh_from_db()
    assert (execution.status, statuses(execution)) == ("success", ["success", "success"])
    assert len(flaky) == 2
    assert len(set(flaky)) == 1


def test_a_failed_action_is_done_again_and_nothing_follows(run: Runner, actor: Actor, flaky: list[str]) -> None:
    execution = run({"type": "flaky"}, SET())
    runs.retrigger_action(actor, execution.id, "a1", runs.RETRY_AND_STOP)
    factories.run_jobs()
    execution.refresh_from_db()
    assert (execution.status, statuses(execution)) == ("failed", ["success", "pending"])


def test_all_actions_of_a_condition_are_done_again_as_new_effects(run: Runner, actor: Actor, flaky: list[str]) -> None:
    flaky.append("before")
    asked = [condition("Köln")]
    execution = run({"type": "flaky", "condition_id": "c"}, {"type": "flaky", "condition_id": "c"}, conditions=asked)
    assert execution.status == "success"
    runs.retrigger_action(actor, execution.id, "a1", runs.RETRY_ALL, "c")
    factories.run_jobs()
    execution.refresh_from_db()
    assert (execution.status, len(flaky), len(set(flaky))) == ("success", 5, 5)


@pytest.mark.parametrize(("strategy", "condition_id"), [(runs.RETRY_AND_RESUME, None), (runs.RETRY_ALL, "unknown")])
def test_what_cannot_be_done_again_is_refused_and_changes_nothing(
    run: Runner, actor: Actor, strategy: str, condition_id: str | None
) -> None:
    execution = run(SET())
    before = dump()
    with pytest.raises(InvalidInput):
        runs.retrigger_action(actor, execution.id, "a1", strategy, condition_id)
    with pytest.raises(NotFound):
        runs.retrigger_action(actor, execution.id, "unknown")
    assert dump() == before


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An action type that waits for somebody outside."""
    monkeypatch.setitem(ACTIONS, "patient", ActionType("CUSTOM_ACTION_ERROR", call=lambda _: paused("callback", sent=True)))


def token(execution: AutomationExecution) -> str:
    action = execution.actions.get(position=0)
    assert action.job_id is not None
    return make_token(execution.id, action.key, action.job_id)


def test_a_paused_run_goes_on_once_with_its_token(run: Runner, patient: None) -> None:
    execution = run({"type": "patient"}, SET())
    assert (execution.status, statuses(execution)) == ("paused", ["paused", "pending"])
    runs.resume_run(token(execution))
    factories.run_jobs()
    execution.refresh_from_db()
    assert (execution.status, statuses(execution)) == ("success", ["success", "success"])
    before = dump()
    with pytest.raises(InvalidInput):
        runs.resume_run(token(execution))
    assert dump() == before


def test_who_is_called_back_before_it_waits_does_not_wait(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    execution = run({"type": "quick"}, SET(), work=False)

    def call(situation: Any) -> Any:
        runs.resume_run(token(execution))
        return paused("callback")

    monkeypatch.setitem(ACTIONS, "quick", ActionType("CUSTOM_ACTION_ERROR", call=call))
    factories.run_jobs()
    execution.refresh_from_db()
    assert execution.status == "success"


@pytest.mark.parametrize("forged", ["", "x", "WyJhIl0:x", "a" * 10_000])
def test_a_forged_token_opens_nothing(run: Runner, patient: None, forged: str) -> None:
    run({"type": "patient"})
    before = dump()
    with pytest.raises(NotFound):
        runs.resume_run(forged)
    assert dump() == before


def test_a_token_of_a_cancelled_run_is_of_no_use(run: Runner, actor: Actor, patient: None) -> None:
    execution = run({"type": "patient"})
    runs.cancel_run(actor, execution.id)
    with pytest.raises(InvalidInput):
        runs.resume_run(token(execution))


def test_a_flow_that_runs_hot_is_switched_off(actor: Actor, entity: Entity) -> None:
    limits = {"max_executions": {"count": 3, "window": "PT1M"}}
    flow, _ = create_automation(actor, factories.automation(SET(), **limits))
    made = [start_automation(actor, RunRequest(flow.id, entity.id)) for _ in range(4)]
    assert [execution.status for execution in made] == ["in_progress"] * 3 + ["hot"]
    flow.refresh_from_db()
    assert (flow.enabled, flow.disabled_by, flow.runs) == (False, "system", 4)
    assert Job.objects.filter(subject=made[3].id).count() == 0
    with pytest.raises(InvalidInput, match="disabled"):
        start_automation(actor, RunRequest(flow.id, entity.id))


@pytest.mark.parametrize(("name", "count"), [("HOT_RUNS", 2), ("HOT_RUNS_OF_ENTITY", 2)])
def test_without_a_limit_of_its_own_a_flow_has_the_common_ones(
    actor: Actor, entity: Entity, name: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"workflows.services.automation_starts.{name}", count)
    flow, _ = create_automation(actor, factories.automation())
    later = timezone.now() + timedelta(minutes=2)
    made = [start_automation(actor, RunRequest(flow.id, entity.id)) for _ in range(count + 1)]
    assert [execution.status for execution in made] == ["success"] * count + ["hot"]
    AutomationFlow.objects.update(enabled=True)
    assert start_automation(actor, RunRequest(flow.id, entity.id), later).status == "success"


def test_a_run_keeps_the_actions_with_which_it_began(run: Runner, actor: Actor, entity: Entity) -> None:
    from workflows.services.automation_flows import delete_automation, replace_automation

    execution = run(SET("Bonn"), SET("Aachen"), work=False)
    replace_automation(actor, execution.flow_id, factories.automation(SET("Wien")))
    delete_automation(actor, execution.flow_id)
    factories.run_jobs()
    execution.refresh_from_db()
    entity.refresh_from_db()
    assert (execution.version, len(statuses(execution)), entity.attributes["city"]) == (1, 2, "Aachen")


def test_a_dead_job_fails_its_action_and_can_be_begun_again(run: Runner, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    def call(situation: Any) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setitem(ACTIONS, "broken", ActionType("TRIGGER_WEBHOOK_ERROR", call=call))
    execution = run({"type": "broken"}, work=False)
    Job.objects.update(attempt=4)
    factories.run_jobs()
    execution.refresh_from_db()
    job = Job.objects.get()
    assert (execution.status, job.state) == ("failed", JobState.DEAD)
    assert errors(execution) == ["TRIGGER_WEBHOOK_ERROR: Given up after 5 attempts: RuntimeError: broken"]
    monkeypatch.setitem(ACTIONS, "broken", ActionType("TRIGGER_WEBHOOK_ERROR", call=lambda _: done()))
    runs.retrigger_action(actor, execution.id, "a1")
    factories.run_jobs()
    execution.refresh_from_db()
    assert (execution.status, Job.objects.get().attempt) == ("success", 6)


def test_other_organisations_find_nothing(run: Runner, other_organisation: Any) -> None:
    from workflows.models import Role

    stranger = factories.actor_of(factories.make_user(other_organisation, "x@other.example", "X", Role.OWNER), other_organisation)
    execution = run(SET(), work=False)
    before = dump()
    for refused in (
        lambda: runs.find_run(stranger, execution.id),
        lambda: runs.cancel_run(stranger, execution.id),
        lambda: runs.retrigger_action(stranger, execution.id, "a1"),
    ):
        with pytest.raises(NotFound):
            refused()
    with pytest.raises(InvalidInput):
        start_automation(stranger, RunRequest(execution.flow_id, execution.entity_id))
    assert dump() == before
