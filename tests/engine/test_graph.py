"""What a template's graph is refused for, and what is normalised away."""

from typing import Any

import pytest

from tests.engine.builders import decision, edge, graph, task
from workflows.engine.errors import InvalidGraph

LOOP = {"loop_branch_id": "again", "exit_branch_id": "out"}


@pytest.mark.parametrize(
    ("tasks", "edges", "fields", "node"),
    [
        ([], [], {}, ""),
        (["a", "a"], [], {}, "a"),
        (["a"], [], {"phases": [{"id": "a"}]}, "a"),
        (["a"], [("a", "ghost")], {}, "ghost"),
        (["a"], [("ghost", "a")], {}, "ghost"),
        (["a", "b"], [("a", "b"), ("a", "b")], {}, "a>b:None"),
        (["a", "b"], [("a", "b", "c9")], {}, "a"),
        (["a", "b"], [edge("a", "b", none_met=True)], {}, "a"),
        (["a", "b"], [("a", "b"), ("b", "a")], {}, "a"),
        (["s", "a", "b"], [("s", "a"), ("a", "b"), ("b", "a")], {}, "a"),
        ([decision("d", "one")], [], {}, "d"),
        ([decision("d", "one", "one")], [], {}, "d"),
        (["a"], [], {"phases": [{"id": "p"}]}, "p"),
        ([task("a", phase_id="ghost")], [], {}, "a"),
        ([task("a", requirements=[{"when": "TASK_FINISHED", "task_id": "ghost"}])], [], {}, "a"),
        ([task("a", requirements=[{"when": "PHASE_FINISHED", "phase_id": "ghost"}])], [], {}, "a"),
        (["a"], [("trigger", "ghost")], {}, "ghost"),
        ([decision("d", "again", "out", loop_config=LOOP | {"loop_branch_id": "ghost"})], [], {}, "d"),
        ([decision("d", "again", "out", loop_config=LOOP | {"exit_branch_id": "again"})], [], {}, "d"),
        ([decision("d", "again", "out", loop_config=LOOP | {"max_iterations": 101})], [], {}, "d"),
        ([task("a", phase_id="p"), task("b", phase_id="p")], [("trigger", "p")], {"phases": [{"id": "p"}]}, "p"),
    ],
)
def test_a_graph_that_cannot_be_run_is_refused_naming_the_node(tasks: Any, edges: Any, fields: Any, node: str) -> None:
    with pytest.raises(InvalidGraph) as refusal:
        graph(tasks, edges, **fields)
    assert refusal.value.node == node
    assert node in refusal.value.message


def test_a_condition_that_cannot_be_evaluated_is_refused() -> None:
    condition = {"id": "c", "branch_name": "x", "statements": [{"source": {"attribute": "a"}, "operator": "resembles"}]}
    with pytest.raises(InvalidGraph, match="resembles"):
        graph([decision("d", condition, "e")], [])


def test_start_tasks_are_those_that_nothing_leads_to() -> None:
    assert graph(["a", "b", "c"], [("a", "c"), ("b", "c")]).starts == ("a", "b")


def test_the_trigger_names_the_start_tasks() -> None:
    found = graph(["a", "b", "c"], [("trigger", "b"), ("b", "c"), ("a", "c")])
    assert found.starts == ("b",)
    assert [e.source for e in found.edges] == ["b", "a"]


@pytest.mark.parametrize("target", [None, ""])
def test_an_edge_without_target_ends_the_path(target: str | None) -> None:
    assert graph(["a"], [("a", target)]).edges[0].target is None


def test_phases_as_nodes_are_resolved_to_their_start_and_end_tasks() -> None:
    tasks = [task("a", phase_id="p"), task("b", phase_id="p"), task("c", phase_id="q")]
    edges = [("trigger", "p"), ("p", "a"), ("a", "b"), ("p", "q"), ("q", "c")]
    found = graph(tasks, edges, phases=[{"id": "p"}, {"id": "q"}])
    assert found.starts == ("a",)
    assert [(e.source, e.target) for e in found.edges] == [("a", "b"), ("b", "c")]


def test_a_phase_with_two_ends_leads_on_from_both() -> None:
    tasks = [task("a", phase_id="p"), task("b", phase_id="p"), task("c", phase_id="p"), "z"]
    found = graph(tasks, [("trigger", "p"), ("a", "b"), ("a", "c"), ("p", "z")], phases=[{"id": "p"}])
    assert {(e.source, e.target) for e in found.edges} == {("a", "b"), ("a", "c"), ("b", "z"), ("c", "z")}
    assert len({e.id for e in found.edges}) == 4


class TestLoops:
    def test_a_branch_that_jumps_back_is_the_back_edge(self) -> None:
        found = graph(
            ["a", decision("d", "again", "out", loop_config=LOOP), "z"], [("a", "d"), ("d", "a", "again"), ("d", "z", "out")]
        )
        assert [(c.back_edges, c.members) for c in found.cycles] == [({"d>a:again"}, {"a", "d"})]

    def test_a_branch_may_have_tasks_of_its_own(self) -> None:
        tasks = ["a", decision("d", "again", "out", loop_config=LOOP), "fix", "z"]
        found = graph(tasks, [("trigger", "a"), ("a", "d"), ("d", "fix", "again"), ("fix", "a"), ("d", "z", "out")])
        assert [(c.back_edges, c.members) for c in found.cycles] == [({"d>fix:again"}, {"a", "d", "fix"})]

    def test_a_loop_inside_a_loop_is_part_of_it(self) -> None:
        tasks = [
            "a",
            decision("inner", "again", "out", loop_config=LOOP),
            "fix",
            decision("outer", "again", "out", loop_config=LOOP),
            "z",
        ]
        edges = [
            ("trigger", "a"),
            ("a", "inner"),
            ("inner", "fix", "again"),
            ("fix", "inner"),
            ("inner", "outer", "out"),
            ("outer", "a", "again"),
            ("outer", "z", "out"),
        ]
        cycles = {c.decision: c for c in graph(tasks, edges).cycles}
        assert cycles["inner"].members == {"inner", "fix"}
        assert cycles["outer"].members == {"a", "inner", "fix", "outer"}
        assert cycles["outer"].back_edges == {"outer>a:again"}


def test_a_branch_that_ends_inside_a_phase_goes_on_where_the_phase_does() -> None:
    tasks = [task("a", phase_id="p"), decision("d", "x", "y", "n", phase_id="p"), task("b", phase_id="p"), "z"]
    edges = [("trigger", "p"), ("a", "d"), ("d", "b", "x"), ("d", "", "y"), edge("d", "", "n", none_met=True), ("p", "z")]
    found = graph(tasks, edges, phases=[{"id": "p"}])
    onward = {(e.source, e.target, e.condition, e.none_met) for e in found.edges if e.target == "z"}
    assert onward == {("b", "z", None, False), ("d", "z", "y", False), ("d", "z", "n", True)}


def test_ids_made_of_two_stay_short_enough_to_be_stored() -> None:
    long = "e" * 120
    tasks = [task("a" * 120, phase_id="p"), task("b" * 120, phase_id="p"), "s", "z"]
    edges = [("s", "a" * 120), ("s", "b" * 120), {"id": "i", "from_id": "p", "to_id": "a" * 120}]
    found = graph(tasks, [*edges, {"id": long, "from_id": "p", "to_id": "z"}], phases=[{"id": "p"}])
    ids = [e.id for e in found.edges]
    assert len(set(ids)) == len(ids) == 4
    assert max(map(len, ids)) <= 128
