"""Relative due dates over REST: written when the event happens, on execution, phase and task."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.api.client import Client
from tests.api.test_executions import PATH, statements
from tests.api.test_tasks import path_of
from tests.dump import dump
from workflows.models import Event, Execution, Phase
from workflows.permissions import Actor
from workflows.services.tasks import patch_task

START = datetime(2026, 1, 30, 9, 0, tzinfo=UTC)
LATER = datetime(2026, 1, 31, 9, 15, tzinfo=UTC)


def rule(kind: str, duration: int = 1, unit: str = "months", **fields: str) -> dict[str, Any]:
    return {"duration": duration, "unit": unit, "type": kind} | fields


def complete(actor: Actor, execution: Execution, *keys: str, **fields: Any) -> None:
    for key in keys:
        patch_task(actor, execution.id, factories.task_of(execution, key).id, {"status": "COMPLETED", **fields}, now=LATER)


def due(execution: Execution, key: str) -> str:
    return factories.task_of(execution, key).due_date


class TestEvents:
    @pytest.mark.parametrize(
        "config",
        [
            rule("TASK_FINISHED", task_id="t1"),
            rule("PHASE_FINISHED", phase_id="one"),
            rule("A_PRECEDING_TASK_COMPLETED"),
            rule("ALL_PRECEDING_TASKS_COMPLETED"),
        ],
    )
    def test_date_a_task_when_they_happen(self, actor: Actor, config: dict[str, Any]) -> None:
        data = factories.sequence(2)
        data["tasks"][1]["due_date_config"] = config
        execution = factories.start(actor, data, now=START)
        assert due(execution, "t2") == ""
        complete(actor, execution, "t1")
        assert due(execution, "t2") == "2026-02-28T00:00:00.000"
        execution.refresh_from_db()
        assert execution.next_due_at == datetime(2026, 2, 28, 22, 59, 59, 999000, tzinfo=UTC)

    def test_date_the_execution_and_a_phase(self, api: Client, actor: Actor) -> None:
        data = factories.sequence(4, due_date_config=rule("PHASE_FINISHED", 90, "minutes", phase_id="one"))
        data["phases"][1]["due_date_config"] = rule("ALL_PRECEDING_TASKS_COMPLETED", 2, "weeks")
        execution = factories.start(actor, data, now=START)
        complete(actor, execution, "t1")
        flow = api.get(f"{PATH}/{execution.id}").json
        assert "due_date" not in flow
        assert "due_date" not in flow["phases"][1]
        complete(actor, execution, "t2")
        flow = api.get(f"{PATH}/{execution.id}").json
        assert flow["due_date"] == "2026-01-31T10:45:00.000Z"
        assert flow["phases"][1]["due_date"] == "2026-02-14T00:00:00.000"
        assert flow["phases"][1]["due_date_config"] == data["phases"][1]["due_date_config"]

    def test_from_the_start_everything_is_dated_at_once(self, actor: Actor) -> None:
        data = factories.sequence(2, due_date_config=rule("WORKFLOW_STARTED"))
        data["tasks"][1]["due_date_config"] = rule("WORKFLOW_STARTED", 2, "hours")
        data["phases"][0]["due_date_config"] = rule("WORKFLOW_STARTED", 1, "years")
        execution = factories.start(actor, data, now=START)
        assert execution.due_date == "2026-02-28T00:00:00.000"
        assert due(execution, "t2") == "2026-01-30T11:00:00.000Z"
        assert Phase.objects.get(execution_id=execution.id, template_id="one").due_date == "2027-01-30T00:00:00.000"
        assert not Event.objects.filter(action__endswith="due_date").exists()

    def test_are_undone_by_going_back_and_happen_again(self, actor: Actor) -> None:
        data = factories.sequence(2)
        data["tasks"][1]["due_date_config"] = rule("TASK_FINISHED", task_id="t1")
        execution = factories.start(actor, data, now=START)
        complete(actor, execution, "t1")
        first = factories.task_of(execution, "t1").id
        patch_task(actor, execution.id, first, {"status": "PENDING", "revert_execution": True}, now=LATER)
        assert due(execution, "t2") == ""
        execution.refresh_from_db()
        assert execution.next_due_at is None
        complete(actor, execution, "t1")
        assert due(execution, "t2") == "2026-02-28T00:00:00.000"

    def test_each_change_is_in_the_history(self, actor: Actor) -> None:
        data = factories.sequence(2)
        data["tasks"][1]["due_date_config"] = rule("A_PRECEDING_TASK_COMPLETED")
        execution = factories.start(actor, data, now=START)
        complete(actor, execution, "t1")
        event = Event.objects.get(action="task.due_date")
        assert (event.before, event.after) == ({"due_date": ""}, {"due_date": "2026-02-28T00:00:00.000"})

    def test_a_designed_date_wins_and_drops_the_rule(self, api: Client, actor: Actor) -> None:
        data = factories.sequence(1, due_date="2026-05-01", due_date_config=rule("WORKFLOW_STARTED"))
        flow = api.get(f"{PATH}/{factories.start(actor, data, now=START).id}").json
        assert flow["due_date"] == "2026-05-01"
        assert "due_date_config" not in flow

    @pytest.mark.parametrize("count", [2, 30])
    def test_cost_no_statement_for_each_task(self, api: Client, actor: Actor, count: int) -> None:
        data = factories.sequence(count, due_date_config=rule("TASK_FINISHED", task_id="t1"))
        for row in [*data["tasks"], *data["phases"]]:
            row["due_date_config"] = rule("TASK_FINISHED", task_id="t1")
        execution = factories.start(actor, data)
        api.get(f"{PATH}/{execution.id}")
        with CaptureQueriesContext(connection) as captured:
            assert api.patch(path_of(execution, "t1"), {"status": "COMPLETED"}).status == 200
        assert len(statements(captured)) <= 12


class TestPatch:
    def test_a_rule_whose_event_has_happened_dates_at_once(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor, now=START)
        complete(actor, execution, "t1")
        first = str(factories.task_of(execution, "t1").id)
        phase = Phase.objects.get(execution_id=execution.id, template_id="two")
        for path in (path_of(execution, "t3"), f"{PATH}/{execution.id}/phases/{phase.id}", f"{PATH}/{execution.id}"):
            config = rule("TASK_FINISHED", 3, "days", task_id=first)
            answer = api.patch(path, {"due_date_config": config}).json
            assert (answer["due_date"], answer["due_date_config"]) == ("2026-02-03T00:00:00.000", config)

    @pytest.mark.parametrize("by_execution_id", [True, False])
    def test_a_rule_whose_event_is_to_come_clears_and_waits(self, api: Client, actor: Actor, by_execution_id: bool) -> None:
        execution = factories.start(actor, now=START)
        phase = Phase.objects.get(execution_id=execution.id, template_id="one")
        config = rule("PHASE_FINISHED", phase_id=str(phase.id) if by_execution_id else "one")
        later = Phase.objects.get(execution_id=execution.id, template_id="two")
        path = f"{PATH}/{execution.id}/phases/{later.id}"
        api.patch(path, {"due_date": "2026-03-03"})
        assert "due_date" not in api.patch(path, {"due_date_config": config}).json
        complete(actor, execution, "t1", "t2")
        later.refresh_from_db()
        assert later.due_date == "2026-02-28T00:00:00.000"

    def test_a_date_wins_drops_the_rule_and_stays(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor, now=START)
        path = path_of(execution, "t2")
        body = {"due_date": "2026-05-28T00:00:00.000", "due_date_config": rule("TASK_FINISHED", task_id="t1")}
        answer = api.patch(path, body).json
        assert (answer["due_date"], answer.get("due_date_config")) == ("2026-05-28T00:00:00.000", None)
        complete(actor, execution, "t1")
        assert due(execution, "t2") == "2026-05-28T00:00:00.000"

    def test_what_is_sent_back_as_it_is_changes_nothing(self, api: Client, actor: Actor) -> None:
        data = factories.sequence(2)
        data["tasks"][0]["due_date_config"] = rule("WORKFLOW_STARTED", 2, "days")
        execution = factories.start(actor, data, now=START)
        stored = api.patch(path_of(execution, "t1"), {"name": "Task t1"}).json
        before = dump()
        again = api.patch(path_of(execution, "t1"), {name: stored[name] for name in ("due_date", "due_date_config")})
        assert again.json == stored
        assert dump() == before

    @pytest.mark.parametrize("cleared", [{"due_date": ""}, {"due_date": None}])
    def test_clearing_a_date_drops_its_rule(self, api: Client, actor: Actor, cleared: dict[str, Any]) -> None:
        data = factories.sequence(2)
        data["tasks"][0]["due_date_config"] = rule("WORKFLOW_STARTED", 2, "days")
        execution = factories.start(actor, data, now=START)
        answer = api.patch(path_of(execution, "t1"), cleared).json
        assert "due_date" not in answer
        assert "due_date_config" not in answer
        complete(actor, execution, "t1")
        assert due(execution, "t1") == ""

    def test_dropping_the_rule_keeps_the_date(self, api: Client, actor: Actor) -> None:
        data = factories.sequence(1, due_date_config=rule("WORKFLOW_STARTED"))
        execution = factories.start(actor, data, now=START)
        answer = api.patch(f"{PATH}/{execution.id}", {"due_date_config": None}).json
        assert (answer["due_date"], answer.get("due_date_config")) == ("2026-02-28T00:00:00.000", None)

    @pytest.mark.parametrize(
        ("config", "named"),
        [
            (rule("TASK_FINISHED"), "due_date_config.task_id"),
            (rule("TASK_FINISHED", task_id="ghost"), "due_date_config.task_id"),
            (rule("PHASE_FINISHED", phase_id="t1"), "due_date_config.phase_id"),
            (rule("SOMEDAY"), "due_date_config"),
        ],
    )
    def test_a_rule_about_nothing_is_refused(self, api: Client, actor: Actor, config: dict[str, Any], named: str) -> None:
        execution = factories.start(actor)
        before = dump()
        for path in (path_of(execution, "t1"), f"{PATH}/{execution.id}"):
            answer = api.patch(path, {"due_date_config": config})
            assert answer.status == 400
            assert answer.message.startswith(named)
        assert dump() == before
