"""Comments: who may write, change and take back what, who is mentioned, and what the history keeps."""

from typing import Any

import pytest

from tests import factories
from tests.dump import dump
from workflows.models import ActorKind, Comment, Event, Execution, Mention, Organisation, Role, User
from workflows.permissions import Actor, PermissionRefused
from workflows.services import comments
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.executions import delete_execution
from workflows.services.tasks import patch_task


@pytest.fixture
def execution(actor: Actor) -> Execution:
    return factories.start(actor)


@pytest.fixture
def jonas(organisation: Organisation) -> Actor:
    return factories.actor_of(factories.make_user(organisation, "jonas@acme.example", "Jonas Weber"), organisation)


def actions(execution: Execution) -> list[str]:
    rows = Event.objects.filter(execution=execution, action__startswith="comment.").order_by("seq")
    return list(rows.values_list("action", flat=True))


def mentioned(comment: Comment) -> list[tuple[str, str]]:
    return sorted((str(mention.user), mention.handle) for mention in comment.mentions.select_related("user"))


class TestWriting:
    def test_a_comment_and_its_event_are_written_together(self, actor: Actor, execution: Execution) -> None:
        task = factories.task_of(execution, "t1")
        comment = comments.add_comment(actor, execution.id, "  First\r\nsecond\0 ", task.id)
        assert (comment.text, comment.task_id, str(comment.author_id)) == ("First\nsecond", task.id, actor.id)
        event = Event.objects.get(action="comment.added")
        assert (event.task_id, event.actor_id, event.after) == (
            task.id,
            actor.id,
            {"comment_id": str(comment.id), "text": "First\nsecond"},
        )
        assert Execution.objects.get(pk=execution.pk).version == execution.version + 1

    def test_a_closed_flow_can_be_commented(self, actor: Actor, execution: Execution) -> None:
        from workflows.services.executions import patch_execution

        patch_execution(actor, execution.id, {"status": "CLOSED"})
        assert comments.add_comment(actor, execution.id, "Pity").task_id is None

    @pytest.mark.parametrize("text", ["", " \n ", "\0", "x" * 10_001])
    def test_an_empty_or_endless_comment_is_refused(self, actor: Actor, execution: Execution, text: str) -> None:
        before = dump()
        with pytest.raises(InvalidInput):
            comments.add_comment(actor, execution.id, text)
        assert dump() == before

    def test_what_is_not_there_or_elsewhere_cannot_be_commented(
        self, actor: Actor, execution: Execution, other_organisation: Organisation
    ) -> None:
        stranger = factories.actor_of(
            factories.make_user(other_organisation, "x@other.example", "X", Role.OWNER), other_organisation
        )
        elsewhere = factories.start(stranger)
        before = dump()
        for asking, flow, task in (
            (stranger, execution.id, None),
            (actor, elsewhere.id, None),
            (actor, execution.id, factories.task_of(elsewhere, "t1").id),
            (actor, execution.id, "nonsense"),
        ):
            with pytest.raises(NotFound):
                comments.add_comment(asking, flow, "Hello", task)
        assert dump() == before

    def test_it_needs_the_right_to_write_notes(self, actor: Actor, execution: Execution) -> None:
        viewer = factories.actor_of(
            factories.make_user(actor.organisation, "v@acme.example", "Viewer", Role.VIEWER), actor.organisation
        )
        token = Actor(actor.organisation, ActorKind.TOKEN, "api_1", Role.INTEGRATION)
        before = dump()
        for asking in (viewer, token):
            with pytest.raises(PermissionRefused):
                comments.add_comment(asking, execution.id, "Hello")
        assert dump() == before

    def test_who_may_note_on_own_tasks_may_not_on_others(self, actor: Actor, execution: Execution, jonas: Actor) -> None:
        grants = (
            '[{"action": "workflow:execution:task:view_assigned"}, {"action": "workflow:execution:task:notes", '
            '"conditions": [{"attribute": "assigned_to", "operation": "equals_current_user"}]}]'
        )
        some = Actor(actor.organisation, ActorKind.USER, jonas.id, "", grants=grants)
        own, other = factories.task_of(execution, "t1"), factories.task_of(execution, "t2")
        patch_task(actor, execution.id, own.id, {"assigned_to": [jonas.id]})
        assert comments.add_comment(some, execution.id, "Mine", own.id).task_id == own.id
        with pytest.raises(NotFound):
            comments.add_comment(some, execution.id, "Not mine", other.id)


