"""Flows that change their shape while they run."""

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.builders import Story, decision, graph, task
from workflows.engine import advance
from workflows.engine.errors import ActionNotAllowed
from workflows.engine.flow import PhaseStatusChanged
from workflows.engine.graph import Graph, Node, build_graph
from workflows.engine.reshape import reshape
from workflows.engine.rewire import Wiring, is_line, place, wiring_of
from workflows.engine.sections import arrange
from workflows.engine.status import FINISHED, ExecutionStatus, TaskStatus

NUMBERS = itertools.count()


def fresh() -> Iterator[str]:
    return (f"new-{number}" for number in NUMBERS)


def rebuilt(old: Graph, wiring: Wiring, *added: str, without: str = "") -> Graph:
    nodes = [node for node in old.nodes.values() if node.id != without] + [Node(id=key) for key in added]
    inhabited = [phase for phase in old.phases if any(node.phase == phase for node in nodes)]
    return build_graph(nodes, wiring.edges, inhabited, wiring.starts)


def ways(shape: Graph) -> set[tuple[str, str | None, str | None]]:
    return {(edge.source, edge.target, edge.condition) for edge in shape.edges}


def remove(story: Story, key: str) -> None:
    shape = rebuilt(story.flow.graph, wiring_of(story.flow.graph, fresh()).take_out(key), without=key)
    story.take(reshape(story.flow, shape, story.moment))


def put(story: Story, key: str, order: list[str], at: int) -> None:
    shape = story.flow.graph
    wiring = place(wiring_of(shape, fresh()), shape, order, at, key, {})
    story.take(advance.add_task(story.flow, rebuilt(shape, wiring, key), key, TaskStatus.PENDING, story.moment))


def move(story: Story, key: str, order: list[str], at: int) -> None:
    shape = story.flow.graph
    wiring = place(wiring_of(shape, fresh()).take_out(key), shape, order, at, key, {})
    story.take(reshape(story.flow, rebuilt(shape, wiring), story.moment, moved=key))


def test_a_task_that_is_taken_out_is_bridged_with_its_branches() -> None:
    shape = graph(
        [decision("d", "l", "r"), "a", "b", "x", "y"],
        [("d", "a", "l"), ("d", "b", "r"), ("a", "x"), ("a", "y")],
    )
    after = rebuilt(shape, wiring_of(shape, fresh()).take_out("a"), without="a")
    assert ways(after) == {("d", "x", "l"), ("d", "y", "l"), ("d", "b", "r")}


def test_taking_out_the_current_task_lets_the_next_one_begin() -> None:
    story = Story(graph(["a", "b", "c"], [("a", "b"), ("b", "c")]))
    remove(story, "a")
    assert story.current == ["b"]
    story.complete("b")
    remove(story, "b")
    assert story.current == ["c"]


def test_taking_out_the_last_open_task_ends_the_flow() -> None:
    story = Story(graph(["a", "b"], [("a", "b")])).complete("a")
    remove(story, "b")
    assert story.status == "DONE"


def test_a_join_no_longer_waits_for_a_task_that_is_taken_out() -> None:
    story = Story(graph(["s", "a", "b", "j"], [("s", "a"), ("s", "b"), ("a", "j"), ("b", "j")])).complete("s", "a")
    assert story.current == ["b"]
    remove(story, "b")
    assert story.current == ["j"]


def test_a_branch_whose_task_is_taken_out_can_still_be_chosen() -> None:
    story = Story(graph([decision("d", "l", "r"), "a", "b"], [("d", "a", "l"), ("d", "b", "r")]))
    remove(story, "a")
    story.complete("d", branch="l")
    assert (story.status, story.of("b")) == ("DONE", "PENDING")


def test_a_task_put_before_current_ones_is_done_first() -> None:
    story = Story(graph(["a", "b"], [("a", "b")])).complete("a")
    put(story, "x", ["a", "b"], 1)
    assert story.current == ["x"]
    put(story, "y", ["a", "x", "b"], 0)
    assert set(story.current) == {"y", "x"}
    story.complete("y", "x", "b")
    assert story.status == "DONE"


def test_a_task_put_at_the_end_is_done_last() -> None:
    story = Story(graph(["a"], []))
    put(story, "x", ["a"], 1)
    story.complete("a")
    assert story.current == ["x"]


def test_nothing_can_be_put_behind_a_decision_at_the_end_of_the_list() -> None:
    story = Story(graph(["a", "b", decision("d", "l", "r")], [("d", "a", "l"), ("d", "b", "r")]))
    with pytest.raises(ActionNotAllowed):
        put(story, "x", ["a", "b", "d"], 3)


def test_a_current_task_that_moves_back_waits_for_its_turn() -> None:
    story = Story(graph(["a", "b", "c"], [("a", "b"), ("b", "c")]))
    move(story, "a", ["b", "c"], 2)
    assert story.current == ["b"]
    story.complete("b", "c")
    assert story.current == ["a"]


