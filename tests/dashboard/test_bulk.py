"""Changing many tasks from a page: what is asked, what is answered, and what that costs."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.api.test_executions import statements
from tests.dashboard.test_pages import HTMX, sign_in_as
from tests.dump import dump
from workflows.jobs import change_now
from workflows.models import BulkChange, Organisation, Role, Task, User
from workflows.permissions import Actor
from workflows.services import bulk

HERE = HTMX | {"HX-Current-URL": "http://testserver/board?by=status"}


@pytest.fixture
def browser(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def tasks_of(actor: Actor, count: int) -> list[Task]:
    template = factories.make_template(actor, factories.sequence(2))
    return [factories.task_of(factories.start(actor, template=template), "t1") for _ in range(count)]


def change(client: Client, tasks: list[Task], **values: Any) -> Any:
    return client.post("/bulk", {"task": [str(task.id) for task in tasks], **values}, headers=HERE)


@pytest.mark.parametrize(
    ("values", "field", "after"),
    [
        ({"field": "status", "value": "ON_HOLD"}, "status", "ON_HOLD"),
        ({"field": "due_date", "due_date": "2031-02-02"}, "due_date", "2031-02-02T00:00:00.000"),
    ],
)
def test_selected_tasks_are_changed_and_the_page_is_answered_with(
    browser: Client, actor: Actor, values: dict[str, str], field: str, after: str
) -> None:
    tasks = tasks_of(actor, 2)
    answer = change(browser, tasks, **values)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "2 done" in text
    assert "/undo" in text
    assert 'id="work-body"' in text
    assert [getattr(Task.objects.get(pk=task.pk), field) for task in tasks] == [after] * 2


def test_people_are_assigned_and_unassigned(browser: Client, actor: Actor) -> None:
    tasks = tasks_of(actor, 2)
    change(browser, tasks, field="assignees", value=actor.id)
    assert [[row.assignee for row in task.assignments.all()] for task in tasks] == [[actor.id]] * 2
    change(browser, tasks, field="assignees", value="")
    assert [list(task.assignments.all()) for task in tasks] == [[], []]


@pytest.mark.parametrize("address", ["/", "/executions/{}", "/templates"])
def test_it_answers_on_every_page(browser: Client, actor: Actor, address: str) -> None:
    tasks = tasks_of(actor, 1)
    here = HTMX | {"HX-Current-URL": "http://testserver" + address.format(tasks[0].execution_id)}
    answer = browser.post("/bulk", {"task": str(tasks[0].id), "field": "status", "value": "ON_HOLD"}, headers=here)
    assert (answer.status_code, "1 done" in answer.content.decode()) == (200, True)


@pytest.mark.parametrize(
    "values",
    [
        {"field": "name", "value": "x"},
        {"field": "status", "value": "FAILED"},
        {"field": "assignees", "value": "nobody-here"},
        {"field": "due_date", "due_date": "soon"},
        {},
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(browser: Client, actor: Actor, values: dict[str, str]) -> None:
    tasks = tasks_of(actor, 1)
    before = dump()
    assert change(browser, tasks, **values).status_code == 422
    assert browser.post("/bulk", {"task": "no-id", "field": "status", "value": "ON_HOLD"}, headers=HERE).status_code == 422
    assert dump() == before


def test_what_was_not_allowed_is_listed_with_the_reason(browser: Client, actor: Actor) -> None:
    execution = factories.start(actor, factories.choice())
    tasks = [*tasks_of(actor, 1), factories.task_of(execution, "decide")]
    text = change(browser, tasks, field="status", value="COMPLETED").content.decode()
    assert "1 done, 1 not allowed" in text
    found = BulkChange.objects.get()
    dialog = browser.get(f"/bulk/{found.id}", headers=HERE | {"HX-Target": "dialog"}).content.decode()
    assert "It is a decision: open it and choose its branch." in dialog
    assert "Task decide" in browser.get(f"/bulk/{found.id}").content.decode()


def test_many_are_left_to_a_worker_and_have_a_page_with_progress(
    browser: Client, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "MOST_AT_ONCE", 1)
    answer = change(browser, tasks_of(actor, 2), field="status", value="ON_HOLD")
    page = answer["HX-Redirect"]
    waiting = browser.get(page).content.decode()
    assert '<progress max="2" value="0"' in waiting
    assert 'hx-trigger="load delay:1s"' in waiting
    factories.run_jobs()
    finished = browser.get(page, headers=HTMX).content.decode()
    assert '<progress max="2" value="2"' in finished
    assert "hx-trigger" not in finished
    assert "2 done" in finished


def test_it_is_taken_back_as_a_whole(browser: Client, actor: Actor) -> None:
    tasks = tasks_of(actor, 2)
    change(browser, tasks, field="status", value="COMPLETED")
    answer = browser.post(f"/bulk/{BulkChange.objects.get().id}/undo", headers=HERE)
    assert "2 taken back" in answer.content.decode()
    assert {Task.objects.get(pk=task.pk).status for task in tasks} == {"PENDING"}


def test_others_do_not_see_it_nor_take_it_back(browser: Client, actor: Actor, other_organisation: Organisation) -> None:
    change(browser, tasks_of(actor, 1), field="status", value="COMPLETED")
    stranger = Client(raise_request_exception=False)
    stranger.force_login(factories.make_user(other_organisation, "o@other.example", "O", Role.OWNER))
    colleague = sign_in_as(actor, Role.MANAGER)
    before = dump()
    for other in (stranger, colleague):
        assert other.get(f"/bulk/{BulkChange.objects.get().id}").status_code == 404
        assert other.post(f"/bulk/{BulkChange.objects.get().id}/undo", headers=HERE).status_code == 404
    assert browser.get(f"/bulk/{uuid4()}").status_code == 404
    assert dump() == before


@pytest.mark.parametrize("field", ["status", "assignees", "due_date"])
def test_a_viewer_is_offered_nothing_and_changes_nothing(actor: Actor, field: str) -> None:
    tasks = tasks_of(actor, 1)
    viewer = sign_in_as(actor, Role.VIEWER)
    before = dump()
    assert viewer.get(f"/bulk/{field}", headers=HERE).status_code == 403
    assert change(viewer, tasks, field=field, value="").status_code in (403, 422)
    assert dump() == before


def test_the_page_of_a_change_takes_as_many_statements_for_one_task_as_for_thirty(browser: Client, actor: Actor) -> None:
    def cost(count: int) -> int:
        found = change_now(actor, [task.id for task in tasks_of(actor, count)], {"status": "COMPLETED"})
        browser.get(f"/bulk/{found.id}")
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(f"/bulk/{found.id}").status_code == 200
        return len(statements(captured))

    assert cost(1) == cost(30)


class TestAllThatMatch:
    LIST = HTMX | {"HX-Current-URL": "http://testserver/board?by=status&view=list&q=Task+t1&task=x"}

    def test_what_is_not_shown_is_changed_too_and_nothing_else(
        self, browser: Client, actor: Actor, other_organisation: Organisation
    ) -> None:
        tasks_of(actor, 60)
        foreign = factories.actor_of(
            factories.make_user(other_organisation, "x@other.example", "X", Role.OWNER), other_organisation
        )
        tasks_of(foreign, 1)
        answer = browser.post("/bulk", {"all": "1", "field": "status", "value": "ON_HOLD"}, headers=self.LIST)
        assert "60 done" in answer.content.decode()
        assert Task.objects.filter(organisation=actor.organisation, name="Task t1", status="ON_HOLD").count() == 60
        assert not Task.objects.filter(status="ON_HOLD").exclude(organisation=actor.organisation, name="Task t1").exists()

    def test_many_are_left_to_a_worker(self, browser: Client, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bulk, "MOST_AT_ONCE", 2)
        tasks_of(actor, 3)
        answer = browser.post("/bulk", {"all": "1", "field": "status", "value": "ON_HOLD"}, headers=self.LIST)
        assert answer["HX-Redirect"] == f"/bulk/{BulkChange.objects.get().id}"
        factories.run_jobs()
        assert Task.objects.filter(status="ON_HOLD").count() == 3

    @pytest.mark.parametrize("page", ["http://testserver/", "http://testserver/executions", "http://elsewhere.example/board"])
    def test_only_the_list_of_tasks_can_be_changed_as_a_whole(self, browser: Client, actor: Actor, page: str) -> None:
        tasks_of(actor, 1)
        before = dump()
        headers = HTMX | {"HX-Current-URL": page}
        answer = browser.post("/bulk", {"all": "1", "field": "status", "value": "ON_HOLD"}, headers=headers)
        assert answer.status_code == 422
        assert dump() == before

    def test_more_than_can_be_changed_together_is_refused(
        self, browser: Client, actor: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tasks_of(actor, 3)
        monkeypatch.setattr(bulk, "MOST", 2)
        before = dump()
        answer = browser.post("/bulk", {"all": "1", "field": "status", "value": "ON_HOLD"}, headers=self.LIST)
        assert (answer.status_code, "at most 2" in answer.content.decode()) == (422, True)
        assert dump() == before

    def test_who_may_only_look_changes_nothing(self, actor: Actor) -> None:
        tasks_of(actor, 2)
        viewer = sign_in_as(actor, Role.VIEWER)
        before = dump()
        answer = viewer.post("/bulk", {"all": "1", "field": "status", "value": "ON_HOLD"}, headers=self.LIST)
        assert answer.status_code == 403
        assert dump() == before
