"""The page of an execution in its views: what each shows, what it costs, and what an edit answers with there."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests import factories
from tests.api.test_executions import statements
from tests.dashboard.test_pages import HTMX, path_of
from workflows.models import Entity, Execution, User
from workflows.permissions import Actor
from workflows.services.executions import Context, patch_execution
from workflows.services.tasks import patch_task


@pytest.fixture
def browser(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def show(browser: Client, execution: Execution, **query: str) -> Any:
    return browser.get(f"/executions/{execution.id}", query)


def rows(answer: Any) -> list[str]:
    return [row.card.task.template_id for section in answer.context["sections"] for row in section.rows]


def finish(actor: Actor, execution: Execution, *keys: str) -> None:
    for key in keys:
        patch_task(actor, execution.id, factories.task_of(execution, key).id, {"status": "COMPLETED"})


class TestViews:
    @pytest.mark.parametrize("asked", ["", "nonsense", "board"])
    def test_an_address_that_asks_for_no_view_shows_the_board(self, browser: Client, actor: Actor, asked: str) -> None:
        answer = show(browser, factories.start(actor), view=asked)
        assert (answer.status_code, answer.context["view"]) == (200, "board")
        assert 'id="board"' in answer.content.decode()

    def test_links_to_the_views_keep_the_open_task(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        task = factories.task_of(execution, "t2")
        answer = show(browser, execution, view="list", sort="due", task=str(task.id))
        tabs = {tab.key: tab for tab in answer.context["tabs"]}
        assert tabs["board"].address == f"/executions/{execution.id}?task={task.id}"
        assert tabs["list"].address == f"/executions/{execution.id}?view=list&task={task.id}"
        assert [key for key, tab in tabs.items() if tab.is_current] == ["list"]
        assert answer.context["close_address"] == f"/executions/{execution.id}?view=list&sort=due"

    def test_opening_a_task_renews_the_links_to_the_views(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        task = factories.task_of(execution, "t2")
        fragment = browser.get(f"/executions/{execution.id}?view=list&task={task.id}", headers=HTMX).content.decode()
        assert f'href="/executions/{execution.id}?task={task.id}"' in fragment
        assert 'id="tabs"' in fragment
        assert "<html" not in fragment
        assert 'id="task-list"' not in fragment

    def test_an_edit_answers_with_the_view_from_which_it_came(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        address = f"http://testserver/executions/{execution.id}?view=list&sort=-name"
        answer = browser.post(
            path_of(execution, "t1", "status"),
            {"status": "COMPLETED", "was": "PENDING"},
            headers=HTMX | {"HX-Current-URL": address},
        )
        page = answer.content.decode()
        assert [page.count(f'id="{part}"') for part in ("flow", "task-list", "pane", "board")] == [1, 1, 1, 0]
        assert rows(answer) == ["t4", "t3", "t2", "t1"]

    def test_an_address_of_another_page_says_nothing_about_the_view(self, browser: Client, actor: Actor) -> None:
        execution, other = factories.start(actor), factories.start(actor)
        headers = HTMX | {"HX-Current-URL": f"http://testserver/executions/{other.id}?view=list"}
        body = {"status": "COMPLETED", "was": "PENDING"}
        assert 'id="board"' in browser.post(path_of(execution, "t1", "status"), body, headers=headers).content.decode()


class TestList:
    def test_tasks_stand_under_their_phases(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        finish(actor, execution, "t1", "t2")
        sections = show(browser, execution, view="list").context["sections"]
        assert [(s.name, s.status_name, s.done, s.total) for s in sections] == [
            ("First", "Completed", 2, 2),
            ("Second", "In progress", 0, 2),
        ]

    def test_a_row_says_who_started_and_finished_a_task_and_when(self, browser: Client, actor: Actor, api: Any) -> None:
        execution = factories.start(actor)
        task = factories.task_of(execution, "t1")
        patch_task(actor, execution.id, task.id, {"status": "IN_PROGRESS"})
        api.patch(f"/v2/flows/executions/{execution.id}/tasks/{task.id}", {"status": "COMPLETED"})
        row = show(browser, execution, view="list").context["sections"][0].rows[0]
        assert (row.started.who, row.finished.who) == ("Mara", "tests")
        assert row.started.when.endswith(f"{row.started.at.astimezone(row.card.task.created_at.tzinfo):%M}")

    @pytest.mark.parametrize(
        ("sort", "expected"),
        [
            ("name", ["t1", "t2", "t3"]),
            ("-name", ["t3", "t2", "t1"]),
            ("due", ["t3", "t1", "t2"]),
            ("-due", ["t1", "t3", "t2"]),
            ("assignees", ["t2", "t1", "t3"]),
            ("-finished", ["t1", "t2", "t3"]),
            ("nonsense", ["t1", "t2", "t3"]),
        ],
    )
    def test_it_is_sorted_by_a_column_and_what_has_no_value_comes_last(
        self, browser: Client, actor: Actor, sort: str, expected: list[str]
    ) -> None:
        data = factories.sequence(3)
        data["tasks"][0]["due_date"] = "2031-05-02T00:00:00.000"
        data["tasks"][2]["due_date"] = "2031-05-01T00:00:00.000"
        data["tasks"][1]["assigned_to"] = [actor.id]
        execution = factories.start(actor, data)
        finish(actor, execution, "t1")
        assert rows(show(browser, execution, view="list", sort=sort)) == expected

    def test_a_column_says_how_it_is_sorted_and_turns_it_round(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        headings = {h.key: h for h in show(browser, execution, view="list", sort="due").context["headings"]}
        assert (headings["due"].order, headings["due"].address[-9:]) == ("ascending", "sort=-due")
        assert (headings["name"].order, headings["name"].address[-9:]) == ("none", "sort=name")

    def test_tasks_off_the_path_are_said_to_be(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor, factories.choice())
        finish(actor, execution, "ask")
        decided: Any = {"status": "COMPLETED", "next_condition_id": "c-yes"}
        patch_task(actor, execution.id, factories.task_of(execution, "decide").id, decided)
        assert show(browser, execution, view="list").content.decode().count("not on the path taken") == 1


class TestSubjects:
    def test_an_entity_is_shown_with_its_first_plain_attributes(self, browser: Client, actor: Actor) -> None:
        attributes = {
            "_hidden": "x",
            "power_kwp": 12,
            "signed_on": "2031-05-28",
            "is_customer": True,
            "email": [{"email": "ada@mail.example"}],
            "empty": "",
            "notes": None,
            "street": "Long " * 60,
            "zone": "no room",
        }
        execution = factories.start(actor, _title="Ada Berg", **attributes)
        subject = show(browser, execution).context["board"].subjects[0]
        assert (subject.title, subject.schema, subject.is_gone) == ("Ada Berg", "contact", False)
        assert dict(subject.facts) == {
            "first name": "Ada",
            "last name": "Berg",
            "power kwp": "12",
            "signed on": "28 May 2031",
            "is customer": "yes",
            "email": "ada@mail.example",
        }
        entity = Entity.objects.get(title="Ada Berg")
        assert subject.address == f"/board?by=status&show=all&entity={entity.id}"
        assert "Task t1" in browser.get(subject.address).content.decode()

    def test_an_entity_that_is_gone_is_said_to_be(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        Entity.objects.update(deleted_at=timezone.now() - timedelta(days=1))
        assert "It has been deleted." in show(browser, execution).content.decode()

    def test_attributes_are_shown_as_text(self, browser: Client, actor: Actor) -> None:
        attack = "<img src=x onerror=alert(1)>"
        execution = factories.start(actor, **{attack: attack})
        page = show(browser, execution).content.decode()
        assert attack not in page
        assert "&lt;img" in page


class TestCost:
    @pytest.mark.parametrize("view", ["list"])
    def test_a_view_needs_the_same_statements_for_1_and_30_tasks(self, browser: Client, actor: Actor, view: str) -> None:
        counts = []
        for size in (1, 30):
            execution = factories.start(actor, factories.sequence(size, assigned_to=[actor.id]))
            finish(actor, execution, *(f"t{number}" for number in range(1, size)))
            show(browser, execution, view=view)
            with CaptureQueriesContext(connection) as captured:
                page = show(browser, execution, view=view).content.decode()
            assert page.count("data-card") == size
            counts.append(len(statements(captured)))
        assert counts[0] == counts[1] <= 12

    def test_the_page_needs_the_same_statements_for_1_and_30_entities(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        counts = []
        for size in (1, 30):
            entities = [factories.make_entity(actor, number=number) for number in range(size)]
            contexts = [Context(str(entity.id), "contact", number == 0) for number, entity in enumerate(entities)]
            patch_execution(actor, execution.id, {"contexts": contexts})
            show(browser, execution)
            with CaptureQueriesContext(connection) as captured:
                assert len(show(browser, execution).context["board"].subjects) == size
            counts.append(len(statements(captured)))
        assert counts[0] == counts[1] <= 12