def test_a_finished_task_that_moves_ahead_is_passed_through() -> None:
    story = Story(graph(["a", "b", "c"], [("a", "b"), ("b", "c")])).complete("a")
    move(story, "a", ["b", "c"], 1)
    story.complete("b")
    assert story.current == ["c"]
    assert story.of("a") == "COMPLETED"


def test_a_phase_hears_of_the_task_that_is_put_into_it() -> None:
    shape = graph([task("a", phase_id="p"), task("b", phase_id="q")], [("a", "b")], phases=[{"id": "p"}, {"id": "q"}])
    story = Story(shape).complete("a")
    wiring = wiring_of(shape, fresh()).put_after("x", "a")
    nodes = [*shape.nodes.values(), Node(id="x", phase="p")]
    after = build_graph(nodes, wiring.edges, shape.phases, wiring.starts)
    story.take(advance.add_task(story.flow, after, "x", TaskStatus.PENDING, story.moment))
    changes = {change.phase: change.after.value for change in story.changed(PhaseStatusChanged)}
    assert changes == {"p": "IN_PROGRESS", "q": "OPEN"}


def test_in_a_later_round_of_a_loop_a_new_task_does_not_bring_back_what_led_into_it() -> None:
    loop = {"loop_branch_id": "again", "exit_branch_id": "out", "max_iterations": 2}
    tasks = ["s", decision("r", "left", "right"), "a", "b", decision("d", "again", "out", loop_config=loop), "z"]
    edges = [("s", "a"), ("a", "b"), ("b", "d"), ("d", "r", "again"), ("r", "a", "left"), ("r", "b", "right"), ("d", "z", "out")]
    story = Story(graph(tasks, edges)).complete("s", "a", "b").complete("d", branch="again")
    wider = rebuilt(story.flow.graph, wiring_of(story.flow.graph, fresh()).put_before("new", "z"), "new")
    story.take(advance.add_task(story.flow, wider, "new", TaskStatus.PENDING, story.moment))
    assert story.complete("r", branch="right").current == ["b"]


def test_ways_of_a_task_put_in_or_taken_out() -> None:
    shape = graph(["a", "b", "c"], [("a", "c"), ("b", "c"), ("c", None)])
    before = wiring_of(shape, fresh()).put_before("n", "a")
    assert (ways(rebuilt(shape, before, "n")), before.starts) == (
        {("a", "c", None), ("b", "c", None), ("c", None, None), ("n", "a", None)},
        ("n", "b"),
    )
    assert ways(rebuilt(shape, wiring_of(shape, fresh()).put_before("n", "c"), "n")) == {
        ("a", "n", None),
        ("b", "n", None),
        ("n", "c", None),
        ("c", None, None),
    }
    split = graph(["a", "b", "c"], [("a", "b"), ("a", "c")])
    after = rebuilt(split, wiring_of(split, fresh()).put_after("n", "a"), "n")
    assert ways(after) == {("a", "n", None), ("n", "b", None), ("n", "c", None)}
    out = wiring_of(split, fresh()).take_out("a")
    assert out.starts == ("b", "c")


def test_a_closed_execution_keeps_its_shape() -> None:
    story = Story(graph(["a", "b"], [("a", "b")]))
    story.take(advance.set_execution_status(story.flow, ExecutionStatus.CLOSED, story.moment))
    with pytest.raises(ActionNotAllowed) as refusal:
        remove(story, "a")
    assert refusal.value.message == "The execution is closed; reopen it to change its tasks"


def test_a_scheduled_task_that_moves_counts_anew_when_the_flow_comes_to_it() -> None:
    delay = {"mode": "delayed", "duration": 1, "unit": "hours"}
    story = Story(graph([task("m", task_type="AUTOMATION", schedule=delay), "b"], [("m", "b")]))
    move(story, "m", ["b"], 1)
    assert (story.current, story.of("m"), story.flow.tasks["m"].scheduled_at) == (["b"], "PENDING", None)
    assert story.complete("b").of("m") == "SCHEDULED"


def test_a_current_task_that_moves_and_stays_current_has_been_so_since_before() -> None:
    story = Story(graph(["a", "b", "c"], [("a", "b"), ("b", "c")]))
    since = story.flow.tasks["a"].since
    story.moment = advance.Moment(story.moment.now.replace(hour=20))
    move(story, "a", ["b", "c"], 0)
    assert (story.current, story.flow.tasks["a"].since) == (["a"], since)


def test_a_line_is_a_line_in_its_order_only() -> None:
    shape = graph(["a", "b", "c"], [("a", "b"), ("b", "c")])
    assert is_line(shape, ["a", "b", "c"])
    assert not is_line(shape, ["b", "a", "c"])
    assert not is_line(graph(["a", "b", "c"], [("a", "b"), ("a", "c")]), ["a", "b", "c"])
    assert not is_line(graph(["a", "b"], []), ["a", "b"])


