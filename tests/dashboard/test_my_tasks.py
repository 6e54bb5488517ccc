"""My tasks: what stands in which group, what can be done to it there, and what that costs."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests import factories
from tests.api.test_executions import statements
from tests.dashboard.test_pages import HTMX, path_of, sign_in_as
from tests.dump import dump
from workflows.models import Execution, Organisation, Role, User
from workflows.permissions import Actor
from workflows.services.due_buckets import Bucket, Planner
from workflows.services.executions import delete_execution, patch_execution
from workflows.services.tasks import patch_task

HERE = HTMX | {"HX-Current-URL": "http://testserver/"}
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def browser(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def own(actor: Actor, name: str = "Call", **fields: Any) -> Execution:
    """An execution whose first task is the actor's."""
    data = factories.sequence(2, assigned_to=[])
    data["tasks"][0] |= {"name": name, "assigned_to": [actor.id]} | fields
    return factories.start(actor, data)


def groups(client: Client) -> dict[str, list[str]]:
    """The names of the tasks on the page, by group."""
    context = client.get("/").context
    sections = [*context["sections"], context["pool"]]
    return {section.key: [row.task.name for row in section.rows] for section in sections if section.rows}


def iso(days: int) -> str:
    return (timezone.now().astimezone(BERLIN).date() + timedelta(days=days)).isoformat() + "T00:00:00.000"


class TestGroups:
    def test_current_tasks_of_a_person_stand_in_the_group_of_their_date(self, browser: Client, actor: Actor) -> None:
        for name, due in (("Late", iso(-3)), ("Now", iso(0)), ("Far", iso(30)), ("Whenever", "")):
            own(actor, name, due_date=due)
        assert groups(browser) == {"overdue": ["Late"], "today": ["Now"], "later": ["Far"], "none": ["Whenever"]}

    def test_what_is_earlier_stands_higher(self, browser: Client, actor: Actor) -> None:
        for days in (-1, -9, -4):
            own(actor, f"Late by {-days}", due_date=iso(days))
        assert groups(browser)["overdue"] == ["Late by 9", "Late by 4", "Late by 1"]

    @pytest.mark.parametrize(
        ("due", "bucket"),
        [
            ("2026-11-25T09:00:00", Bucket.OVERDUE),
            ("2026-11-25T23:59:59", Bucket.TODAY),
            ("2026-11-26T00:00:00", Bucket.WEEK),
            ("2026-11-29T23:59:59", Bucket.WEEK),
            ("2026-11-30T00:00:00", Bucket.LATER),
        ],
    )
    def test_weeks_end_on_sunday_and_days_at_midnight_of_the_zone(self, actor: Actor, due: str, bucket: Bucket) -> None:
        execution = own(actor)
        row = factories.task_of(execution, "t1")
        type(row).objects.filter(pk=row.pk).update(due_at=datetime.fromisoformat(due).replace(tzinfo=BERLIN))
        planner = Planner(datetime(2026, 11, 25, 10, tzinfo=BERLIN), BERLIN)
        found = [
            name for name, condition in planner.conditions.items() if type(row).objects.filter(condition, pk=row.pk).exists()
        ]
        assert found == [bucket]

    @pytest.mark.parametrize(
        ("now", "expected"),
        [("2026-11-25", "2026-11-27"), ("2026-11-27", "2026-11-29"), ("2026-11-28", "2026-11-29"), ("2026-11-29", "None")],
    )
    def test_this_week_means_friday_or_what_is_left(self, now: str, expected: str) -> None:
        planner = Planner(datetime.fromisoformat(now).replace(hour=10, tzinfo=BERLIN), BERLIN)
        assert str(planner.day_for(Bucket.WEEK)) == expected

    def test_nothing_is_shown_that_is_not_to_be_done_now(self, browser: Client, actor: Actor) -> None:
        done = own(actor, "Done")
        patch_task(actor, done.id, factories.task_of(done, "t1").id, {"status": "COMPLETED"})
        closed, deleted = own(actor, "Closed"), own(actor, "Deleted")
        patch_execution(actor, closed.id, {"status": "CLOSED"})
        delete_execution(actor, deleted.id, soft=True)
        found = groups(browser)
        assert found == {"pool": ["Task t2"]}

    def test_what_others_have_is_not_shown(self, browser: Client, actor: Actor) -> None:
        lena = factories.make_user(actor.organisation, "lena@acme.example", "Lena")
        execution = own(actor, "Hers")
        patch_task(actor, execution.id, factories.task_of(execution, "t1").id, {"assigned_to": [str(lena.pk)]})
        assert groups(browser) == {}

    def test_other_organisations_tasks_are_not_there(self, browser: Client, other_organisation: Any) -> None:
        stranger = factories.actor_of(
            factories.make_user(other_organisation, "x@other.example", "X", Role.OWNER), other_organisation
        )
        execution = factories.start(stranger)
        task = factories.task_of(execution, "t1")
        assert groups(browser) == {}
        page = browser.get(f"/?task={task.id}")
        assert (page.status_code, "pane-title" in page.content.decode()) == (200, False)
        before = dump()
        body = {"assigned_to": "1", "claim": "1"}
        assert browser.post(path_of(execution, "t1", "assignees"), body, headers=HERE).status_code == 404
        assert dump() == before

    def test_a_machines_waiting_is_not_offered_to_people(self, browser: Client, actor: Actor) -> None:
        data = factories.sequence(2)
        data["tasks"][0] |= {"task_type": "AUTOMATION", "automation_config": {"flow_id": "x"}}
        execution = factories.start(actor, data)
        assert groups(browser) == {}
        factories.run_jobs()
        assert factories.task_of(execution, "t1").status == "FAILED"
        assert groups(browser) == {"pool": ["Task t1"]}

    def test_viewers_are_offered_nothing_to_take(self, actor: Actor) -> None:
        factories.start(actor)
        viewer = sign_in_as(actor, Role.VIEWER)
        page = viewer.get("/").content.decode()
        assert "Take it" not in page
        assert "All done" in page


