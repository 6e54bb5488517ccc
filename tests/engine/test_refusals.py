"""What is refused says what is wrong, and to whom: these texts are answers to people and integrators."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.engine.builders import Story, decision, edge, graph, moment, task
from workflows.engine import advance, machines
from workflows.engine.errors import ActionNotAllowed, InvalidBranch, InvalidGraph, InvalidTransition, UnknownNode, WorkflowError
from workflows.engine.flow import ScheduleFired
from workflows.engine.graph import Edge, Node, build_graph
from workflows.engine.schedules import Cause, Refusal
from workflows.engine.status import ExecutionStatus, TaskStatus

LOOP = {"loop_branch_id": "again", "exit_branch_id": "out", "max_iterations": 1}
DELAY = {"mode": "delayed", "duration": 1, "unit": "hours"}
P = {"phases": [{"id": "p"}]}


def running() -> Story:
    """A flow with a task of each kind; only `a` is current."""
    needs = [{"when": "TASK_FINISHED", "task_id": "z"}]
    tasks = [
        "a",
        decision("d", "again", "out", loop_config=LOOP),
        task("m", task_type="AUTOMATION", trigger_mode="manual"),
        decision("auto", "x", "y", mode="automatic"),
        task("off", task_type="AUTOMATION", requirements=needs),
        "z",
    ]
    edges = [
        ("trigger", "a"),
        ("a", "d"),
        ("d", "a", "again"),
        ("d", "m", "out"),
        ("m", "auto"),
        ("auto", "off", "x"),
        ("off", "z"),
    ]
    return Story(graph(tasks, edges))


def end(story: Story, status: str) -> None:
    story.take(advance.set_execution_status(story.flow, ExecutionStatus(status), story.moment))


def execute(story: Story, key: str) -> None:
    story.take(machines.execute(story.flow, key, story.moment))


def go_round(story: Story) -> None:
    story.complete("a").complete("d", branch="again").complete("a").complete("d", branch="again")


def close_then(status: str) -> Callable[[Story], None]:
    def act(story: Story) -> None:
        end(story, "CLOSED")
        end(story, status)

    return act


def complete_when_closed(story: Story) -> None:
    end(story, "CLOSED")
    story.complete("a")


def reopen_when_done(story: Story) -> None:
    story.complete("a").complete("d", branch="out").complete("m")
    story.complete("auto", branch="y")
    end(story, "STARTED")


def run_twice(story: Story) -> None:
    execute(story, "m")
    execute(story, "m")


def execute_finished(story: Story) -> None:
    story.complete("m")
    execute(story, "m")


def add_when_closed(story: Story) -> None:
    end(story, "CLOSED")
    advance.add_task(story.flow, story.flow.graph, "a", TaskStatus.PENDING, story.moment)


REFUSED: list[tuple[Callable[[Story], Any], type[WorkflowError], str]] = [
    (lambda s: s.complete("ghost"), UnknownNode, "Task not found"),
    (lambda s: advance.record_result(s.flow, "ghost", TaskStatus.FAILED, s.moment), UnknownNode, "Task not found"),
    (lambda s: machines.fire(s.flow, "ghost", s.moment), UnknownNode, "Task not found"),
    (lambda s: s.set("a", "FAILED"), InvalidTransition, "Invalid status transition from PENDING to FAILED"),
    (lambda s: s.complete("off"), ActionNotAllowed, "The task is disabled: its requirements are not fulfilled yet"),
    (
        lambda s: s.set("d", "SKIPPED"),
        InvalidBranch,
        "This decision has no default branch, so it cannot be skipped; choose a branch instead",
    ),
    (lambda s: s.complete("d"), InvalidBranch, "next_condition_id: choose one of the decision's branches"),
    (lambda s: s.complete("d", branch="no"), InvalidBranch, "next_condition_id: no is no branch of this decision"),
    (go_round, InvalidBranch, "next_condition_id: the loop has run 1 times; take the exit"),
    (complete_when_closed, ActionNotAllowed, "The execution is closed; reopen it to change its tasks"),
    (close_then("DONE"), ActionNotAllowed, "The execution is closed; reopen it first"),
    (reopen_when_done, ActionNotAllowed, "The execution is done; revert one of its tasks to continue it"),
    (add_when_closed, ActionNotAllowed, "The execution is CLOSED; tasks are added to running executions only"),
    (lambda s: execute(s, "off"), ActionNotAllowed, "The task is disabled: its requirements are not fulfilled yet"),
    (lambda s: execute(s, "d"), InvalidBranch, "This decision is made by a person: complete the task with next_condition_id"),
    (lambda s: execute(s, "auto"), ActionNotAllowed, "The flow has not come to this decision yet"),
    (run_twice, ActionNotAllowed, "The task is running already"),
    (execute_finished, ActionNotAllowed, "The task is COMPLETED; set it to PENDING to do it again"),
    (lambda s: machines.cancel_schedule(s.flow, "m", s.moment), ActionNotAllowed, "The task has no pending schedule"),
]


@pytest.mark.parametrize(("act", "kind", "message"), REFUSED)
def test_an_action_is_refused_with_the_reason(act: Callable[[Story], Any], kind: type[WorkflowError], message: str) -> None:
    with pytest.raises(kind) as refusal:
        act(running())
    assert refusal.value.message == str(refusal.value) == message


LOOPING = decision("d", "again", "out", loop_config=LOOP)
NO_GRAPH: list[tuple[list[Any], list[Any], dict[str, Any], str, str]] = [
    ([], [], {}, "", "tasks: a flow needs at least one task"),
    (["a", "a"], [], {}, "a", "The id a is used more than once"),
    (["a"], [], {"phases": [{"id": "a"}]}, "a", "Phase a has no task"),
    ([task("a", phase_id="p"), task("p", phase_id="p")], [], P, "p", "The id p is used more than once"),
    ([task("a", phase_id="p")], [], {"phases": [{"id": "p"}, {"id": "p"}]}, "p", "The id p is used more than once"),
    (["a", "b"], [("a", "b"), ("a", "b")], {}, "a>b:None", "The edge id a>b:None is used more than once"),
    (["a"], [("x", "a")], {}, "x", "Edge x>a:None starts at x, which is no task of this flow"),
    (["a"], [("a", "x")], {}, "x", "Edge a>x:None leads to x, which is no task of this flow"),
    (["a", "b"], [("a", "b", "c")], {}, "a", "Edge a>b:c belongs to condition c, which task a does not have"),
    (["a"], [edge("a", None, none_met=True)], {}, "a", "Edge a>None:None is a default branch, but task a is no decision"),
    ([task("a", phase_id="p")], [], {}, "a", "Task a belongs to phase p, which this flow does not have"),
    (["a"], [], P, "p", "Phase p has no task"),
    (["a"], [("trigger", "x")], {}, "x", "The trigger leads to x, which is no task of this flow"),
    (
        [task("a", requirements=[{"when": "TASK_FINISHED", "task_id": "x"}])],
        [],
        {},
        "a",
        "Task a requires task x, which this flow does not have",
    ),
    (
        [task("a", requirements=[{"when": "PHASE_FINISHED", "phase_id": "x"}])],
        [],
        {},
        "a",
        "Task a requires phase x, which this flow does not have",
    ),
    ([decision("d", "x", "x")], [], {}, "d", "Decision d has two conditions with the id x"),
    ([decision("d", "x")], [], {}, "d", "Decision d needs at least two branches"),
    (
        [LOOPING | {"loop_config": LOOP | {"exit_branch_id": "x"}}],
        [],
        {},
        "d",
        "The loop of decision d names branch x, which it does not have",
    ),
    (
        [LOOPING | {"loop_config": LOOP | {"exit_branch_id": "again"}}],
        [],
        {},
        "d",
        "The loop of decision d needs two different branches",
    ),
    (
        [LOOPING | {"loop_config": LOOP | {"max_iterations": 0}}],
        [],
        {},
        "d",
        "The loop of decision d must allow 1 to 100 iterations",
    ),
    (
        [LOOPING | {"loop_config": LOOP | {"max_iterations": 101}}],
        [],
        {},
        "d",
        "The loop of decision d must allow 1 to 100 iterations",
    ),
    (
        ["a", "b"],
        [("a", "b"), ("b", "a")],
        {},
        "a",
        "Task a is part of a cycle that no loop declares, and nothing starts the flow",
    ),
    (["s", "a", "b"], [("s", "a"), ("a", "b"), ("b", "a")], {}, "a", "Task a is part of a cycle that no loop declares"),
    (
        ["s", "a", "b", "z"],
        [("s", "z"), ("a", "b"), ("b", "a"), ("b", "z")],
        {},
        "a",
        "Task a is part of a cycle that no loop declares",
    ),
    (
        [task("a", phase_id="p"), task("b", phase_id="p")],
        [("trigger", "p")],
        P,
        "p",
        "Phase p needs exactly one start task, it has 2",
    ),
    (
        [LOOPING | {"phase_id": "p"}, "z"],
        [("d", "d", "again"), ("d", "z", "out"), ("p", "z")],
        P,
        "p",
        "Phase p has no end task from which edge p>z:None could lead on",
    ),
]


@pytest.mark.parametrize(("tasks", "edges", "fields", "node", "message"), NO_GRAPH)
def test_a_shape_is_refused_with_the_reason(tasks: Any, edges: Any, fields: Any, node: str, message: str) -> None:
    with pytest.raises(InvalidGraph) as refusal:
        graph(tasks, edges, **fields)
    assert (refusal.value.node, refusal.value.message) == (node, message)


def test_a_graph_from_parts_needs_a_task_in_each_phase() -> None:
    with pytest.raises(InvalidGraph) as refusal:
        build_graph([Node("a"), Node("b")], [Edge("e", "a", "b")], ["p"])
    assert (refusal.value.node, refusal.value.message) == ("p", "Phase p has no task")


@pytest.mark.parametrize("most", [1, 100])
def test_the_bounds_of_a_loop_belong_to_it(most: int) -> None:
    tasks = [LOOPING | {"loop_config": LOOP | {"max_iterations": most}}]
    found = graph(tasks, [("trigger", "d"), ("d", "d", "again"), ("d", None, "out")])
    assert found.nodes["d"].loop is not None
    assert found.nodes["d"].loop.max_iterations == most


class TestSchedules:
    def story(self) -> Story:
        return Story(graph([task("m", task_type="AUTOMATION", schedule=DELAY), "b"], [("m", "b")]))

    def test_what_does_not_wait_for_a_time_is_left_as_it_is(self) -> None:
        flow = running().flow
        assert machines.fire(flow, "m", moment()).flow is flow
        assert machines.give_up_schedule(flow, "m", "broken", moment()).flow is flow

    def test_firing_tells_for_when_it_was_armed(self) -> None:
        story = self.story()
        at = story.flow.tasks["m"].scheduled_at
        assert at is not None
        story.take(machines.fire(story.flow, "m", advance.Moment(at)))
        assert story.changed(ScheduleFired) == [ScheduleFired("m", at)]

    def test_giving_up_keeps_the_beginning_of_the_error(self) -> None:
        story = self.story()
        story.take(machines.give_up_schedule(story.flow, "m", "x" * 300, story.moment))
        assert story.flow.tasks["m"].refusal == Refusal(Cause.GIVEN_UP, (("error", "x" * 200),))
        assert (story.of("m"), story.flow.tasks["m"].scheduled_at) == ("PENDING", None)

    def test_cancelling_all_leaves_the_tasks_pending(self) -> None:
        story = self.story()
        story.take(machines.cancel_all(story.flow, story.moment))
        assert (story.of("m"), story.flow.tasks["m"].scheduled_at) == ("PENDING", None)

    def test_running_a_scheduled_decision_now_evaluates_it_with_what_is_known_now(self) -> None:
        x = {"id": "x", "branch_name": "x", "logical_operator": "AND", "statements": []}
        sure = {"id": "s", "source": {"attribute": "n", "attribute_type": "number"}, "operator": "equals", "values": ["1"]}
        tasks = [decision("d", x | {"statements": [sure]}, "y", mode="automatic", schedule=DELAY), "b"]
        story = Story(graph(tasks, [("d", "b", "x")]))
        story.take(machines.run_schedule_now(story.flow, "d", moment(n=1)))
        assert story.current == ["b"]
