"""The work board: columns, filters, moves and their refusals, list, calendar, saved views, and what they cost."""

from datetime import timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests import factories
from tests.api.client import Client as Api
from tests.api.test_executions import statements
from tests.dashboard.test_pages import HTMX, sign_in_as
from tests.dump import dump
from workflows.models import Execution, Organisation, Role, SavedBoard, Task, User
from workflows.permissions import Actor
from workflows.services.boards import create_board, find_board
from workflows.services.executions import delete_execution, patch_execution
from workflows.services.task_filters import parse_filter
from workflows.services.task_query import TaskQuery, find_tasks
from workflows.services.tasks import patch_task


@pytest.fixture
def browser(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


@pytest.fixture
def stranger(other_organisation: Organisation) -> Actor:
    user = factories.make_user(other_organisation, "x@other.example", "X", Role.OWNER)
    return factories.actor_of(user, other_organisation)


def day(days: int) -> str:
    return (timezone.now().astimezone(ZoneInfo("Europe/Berlin")).date() + timedelta(days=days)).isoformat()


def flow(actor: Actor, name: str = "Call", template: Any = None, **fields: Any) -> Execution:
    data = factories.sequence(2)
    data["tasks"][0] |= {"name": name} | fields
    return factories.start(actor, data, template=template)


def first(execution: Execution) -> Task:
    return factories.task_of(execution, "t1")


def columns(client: Client, query: str) -> dict[str, list[str]]:
    """Names of the tasks by the titles of the columns in which they stand."""
    page = client.get(f"/board?{query}")
    assert page.status_code == 200
    return {column.title: [card.row.task.name for card in column.cards] for column in page.context["columns"] if column.cards}


def listed(client: Client, query: str) -> list[str]:
    page = client.get(f"/board?by=status&view=list&{query}")
    assert page.status_code == 200
    return [card.row.task.name for card in page.context["rows"]]


def move(client: Client, execution: Execution, query: str, to: str, **body: str) -> Any:
    headers = HTMX | {"HX-Current-URL": f"http://testserver/board?{query}"}
    return client.post(f"/board/tasks/{first(execution).id}/move", {"to": to} | body, headers=headers)


class TestColumns:
    def test_status(self, browser: Client, actor: Actor) -> None:
        flow(actor, "New")
        begun = flow(actor, "Begun")
        patch_task(actor, begun.id, first(begun).id, {"status": "IN_PROGRESS"})
        assert columns(browser, "by=status") == {"To do": ["New"], "In progress": ["Begun"]}
        patch_task(actor, begun.id, first(begun).id, {"status": "COMPLETED"})
        assert columns(browser, "by=status&show=all")["Done"] == ["Begun"]

    def test_due_date(self, browser: Client, actor: Actor) -> None:
        for name, due in (("Late", day(-3)), ("Now", day(0)), ("Far", day(30)), ("Whenever", "")):
            flow(actor, name, due_date=due and f"{due}T00:00:00.000")
        found = columns(browser, "by=due")
        assert found == {"Overdue": ["Late"], "Today": ["Now"], "Later": ["Far"], "No date": ["Whenever"]}

    def test_assignee(self, browser: Client, actor: Actor) -> None:
        lena = factories.make_user(actor.organisation, "lena@acme.example", "Lena")
        flow(actor, "Both", assigned_to=[actor.id, str(lena.pk)])
        flow(actor, "Free")
        flow(actor, "Outside", assigned_to=["partner-7"])
        found = columns(browser, "by=assignee")
        assert found == {"Nobody": ["Free"], "Mara": ["Both"], "Lena": ["Both"], "partner-7": ["Outside"]}

    def test_template(self, browser: Client, actor: Actor) -> None:
        factories.start(actor, factories.sequence(1) | {"name": "Solar"})
        factories.start(actor, factories.sequence(1) | {"name": "Heat pump"})
        assert columns(browser, "by=template") == {"Solar": ["Task t1"], "Heat pump": ["Task t1"]}

    def test_phase_of_the_chosen_process(self, browser: Client, actor: Actor) -> None:
        template = factories.make_template(actor, factories.sequence(4))
        factories.start(actor, template=template)
        ahead = factories.start(actor, template=template)
        patch_task(actor, ahead.id, first(ahead).id, {"status": "COMPLETED"})
        patch_task(actor, ahead.id, factories.task_of(ahead, "t2").id, {"status": "COMPLETED"})
        flow(actor, "Of another process")
        page = browser.get("/board?by=phase").content.decode()
        assert "Of which process?" in page
        assert f"/board?by=phase&amp;template={template.id}" in page
        assert columns(browser, f"by=phase&template={template.id}") == {"First": ["Task t1"], "Second": ["Task t3"]}

    def test_only_what_can_be_worked_on_unless_asked_for_more(self, browser: Client, actor: Actor) -> None:
        closed, deleted = flow(actor, "Closed"), flow(actor, "Deleted")
        patch_execution(actor, closed.id, {"status": "CLOSED"})
        delete_execution(actor, deleted.id, soft=True)
        flow(actor, "Running")
        assert columns(browser, "by=status") == {"To do": ["Running"]}
        assert sorted(columns(browser, "by=status&show=open")["To do"]) == ["Running", "Task t2"]
        assert sorted(columns(browser, "by=status&show=all")["To do"]) == ["Closed", "Running", "Task t2", "Task t2"]

    def test_more_of_a_column_comes_page_by_page_and_each_task_once(self, browser: Client, actor: Actor) -> None:
        template = factories.make_template(actor, factories.sequence(1))
        made = {str(first(factories.start(actor, template=template)).id) for _ in range(103)}
        headers = HTMX | {"HX-Current-URL": "http://testserver/board?by=status"}
        column = browser.get("/board?by=status").context["columns"][0]
        assert (len(column.cards), column.count, column.more) == (50, 103, True)
        seen = [str(card.row.id) for card in column.cards]
        while column.more:
            after = column.cards[-1].row.key
            page = browser.get("/board/more", {"column": "PENDING", "after": after}, headers=headers)
            column = page.context["column"]
            seen += [str(card.row.id) for card in column.cards]
        assert (len(seen), set(seen)) == (103, made)
        assert browser.get("/board/more", {"column": "NOPE", "after": "~" + seen[0]}, headers=headers).status_code == 404

    def test_other_organisations_tasks_are_not_there(self, browser: Client, actor: Actor, stranger: Actor) -> None:
        foreign = flow(stranger, "Foreign")
        before = dump()
        for query in ("by=status&show=all", "by=assignee", "by=template", "by=due"):
            assert columns(browser, query) == {}
        assert move(browser, foreign, "by=status", "DONE", was="PENDING").status_code == 404
        assert browser.get(f"/board/tasks/{first(foreign).id}/moves").status_code == 404
        assert "pane-title" not in browser.get(f"/board?by=status&task={first(foreign).id}").content.decode()
        assert dump() == before


class TestFilters:
    def test_each_restricts_and_is_taken_away_by_its_chip(self, browser: Client, actor: Actor) -> None:
        template = factories.make_template(actor, factories.sequence(1) | {"name": "Solar"})
        wanted = factories.start(actor, template=template, _title="Ada Lovelace")
        patch_task(actor, wanted.id, first(wanted).id, {"name": "Wanted", "assigned_to": [actor.id], "due_date": day(0)})
        patch_task(actor, wanted.id, first(wanted).id, {"status": "IN_PROGRESS"})
        flow(actor, "Other")
        entity = wanted.contexts.get(is_primary=True).entity_id
        parts = [
            f"template={template.id}",
            "phase=First&status=IN_PROGRESS",
            "status=IN_PROGRESS",
            "assignee=me",
            f"assignee={actor.id}",
            "due=today",
            f"due={day(0)}",
            f"entity={entity}",
            f"entity=contact~{entity}",
            "q=lovelace",
            "q=wANted",
            "q=solar",
        ]
        for part in parts:
            assert listed(browser, part) == ["Wanted"], part
            chips = browser.get(f"/board?by=status&view=list&{part}").context["chips"]
            address = (
                chips[0].address
                if len(chips) == 1
                else browser.get(f"/board?by=status&view=list&{part}").context["clear_address"]
            )
            assert len(browser.get(f"/board{address}").context["rows"]) == 2, part

    def test_several_values_of_one_mean_any_of_them(self, browser: Client, actor: Actor) -> None:
        flow(actor, "Mine", assigned_to=[actor.id])
        flow(actor, "Free")
        flow(actor, "Hers", assigned_to=["lena"])
        assert sorted(listed(browser, "assignee=me&assignee=nobody")) == ["Free", "Mine"]

    @pytest.mark.parametrize(
        "query",
        [
            "status=NOPE",
            "due=someday",
            "entity=x",
            "show=x",
            "by=x",
            "sort=x",
            "month=2026-99",
            "view=x",
            "cols=x",
            "q=%00",
            "start=x",
        ],
    )
    def test_what_makes_no_sense_is_left_out(self, browser: Client, actor: Actor, query: str) -> None:
        flow(actor)
        before = dump()
        assert browser.get(f"/board?by=status&{query}").status_code == 200
        assert browser.get(f"/board?by=status&{query}", headers=HTMX).status_code == 200
        assert dump() == before

    def test_viewers_filter_by_themselves_only(self, actor: Actor) -> None:
        flow(actor)
        viewer = sign_in_as(actor, Role.VIEWER)
        assert viewer.get("/board?by=assignee").status_code == 200
        assert viewer.get("/board?by=status&assignee=me").status_code == 200
        assert viewer.get(f"/board?by=status&assignee={actor.id}").status_code == 403

    def test_an_answer_tells_its_address_without_empty_parts(self, browser: Client, actor: Actor) -> None:
        answer = browser.get("/board?by=status&status=&assignee=me&q=", headers=HTMX)
        assert answer.headers["HX-Push-Url"] == "/board?by=status&assignee=me"


class TestMoves:
    def test_another_status(self, browser: Client, actor: Actor) -> None:
        execution = flow(actor)
        answer = move(browser, execution, "by=status", "IN_PROGRESS", was="PENDING", **{"from": "PENDING"})
        assert answer.status_code == 200
        assert first(execution).status == "IN_PROGRESS"
        page = answer.content.decode()
        assert page.count('class="column"') == 2
        assert "moved to In progress" in answer.headers["HX-Trigger"]
        assert str(first(execution).id) in answer.headers["HX-Trigger-After-Settle"]

    def test_done_completes_and_lets_the_flow_go_on(self, browser: Client, actor: Actor) -> None:
        execution = flow(actor)
        assert move(browser, execution, "by=status", "DONE", was="PENDING").status_code == 200
        assert factories.current(execution) == ["t2"]

    @pytest.mark.parametrize(("to", "days"), [("today", 0), ("none", None)])
    def test_another_due_date(self, browser: Client, actor: Actor, to: str, days: int | None) -> None:
        due = f"{day(20)}T00:00:00.000"
        execution = flow(actor, due_date=due)
        assert move(browser, execution, "by=due", to, was=due, **{"from": "later"}).status_code == 200
        assert first(execution).due_date == ("" if days is None else f"{day(days)}T00:00:00.000")

    def test_another_assignee_takes_the_place_of_the_one_before(self, browser: Client, actor: Actor) -> None:
        lena = str(factories.make_user(actor.organisation, "lena@acme.example", "Lena").pk)
        execution = flow(actor, assigned_to=["partner-7", actor.id])
        body = {"was": f'["partner-7", "{actor.id}"]', "from": actor.id}
        assert move(browser, execution, "by=assignee", lena, **body).status_code == 200
        rows = first(execution).assignments.order_by("position")
        assert [row.assignee for row in rows] == ["partner-7", lena]
        body = {"was": f'["partner-7", "{lena}"]', "from": lena}
        assert move(browser, execution, "by=assignee", "nobody", **body).status_code == 200
        assert [row.assignee for row in first(execution).assignments.all()] == ["partner-7"]

    @pytest.mark.parametrize(
        ("query", "to", "reason"),
        [
            ("by=status", "WAITING", "comes about by itself"),
            ("by=status", "FAILED", "comes about by itself"),
            ("by=status", "NOPE", "no such column"),
            ("by=due", "overdue", "has passed"),
            ("by=template", "{template}", "stays in the process"),
            ("by=phase&template={template}", "Second", "comes from its process"),
        ],
    )
    def test_what_cannot_be_is_refused_with_the_reason(
        self, browser: Client, actor: Actor, query: str, to: str, reason: str
    ) -> None:
        execution = flow(actor)
        names = {"template": execution.template_id}
        before = dump()
        answer = move(browser, execution, query.format(**names), to.format(**names), was="PENDING")
        assert answer.status_code == 422
        assert reason in answer.content.decode()
        assert dump() == before

    def test_a_decision_asks_for_its_branch(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor, factories.choice())
        patch_task(actor, execution.id, factories.task_of(execution, "ask").id, {"status": "COMPLETED"})
        task = factories.task_of(execution, "decide")
        before = dump()
        path = f"/board/tasks/{task.id}/move"
        headers = HTMX | {"HX-Current-URL": "http://testserver/board?by=status"}
        answer = browser.post(path, {"to": "DONE", "was": "PENDING"}, headers=headers)
        assert (answer.status_code, dump() == before) == (422, True)
        assert "choose its branch" in answer.content.decode()

    def test_a_task_that_waits_for_others_is_refused(self, browser: Client, actor: Actor) -> None:
        data = factories.sequence(2)
        data["tasks"][0]["requirements"] = [{"when": "TASK_FINISHED", "task_id": "t2"}]
        execution = factories.start(actor, data)
        assert not first(execution).enabled
        before = dump()
        answer = move(browser, execution, "by=status", "DONE", was="PENDING")
        assert (answer.status_code, dump() == before) == (422, True)
        assert "waits for other tasks" in answer.content.decode()

    def test_viewers_are_refused_and_told_so_before(self, actor: Actor) -> None:
        execution = flow(actor)
        viewer = sign_in_as(actor, Role.VIEWER)
        assert 'data-no="right"' in viewer.get("/board?by=status").content.decode()
        before = dump()
        assert move(viewer, execution, "by=status", "DONE", was="PENDING").status_code == 422
        assert dump() == before

    def test_a_status_that_somebody_else_changed_is_shown(self, browser: Client, actor: Actor) -> None:
        execution = flow(actor)
        patch_task(actor, execution.id, first(execution).id, {"status": "ON_HOLD"})
        before = dump()
        answer = move(browser, execution, "by=status", "IN_PROGRESS", was="PENDING")
        assert (answer.status_code, dump() == before) == (409, True)
        page = answer.content.decode()
        assert 'id="clash"' in page
        assert 'id="work-body"' in page

    @pytest.mark.parametrize("was", ["x", "{}", "[1]"])
    def test_what_was_seen_has_to_be_a_list_of_people(self, browser: Client, actor: Actor, was: str) -> None:
        execution = flow(actor)
        before = dump()
        assert move(browser, execution, "by=assignee", actor.id, was=was).status_code == 422
        assert dump() == before

    def test_the_menu_says_where_a_card_may_go_and_why_not(self, browser: Client, actor: Actor) -> None:
        execution = flow(actor)
        headers = HTMX | {"HX-Current-URL": "http://testserver/board?by=status"}
        menu = browser.get(f"/board/tasks/{first(execution).id}/moves?from=PENDING", headers=headers).content.decode()
        assert menu.count("hx-post") == 3
        assert menu.count('aria-disabled="true"') == 2
        assert "This status comes about by itself." in menu

    def test_an_edit_in_the_pane_renews_the_board(self, browser: Client, actor: Actor) -> None:
        execution = flow(actor)
        headers = HTMX | {"HX-Current-URL": f"http://testserver/board?by=due&task={first(execution).id}"}
        body = {"due_date": day(0), "was": "", "open": str(first(execution).id)}
        page = browser.post(f"/executions/{execution.id}/tasks/{first(execution).id}/due_date", body, headers=headers)
        text = page.content.decode()
        assert [text.count(f'id="{part}"') for part in ("work-body", "work-head", "pane", "flow")] == [1, 1, 1, 0]
        assert 'hx-get="/board?by=due"' in text


class TestForms:
    def test_the_list_is_sorted_by_what_is_asked_for(self, browser: Client, actor: Actor) -> None:
        for name, due in (("B", day(3)), ("A", day(5)), ("C", "")):
            flow(actor, name, due_date=due and f"{due}T00:00:00.000")
        assert listed(browser, "") == ["B", "A", "C"]
        assert listed(browser, "sort=name") == ["A", "B", "C"]
        assert listed(browser, "sort=-name") == ["C", "B", "A"]
        headings = browser.get("/board?by=status&view=list&sort=-name").context["headings"]
        assert [heading.order for heading in headings if heading.order != "none" and heading.order] == ["descending"]

    def test_columns_are_chosen_without_losing_the_filter(self, browser: Client, actor: Actor) -> None:
        flow(actor, "Mine", assigned_to=[actor.id])
        flow(actor, "Free")
        page = browser.get("/board?by=status&view=list&assignee=me&cols=&cols=due&cols=type")
        assert [heading.key for heading in page.context["headings"]] == ["name", "type", "due"]
        assert len(page.context["rows"]) == 1
        assert ("cols", "type,due") in page.context["pairs"]

    def test_pages_of_the_list_show_each_task_once(self, browser: Client, actor: Actor) -> None:
        template = factories.make_template(actor, factories.sequence(1))
        made = {str(first(factories.start(actor, template=template)).id) for _ in range(73)}
        page = browser.get("/board?by=status&view=list")
        seen = [str(card.row.id) for card in page.context["rows"]]
        more = browser.get(f"/board?by=status&view=list&start={page.context['next_start']}", headers=HTMX)
        seen += [str(card.row.id) for card in more.context["rows"]]
        assert (len(seen), set(seen), more.context["next_start"]) == (73, made, 0)
        assert "<html" not in more.content.decode()

    def test_the_calendar_shows_tasks_on_their_days(self, browser: Client, actor: Actor) -> None:
        for number in range(6):
            flow(actor, f"Due {number}", due_date="2031-05-28T00:00:00.000")
        flow(actor, "In June", due_date="2031-06-15T00:00:00.000")
        page = browser.get("/board?by=status&view=calendar&month=2031-05")
        days = {day.day.isoformat(): day for week in page.context["weeks"] for day in week}
        assert (len(days), len(days["2031-05-28"].rows), days["2031-05-28"].hidden) == (35, 4, 2)
        assert page.context["month_name"] == "May 2031"
        rest = browser.get(f"/board{days['2031-05-28'].address}")
        assert len(rest.context["rows"]) == 6
        assert "In June" not in page.content.decode()


class TestSavedViews:
    def save(self, client: Client, query: str, **body: Any) -> Any:
        headers = HTMX | {"HX-Current-URL": f"http://testserver/board?{query}"}
        return client.post("/board/save", {"as": "new", "who": "me"} | body, headers=headers)

    def test_a_kept_view_is_what_was_seen_and_can_be_asked_over_the_api(self, browser: Client, actor: Actor) -> None:
        flow(actor, "Mine", assigned_to=[actor.id], due_date=f"{day(-2)}T00:00:00.000")
        flow(actor, "Free")
        answer = self.save(browser, "by=due&assignee=me", title="Urgent")
        board = SavedBoard.objects.get(title="Urgent")
        assert answer.headers["HX-Redirect"] == f"/board?saved={board.id}"
        shown = browser.get(f"/board?saved={board.id}", follow=True)
        assert shown.redirect_chain == [(f"/board?saved={board.id}&by=due&assignee=me", 302)]
        assert "<h1>Urgent</h1>" in shown.content.decode()
        config = board.config
        found = find_tasks(actor, TaskQuery(filters=[parse_filter(config["board_filter"], "f")]))
        assert [record["name"] for record in found.records] == ["Mine"]
        late = parse_filter(config["swimlanes"][0]["filter"], "f")
        assert [record["name"] for record in find_tasks(actor, TaskQuery(filters=[late])).records] == ["Mine"]

    @pytest.mark.parametrize(("who", "sees"), [("me", False), ("all", True), ("some", True)])
    def test_a_view_is_shared(self, browser: Client, actor: Actor, who: str, sees: bool) -> None:
        lena = factories.make_user(actor.organisation, "lena@acme.example", "Lena")
        self.save(browser, "by=due", title="Passed on", who=who, shared_with=[str(lena.pk)])
        board = SavedBoard.objects.get(title="Passed on")
        client = Client(raise_request_exception=False)
        client.force_login(lena)
        assert client.get(f"/board?saved={board.id}").status_code == (302 if sees else 404)
        assert ("Passed on" in client.get("/board?by=status").content.decode()) is sees
        before = dump()
        headers = HTMX | {"HX-Current-URL": f"http://testserver/board?saved={board.id}&by=status"}
        assert client.post("/board/update", headers=headers).status_code == (403 if sees else 404)
        assert client.post(f"/board/views/{board.id}/delete", headers=HTMX).status_code == (403 if sees else 404)
        assert dump() == before

    def test_a_view_is_changed_under_its_name(self, browser: Client, actor: Actor) -> None:
        self.save(browser, "by=due", title="Mine")
        board = SavedBoard.objects.get(title="Mine")
        page = browser.get(f"/board?saved={board.id}&by=status&status=ON_HOLD").content.decode()
        assert "Keep changes" in page
        headers = HTMX | {"HX-Current-URL": f"http://testserver/board?saved={board.id}&by=status&status=ON_HOLD"}
        assert browser.post("/board/update", headers=headers).status_code == 200
        board.refresh_from_db()
        assert board.config["flowdeck"]["query"] == "by=status&status=ON_HOLD"
        assert "Keep changes" not in browser.get(f"/board?saved={board.id}", follow=True).content.decode()
        self.save(browser, f"saved={board.id}&by=status", title="Renamed", **{"as": "same", "who": "all"})
        board.refresh_from_db()
        assert (board.title, board.shared_with_org, SavedBoard.objects.count()) == ("Renamed", True, 1)

    def test_the_default_is_what_everybody_begins_with(self, browser: Client, actor: Actor) -> None:
        self.save(browser, "by=due", title="Ours")
        board = SavedBoard.objects.get(title="Ours")
        assert browser.post(f"/board/views/{board.id}/default", headers=HTMX).status_code == 200
        member = sign_in_as(actor, Role.MEMBER)
        assert member.get("/board").headers["Location"] == f"/board?saved={board.id}&by=due"
        before = dump()
        assert member.post(f"/board/views/{board.id}/default", {"off": "1"}, headers=HTMX).status_code == 403
        assert dump() == before
        assert browser.post(f"/board/views/{board.id}/default", {"off": "1"}, headers=HTMX).status_code == 200
        assert member.get("/board").status_code == 200

    def test_a_board_of_another_system_brings_its_columns_and_its_filter(self, browser: Client, actor: Actor, api: Api) -> None:
        flow(actor, "Mine", assigned_to=[actor.id])
        begun = flow(actor, "Begun", assigned_to=[actor.id])
        patch_task(actor, begun.id, first(begun).id, {"status": "IN_PROGRESS"})
        flow(actor, "Free")
        mine = {"items": [{"key": "assigned_to", "operator": "EQUALS", "value": "logged_in_user"}], "combination": "AND"}
        lane = {"items": [{"key": "status", "operator": "EQUALS", "value": "IN_PROGRESS"}], "combination": "AND"}
        lanes = [{"id": "l1", "title": "At work", "filter": lane}, {"title": "All of mine"}]
        config = {"dataset": "workflow_tasks_overview", "board_filter": mine, "swimlanes": lanes}
        board = create_board(actor, {"title": "From elsewhere", "config": config})
        query = f"saved={board.id}"
        found = columns(browser, query)
        assert sorted(found["All of mine"]) == ["Begun", "Mine"]
        assert found["At work"] == ["Begun"]
        before = dump()
        answer = move(browser, begun, query, "lane-1")
        assert (answer.status_code, dump() == before) == (422, True)

    def test_deleting_a_view_leaves_the_tasks(self, browser: Client, actor: Actor) -> None:
        execution = flow(actor)
        self.save(browser, "by=due", title="Gone")
        board = SavedBoard.objects.get()
        assert "Delete this view?" in browser.get(f"/board/views/{board.id}/delete", headers=HTMX).content.decode()
        assert browser.post(f"/board/views/{board.id}/delete", headers=HTMX).status_code == 200
        assert not SavedBoard.objects.exists()
        assert Task.objects.filter(execution=execution).count() == 2

    def test_viewers_keep_no_views(self, actor: Actor) -> None:
        viewer = sign_in_as(actor, Role.VIEWER)
        before = dump()
        assert self.save(viewer, "by=due", title="x").status_code == 403
        assert viewer.get("/board/save", headers=HTMX).status_code == 403
        assert dump() == before

    def test_other_organisations_views_are_not_there(self, browser: Client, actor: Actor, stranger: Actor) -> None:
        board = create_board(stranger, {"title": "Foreign", "config": {}, "shared_with_org": True})
        before = dump()
        assert browser.get(f"/board?saved={board.id}").status_code == 404
        assert browser.get(f"/board?saved={board.id}&by=status").status_code == 404
        assert browser.post(f"/board/views/{board.id}/default", headers=HTMX).status_code == 404
        assert browser.post(f"/board/views/{board.id}/delete", headers=HTMX).status_code == 404
        assert dump() == before
        assert find_board(stranger, board.id).title == "Foreign"

    def test_a_view_needs_a_name(self, browser: Client, actor: Actor) -> None:
        assert self.save(browser, "by=due", title=" ").status_code == 422
        assert not SavedBoard.objects.exists()


class TestCost:
    @pytest.mark.parametrize(
        "query", ["by=status", "by=due&show=open", "by=assignee", "by=template", "by=status&view=list", "by=status&view=calendar"]
    )
    def test_each_form_needs_the_same_statements_for_1_and_30_tasks(self, browser: Client, actor: Actor, query: str) -> None:
        template = factories.make_template(actor, factories.sequence(1))
        due = f"{day(0)}T00:00:00.000"
        counts = []
        for start, end in ((0, 1), (1, 30)):
            for number in range(start, end):
                execution = factories.start(actor, template=template)
                patch_task(actor, execution.id, first(execution).id, {"assigned_to": [actor.id], "due_date": due})
                if number % 3 == 1:
                    patch_task(actor, execution.id, first(execution).id, {"status": "IN_PROGRESS"})
            with CaptureQueriesContext(connection) as captured:
                assert browser.get(f"/board?{query}").status_code == 200
            counts.append(len(statements(captured)))
        assert counts[0] == counts[1] <= 14

    def test_looking_changes_nothing(self, browser: Client, actor: Actor) -> None:
        execution = flow(actor)
        before = dump()
        for path in (
            "board/save",
            "board/subjects?words=ada",
            "board/subjects",
            f"board/tasks/{first(execution).id}/moves",
            f"board?by=status&task={first(execution).id}",
            f"board?by=status&task={uuid4()}",
        ):
            assert browser.get(f"/{path}", headers=HTMX).status_code == 200, path
        for path in ("board/update", f"board/tasks/{first(execution).id}/move", "board/views/x/default"):
            assert browser.get(f"/{path}").status_code == 405
        assert dump() == before