class TestChanging:
    def test_an_own_comment_is_changed_and_the_history_keeps_both_texts(self, actor: Actor, execution: Execution) -> None:
        comment = comments.add_comment(actor, execution.id, "Befor")
        comments.edit_comment(actor, comment.id, "After")
        comment.refresh_from_db()
        assert (comment.text, comment.edited_at is not None) == ("After", True)
        event = Event.objects.get(action="comment.edited")
        assert (event.before, event.after) == ({"text": "Befor"}, {"comment_id": str(comment.id), "text": "After"})

    def test_the_same_text_again_changes_nothing(self, actor: Actor, execution: Execution) -> None:
        comment = comments.add_comment(actor, execution.id, "Same")
        before = dump()
        comments.edit_comment(actor, comment.id, "Same ")
        assert dump() == before

    def test_an_own_comment_is_taken_back_once(self, actor: Actor, execution: Execution) -> None:
        comment = comments.add_comment(actor, execution.id, "Oops @Mara")
        comments.delete_comment(actor, comment.id)
        assert actions(execution) == ["comment.added", "comment.deleted"]
        assert Event.objects.get(action="comment.deleted").before == {"text": "Oops @Mara"}
        assert not comments.mentions_of(actor).exists()
        before = dump()
        for act in (lambda: comments.delete_comment(actor, comment.id), lambda: comments.edit_comment(actor, comment.id, "x")):
            with pytest.raises(NotFound):
                act()
        assert dump() == before

    def test_nobody_changes_what_another_wrote(self, actor: Actor, execution: Execution, jonas: Actor) -> None:
        comment = comments.add_comment(jonas, execution.id, "Mine")
        before = dump()
        with pytest.raises(PermissionRefused):
            comments.edit_comment(actor, comment.id, "Yours")
        with pytest.raises(PermissionRefused):
            comments.delete_comment(actor, comment.id)
        assert dump() == before

    def test_other_organisations_comments_are_not_there(
        self, actor: Actor, execution: Execution, other_organisation: Organisation
    ) -> None:
        comment = comments.add_comment(actor, execution.id, "Ours")
        stranger = factories.actor_of(
            factories.make_user(other_organisation, "x@other.example", "X", Role.OWNER), other_organisation
        )
        with pytest.raises(NotFound):
            comments.delete_comment(stranger, comment.id)

    def test_comments_go_with_an_execution_that_is_removed_for_good(self, actor: Actor, execution: Execution) -> None:
        comments.add_comment(actor, execution.id, "Hello @Mara")
        delete_execution(actor, execution.id, soft=False)
        assert (Comment.objects.count(), Mention.objects.count()) == (0, 0)


class TestMentions:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("@Jonas Weber, look", ["Jonas Weber"]),
            ("look (@jonas weber)", ["Jonas Weber"]),
            ("@Jonas Weber and @Mara", ["Jonas Weber", "Mara"]),
            ("@Jonas Weber @Jonas Weber", ["Jonas Weber"]),
            ("mail@Jonas Weber", []),
            ("@Jonas Webering", []),
            ("@Nobody Here, Jonas Weber", []),
        ],
    )
    def test_people_are_mentioned_by_their_names(
        self, actor: Actor, execution: Execution, jonas: Actor, text: str, found: list[str]
    ) -> None:
        assert [name for name, _ in mentioned(comments.add_comment(actor, execution.id, text))] == found

    def test_the_longest_name_counts(self, actor: Actor, execution: Execution, jonas: Actor) -> None:
        factories.make_user(actor.organisation, "j@acme.example", "Jonas")
        comment = comments.add_comment(actor, execution.id, "@Jonas Weber")
        assert mentioned(comment) == [("Jonas Weber", "Jonas Weber")]

    def test_people_of_the_same_name_are_mentioned_by_address(self, actor: Actor, execution: Execution, jonas: Actor) -> None:
        factories.make_user(actor.organisation, "weber@acme.example", "Jonas Weber")
        comment = comments.add_comment(actor, execution.id, "@Jonas Weber @weber@acme.example")
        assert mentioned(comment) == [("Jonas Weber", "weber@acme.example")]

    def test_people_of_other_organisations_are_not_mentioned(
        self, actor: Actor, execution: Execution, other_organisation: Organisation
    ) -> None:
        factories.make_user(other_organisation, "x@other.example", "Xaver")
        assert mentioned(comments.add_comment(actor, execution.id, "@Xaver")) == []
        assert [handle for handle, _ in comments.suggest_people(actor, "xa")] == []

    def test_a_change_keeps_what_was_read_and_mentions_who_is_new(self, actor: Actor, execution: Execution, jonas: Actor) -> None:
        comment = comments.add_comment(actor, execution.id, "@Jonas Weber")
        assert comments.read_mentions(jonas) == 1
        comments.edit_comment(actor, comment.id, "@Jonas Weber and @Mara")
        assert not comments.mentions_of(jonas).filter(read_at=None).exists()
        assert comments.mentions_of(actor).filter(read_at=None).exists()
        comments.edit_comment(actor, comment.id, "Never mind")
        assert Mention.objects.count() == 0

    def test_one_marks_only_ones_own_as_read(self, actor: Actor, execution: Execution, jonas: Actor) -> None:
        first = comments.add_comment(actor, execution.id, "@Jonas Weber").mentions.get()
        second = comments.add_comment(actor, execution.id, "@Jonas Weber again").mentions.get()
        assert comments.read_mentions(actor, [first.pk]) == 0
        assert comments.read_mentions(jonas, [first.pk]) == 1
        assert [m.pk for m in comments.mentions_of(jonas).filter(read_at=None)] == [second.pk]

    def test_who_may_see_some_tasks_is_told_of_mentions_on_these_only(
        self, actor: Actor, execution: Execution, jonas: Actor
    ) -> None:
        grants = '[{"action": "workflow:execution:task:view_assigned"}]'
        some = Actor(actor.organisation, ActorKind.USER, jonas.id, "", grants=grants)
        own, other = factories.task_of(execution, "t1"), factories.task_of(execution, "t2")
        patch_task(actor, execution.id, own.id, {"assigned_to": [jonas.id]})
        for task in (own.id, other.id, None):
            comments.add_comment(actor, execution.id, "@Jonas Weber", task)
        assert [mention.comment.task_id for mention in comments.mentions_of(some)] == [own.id]

    def test_suggestions_begin_like_a_name_or_an_address(self, actor: Actor, jonas: Actor) -> None:
        def names(words: str) -> list[Any]:
            return [str(person) for _, person in comments.suggest_people(actor, words)]

        assert names("web") == names("JO") == names("jonas w") == ["Jonas Weber"]
        assert names("") == ["Jonas Weber", "Mara"]
        assert names("zz") == []
        User.objects.filter(pk=jonas.id).update(is_active=False)
        assert names("jo") == []
