"""Relative due dates: when the event happened that each of the five kinds counts from, and that it can be undone."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.engine.builders import NOW, Story, decision, graph, task
from workflows.engine.due_dates import parse_due_date_config
from workflows.engine.due_events import DueEvents, Ends, Subject
from workflows.engine.status import FINISHED

BERLIN = ZoneInfo("Europe/Berlin")
DIAMOND = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]
LOOP = {"loop_branch_id": "again", "exit_branch_id": "out", "max_iterations": 2}


class Clock:
    """Notes when the tasks of a story end: one hour after the other, from its start on."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.ends: dict[str, datetime] = {}

    def __call__(self, *keys: str, **options: Any) -> "Clock":
        for key in keys:
            self.story.complete(key, **options)
            self.note(key)
        return self

    def note(self, key: str) -> None:
        self.ends[key] = NOW + timedelta(hours=len(self.ends) + 1)
        self.ends = {node: at for node, at in self.ends.items() if self.story.flow.tasks[node].status in FINISHED}

    def hour(self, kind: str, subject: Subject, **fields: str) -> int | None:
        """How many hours after the start the event happened."""
        rule = parse_due_date_config({"duration": 1, "unit": "hours", "type": kind} | fields)
        at = DueEvents(self.story.flow, Ends(NOW, self.ends)).happened_at(rule, subject)
        return None if at is None else round((at - NOW) / timedelta(hours=1))


@pytest.mark.parametrize("subject", [Subject(), Subject(task="d"), Subject(phase="p")])
def test_the_start_of_the_workflow_dates_everything_at_once(subject: Subject) -> None:
    flow = graph(["a", "b", "c", task("d", phase_id="p")], DIAMOND, phases=[{"id": "p"}])
    assert Clock(Story(flow)).hour("WORKFLOW_STARTED", subject) == 0


@pytest.mark.parametrize("subject", [Subject(), Subject(task="c"), Subject(phase="p")])
def test_the_end_of_a_task_and_of_a_phase_date_execution_phase_and_task(subject: Subject) -> None:
    flow = graph(["a", "b", task("c", phase_id="p")], [("a", "b"), ("b", "c")], phases=[{"id": "p"}])
    clock = Clock(Story(flow))
    assert clock.hour("TASK_FINISHED", subject, task_id="b") is None
    assert clock("a", "b").hour("TASK_FINISHED", subject, task_id="b") == 2
    assert clock.hour("PHASE_FINISHED", subject, phase_id="p") is None
    assert clock("c").hour("PHASE_FINISHED", subject, phase_id="p") == 3


def test_a_skipped_task_is_finished_too() -> None:
    clock = Clock(Story(graph(["a", "b"], [("a", "b")])))
    clock.story.set("a", "SKIPPED")
    clock.note("a")
    assert clock.hour("TASK_FINISHED", Subject(task="b"), task_id="a") == 1


def test_a_task_finished_early_counts_before_the_flow_comes_to_it() -> None:
    clock = Clock(Story(graph(["a", "b", "c"], [("a", "b"), ("b", "c")])))("b")
    assert clock.hour("A_PRECEDING_TASK_COMPLETED", Subject(task="c")) == 1


def test_the_first_and_the_last_of_the_preceding_tasks() -> None:
    clock = Clock(Story(graph(list("abcd"), DIAMOND)))("a")
    assert clock.hour("A_PRECEDING_TASK_COMPLETED", Subject(task="d")) is None
    clock("c")
    assert clock.hour("A_PRECEDING_TASK_COMPLETED", Subject(task="d")) == 2
    assert clock.hour("ALL_PRECEDING_TASKS_COMPLETED", Subject(task="d")) is None
    clock("b")
    assert clock.hour("A_PRECEDING_TASK_COMPLETED", Subject(task="d")) == 2
    assert clock.hour("ALL_PRECEDING_TASKS_COMPLETED", Subject(task="d")) == 3


