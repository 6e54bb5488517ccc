"""The small sheets on cards, and taking back: what they show, what they refuse, and what that costs."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.api.test_executions import statements
from tests.dashboard.test_pages import HTMX, sign_in_as
from tests.dump import dump
from workflows.models import Event, Execution, Organisation, Role, User
from workflows.permissions import Actor
from workflows.services.executions import patch_execution
from workflows.services.tasks import patch_task

HERE = HTMX | {"HX-Current-URL": "http://testserver/"}
FIELDS = ("status", "assignees", "due_date")


@pytest.fixture
def browser(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


@pytest.fixture
def execution(actor: Actor) -> Execution:
    return factories.start(actor, factories.sequence(2))


def sheet(client: Client, execution: Execution, field: str, key: str = "t1") -> Any:
    return client.get(f"/tasks/{factories.task_of(execution, key).id}/edit/{field}", headers=HERE)


def test_each_sheet_offers_what_can_be_chosen(browser: Client, execution: Execution) -> None:
    texts = {field: sheet(browser, execution, field).content.decode() for field in FIELDS}
    assert "Complete" in texts["status"]
    assert "Mara" in texts["assignees"]
    assert "Tomorrow" in texts["due_date"]


@pytest.mark.parametrize("field", FIELDS)
def test_a_viewer_is_told_that_nothing_can_be_changed(actor: Actor, execution: Execution, field: str) -> None:
    answer = sheet(sign_in_as(actor, Role.VIEWER), execution, field)
    assert "You may look at this, but not change it." in answer.content.decode()
    assert "hx-post" not in answer.content.decode()


@pytest.mark.parametrize("field", FIELDS)
def test_tasks_of_a_closed_execution_say_so(browser: Client, actor: Actor, execution: Execution, field: str) -> None:
    patch_execution(actor, execution.id, {"status": "CLOSED"})
    answer = sheet(browser, execution, field).content.decode()
    assert "Its execution is closed." in answer
    assert "hx-post" not in answer


def test_sheets_of_other_organisations_are_not_there(execution: Execution, other_organisation: Organisation) -> None:
    stranger = Client(raise_request_exception=False)
    stranger.force_login(factories.make_user(other_organisation, "o@other.example", "O", Role.OWNER))
    before = dump()
    for field in FIELDS:
        assert sheet(stranger, execution, field).status_code == 404
    assert stranger.post(f"/tasks/{factories.task_of(execution, 't1').id}/mine", headers=HERE).status_code == 404
    seq = Event.objects.filter(execution=execution).latest("seq").seq
    assert stranger.post(f"/executions/{execution.id}/undo/{seq}", headers=HERE).status_code == 404
    assert dump() == before


@pytest.mark.parametrize("field", FIELDS)
def test_a_sheet_takes_as_many_statements_for_one_task_as_for_thirty(browser: Client, actor: Actor, field: str) -> None:
    def cost(count: int) -> int:
        execution = factories.start(actor, factories.sequence(count))
        sheet(browser, execution, field)
        with CaptureQueriesContext(connection) as captured:
            assert sheet(browser, execution, field).status_code == 200
        return len(statements(captured))

    assert cost(1) == cost(30)


def test_an_edit_offers_to_take_it_back_and_what_changed_nothing_does_not(browser: Client, execution: Execution) -> None:
    task = factories.task_of(execution, "t1")
    path = f"/executions/{execution.id}/tasks/{task.id}/status"
    first = browser.post(path, {"status": "ON_HOLD", "was": "PENDING"}, headers=HERE).content.decode()
    seq = Event.objects.filter(execution=execution, action="task.status").latest("seq").seq
    assert f"/executions/{execution.id}/undo/{seq}" in first
    name = {"name": "Other", "was": task.name}
    other = browser.post(f"/executions/{execution.id}/tasks/{task.id}/name", name, headers=HERE).content.decode()
    assert 'id="toast"' not in other


def test_the_last_act_is_taken_back_without_naming_it(browser: Client, actor: Actor, execution: Execution) -> None:
    task = factories.task_of(execution, "t1")
    patch_task(actor, execution.id, task.id, {"status": "COMPLETED"})
    assert browser.post("/undo", headers=HERE).status_code == 200
    assert factories.task_of(execution, "t1").status == "PENDING"
    answer = browser.post("/undo", headers=HERE)
    assert answer.status_code == 422
    assert "you have changed nothing within the last hour" in answer.content.decode()


def test_what_cannot_be_taken_back_says_why_and_changes_nothing(browser: Client, actor: Actor, execution: Execution) -> None:
    task = factories.task_of(execution, "t1")
    patch_task(actor, execution.id, task.id, {"status": "COMPLETED"})
    seq = Event.objects.filter(execution=execution, action="task.status", task_id=task.id).latest("seq").seq
    patch_task(actor, execution.id, factories.task_of(execution, "t2").id, {"status": "IN_PROGRESS"})
    before = dump()
    answer = browser.post(f"/executions/{execution.id}/undo/{seq}", headers=HERE)
    assert (answer.status_code, "somebody has worked on “Task t2”" in answer.content.decode()) == (422, True)
    assert dump() == before


def test_a_viewer_takes_nothing(actor: Actor, execution: Execution) -> None:
    viewer = sign_in_as(actor, Role.VIEWER)
    before = dump()
    assert viewer.post(f"/tasks/{factories.task_of(execution, 't1').id}/mine", headers=HERE).status_code == 403
    assert dump() == before
