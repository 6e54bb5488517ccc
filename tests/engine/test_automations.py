"""What runs of automations mean for their tasks, and which action comes next."""

import pytest

from tests.engine.builders import Story, graph, task
from workflows.engine import advance
from workflows.engine.automations import ActionState, RunStatus, end_status, next_action, task_status
from workflows.engine.errors import UnknownNode
from workflows.engine.results import correct_result
from workflows.engine.status import ExecutionStatus, TaskStatus

PENDING, SUCCESS, FAILED, CANCELLED, SKIPPED = (
    ActionState(RunStatus(status)) for status in ("pending", "success", "failed", "cancelled", "skipped")
)
ALLOWED = ActionState(RunStatus.FAILED, allow_failure=True)


@pytest.mark.parametrize(
    ("run", "status"),
    [
        ("success", "COMPLETED"),
        ("failed", "FAILED"),
        ("hot", "FAILED"),
        ("skipped", "SKIPPED"),
        ("cancelled", "SKIPPED"),
        ("paused", "IN_PROGRESS"),
        ("scheduled", "IN_PROGRESS"),
        ("pending", "IN_PROGRESS"),
    ],
)
def test_a_runs_status_is_a_status_of_its_task(run: str, status: str) -> None:
    assert task_status(RunStatus(run)) == status


def test_a_paused_run_that_awaits_a_person_waits_for_confirmation() -> None:
    assert task_status(RunStatus.PAUSED, awaits_person=True) is TaskStatus.WAITING_FOR_CONFIRMATION
    assert task_status(RunStatus.SUCCESS, awaits_person=True) is TaskStatus.COMPLETED


@pytest.mark.parametrize(
    ("actions", "place"),
    [
        ([], None),
        ([PENDING, PENDING], 0),
        ([SUCCESS, PENDING], 1),
        ([SKIPPED, ALLOWED, PENDING], 2),
        ([FAILED, PENDING], None),
        ([SUCCESS, ActionState(RunStatus.IN_PROGRESS), PENDING], None),
        ([PENDING, ActionState(RunStatus.PAUSED)], None),
        ([SUCCESS, SUCCESS], None),
    ],
)
def test_one_action_after_the_other(actions: list[ActionState], place: int | None) -> None:
    assert next_action(actions) == place


@pytest.mark.parametrize(
    ("actions", "status"),
    [
        ([SUCCESS, FAILED], "failed"),
        ([SUCCESS, ALLOWED], "success"),
        ([SUCCESS, SKIPPED], "success"),
        ([SKIPPED, SKIPPED], "skipped"),
        ([CANCELLED], "cancelled"),
        ([CANCELLED, SKIPPED], "success"),
        ([], "success"),
    ],
)
def test_a_run_comes_to_what_its_actions_came_to(actions: list[ActionState], status: str) -> None:
    assert end_status(actions) == status


class TestCorrecting:
    def story(self) -> Story:
        return Story(graph([task("m", task_type="AUTOMATION"), "b"], [("m", "b")]))

    def correct(self, story: Story, status: str, key: str = "m") -> None:
        story.take(correct_result(story.flow, key, TaskStatus(status), story.moment))

    def test_a_late_result_moves_the_flow_whatever_the_task_shows(self) -> None:
        story = self.story().set("m", "ON_HOLD")
        self.correct(story, "COMPLETED")
        assert (story.of("m"), story.current) == ("COMPLETED", ["b"])

    def test_a_failure_stays_current(self) -> None:
        story = self.story()
        self.correct(story, "FAILED")
        assert (story.of("m"), story.current) == ("FAILED", ["m"])

    @pytest.mark.parametrize("before", ["SKIPPED", "IN_PROGRESS"])
    def test_what_is_finished_or_so_already_is_left_alone(self, before: str) -> None:
        story = self.story().set("m", before)
        flow = story.flow
        self.correct(story, "COMPLETED" if before == "SKIPPED" else "IN_PROGRESS")
        assert story.flow is flow
        assert story.changes == ()

    def test_in_a_closed_execution_only_the_task_is_corrected(self) -> None:
        story = self.story()
        story.take(advance.set_execution_status(story.flow, ExecutionStatus.CLOSED, story.moment))
        self.correct(story, "COMPLETED")
        assert (story.of("m"), story.current, story.status) == ("COMPLETED", [], "CLOSED")
        story.take(advance.set_execution_status(story.flow, ExecutionStatus.STARTED, story.moment))
        assert story.current == ["b"]

    def test_a_future_task_does_not_move_the_flow(self) -> None:
        story = Story(graph(["a", task("m", task_type="AUTOMATION"), "b"], [("a", "m"), ("m", "b")]))
        self.correct(story, "COMPLETED")
        assert (story.of("m"), story.current) == ("COMPLETED", ["a"])

    def test_an_unknown_task_is_refused(self) -> None:
        with pytest.raises(UnknownNode, match=r"^Task not found$"):
            self.correct(self.story(), "FAILED", "ghost")