def test_what_precedes_a_phase_lies_outside_it() -> None:
    tasks = ["a", task("b", phase_id="p"), task("c", phase_id="p")]
    clock = Clock(Story(graph(tasks, [("a", "b"), ("b", "c")], phases=[{"id": "p"}])))("a", "b")
    assert clock.hour("ALL_PRECEDING_TASKS_COMPLETED", Subject(phase="p")) == 1


@pytest.mark.parametrize("subject", [Subject(), Subject(task="a")])
def test_what_nothing_precedes_counts_all_from_the_start_and_never_one(subject: Subject) -> None:
    clock = Clock(Story(graph(["a"], [])))
    assert clock.hour("ALL_PRECEDING_TASKS_COMPLETED", subject) == 0
    assert clock.hour("A_PRECEDING_TASK_COMPLETED", subject) is None


def test_branches_not_taken_precede_nothing() -> None:
    flow = graph(
        [decision("d", "x", "y"), "b", "c", "z"], [("d", "b", "x"), ("d", "c", "y"), ("d", "z", "x"), ("b", "z"), ("c", "z")]
    )
    clock = Clock(Story(flow))("d", branch="y")
    assert clock.hour("A_PRECEDING_TASK_COMPLETED", Subject(task="b")) is None
    assert clock.hour("ALL_PRECEDING_TASKS_COMPLETED", Subject(task="z")) is None
    assert clock("c").hour("ALL_PRECEDING_TASKS_COMPLETED", Subject(task="z")) == 2


def test_going_back_undoes_the_event_until_it_happens_again() -> None:
    clock = Clock(Story(graph(["a", "b", "c"], [("a", "b"), ("b", "c")])))("a", "b")
    clock.story.set("a", "PENDING", revert=True)
    assert clock.hour("TASK_FINISHED", Subject(), task_id="b") is None
    assert clock.hour("ALL_PRECEDING_TASKS_COMPLETED", Subject(task="c")) is None
    assert clock("a", "b").hour("TASK_FINISHED", Subject(), task_id="b") is not None


def test_a_loop_undoes_the_events_of_its_members() -> None:
    tasks = ["a", "b", decision("d", "again", "out", loop_config=LOOP), "z"]
    flow = graph(tasks, [("a", "b"), ("b", "d"), ("d", "a", "again"), ("d", "z", "out")])
    clock = Clock(Story(flow))("a", "b")
    assert clock.hour("A_PRECEDING_TASK_COMPLETED", Subject(task="b")) == 1
    clock("d", branch="again")
    assert clock.hour("A_PRECEDING_TASK_COMPLETED", Subject(task="b")) is None
    assert clock.hour("TASK_FINISHED", Subject(task="z"), task_id="b") is None


@pytest.mark.parametrize(
    ("at", "rule", "text"),
    [
        # The clocks of Berlin go forward on 29 March 2026 and back on 25 October 2026.
        ("2026-03-28T23:30", (1, "days"), "2026-03-30T00:00:00.000"),
        ("2026-03-28T12:00", (24, "hours"), "2026-03-29T12:00:00.000Z"),
        ("2026-10-24T22:30", (1, "days"), "2026-10-26T00:00:00.000"),
        ("2026-10-25T00:30", (90, "minutes"), "2026-10-25T02:00:00.000Z"),
        ("2026-10-30T23:30", (1, "months"), "2026-11-30T00:00:00.000"),
        ("2028-02-29T10:00", (1, "years"), "2029-02-28T00:00:00.000"),
        ("2026-03-01T00:00", (0, "days"), "2026-03-01T00:00:00.000"),
    ],
)
def test_days_are_the_organisations_and_hours_elapse_also_when_the_clocks_change(
    at: str, rule: tuple[int, str], text: str
) -> None:
    config = parse_due_date_config({"duration": rule[0], "unit": rule[1], "type": "WORKFLOW_STARTED"})
    started = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert DueEvents(Story(graph(["a"], [])).flow, Ends(started, {})).due_date(config, Subject(), BERLIN) == text