def test_phases_stand_where_their_first_task_does() -> None:
    items = arrange([("a", None), ("b", "q"), ("c", "p"), ("d", "q"), ("e", None)], ["p", "q", "empty"])
    assert [(item.phase, item.tasks) for item in items] == [
        (None, ["a"]),
        ("q", ["b", "d"]),
        ("p", ["c"]),
        ("empty", []),
        (None, ["e"]),
    ]


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["finish", "skip", "move", "remove", "put"]), st.integers(0, 99), st.integers(0, 99))
)


@settings(max_examples=200, deadline=None)
@given(size=st.integers(1, 5), actions=ACTIONS)
def test_a_line_stays_one_whatever_is_done_to_it_and_comes_to_its_end(size: int, actions: list[tuple[str, int, int]]) -> None:
    order = [f"t{number}" for number in range(size)]
    story = Story(graph(list(order), list(itertools.pairwise(order))))
    for number, (action, one, two) in enumerate(actions):
        if story.status != "STARTED":
            break
        if action in ("finish", "skip"):
            story.set(story.current[one % len(story.current)], "COMPLETED" if action == "finish" else "SKIPPED")
        elif action == "put":
            at = one % (len(order) + 1)
            put(story, f"n{number}", order, at)
            order.insert(at, f"n{number}")
        elif action == "remove" and len(order) > 1:
            remove(story, order.pop(one % len(order)))
        elif action == "move" and len(order) > 1:
            key = order.pop(one % len(order))
            at = two % (len(order) + 1)
            move(story, key, order, at)
            order.insert(at, key)
        assert is_line(story.flow.graph, order)
        check(story, order)
    for _ in range(len(order)):
        if story.status == "STARTED":
            story.complete(story.current[0])
    assert story.status == "DONE"


def check(story: Story, order: list[str]) -> None:
    """While it runs, the first open task of the list is current, and nothing behind is open."""
    first = next((key for key in order if story.flow.tasks[key].status not in FINISHED), None)
    if story.status == "STARTED":
        assert first is not None
        assert first in story.current
    else:
        assert first is None


class TestPlaces:
    """Where a task is wired in that stands somewhere in a list."""

    SHAPE = graph([task("a", phase_id="p"), task("b", phase_id="q")], [("a", "b")], phases=[{"id": "p"}, {"id": "q"}])

    @pytest.mark.parametrize(
        ("at", "phase", "expected", "starts"),
        [
            (0, "p", {("n", "a", None), ("a", "b", None)}, ("n",)),
            (1, "p", {("a", "n", None), ("n", "b", None)}, ("a",)),
            (1, "q", {("a", "n", None), ("n", "b", None)}, ("a",)),
            (2, "p", {("a", "b", None), ("b", "n", None)}, ("a",)),
        ],
    )
    def test_beside_its_neighbours(self, at: int, phase: str, expected: set[object], starts: tuple[str, ...]) -> None:
        wiring = place(wiring_of(self.SHAPE, fresh()), self.SHAPE, ["a", "b"], at, "n", {"a": "p", "b": "q", "n": phase})
        assert (ways(rebuilt(self.SHAPE, wiring, "n")), wiring.starts) == (expected, starts)

    def test_between_phases_that_join_it_belongs_to_its_own(self) -> None:
        phases = [{"id": "p"}, {"id": "q"}]
        shape = graph(
            [task("a", phase_id="p"), task("x", phase_id="p"), task("b", phase_id="q")], [("a", "b"), ("x", "b")], phases=phases
        )
        order, phase_of = ["a", "x", "b"], {"a": "p", "x": "p", "b": "q"}
        own = place(wiring_of(shape, fresh()), shape, order, 2, "n", phase_of | {"n": "p"})
        assert ways(rebuilt(shape, own, "n")) == {("a", "b", None), ("x", "n", None), ("n", "b", None)}
        other = place(wiring_of(shape, fresh()), shape, order, 2, "n", phase_of | {"n": "q"})
        assert ways(rebuilt(shape, other, "n")) == {("a", "n", None), ("x", "n", None), ("n", "b", None)}

    def test_alone_it_is_the_start(self) -> None:
        empty = Wiring((), (), fresh())
        assert place(empty, self.SHAPE, [], 0, "n", {}).starts == ("n",)

    def test_behind_a_last_decision_there_is_none(self) -> None:
        shape = graph([decision("d", "x", "y")], [])
        with pytest.raises(ActionNotAllowed) as refusal:
            place(wiring_of(shape, fresh()), shape, ["d"], 1, "n", {})
        assert refusal.value.message == "Nothing can be put right behind a decision; put it before the first task of a branch"

    def test_a_decision_or_another_start_makes_no_line(self) -> None:
        assert not is_line(graph([decision("d", "x", "y")], []), ["d"])
        assert not is_line(graph(["a", "b"], [("a", "b")]), ["b", "a"])
        assert is_line(graph(["a", "b"], [("a", "b")]), ["a", "b"])
