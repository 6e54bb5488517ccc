"""The table of statuses refuses exactly what it does not list."""

import pytest

from tests.engine.builders import Story, graph
from workflows.engine.errors import ActionNotAllowed, InvalidTransition
from workflows.engine.status import FINISHED, TRANSITIONS, TaskStatus, check_transition

PAIRS = [(before, after) for before in TaskStatus for after in TaskStatus if before is not after]


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_the_table_decides(before: TaskStatus, after: TaskStatus) -> None:
    if after in TRANSITIONS[before]:
        check_transition(before, after)
        return
    with pytest.raises(InvalidTransition) as refusal:
        check_transition(before, after)
    assert refusal.value.message == f"Invalid status transition from {before} to {after}"


@pytest.mark.parametrize("before", [status for status in TaskStatus if status not in FINISHED])
def test_every_open_status_can_be_skipped_and_all_but_on_hold_held(before: TaskStatus) -> None:
    assert TaskStatus.SKIPPED in TRANSITIONS[before]
    assert before is TaskStatus.ON_HOLD or TaskStatus.ON_HOLD in TRANSITIONS[before]


def test_the_same_status_again_is_no_change() -> None:
    story = Story(graph(["a"], [])).set("a", "IN_PROGRESS").set("a", "IN_PROGRESS")
    assert story.changes == ()


def test_a_refused_action_leaves_the_flow_as_it_was() -> None:
    story = Story(graph(["a", "b"], [("a", "b")])).complete("a")
    before = story.flow
    with pytest.raises(InvalidTransition):
        story.set("a", "IN_PROGRESS")
    assert story.flow is before


def test_a_disabled_task_refuses() -> None:
    story = Story(
        graph([{"id": "a", "task_type": "MANUAL", "requirements": [{"when": "TASK_FINISHED", "task_id": "b"}]}, "b"], [])
    )
    with pytest.raises(ActionNotAllowed):
        story.complete("a")
    assert story.complete("b", "a").status == "DONE"
