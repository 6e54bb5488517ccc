"""Adding a task to a phase by its name alone."""

from typing import Any

import pytest
from django.test import Client

from tests import factories
from tests.dashboard.test_pages import HTMX, sign_in_as
from tests.dump import dump
from workflows.models import Execution, Organisation, Phase, Role, Task, User
from workflows.permissions import Actor
from workflows.services.executions import patch_execution
from workflows.services.tasks import patch_task


@pytest.fixture
def browser(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


@pytest.fixture
def execution(actor: Actor) -> Execution:
    """Four tasks one after another, two in each of two phases."""
    return factories.start(actor, factories.sequence(4))


def phase(execution: Execution, name: str) -> Phase:
    return Phase.objects.get(execution=execution, name=name)


def add(client: Client, execution: Execution, name: str, to: str) -> Any:
    here = HTMX | {"HX-Current-URL": f"http://testserver/executions/{execution.id}"}
    data = {"name": name, "phase": str(phase(execution, to).id)}
    return client.post(f"/executions/{execution.id}/tasks/quick/add", data, headers=here)


def order(execution: Execution) -> list[str]:
    return list(Task.objects.filter(execution=execution).order_by("position", "id").values_list("name", flat=True))


def walk(actor: Actor, execution: Execution) -> list[str]:
    """Complete whatever is current until the flow is done, and return the names in that order."""
    done = []
    while found := Task.objects.filter(execution=execution, crt_since__isnull=False).order_by("position").first():
        patch_task(actor, execution.id, found.id, {"status": "COMPLETED"})
        done.append(found.name)
    return done


def test_tasks_are_added_at_the_end_of_a_phase_one_after_the_other(browser: Client, actor: Actor, execution: Execution) -> None:
    for name in ("Alpha", "Beta"):
        assert add(browser, execution, name, "First").status_code == 200
    assert order(execution) == ["Task t1", "Task t2", "Alpha", "Beta", "Task t3", "Task t4"]
    assert {Task.objects.get(name=name).phase_id for name in ("Alpha", "Beta")} == {phase(execution, "First").id}
    assert walk(actor, execution) == ["Task t1", "Task t2", "Alpha", "Beta", "Task t3", "Task t4"]


def test_in_the_last_phase_they_come_before_the_last_task(browser: Client, actor: Actor, execution: Execution) -> None:
    add(browser, execution, "Alpha", "Second")
    assert walk(actor, execution) == ["Task t1", "Task t2", "Task t3", "Alpha", "Task t4"]


def test_a_phase_that_is_over_has_no_place(browser: Client, actor: Actor) -> None:
    execution = factories.start(actor, factories.sequence(2))
    walk(actor, execution)
    before = dump()
    answer = add(browser, execution, "Alpha", "First")
    assert (answer.status_code, "There is no place for another task" in answer.content.decode()) == (422, True)
    assert dump() == before


def test_the_sheet_says_where_the_task_will_be_or_why_it_cannot(browser: Client, actor: Actor, execution: Execution) -> None:
    task = factories.task_of(execution, "t1")
    text = browser.get(f"/tasks/{task.id}/edit/add", headers=HTMX).content.decode()
    assert "It comes after “Task t2”." in text
    assert str(phase(execution, "First").id) in text
    path = f"/executions/{execution.id}/tasks/quick?phase={phase(execution, 'Second').id}"
    assert "It comes after “Task t3”." in browser.get(path, headers=HTMX).content.decode()
    patch_execution(actor, execution.id, {"status": "CLOSED"})
    assert "Its execution is closed." in browser.get(path, headers=HTMX).content.decode()


@pytest.mark.parametrize("data", [{}, {"name": "  "}, {"name": "x", "phase": "no-id"}])
def test_a_name_and_a_phase_are_needed(browser: Client, execution: Execution, data: dict[str, str]) -> None:
    before = dump()
    path = f"/executions/{execution.id}/tasks/quick/add"
    answer = browser.post(path, {"phase": str(phase(execution, "First").id)} | data, headers=HTMX)
    assert answer.status_code in (404, 422)
    assert dump() == before


def test_viewers_and_strangers_add_nothing(actor: Actor, execution: Execution, other_organisation: Organisation) -> None:
    stranger = Client(raise_request_exception=False)
    stranger.force_login(factories.make_user(other_organisation, "o@other.example", "O", Role.OWNER))
    viewer = sign_in_as(actor, Role.VIEWER)
    before = dump()
    assert add(viewer, execution, "Alpha", "First").status_code == 403
    assert add(stranger, execution, "Alpha", "First").status_code == 404
    task = factories.task_of(execution, "t1")
    assert "You may look at this" in viewer.get(f"/tasks/{task.id}/edit/add", headers=HTMX).content.decode()
    assert dump() == before


def test_what_was_added_is_taken_back_from_the_note_or_as_the_last_act(
    browser: Client, actor: Actor, execution: Execution
) -> None:
    before = order(execution)
    note = add(browser, execution, "Alpha", "First").content.decode()
    address = note.partition('id="undo" hx-post="')[2].partition('"')[0]
    assert "was added" in note
    here = HTMX | {"HX-Current-URL": f"http://testserver/executions/{execution.id}"}
    assert browser.post(address, headers=here).status_code == 200
    assert order(execution) == before
    add(browser, execution, "Beta", "First")
    assert browser.post("/undo", headers=here).status_code == 200
    assert order(execution) == before
    assert walk(actor, execution) == before
    assert browser.post(address, headers=here).status_code == 404