class TestActs:
    def test_a_task_that_is_taken_is_the_persons(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        answer = browser.post(path_of(execution, "t1", "assignees"), {"assigned_to": actor.id, "claim": "1"}, headers=HERE)
        assert answer.status_code == 200
        assert "It is yours now" in answer.headers["HX-Trigger"]
        page = answer.content.decode()
        assert 'id="my-tasks"' in page
        assert 'id="board"' not in page
        assert groups(browser) == {"none": ["Task t1"]}

    def test_of_two_who_take_the_same_the_second_is_told(self, browser: Client, actor: Actor) -> None:
        lena = factories.make_user(actor.organisation, "lena@acme.example", "Lena")
        execution = factories.start(actor)
        lenas = factories.actor_of(lena, actor.organisation)
        patch_task(lenas, execution.id, factories.task_of(execution, "t1").id, {"assigned_to": [str(lena.pk)]})
        before = dump()
        answer = browser.post(path_of(execution, "t1", "assignees"), {"assigned_to": actor.id, "claim": "1"}, headers=HERE)
        assert answer.status_code == 409
        assert "Lena set Assignees to “Lena”" in answer.content.decode()
        assert dump() == before

    def test_a_finished_task_goes_and_the_next_may_come(self, browser: Client, actor: Actor) -> None:
        execution = own(actor)
        body = {"status": "COMPLETED", "was": "PENDING"}
        answer = browser.post(path_of(execution, "t1", "status"), body, headers=HERE)
        assert (answer.status_code, groups(browser)) == (200, {"pool": ["Task t2"]})

    def test_a_task_is_put_off(self, browser: Client, actor: Actor) -> None:
        execution = own(actor, due_date=iso(-2))
        body = {"due_date": iso(30)[:10], "was": iso(-2)}
        assert browser.post(path_of(execution, "t1", "due_date"), body, headers=HERE).status_code == 200
        assert groups(browser) == {"later": ["Call"]}

    def test_a_date_that_somebody_else_set_is_not_written_over(self, browser: Client, actor: Actor) -> None:
        execution = own(actor, due_date=iso(-2))
        patch_task(actor, execution.id, factories.task_of(execution, "t1").id, {"due_date": iso(9)})
        before = dump()
        answer = browser.post(path_of(execution, "t1", "due_date"), {"due_date": iso(1)[:10], "was": iso(-2)}, headers=HERE)
        assert (answer.status_code, dump() == before) == (409, True)
        page = answer.content.decode()
        assert 'id="clash"' in page
        assert 'hx-get="/?task=' in page

    @pytest.mark.parametrize("date", ["no date", "2026-13-01", "0002-01-01"])
    def test_what_is_no_date_is_refused(self, browser: Client, actor: Actor, date: str) -> None:
        execution = own(actor)
        before = dump()
        answer = browser.post(path_of(execution, "t1", "due_date"), {"due_date": date, "was": ""}, headers=HERE)
        assert (answer.status_code, dump() == before) == (422, True)

    def test_a_pane_of_another_execution_stays_open(self, browser: Client, actor: Actor) -> None:
        first, second = own(actor), own(actor)
        body = {"status": "COMPLETED", "was": "PENDING", "open": str(factories.task_of(second, "t1").id)}
        page = browser.post(path_of(first, "t1", "status"), body, headers=HERE).content.decode()
        assert 'id="pane"' not in page

    @pytest.mark.parametrize(
        ("fields", "act"), [({}, "Complete"), ({"task_type": "DECISION", "trigger_mode": "manual"}, "Decide…")]
    )
    def test_each_type_has_its_act(self, browser: Client, actor: Actor, fields: Any, act: str) -> None:
        data = factories.choice() if fields else factories.sequence(2)
        for task in data["tasks"]:
            task["assigned_to"] = [actor.id]
        execution = factories.start(actor, data)
        if fields:
            patch_task(actor, execution.id, factories.task_of(execution, "ask").id, {"status": "COMPLETED"})
        rows = [row for section in browser.get("/").context["sections"] for row in section.rows]
        assert [row.act.label for row in rows] == [act]

    def test_what_rests_is_resumed(self, browser: Client, actor: Actor) -> None:
        execution = own(actor)
        patch_task(actor, execution.id, factories.task_of(execution, "t1").id, {"status": "ON_HOLD"})
        [row] = [row for section in browser.get("/").context["sections"] for row in section.rows]
        assert (row.act.label, row.act.status) == ("Resume", "IN_PROGRESS")


class TestPages:
    def test_the_page_needs_the_same_statements_for_1_and_30_tasks(self, browser: Client, actor: Actor) -> None:
        template = factories.make_template(actor, factories.sequence(2))
        counts = []
        for start, end in ((0, 1), (1, 30)):
            for number in range(start, end):
                execution = factories.start(actor, template=template)
                patch_task(actor, execution.id, factories.task_of(execution, "t1").id, {"assigned_to": [actor.id]})
                factories.start(actor, template=template)
                if number % 2:
                    patch_task(actor, execution.id, factories.task_of(execution, "t1").id, {"due_date": iso(number - 15)})
            with CaptureQueriesContext(connection) as captured:
                assert browser.get("/").content.decode().count("data-card") == end * 2
            counts.append(len(statements(captured)))
        assert counts[0] == counts[1] <= 13

    def test_more_of_a_group_comes_page_by_page_and_each_task_once(self, browser: Client, actor: Actor) -> None:
        template = factories.make_template(actor, factories.sequence(1))
        made = set()
        for number in range(112):
            execution = factories.start(actor, template=template)
            made.add(str(factories.task_of(execution, "t1").id))
            if number % 2:
                patch_task(actor, execution.id, factories.task_of(execution, "t1").id, {"due_date": iso(number % 7)})
        section = browser.get("/").context["pool"]
        seen = [str(row.id) for row in section.rows]
        assert (len(seen), section.count, section.more) == (50, 112, True)
        while section.more:
            section = browser.get("/tasks/pool/more", {"after": section.rows[-1].key}, headers=HERE).context["section"]
            seen += [str(row.id) for row in section.rows]
        assert (len(seen), set(seen)) == (112, made)

    def test_an_edit_keeps_as_many_tasks_as_were_shown(self, browser: Client, actor: Actor) -> None:
        template = factories.make_template(actor, factories.sequence(1))
        for _ in range(70):
            execution = factories.start(actor, template=template)
        body = {"assigned_to": actor.id, "claim": "1", "shown": ["pool:70", "pool:x", "nope:3"]}
        page = browser.post(path_of(execution, "t1", "assignees"), body, headers=HERE).content.decode()
        assert page.count("data-card") == 70

    @pytest.mark.parametrize("path", ["nope/more?after=~", "pool/more", "pool/more?after=x", "pool/more?after=2026-01-01~x"])
    def test_pages_that_cannot_be_are_not_there(self, browser: Client, path: str) -> None:
        assert browser.get(f"/tasks/{path}").status_code == 404

    def test_the_address_opens_a_task_in_place(self, browser: Client, actor: Actor) -> None:
        execution = own(actor)
        task = factories.task_of(execution, "t1")
        whole = browser.get(f"/?task={task.id}").content.decode()
        assert 'id="my-tasks"' in whole
        assert f'href="/executions/{execution.id}?task={task.id}">Board of Sequence' in whole
        pane = browser.get(f"/?task={task.id}", headers=HERE | {"HX-Target": "pane"}).content.decode()
        assert 'id="my-tasks"' not in pane
        assert 'hx-get="/"' in pane
        for wrong in ("x", uuid4()):
            assert browser.get(f"/?task={wrong}", headers=HERE | {"HX-Target": "pane"}).status_code == 200

    def test_an_empty_page_offers_what_to_do_next(self, browser: Client, actor: Actor) -> None:
        assert 'href="/templates"' in browser.get("/").content.decode().split('class="empty"')[1]
        template = factories.make_template(actor)
        assert "Start a flow" in browser.get("/").content.decode().split('class="empty"')[1]
        factories.start(actor, template=template)
        assert 'href="#group-pool"' in browser.get("/").content.decode().split('class="empty"')[1]


class TestPuttingOff:
    def test_the_days_are_asked_for_when_the_menu_is_opened(self, browser: Client, actor: Actor) -> None:
        execution = own(actor)
        task = factories.task_of(execution, "t1")
        page = browser.get("/").content.decode()
        assert f'hx-get="/tasks/{task.id}/days"' in page
        assert "Next Monday" not in page
        menu = browser.get(f"/tasks/{task.id}/days", headers=HERE).content.decode()
        assert menu.count("hx-post") >= 2
        assert f'"was":"{task.due_date}"' in menu

    def test_who_may_not_set_dates_is_told_so(self, actor: Actor) -> None:
        task = factories.task_of(factories.start(actor), "t1")
        menu = sign_in_as(actor, Role.VIEWER).get(f"/tasks/{task.id}/days", headers=HERE)
        assert (menu.status_code, "hx-post" in menu.content.decode()) == (200, False)

    def test_a_task_of_others_is_not_there(self, browser: Client, other_organisation: Organisation) -> None:
        foreign = factories.actor_of(
            factories.make_user(other_organisation, "x@other.example", "X", Role.OWNER), other_organisation
        )
        task = factories.task_of(factories.start(foreign), "t1")
        assert browser.get(f"/tasks/{task.id}/days", headers=HERE).status_code == 404

    def test_a_row_is_a_third_smaller_without_it(self, browser: Client, actor: Actor) -> None:
        for _ in range(10):
            own(actor)
        rows = browser.get("/").content.decode().split('<li class="task-row"')[1:]
        assert max(len(row.partition("</li>")[0]) for row in rows) < 3600
