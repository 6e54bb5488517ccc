"""Live requests: what they cost, when they are answered with the page, and who is told that somebody is there."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.views import live
from tests import factories
from tests.api.test_executions import statements
from workflows.models import Event, Execution, Membership, Organisation, Presence, Role
from workflows.permissions import Actor
from workflows.services import presence
from workflows.services.changes import organisation_mark
from workflows.services.executions import delete_execution
from workflows.services.tasks import patch_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def execution(actor: Actor) -> Execution:
    return factories.start(actor)


@pytest.fixture
def colleague(actor: Actor) -> Actor:
    user = factories.make_user(actor.organisation, "jan@acme.example", "Jan", Role.MEMBER)
    return factories.actor_of(user, actor.organisation)


def browser_of(actor: Actor) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(Membership.objects.get(user=actor.id).user)
    return client


def mark_of(browser: Client, path: str) -> str:
    """Return the mark with which a page comes."""
    return str(browser.get(path).context["request"].live.mark)


def ask(browser: Client, path: str, mark: str, shown: str = "") -> Any:
    return browser.get(path, headers={"Live": shown, "If-None-Match": mark})


PAGES = ["/", "/board?by=status", "/board?by=due&view=list", "/executions", "/executions/{id}", "/executions/{id}?view=list"]


class TestUnchanged:
    @pytest.mark.parametrize("page", PAGES)
    def test_a_page_that_did_not_change_is_answered_without_a_look_at_tasks(
        self, actor: Actor, execution: Execution, page: str
    ) -> None:
        browser, path = browser_of(actor), page.format(id=execution.id)
        mark = mark_of(browser, path)
        with CaptureQueriesContext(connection) as captured:
            answer = ask(browser, path, mark)
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", mark)
        read = statements(captured)
        assert len(read) <= 8
        assert not [sql for sql in read if "workflows_task" in sql or "workflows_assignment" in sql]
        assert not [sql for sql in read if not sql.startswith(("SELECT", "(SELECT"))]

    @pytest.mark.parametrize("page", PAGES)
    def test_asking_costs_the_same_with_30_executions(self, actor: Actor, execution: Execution, page: str) -> None:
        browser, path, counts = browser_of(actor), page.format(id=execution.id), []
        template = factories.make_template(actor)
        for more in (0, 29):
            for _ in range(more):
                factories.start(actor, template=template)
            mark = mark_of(browser, path)
            with CaptureQueriesContext(connection) as captured:
                assert ask(browser, path, mark).status_code == 304
            counts.append(len(statements(captured)))
        assert counts[0] == counts[1]

    def test_a_request_that_is_not_live_always_gets_the_page(self, actor: Actor, execution: Execution) -> None:
        browser = browser_of(actor)
        answer = browser.get("/", headers={"If-None-Match": mark_of(browser, "/")})
        assert (answer.status_code, "ETag" in answer.headers) == (200, False)


class TestChanged:
    @pytest.mark.parametrize("page", PAGES)
    def test_a_change_of_somebody_is_answered_with_the_page_and_told(
        self, actor: Actor, colleague: Actor, execution: Execution, page: str
    ) -> None:
        browser, path = browser_of(actor), page.format(id=execution.id)
        mark = mark_of(browser, path)
        patch_task(colleague, execution.id, factories.task_of(execution, "t1").id, {"name": "Renamed"})
        answer = ask(browser, path, mark)
        text = answer.content.decode()
        assert answer.status_code == 200
        assert answer.headers["ETag"] != mark
        assert "Renamed" in text
        assert 'data-who="Jan"' in text
        assert 'data-field="name"' in text
        assert ask(browser, path, answer.headers["ETag"]).status_code == 304

    def test_what_one_does_oneself_is_no_news(self, actor: Actor, execution: Execution) -> None:
        browser = browser_of(actor)
        mark = mark_of(browser, "/")
        patch_task(actor, execution.id, factories.task_of(execution, "t1").id, {"name": "Renamed"})
        assert "data-who" not in ask(browser, "/", mark).content.decode()

    def test_news_need_the_same_statements_for_1_and_20(self, actor: Actor, colleague: Actor, execution: Execution) -> None:
        browser, path, counts = browser_of(actor), f"/executions/{execution.id}", []
        for number in (1, 20):
            mark = mark_of(browser, path)
            for turn in range(number):
                patch_task(colleague, execution.id, factories.task_of(execution, "t1").id, {"name": f"Name {number} {turn}"})
            with CaptureQueriesContext(connection) as captured:
                assert ask(browser, path, mark).content.decode().count("data-who") == number
            counts.append(len(statements(captured)))
        assert counts[0] == counts[1]

    def test_what_a_role_may_not_see_is_no_news(self, actor: Actor, colleague: Actor, execution: Execution) -> None:
        partner = factories.actor_of(
            factories.make_user(actor.organisation, "p@acme.example", "Pat", Role.PARTNER), actor.organisation
        )
        patch_task(actor, execution.id, factories.task_of(execution, "t1").id, {"assigned_to": [partner.id]})
        browser, path = browser_of(partner), f"/executions/{execution.id}"
        mark = mark_of(browser, path)
        patch_task(colleague, execution.id, factories.task_of(execution, "t1").id, {"name": "Seen"})
        patch_task(colleague, execution.id, factories.task_of(execution, "t2").id, {"name": "Unseen"})
        text = ask(browser, path, mark).content.decode()
        assert "Seen" in text
        assert "Unseen" not in text

    @pytest.mark.parametrize("mark", ["", "x", '"1"', '"1.x/owner/en/1"', "1" * 5000])
    def test_a_mark_that_makes_no_sense_gets_the_page(self, actor: Actor, execution: Execution, mark: str) -> None:
        for page in PAGES:
            assert ask(browser_of(actor), page.format(id=execution.id), mark).status_code == 200

    def test_a_role_that_changed_gets_the_page(self, actor: Actor, execution: Execution) -> None:
        browser = browser_of(actor)
        mark = mark_of(browser, "/")
        Membership.objects.filter(user=actor.id).update(role=Role.VIEWER)
        assert ask(browser, "/", mark).status_code == 200

    def test_an_execution_that_is_gone_is_not_there(self, actor: Actor, execution: Execution) -> None:
        browser, path = browser_of(actor), f"/executions/{execution.id}"
        mark = mark_of(browser, path)
        delete_execution(actor, execution.id, soft=True)
        assert ask(browser, path, mark).status_code == 404

    def test_a_list_answers_with_as_many_rows_as_are_shown_and_goes_on_behind_them(self, actor: Actor) -> None:
        browser = browser_of(actor)
        template = factories.make_template(actor, factories.sequence(1))
        for _ in range(103):
            factories.start(actor, template=template)
        path = "/board?by=status&view=list"
        assert ask(browser, path, "old").context["next_start"] == 50
        answer = ask(browser, path, "old", "shown=list%3A100")
        assert (len(answer.context["rows"]), answer.context["next_start"]) == (100, 100)
        assert ask(browser, path, "old", "shown=list%3A150").context["next_start"] == 0
        assert len(ask(browser, path, "old", "shown=list%3A0").context["rows"]) == 50

    def test_as_many_tasks_are_answered_as_are_shown(self, actor: Actor) -> None:
        template = factories.make_template(actor, factories.sequence(1))
        for _ in range(53):
            execution = factories.start(actor, template=template)
            patch_task(actor, execution.id, factories.task_of(execution, "t1").id, {"assigned_to": [actor.id]})
        browser = browser_of(actor)
        assert ask(browser, "/", "old").content.decode().count("data-card") == 50
        assert ask(browser, "/", "old", "shown=none%3A100").content.decode().count("data-card") == 53


class TestMarks:
    def test_what_is_committed_late_changes_the_mark(self, actor: Actor, execution: Execution) -> None:
        last = Event.objects.filter(organisation=actor.organisation).order_by("-at").values()[0]
        before = organisation_mark(actor.organisation)
        late = last | {"id": None, "seq": 999, "at": last["at"] - timedelta(seconds=20)}
        Event.objects.create(**late)
        assert organisation_mark(actor.organisation) != before

    def test_a_clock_that_is_ahead_hides_nothing(self, actor: Actor, execution: Execution) -> None:
        last = Event.objects.filter(organisation=actor.organisation).order_by("-at").values()[0]
        Event.objects.create(**last | {"id": None, "seq": 998, "at": timezone.now() + timedelta(minutes=5)})
        before = organisation_mark(actor.organisation)
        patch_task(actor, execution.id, factories.task_of(execution, "t1").id, {"name": "Renamed"})
        assert organisation_mark(actor.organisation) != before

    def test_other_organisations_change_nothing(self, actor: Actor, other_organisation: Organisation) -> None:
        before = organisation_mark(actor.organisation)
        stranger = factories.make_user(other_organisation, "x@other.example", "X", Role.OWNER)
        factories.start(factories.actor_of(stranger, other_organisation))
        assert organisation_mark(actor.organisation) == before


class TestPresence:
    def test_who_looks_at_an_execution_is_told_to_others_and_expires(
        self, actor: Actor, colleague: Actor, execution: Execution
    ) -> None:
        path = f"/executions/{execution.id}"
        mine, theirs = browser_of(actor), browser_of(colleague)
        mark, own = mark_of(mine, path), mark_of(theirs, path)
        assert theirs.post(f"{path}/presence").status_code == 204
        answer = ask(mine, path, mark)
        assert "Jan is viewing" in answer.content.decode()
        assert ask(theirs, path, own).status_code == 304
        long_ago = timezone.now() - presence.EXPIRES
        Presence.objects.update(seen_at=long_ago)
        later = ask(mine, path, answer.headers["ETag"])
        assert "is viewing" not in later.content.decode()
        assert presence.EXPIRES.total_seconds() <= 30

    def test_saying_it_again_writes_one_row_and_no_history(self, colleague: Actor, execution: Execution) -> None:
        browser, events = browser_of(colleague), Event.objects.count()
        for _ in range(3):
            browser.post(f"/executions/{execution.id}/presence")
        assert (Presence.objects.count(), Event.objects.count()) == (1, events)
        with CaptureQueriesContext(connection) as captured:
            browser.post(f"/executions/{execution.id}/presence")
        written = [sql for sql in statements(captured) if not sql.startswith("SELECT")]
        assert len(written) == 1
        browser.post(f"/executions/{execution.id}/presence", {"left": "1"})
        assert Presence.objects.count() == 0

    def test_nobody_enters_or_hears_across_organisations(
        self, actor: Actor, other_organisation: Organisation, execution: Execution
    ) -> None:
        stranger = factories.actor_of(
            factories.make_user(other_organisation, "x@other.example", "X", Role.OWNER), other_organisation
        )
        browser = browser_of(stranger)
        assert browser.post(f"/executions/{execution.id}/presence").status_code == 404
        assert browser.post(f"/executions/{uuid4()}/presence").status_code == 404
        assert browser.get(f"/executions/{execution.id}/presence").status_code == 405
        assert Presence.objects.count() == 0

    def test_rows_that_have_expired_are_swept(self, actor: Actor, execution: Execution) -> None:
        user = Membership.objects.get(user=actor.id).user
        presence.enter(actor, user, execution.id, timezone.now() - timedelta(hours=2))
        assert presence.sweep_presence() == 1
        presence.enter(actor, user, execution.id)
        assert presence.sweep_presence() == 0

    def test_an_execution_is_removed_with_those_who_look_at_it(self, actor: Actor, execution: Execution) -> None:
        presence.enter(actor, Membership.objects.get(user=actor.id).user, execution.id)
        delete_execution(actor, execution.id, soft=False)
        assert Presence.objects.count() == 0


class TestStream:
    def test_a_server_that_cannot_hold_connections_offers_none(self, actor: Actor, execution: Execution) -> None:
        browser = browser_of(actor)
        assert 'data-stream=""' in browser.get("/").content.decode()
        assert browser.get("/live").status_code == 404
        assert browser.get(f"/executions/{execution.id}/live").status_code == 404

    @pytest.mark.parametrize("path", ["/", "/executions/{id}"])
    def test_under_asgi_the_page_names_the_stream(self, actor: Actor, execution: Execution, path: str) -> None:
        answer = in_loop(lambda client: client.get(path.format(id=execution.id)), actor)
        expected = f"/executions/{execution.id}/live" if "{" in path else "/live"
        assert f'data-stream="{expected}"' in answer.content.decode()

    def test_a_stream_of_an_execution_of_others_is_not_there(self, actor: Actor, other_organisation: Organisation) -> None:
        stranger = factories.make_user(other_organisation, "x@other.example", "X", Role.OWNER)
        theirs = factories.start(factories.actor_of(stranger, other_organisation))
        assert in_loop(lambda client: client.get(f"/executions/{theirs.id}/live"), actor).status_code == 404


def in_loop(send: Callable[[AsyncClient], Any], actor: Actor) -> Any:
    from asgiref.sync import async_to_sync

    client = AsyncClient(raise_request_exception=False)
    client.force_login(Membership.objects.get(user=actor.id).user)

    async def ask_it() -> Any:
        return await send(client)

    return async_to_sync(ask_it)()


class TestFollow:
    """What a stream says, without a server around it."""

    def test_it_tells_the_mark_at_once_and_each_new_one(
        self, actor: Actor, execution: Execution, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        marks = iter(["a", "a", "b", "b"])
        monkeypatch.setattr(live, "LOOK_EVERY", 0.0)
        monkeypatch.setattr(live, "read_mark", lambda subject, language: next(marks))
        assert collect(2) == ["id: a\ndata: a\n\n", "id: b\ndata: b\n\n"]

    def test_who_comes_back_with_the_same_mark_hears_nothing_but_that_the_way_is_open(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(live, "LOOK_EVERY", 0.0)
        monkeypatch.setattr(live, "HEARTBEAT", -1.0)
        monkeypatch.setattr(live, "read_mark", lambda subject, language: "a")
        assert collect(2, last="a") == [": still here\n\n", ": still here\n\n"]

    def test_it_ends_after_a_while_so_that_rights_are_asked_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(live, "LASTS", 0.0)
        assert collect(5) == []


def collect(most: int, last: str = "") -> list[str]:
    from asgiref.sync import async_to_sync

    async def read() -> list[str]:
        found: list[str] = []
        async for text in live.follow(json, "en", last):  # type: ignore[arg-type]
            found.append(text)
            if len(found) == most:
                break
        return found

    return async_to_sync(read)()
