"""Comments, mentions and the timeline in the browser: what is shown of them, by which words, and what it costs."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.comments import render_text
from tests import factories
from tests.api.test_executions import statements
from tests.dashboard.test_pages import HTMX, sign_in_as
from tests.dump import dump
from workflows.models import Comment, Event, Execution, Role, User
from workflows.permissions import Actor
from workflows.services import comments
from workflows.services.runs import note_failure
from workflows.services.sync_writes import record_sync_failure
from workflows.services.tasks import patch_task


@pytest.fixture
def browser(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


@pytest.fixture
def execution(actor: Actor) -> Execution:
    return factories.start(actor)


def timeline(browser: Client, execution: Execution, **query: str) -> Any:
    return browser.get(f"/executions/{execution.id}", {"view": "timeline", **query})


def entries(answer: Any) -> list[Any]:
    return [entry for day in answer.context["days"] for entry in day.entries]


class TestText:
    @pytest.mark.parametrize(
        ("text", "html"),
        [
            ("<b>&", "&lt;b&gt;&amp;"),
            ("one\ntwo", "one<br>two"),
            (
                "see https://a.example/x?y=1&z=2.",
                'see <a href="https://a.example/x?y=1&amp;z=2" rel="noopener noreferrer nofollow">https://a.example/x?y=1&amp;z=2</a>.',
            ),
            ("javascript:alert(1)", "javascript:alert(1)"),
            (
                'https://a.example/"><script>',
                '<a href="https://a.example/" rel="noopener noreferrer nofollow">https://a.example/</a>&quot;&gt;&lt;script&gt;',
            ),
            ("hello @mara!", 'hello <span class="mention">@mara</span>!'),
            (
                "https://a.example/@Mara",
                '<a href="https://a.example/@Mara" rel="noopener noreferrer nofollow">https://a.example/@Mara</a>',
            ),
            ("", ""),
        ],
    )
    def test_it_is_escaped_and_has_its_links_mentions_and_line_breaks(self, text: str, html: str) -> None:
        assert render_text(text, ["Mara"]) == html


class TestPane:
    def test_a_comment_is_written_and_answered_with_the_pane(self, browser: Client, actor: Actor, execution: Execution) -> None:
        task = factories.task_of(execution, "t1")
        body = {"text": "Call <i>first</i>, @Mara", "task": str(task.id), "open": str(task.id)}
        answer = browser.post(f"/executions/{execution.id}/comments", body, headers=HTMX)
        page = answer.content.decode()
        assert (answer.status_code, page.count('class="comment"')) == (200, 1)
        assert 'Call &lt;i&gt;first&lt;/i&gt;, <span class="mention">@Mara</span>' in page
        assert "The comment is saved" in answer.headers["HX-Trigger"]

    def test_own_comments_alone_can_be_changed(self, browser: Client, actor: Actor, execution: Execution) -> None:
        task = factories.task_of(execution, "t1")
        jonas = factories.make_user(actor.organisation, "j@acme.example", "Jonas")
        theirs = comments.add_comment(factories.actor_of(jonas, actor.organisation), execution.id, "Theirs", task.id)
        mine = comments.add_comment(actor, execution.id, "Mine", task.id)
        page = browser.get(f"/executions/{execution.id}?task={task.id}").content.decode()
        assert (f"/comments/{mine.id}/form" in page, f"/comments/{theirs.id}/form" in page) == (True, False)
        assert browser.get(f"/comments/{mine.id}/form", headers=HTMX).content.decode().count("Mine") == 1
        assert browser.get(f"/comments/{theirs.id}/form", headers=HTMX).status_code == 404
        assert browser.post(f"/comments/{mine.id}/save", {"text": "Better"}, headers=HTMX).status_code == 200
        assert browser.get(f"/comments/{mine.id}/delete/ask", headers=HTMX).status_code == 200
        assert browser.post(f"/comments/{theirs.id}/delete", headers=HTMX).status_code == 403
        assert browser.post(f"/comments/{mine.id}/delete", headers=HTMX).status_code == 200
        assert list(Comment.objects.filter(deleted_at=None).values_list("text", flat=True)) == ["Theirs"]

    @pytest.mark.parametrize("body", [{}, {"text": " "}, {"text": "x" * 10_001}, {"text": "x", "task": "nonsense"}])
    def test_a_refused_comment_is_told_and_changes_nothing(self, browser: Client, execution: Execution, body: Any) -> None:
        before = dump()
        answer = browser.post(f"/executions/{execution.id}/comments", body, headers=HTMX)
        assert answer.status_code in (404, 422)
        assert 'role="alert"' in answer.content.decode()
        assert dump() == before

    def test_viewers_read_and_write_nothing(self, actor: Actor, execution: Execution) -> None:
        task = factories.task_of(execution, "t1")
        comments.add_comment(actor, execution.id, "Read me", task.id)
        viewer = sign_in_as(actor, Role.VIEWER)
        page = viewer.get(f"/executions/{execution.id}?task={task.id}").content.decode()
        assert ("Read me" in page, "data-comment" in page) == (True, False)
        before = dump()
        assert viewer.post(f"/executions/{execution.id}/comments", {"text": "x"}, headers=HTMX).status_code == 403
        assert viewer.get("/comments/people?q=m", headers=HTMX).status_code == 403
        assert dump() == before

    def test_people_are_offered_as_options(self, browser: Client, actor: Actor) -> None:
        factories.make_user(actor.organisation, "j@acme.example", "Jonas <Weber>")
        page = browser.get("/comments/people?q=jo&list=l", headers=HTMX).content.decode()
        assert 'role="option" id="l-1"' in page
        assert "Jonas &lt;Weber&gt;" in page
        assert "1 person found" in page


class TestMentions:
    def test_they_stand_in_my_tasks_until_they_are_read(self, browser: Client, actor: Actor, execution: Execution) -> None:
        task = factories.task_of(execution, "t1")
        comments.add_comment(actor, execution.id, "@Mara <b>one</b>", task.id)
        comments.add_comment(actor, execution.id, "@Mara two")
        page = browser.get("/")
        assert page.context["mentions"].counted == "2"
        assert "@Mara &lt;b&gt;one" in page.content.decode()
        first, second = page.context["mentions"].unread
        assert (first.address, second.address) == (
            f"/executions/{execution.id}?view=timeline",
            f"/executions/{execution.id}?task={task.id}",
        )
        answer = browser.post("/comments/mentions/read", {"mention": str(first.id)}, headers=HTMX)
        assert [each.id for each in answer.context["mentions"].unread] == [second.id]
        assert browser.post("/comments/mentions/read", headers=HTMX).context["mentions"].unread == []
        assert len(browser.get("/").context["mentions"].read) == 2

    @pytest.mark.parametrize("mention", ["x", "-1", "9" * 30])
    def test_a_mention_that_cannot_be_is_not_there(self, browser: Client, mention: str) -> None:
        assert browser.post("/comments/mentions/read", {"mention": mention}, headers=HTMX).status_code == 404


class TestTimeline:
    def test_it_says_who_changed_what_from_what_to_what(self, browser: Client, actor: Actor, execution: Execution) -> None:
        task = factories.task_of(execution, "t1")
        patch_task(actor, execution.id, task.id, {"assigned_to": [actor.id], "due_date": "2031-05-28T00:00:00.000"})
        patch_task(actor, execution.id, task.id, {"description": {"enabled": True, "value": "By hand"}})
        patch_task(actor, execution.id, task.id, {"status": "COMPLETED"})
        found = [(e.who, e.what, e.subject) for e in entries(timeline(browser, execution))]
        for what in (
            "set the assignees to Mara, before: nobody",
            "set the due date to 28 May 2031, it was none",
            "changed the description: “” → “By hand”",
            "set the status to Completed, it was To do",
        ):
            assert ("Mara", what, "Task t1") in found
        assert (
            f'href="/executions/{execution.id}?view=timeline&amp;task={task.id}"' in timeline(browser, execution).content.decode()
        )

    def test_failures_outside_appear(self, browser: Client, actor: Actor, execution: Execution) -> None:
        record_sync_failure(actor, str(execution.id), "the entity is not there any more")
        note_failure(actor, execution.id, None, "Webhook Shop: 500")
        found = [(e.what, e.is_failure) for e in entries(timeline(browser, execution, kind="automations"))]
        assert found == [
            ("reported: Webhook Shop: 500", True),
            ("could not write to an entity: the entity is not there any more", True),
        ]

    @pytest.mark.parametrize(
        ("kind", "expected"),
        [
            ("assignment", {"task.assigned"}),
            ("dates", {"task.due_date"}),
            ("comments", {"comment.added"}),
            ("automations", set()),
        ],
    )
    def test_it_is_filtered_by_kind(
        self, browser: Client, actor: Actor, execution: Execution, kind: str, expected: set[str]
    ) -> None:
        task = factories.task_of(execution, "t1")
        patch_task(actor, execution.id, task.id, {"assigned_to": [actor.id], "due_date": "2031-05-28T00:00:00.000"})
        comments.add_comment(actor, execution.id, "Hello")
        answer = timeline(browser, execution, kind=kind)
        assert {entry.kind for entry in entries(answer)} == ({kind} if expected else set())
        assert len(entries(answer)) == Event.objects.filter(execution=execution, action__in=expected).count()
        assert ("Nothing of this kind" in answer.content.decode()) is (not expected)

    def test_pages_of_50_show_each_event_once(self, browser: Client, actor: Actor, execution: Execution) -> None:
        for number in range(60):
            comments.add_comment(actor, execution.id, f"Number {number}")
        first = timeline(browser, execution, kind="comments")
        assert len(entries(first)) == 50
        second = browser.get(first.context["older_address"])
        assert (len(entries(second)), second.context["older_address"]) == (10, "")
        texts = [str(entry.comment.html) for entry in [*entries(first), *entries(second)]]
        assert texts == [f"Number {number}" for number in reversed(range(60))]
        assert second.context["newest_address"] == f"/executions/{execution.id}?view=timeline&kind=comments"

    def test_days_have_headings(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor, now=timezone.now() - timedelta(days=1))
        comments.add_comment(actor, execution.id, "Now")
        comments.add_comment(actor, execution.id, "Then", now=timezone.now() - timedelta(days=40))
        names = [day.name for day in timeline(browser, execution).context["days"]]
        assert names[1] == "Today" or names[0] == "Today"
        assert "Yesterday" in names

    def test_a_changed_comment_shows_as_it_is_and_the_change_as_it_was(
        self, browser: Client, actor: Actor, execution: Execution
    ) -> None:
        kept, gone = (comments.add_comment(actor, execution.id, text) for text in ("Befor", "Oops"))
        comments.edit_comment(actor, kept.id, "After")
        comments.delete_comment(actor, gone.id)
        found = [
            (entry.what, str(entry.comment.html) if entry.comment else "")
            for entry in entries(timeline(browser, execution, kind="comments"))
        ]
        assert found == [
            ("deleted a comment: “Oops”", ""),
            ("changed a comment: “Befor” → “After”", ""),
            ("commented: “Oops”", ""),
            ("commented: “Befor”", "After"),
        ]


class TestCost:
    def test_the_timeline_needs_the_same_statements_for_1_and_30_comments(self, browser: Client, actor: Actor) -> None:
        counts = []
        for size in (1, 30):
            execution = factories.start(actor)
            for _ in range(size):
                comments.add_comment(actor, execution.id, "Hello @Mara", factories.task_of(execution, "t1").id)
            timeline(browser, execution)
            with CaptureQueriesContext(connection) as captured:
                assert timeline(browser, execution).content.decode().count('class="comment"') == size
            counts.append(len(statements(captured)))
        assert counts[0] == counts[1] <= 15

    def test_the_pane_needs_the_same_statements_for_1_and_30_comments(self, browser: Client, actor: Actor) -> None:
        counts = []
        for size in (1, 30):
            execution = factories.start(actor)
            task = factories.task_of(execution, "t1")
            for _ in range(size):
                comments.add_comment(actor, execution.id, "Hello @Mara", task.id)
            browser.get(f"/executions/{execution.id}?task={task.id}")
            with CaptureQueriesContext(connection) as captured:
                page = browser.get(f"/executions/{execution.id}?task={task.id}").content.decode()
            assert page.count('class="comment"') == size
            counts.append(len(statements(captured)))
        assert counts[0] == counts[1] <= 15

    def test_my_tasks_needs_the_same_statements_for_1_and_20_mentions(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        counts = []
        for start, end in ((0, 1), (1, 20)):
            for _ in range(start, end):
                comments.add_comment(actor, execution.id, "Hello @Mara", factories.task_of(execution, "t1").id)
            with CaptureQueriesContext(connection) as captured:
                assert len(browser.get("/").context["mentions"].unread) == end
            counts.append(len(statements(captured)))
        assert counts[0] == counts[1]
