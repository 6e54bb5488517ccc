"""Schedules, execute and run over REST."""

from typing import Any
from uuid import uuid4

import orjson
import pytest

from tests import factories
from tests.api.client import Client
from tests.api.test_executions import PATH
from tests.api.test_tasks import path_of
from tests.dump import dump
from tests.services.test_schedules import AT, BEFORE_THE_END, TWO_HOURS, scheduled, waiting
from workflows.models import Execution
from workflows.permissions import Actor


@pytest.fixture
def execution(actor: Actor) -> Execution:
    return factories.start(actor, scheduled(TWO_HOURS), now=AT)


def task_in(api: Client, execution: Execution, key: str) -> Any:
    return next(task for task in api.get(f"{PATH}/{execution.id}").json["tasks"] if task["template_id"] == key)


class TestRead:
    def test_an_armed_schedule_shows_its_id_and_time(self, api: Client, execution: Execution) -> None:
        task = task_in(api, execution, "t1")
        assert task["status"] == "SCHEDULED"
        assert task["schedule"] == TWO_HOURS | {
            "schedule_id": factories.task_of(execution, "t1").schedule_id,
            "scheduled_at": "2026-03-04T12:00:00.000Z",
        }

    def test_one_that_could_not_be_armed_says_why(self, api: Client, actor: Actor) -> None:
        task = task_in(api, factories.start(actor, scheduled(BEFORE_THE_END), ends="2020-01-01"), "t1")
        assert task["status"] == "PENDING"
        error = orjson.loads(task["schedule"]["error_reason"])
        assert error["error_code"] == "INVALID_SCHEDULE_CONFIG"
        assert error["error_info"] == {"cause": "in_the_past", "scheduled_at": "2019-12-28T23:00:00.000+00:00"}
        assert "has passed" in error["error_reason"]
        assert task["automation_config"]["error_reason"] == task["schedule"]["error_reason"]

    def test_only_what_the_contract_names_is_shown_of_an_evaluation(self, api: Client, actor: Actor) -> None:
        condition = task_in(api, factories.start(actor, waiting(), now=AT, city="Ulm"), "d")["conditions"][0]
        assert (condition["is_met"], condition["evaluated_at"]) == (False, "2026-03-04T10:00:00.000Z")
        assert condition.keys() == {"id", "branch_name", "logical_operator", "statements", "evaluated_at", "is_met"}


class TestCancel:
    def test_answers_204_and_skips_the_task(self, api: Client, execution: Execution) -> None:
        answer = api.delete(f"{path_of(execution, 't1')}/schedule")
        assert (answer.status, answer.body) == (204, b"")
        assert factories.current(execution) == ["t2"]
        assert factories.task_of(execution, "t1").status == "SKIPPED"

    def test_by_the_schedules_id(self, api: Client, execution: Execution) -> None:
        schedule = factories.task_of(execution, "t1").schedule_id
        assert api.post(f"{PATH}/{execution.id}/schedules/{schedule}").status == 204
        assert api.post(f"{PATH}/{execution.id}/schedules/{schedule}").status == 404

    def test_is_refused_without_a_schedule(self, api: Client, execution: Execution) -> None:
        before = dump()
        answer = api.delete(f"{path_of(execution, 't2')}/schedule")
        assert (answer.status, answer.message) == (400, "The task has no pending schedule")
        assert dump() == before


class TestRunNow:
    def test_answers_the_task_that_has_begun(self, api: Client, execution: Execution) -> None:
        answer = api.post(f"{path_of(execution, 't1')}/schedule/run-now")
        assert (answer.status, answer.json["status"]) == (200, "IN_PROGRESS")
        assert answer.json["schedule"] == TWO_HOURS
        again = api.post(f"{path_of(execution, 't1')}/schedule/run-now")
        assert (again.status, again.message) == (400, "The task has no pending schedule")


class TestExecute:
    def test_completes_a_persons_task(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        answer = api.post(f"{path_of(execution, 't1')}/execute")
        assert (answer.status, answer.json["status"]) == (200, "COMPLETED")
        assert factories.current(execution) == ["t2"]

    def test_starts_an_automation_whatever_it_was_scheduled_for(self, api: Client, execution: Execution) -> None:
        answer = api.post(f"{path_of(execution, 't1')}/execute")
        assert (answer.status, answer.json["status"]) == (200, "IN_PROGRESS")
        assert "scheduled_at" not in answer.json["schedule"]

    def test_evaluates_a_decision_again(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor, waiting(), city="Ulm")
        answer = api.post(f"{path_of(execution, 'd')}/execute")
        assert (answer.status, answer.json["status"]) == (200, "CONDITION_PENDING")

    def test_leaves_a_persons_decision_to_the_person(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor, factories.choice())
        before = dump()
        answer = api.post(f"{path_of(execution, 'decide')}/execute")
        assert (answer.status, "next_condition_id" in answer.message) == (400, True)
        assert dump() == before


class TestRunAutomation:
    def test_answers_the_task_that_has_begun(self, api: Client, execution: Execution) -> None:
        answer = api.post(f"{path_of(execution, 't1')}/automation:run")
        assert (answer.status, answer.json["status"], answer.json["task_type"]) == (200, "IN_PROGRESS", "AUTOMATION")
        assert api.post(f"{path_of(execution, 't1')}/automation:run").message == "The task is running already"

    def test_is_refused_for_another_type(self, api: Client, execution: Execution) -> None:
        answer = api.post(f"{path_of(execution, 't2')}/automation:run")
        assert (answer.status, answer.message) == (400, "task_id: a task of type MANUAL has no automation")


CALLS = [
    ("POST", "execute"),
    ("POST", "automation:run"),
    ("POST", "schedule/run-now"),
    ("DELETE", "schedule"),
]


@pytest.mark.parametrize(("method", "tail"), CALLS)
class TestEach:
    def test_others_find_nothing(self, other_api: Client, execution: Execution, method: str, tail: str) -> None:
        before = dump()
        assert other_api.request(method, f"{path_of(execution, 't1')}/{tail}").status == 404
        assert dump() == before

    def test_an_unknown_task_is_not_found(self, api: Client, execution: Execution, method: str, tail: str) -> None:
        for unknown in (uuid4(), "nonsense"):
            assert api.request(method, f"{PATH}/{execution.id}/tasks/{unknown}/{tail}").status == 404

    def test_is_refused_without_a_token(self, execution: Execution, method: str, tail: str) -> None:
        assert Client("").request(method, f"{path_of(execution, 't1')}/{tail}").status == 401

    def test_is_refused_when_the_execution_is_closed(self, api: Client, execution: Execution, method: str, tail: str) -> None:
        api.patch(f"{PATH}/{execution.id}", {"status": "CLOSED"})
        before = dump()
        assert api.request(method, f"{path_of(execution, 't1')}/{tail}").status == 400
        assert dump() == before
