"""The command palette: what it offers to whom, and what that costs."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.api.test_executions import statements
from tests.dashboard.test_pages import HTMX, sign_in_as
from workflows.models import Execution, Organisation, Role, SavedBoard, User
from workflows.permissions import Actor
from workflows.services.tasks import patch_task


@pytest.fixture
def browser(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def named(actor: Actor, name: str = "Call") -> Execution:
    data = factories.sequence(2, name=f"Flow of {name}")
    data["tasks"][0]["name"] = name
    return factories.start(actor, data, last_name=f"Customer of {name}")


def ask(client: Client, words: str = "", task: str = "") -> dict[str, list[Any]]:
    """What is offered, by the names of the groups."""
    answer = client.get("/palette", {"q": words, "task": task}, headers=HTMX)
    assert answer.status_code == 200, answer.content
    return {section.name: section.choices for section in answer.context["sections"]}


def names(found: dict[str, list[Any]], group: str) -> list[str]:
    return [choice.name for choice in found.get(group, [])]


def test_words_find_tasks_executions_entities_and_processes(browser: Client, actor: Actor) -> None:
    execution = named(actor, "Xylophone")
    found = ask(browser, "xylo")
    task = factories.task_of(execution, "t1")
    assert found["Tasks"][0].href == f"/executions/{execution.id}?task={task.id}"
    assert found["Executions"][0].href == f"/executions/{execution.id}"
    assert names(found, "Processes") == ["Flow of Xylophone"]
    assert "Customer of Xylophone" in found["About"][0].name


def test_the_acts_of_the_task_in_hand_come_first_and_do_what_they_say(browser: Client, actor: Actor) -> None:
    execution = named(actor)
    task = factories.task_of(execution, "t1")
    found = ask(browser, "", str(task.id))
    assert next(iter(found)) == "Call"
    assert names(found, "Call")[:4] == ["Complete", "Start", "Put on hold", "Skip"]
    complete = found["Call"][0]
    assert browser.post(complete.post, json.loads(complete.values), headers=HTMX).status_code == 200
    assert factories.task_of(execution, "t1").status == "COMPLETED"


def test_without_words_pages_and_kept_views_are_offered(browser: Client, actor: Actor) -> None:
    board = SavedBoard.objects.create(organisation=actor.organisation, title="Monday", shared_with_org=True, config={})
    found = ask(browser)
    assert "Executions" in names(found, "Go to")
    assert [(view.name, view.href) for view in found["Views"]] == [("Monday", f"/board?saved={board.id}")]


def test_a_viewer_is_offered_no_acts(actor: Actor) -> None:
    execution = named(actor)
    viewer = sign_in_as(actor, Role.VIEWER)
    found = ask(viewer, "", str(factories.task_of(execution, "t1").id))
    assert names(found, "Call") == ["Move to…", "Open the task"]
    assert "Start a flow" not in names(found, "Go to")


def test_what_belongs_to_others_is_neither_found_nor_acted_on(
    browser: Client, actor: Actor, other_organisation: Organisation
) -> None:
    stranger = factories.actor_of(factories.make_user(other_organisation, "o@other.example", "O", Role.OWNER), other_organisation)
    theirs = named(stranger, "Xylophone")
    found = ask(browser, "xylo", str(factories.task_of(theirs, "t1").id))
    assert names(found, "Tasks") == ["All tasks with “xylo”"]
    assert not {"Executions", "Processes", "About", "Xylophone"} & set(found)


@pytest.mark.parametrize("task", ["", "no-id", "0b9f3b1e-0000-4000-8000-000000000000"])
def test_a_task_that_is_not_there_has_no_acts(browser: Client, task: str) -> None:
    assert next(iter(ask(browser, "", task))) == "Go to"


@pytest.mark.parametrize("words", ["%", "\0", "a" * 500, "“<script>"])
def test_odd_words_find_nothing_and_do_no_harm(browser: Client, words: str) -> None:
    answer = browser.get("/palette", {"q": words}, headers=HTMX)
    assert answer.status_code == 200
    assert "<script>" not in answer.content.decode()


def test_a_search_takes_as_many_statements_for_one_thing_as_for_thirty(browser: Client, actor: Actor) -> None:
    def cost(task: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            ask(browser, "xylo", task)
        return len(statements(captured))

    task = factories.task_of(named(actor, "Xylophone"), "t1")
    patch_task(actor, task.execution_id, task.id, {"assigned_to": [actor.id]})
    SavedBoard.objects.create(organisation=actor.organisation, title="xylo", shared_with_org=True, config={})
    cost(str(task.id))
    one = cost(str(task.id))
    for number in range(29):
        named(actor, f"Xylophone {number}")
        SavedBoard.objects.create(organisation=actor.organisation, title=f"xylo {number}", shared_with_org=True, config={})
    assert cost(str(task.id)) == one
