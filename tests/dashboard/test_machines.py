"""Schedules, reasons of decisions, loops and going back, as people see and use them."""

from typing import Any

import pytest
from django.test import Client

from tests import factories
from tests.dashboard.test_pages import HTMX, path_of, sign_in_as
from tests.dump import dump
from tests.services.test_schedules import AT, BEFORE_THE_END, TWO_HOURS, scheduled, waiting
from workflows.models import Execution, Role, User
from workflows.permissions import Actor
from workflows.services.tasks import patch_task


@pytest.fixture
def browser(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def pane(browser: Client, execution: Execution, key: str, **headers: str) -> str:
    task = factories.task_of(execution, key)
    text: str = browser.get(f"/executions/{execution.id}?task={task.id}", headers=HTMX | headers).content.decode()
    return text


def board(browser: Client, execution: Execution) -> str:
    text: str = browser.get(f"/executions/{execution.id}").content.decode()
    return text


def looping() -> dict[str, Any]:
    data = factories.choice()
    data["tasks"][1]["loop_config"] = {"loop_branch_id": "c-no", "exit_branch_id": "c-yes", "max_iterations": 3}
    data["edges"][2] = factories.edge("decide", "ask", condition_id="c-no")
    return data | {"tasks": data["tasks"][:3]}


class TestSchedules:
    def test_an_armed_one_shows_its_time_and_can_be_run_or_cancelled(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor, scheduled(TWO_HOURS), now=AT)
        text = pane(browser, execution, "t1")
        assert "Begins by itself on" in text
        assert "4 Mar 2026, 13:00" in text
        assert 'id="run-now"' in text
        assert 'id="cancel-schedule"' in text
        assert "begins 4 Mar 2026, 13:00" in board(browser, execution)

    def test_running_it_now_begins_the_task(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor, scheduled(TWO_HOURS), now=AT)
        assert browser.post(path_of(execution, "t1", "run"), headers=HTMX).status_code == 200
        assert factories.task_of(execution, "t1").status == "IN_PROGRESS"
        before = dump()
        again = browser.post(path_of(execution, "t1", "run"), headers=HTMX)
        assert (again.status_code, "running already" in again.content.decode()) == (422, True)
        assert dump() == before

    def test_cancelling_skips_the_task(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor, scheduled(TWO_HOURS), now=AT)
        assert browser.post(path_of(execution, "t1", "schedule/cancel"), headers=HTMX).status_code == 200
        assert factories.current(execution) == ["t2"]
        assert "cancelled the schedule for 4 Mar 2026, 13:00" in pane(browser, execution, "t1")

    @pytest.mark.parametrize(
        ("ends", "said"),
        [
            ("", "The date “ends” is empty"),
            ("soon", "The attribute “ends” holds “soon”, which is no date."),
            ("2026-03-05", "This task was to begin on 2 Mar 2026, 00:00, and that has passed."),
        ],
    )
    def test_why_there_is_none_is_said_with_what_to_do(self, browser: Client, actor: Actor, ends: str, said: str) -> None:
        execution = factories.start(actor, scheduled(BEFORE_THE_END), now=AT, ends=ends)
        text = pane(browser, execution, "t1")
        assert said in text
        assert "Correct the date, and it is scheduled by itself" in text
        assert "could not schedule it" in text
        assert "Not scheduled" in board(browser, execution)
        german = pane(browser, execution, "t1", **{"Accept-Language": "de"})
        assert "Berichtigen Sie das Datum" in german

    def test_who_may_not_work_on_tasks_sees_it_and_can_do_nothing(self, actor: Actor) -> None:
        execution = factories.start(actor, scheduled(TWO_HOURS), now=AT)
        viewer = sign_in_as(actor, Role.VIEWER)
        text = pane(viewer, execution, "t1")
        assert "4 Mar 2026, 13:00" in text
        assert "run-now" not in text
        assert "cancel-schedule" not in text
        before = dump()
        for field in ("run", "schedule/cancel"):
            assert viewer.post(path_of(execution, "t1", field), headers=HTMX).status_code == 403
        assert viewer.get(path_of(execution, "t1", "back"), headers=HTMX).status_code == 403
        assert dump() == before


class TestReasons:
    def test_each_branch_says_whether_it_is_met_and_what_was_found(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor, waiting(), city="Köln", meters="many")
        text = pane(browser, execution, "d")
        assert text.count("is not met") == 2
        assert "city is “Bonn”" in text
        assert "found: “Köln”" in text
        assert "meters holds “many”, which is no number" in text
        assert "could not be compared: meters holds “many”" in text
        assert "Evaluate now" in text

    def test_the_branch_that_was_taken_is_named_on_the_card(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor, waiting(), city="Bonn")
        assert "→ Bonn" in board(browser, execution)
        text = pane(browser, execution, "d")
        assert "taken" in text
        assert "is met" in text

    def test_a_branch_that_was_not_asked_yet_shows_what_it_asks(self, browser: Client, actor: Actor) -> None:
        data = waiting()
        data["tasks"].append(factories.task("first"))
        data["edges"].append(factories.edge("first", "d"))
        text = pane(browser, factories.start(actor, data), "d")
        assert "city is “Bonn”" in text
        assert "found" not in text

    def test_evaluating_now_looks_again(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor, waiting(), city="Köln")
        assert browser.post(path_of(execution, "d", "run"), headers=HTMX).status_code == 200
        assert factories.current(execution) == ["d"]

    def test_a_loop_says_how_often_it_was_gone_through(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor, looping())
        assert "Loop: 0 of 3" in board(browser, execution)
        for key, branch in (("ask", {}), ("decide", {"next_condition_id": "c-no"})):
            patch_task(actor, execution.id, factories.task_of(execution, key).id, {"status": "COMPLETED", **branch})
        assert "Loop: 1 of 3" in board(browser, execution)
        assert "Loop: 1 of 3" in pane(browser, execution, "decide")


class TestGoingBack:
    def test_says_first_what_it_resets_and_changes_nothing(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        for key in ("t1", "t2"):
            patch_task(actor, execution.id, factories.task_of(execution, key).id, {"status": "COMPLETED"})
        before = dump()
        text = browser.get(path_of(execution, "t1", "back"), headers=HTMX).content.decode()
        assert "2 tasks will be reset to To do." in text
        assert "Task t2" in text
        assert "Task t3" in text
        assert "Task t4" not in text
        assert dump() == before
        assert path_of(execution, "t1", "back") in pane(browser, execution, "t1")

    def test_says_when_nothing_else_is_reset(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor, factories.sequence(1))
        patch_task(actor, execution.id, factories.task_of(execution, "t1").id, {"status": "COMPLETED"})
        text = browser.get(path_of(execution, "t1", "back"), headers=HTMX).content.decode()
        assert "No other task is reset." in text

    def test_a_closed_execution_has_no_way_back(self, browser: Client, actor: Actor) -> None:
        from workflows.services.executions import patch_execution

        execution = factories.start(actor)
        patch_execution(actor, execution.id, {"status": "CLOSED"})
        answer = browser.get(path_of(execution, "t1", "back"), headers=HTMX)
        assert answer.status_code == 422
