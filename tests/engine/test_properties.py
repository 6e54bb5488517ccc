"""What holds for every flow, tried on generated ones."""

import random
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.builders import Story, branch, decision, edge, graph, statement, task
from tests.engine.templates import numbers, templates
from workflows.engine import advance
from workflows.engine.definition import parse_definition
from workflows.engine.errors import WorkflowError
from workflows.engine.flow import BecameCurrent, ContinueRequested, TaskReset
from workflows.engine.graph import Graph
from workflows.engine.reach import ahead, waiting
from workflows.engine.status import TaskStatus, TaskType, TriggerMode


@st.composite
def flows(draw: st.DrawFn) -> Graph:
    """Acyclic flows of up to ten tasks with splits, joins and decisions, and at times a loop over the first tasks."""
    count = draw(st.integers(2, 10))
    keys = [f"n{number}" for number in range(count)]
    tasks: list[dict[str, Any]] = []
    edges: list[dict[str, Any]] = []
    for index, key in enumerate(keys):
        later = keys[index + 1 :]
        targets = draw(st.lists(st.sampled_from(later), unique=True, max_size=3)) if later else []
        kind = draw(st.sampled_from(["task", "task", "by hand", "by itself"])) if len(targets) > 1 else "task"
        if kind == "task":
            tasks.append(task(key))
            edges += [edge(key, target) for target in targets]
            continue
        branches = [branch(f"{key}{t}", statement("x", "equals", draw(st.sampled_from("pq")))) for t in targets]
        parallel = draw(st.booleans())
        mode = "manual" if kind == "by hand" else "automatic"
        tasks.append(decision(key, *branches, mode=mode, allow_parallel_execution=parallel))
        edges += [edge(key, target, f"{key}{target}", none_met=target == targets[-1]) for target in targets]
    if draw(st.booleans()):
        loop = {"loop_branch_id": "again", "exit_branch_id": "out", "max_iterations": draw(st.integers(1, 2))}
        ends = [key for key in keys if not any(e["from_id"] == key for e in edges)]
        tasks += [decision("loop", "again", "out", loop_config=loop), task("end")]
        edges += [edge(key, "loop") for key in ends]
        edges += [edge("loop", draw(st.sampled_from(keys[: max(1, count // 2)])), "again"), edge("loop", "end", "out")]
    return graph(tasks, edges)


def finish(story: Story, key: str, dice: random.Random) -> None:
    """Finish a task in some way that is open to it."""
    design = story.flow.graph.nodes[key]
    branches = [condition.id for condition in design.conditions]
    dice.shuffle(branches)
    for choice in branches or [None]:
        try:
            story.complete(key, branch=choice)
        except WorkflowError:
            continue
        return
    raise AssertionError(f"{key} cannot be finished")


def drive(story: Story, dice: random.Random) -> None:
    """Work a flow to its end, looking at it after each step."""
    entered: dict[str, int] = {}
    for _ in range(400):
        for change in story.changes:
            if isinstance(change, BecameCurrent):
                entered[change.node] = entered.get(change.node, 0) + 1
                assert entered[change.node] == 1, f"{change.node} became current twice"
            elif isinstance(change, TaskReset):
                entered[change.node] = 0
        if story.status == "DONE":
            break
        assert story.current, "running, but nothing is current"
        finish(story, dice.choice(story.current), dice)
    assert story.status == "DONE"
    assert not story.current
    assert not waiting(story.flow.graph, story.flow.tasks)


def by_itself(flow: Graph, key: str) -> bool:
    return flow.nodes[key].type is TaskType.DECISION and flow.nodes[key].trigger_mode is TriggerMode.AUTOMATIC


def fixed_choice(story: Story, key: str) -> None:
    """Finish a task in the way that its name decides, so that doing it again goes the same way."""
    branches = [condition.id for condition in story.flow.graph.nodes[key].conditions]
    first = len(key) + int(key.strip("t")) if branches else 0
    for choice in branches[first % len(branches) :] + branches if branches else [None]:
        try:
            story.complete(key, branch=choice)
        except WorkflowError:
            continue
        return


def work_through(story: Story) -> None:
    """Finish what is current, one by one, until nothing is; on the way each task is current once in each round of its loops."""
    entered: set[str] = set()
    members = {cycle.decision: cycle.members for cycle in story.flow.graph.cycles}
    for _ in range(3000):
        for change in story.changes:
            if isinstance(change, TaskReset):
                entered -= members.get(change.node, set())  # a decision that goes round begins its loop anew
            elif isinstance(change, BecameCurrent):
                assert change.node not in entered, f"{change.node} became current twice"
                entered.add(change.node)
        if story.changed(ContinueRequested):
            story.take(advance.resume(story.flow, story.moment))
            continue
        if story.status == "DONE":
            return
        waits = waiting(story.flow.graph, story.flow.tasks)
        assert set(waits) <= ahead(story.flow.graph, story.flow.tasks, story.current), "nothing leads to what waits"
        fixed_choice(story, story.current[-1])
    raise AssertionError("the flow does not end")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(template=templates(blocking=False), number=numbers)
def test_every_template_ends_and_joins_fire_once_in_each_round(template: dict[str, Any], number: int | None) -> None:
    story = Story(parse_definition(template), n=number)
    work_through(story)
    assert not story.current


@settings(max_examples=100, deadline=None, derandomize=True)
@given(template=templates(blocking=False), number=numbers, pick=st.integers(0, 59))
def test_going_back_and_doing_the_same_again_gives_the_same_end(template: dict[str, Any], number: int | None, pick: int) -> None:
    story = Story(parse_definition(template), n=number)
    work_through(story)
    end = {key: (state.status, state.passed, state.taken) for key, state in story.flow.tasks.items()}
    behind = [key for key, state in story.flow.tasks.items() if state.passed]
    story.set(behind[pick % len(behind)], "PENDING", revert=True)
    work_through(story)
    assert {key: (state.status, state.passed, state.taken) for key, state in story.flow.tasks.items()} == end


@settings(max_examples=100, deadline=None, derandomize=True)
@given(template=templates(blocking=False), number=numbers)
def test_two_completions_that_do_not_undo_each_other_may_come_in_any_order(template: dict[str, Any], number: int | None) -> None:
    story = Story(parse_definition(template), n=number)
    for _ in range(60):
        if story.status == "DONE":
            return
        simple = [key for key in story.current if story.flow.graph.nodes[key].type is not TaskType.DECISION]
        for first, second in pairwise(simple):
            one, other = replay(story), replay(story)
            one.complete(first)
            if one.of(second) == story.of(second) and not one.changed(TaskReset):
                one.complete(second)
                other.complete(second, first)
                assert one.flow == other.flow
        fixed_choice(story, story.current[0])


def replay(story: Story) -> Story:
    """The same flow once more, to try something with."""
    other = Story(story.flow.graph, **story.moment.facts.primary)
    other.flow = story.flow
    return other


@settings(max_examples=150, deadline=None, derandomize=True)
@given(flow=flows(), seed=st.integers(0, 999), x=st.sampled_from("pqr"))
def test_every_flow_ends_and_nothing_is_current_twice(flow: Graph, seed: int, x: str) -> None:
    drive(Story(flow, x=x), random.Random(seed))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(flow=flows(), seed=st.integers(0, 999))
def test_the_order_of_two_independent_completions_does_not_matter(flow: Graph, seed: int) -> None:
    dice = random.Random(seed)
    story = Story(flow, x="p")
    while story.status == "STARTED":
        simple = [key for key in story.current if flow.nodes[key].type is TaskType.MANUAL]
        if len(simple) > 1:
            first, second = simple[:2]
            one, other = Story(flow, x="p"), Story(flow, x="p")
            one.flow = other.flow = story.flow
            one.complete(first, second)
            other.complete(second, first)
            assert one.flow == other.flow
        finish(story, dice.choice(story.current), dice)
        if any(state.iterations for state in story.flow.tasks.values()):
            break


@settings(max_examples=100, deadline=None, derandomize=True)
@given(flow=flows(), seed=st.integers(0, 999), data=st.data())
def test_going_back_and_working_again_ends_too(flow: Graph, seed: int, data: st.DataObject) -> None:
    dice = random.Random(seed)
    story = Story(flow, x="p")
    drive(story, dice)
    behind = [
        key
        for key, state in story.flow.tasks.items()
        if state.passed and state.status is TaskStatus.COMPLETED and not by_itself(flow, key)
    ]
    key = data.draw(st.sampled_from(behind))
    story.set(key, "PENDING", revert=True)
    assert key in story.current
    after = flow.descendants(key)
    assert all(not story.flow.tasks[node].passed for node in after)
    drive(story, dice)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(flow=flows(), status=st.sampled_from(list(TaskStatus)), seed=st.integers(0, 999))
def test_a_refused_action_changes_nothing(flow: Graph, status: TaskStatus, seed: int) -> None:
    dice = random.Random(seed)
    story = Story(flow, x="p")
    for _ in range(3):
        if story.current:
            finish(story, dice.choice(story.current), dice)
    for key in flow.nodes:
        before = dict(story.flow.tasks)
        try:
            outcome = advance.set_status(story.flow, key, status, story.moment)
        except WorkflowError:
            assert dict(story.flow.tasks) == before
        else:
            assert outcome.flow.tasks[key].status is status or flow.nodes[key].trigger_mode is TriggerMode.AUTOMATIC
