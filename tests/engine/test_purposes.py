"""A template cut down to purposes: what stays, and how the ways through what is left out are bridged."""

from typing import Any

import pytest

from tests.engine.builders import Story, branch, decision, edge, task
from workflows.engine.definition import parse_definition
from workflows.engine.purposes import keep_purposes

LOOP = {"loop_branch_id": "again", "exit_branch_id": "out", "max_iterations": 2}
Ways = list[tuple[str, str | None, str | None]]


def document(tasks: list[Any], edges: list[Any], **fields: Any) -> dict[str, Any]:
    """Tasks named with a trailing - are tagged with another purpose."""
    rows = [task(t) if isinstance(t, str) else t for t in tasks]
    rows = [row | ({"taxonomies": ["other"]} if row["id"].endswith("-") else {}) for row in rows]
    return {"tasks": rows, "edges": [edge(*e) if isinstance(e, tuple) else e for e in edges]} | fields


def ways(data: Any) -> Ways:
    return [(e["from_id"], e["to_id"], e.get("condition_id")) for e in data["edges"]]


def test_without_a_foreign_tag_everything_stays_as_it_is() -> None:
    data = document(["a", task("b", taxonomies=["mine", "other"]), task("c", taxonomies=[])], [("a", "b"), ("b", "c")])
    assert keep_purposes(data, ["mine"]) is data


@pytest.mark.parametrize(
    ("tasks", "edges", "expected"),
    [
        (["a", "b-", "c"], [("a", "b-"), ("b-", "c")], [("trigger", "a", None), ("a", "c", None)]),
        (["a", "b-", "c-", "d"], [("a", "b-"), ("b-", "c-"), ("c-", "d")], [("trigger", "a", None), ("a", "d", None)]),
        (["a-", "b", "c"], [("a-", "b"), ("a-", "c")], [("trigger", "b", None), ("trigger", "c", None)]),
        (["a", "b-"], [("a", "b-")], [("trigger", "a", None), ("a", None, None)]),
        (
            ["a", "b-", "c", "d"],
            [("a", "b-"), ("b-", "c"), ("b-", "d")],
            [("trigger", "a", None), ("a", "c", None), ("a", "d", None)],
        ),
        (
            ["a", "b-", "c-", "d"],
            [("a", "b-"), ("a", "c-"), ("b-", "d"), ("c-", "d")],
            [("trigger", "a", None), ("a", "d", None)],
        ),
    ],
)
def test_what_is_left_out_is_bridged(tasks: list[Any], edges: list[Any], expected: Ways) -> None:
    assert ways(keep_purposes(document(tasks, edges), ["mine"])) == expected


def test_branches_keep_their_conditions_and_end_where_nothing_is_left() -> None:
    tasks = [decision("d", "x", "y", branch("none-met-1")), "b-", "c-", "e-", "z"]
    edges = [("d", "b-", "x"), ("d", "c-", "y"), edge("d", "e-", "none-met-1", none_met=True), ("b-", "z")]
    data = keep_purposes(document(tasks, edges), ["mine"])
    assert ways(data)[1:] == [("d", "z", "x"), ("d", None, "y"), ("d", None, "none-met-1")]
    assert data["edges"][3]["none_met"] is True
    assert Story(parse_definition(data)).complete("d", branch="x").current == ["z"]
    assert Story(parse_definition(data)).complete("d", branch="y").status == "DONE"


def test_a_loop_goes_on_without_its_task_and_a_decision_takes_its_way_back_along() -> None:
    edges = [("trigger", "a"), ("a", "d"), ("d", "fix-", "again"), ("fix-", "a"), ("d", "z", "out")]
    tasks = ["a", decision("d", "again", "out", loop_config=LOOP), "fix-", "z"]
    story = Story(parse_definition(keep_purposes(document(tasks, edges), ["mine"])))
    assert story.complete("a").complete("d", branch="again").current == ["a"]
    edges = [("trigger", "a"), ("a", "d-"), ("d-", "a", "again"), ("d-", "z", "out")]
    data = keep_purposes(document(["a", decision("d-", "again", "out", loop_config=LOOP), "z"], edges), ["mine"])
    assert ways(data) == [("trigger", "a", None), ("a", "z", None)]


def test_a_phase_takes_its_tasks_along_and_goes_when_it_is_empty() -> None:
    phases = [{"id": "p", "taxonomies": ["other"]}, {"id": "q"}, {"id": "r", "taxonomies": ["mine"]}]
    tasks = [
        task("a", phase_id="p"),
        task("mine", phase_id="p", taxonomies=["mine"]),
        task("b-", phase_id="q"),
        task("c", phase_id="r"),
    ]
    data = keep_purposes(document(tasks, [("a", "mine"), ("mine", "b-"), ("b-", "c")], phases=phases), ["mine"])
    assert [p["id"] for p in data["phases"]] == ["r"]
    assert ways(data) == [("trigger", "c", None)]


def test_phases_as_nodes_are_bridged_too() -> None:
    phases = [{"id": "p", "taxonomies": ["other"]}, {"id": "q"}]
    tasks = ["s", task("a", phase_id="p"), task("b", phase_id="q")]
    edges = [("trigger", "s"), ("s", "p"), ("p", "a"), ("p", "q"), ("q", "b")]
    assert ways(keep_purposes(document(tasks, edges, phases=phases), ["mine"])) == [("trigger", "s", None), ("s", "b", None)]


def test_rules_that_would_wait_for_what_is_left_out_are_dropped() -> None:
    needs = [{"when": "TASK_FINISHED", "task_id": "b-"}, {"when": "TASK_FINISHED", "task_id": "a"}]
    rule = {"duration": 1, "unit": "days", "type": "TASK_FINISHED"}
    tasks = ["a", "b-", task("c", requirements=needs, due_date_config=rule | {"task_id": "b-"})]
    data = keep_purposes(document(tasks, [("a", "b-"), ("b-", "c")], due_date_config=rule | {"task_id": "a"}), ["mine"])
    kept = data["tasks"][1]
    assert (kept["requirements"], kept.get("due_date_config")) == (needs[1:], None)
    assert data["due_date_config"]["task_id"] == "a"


def test_nothing_may_be_left() -> None:
    assert keep_purposes(document(["a-"], []), ["mine"])["tasks"] == []


def test_a_schedule_counts_from_what_comes_before_when_its_task_is_left_out() -> None:
    reference = {"id": "b-", "origin": "task_completed"}
    schedule = {"mode": "relative", "direction": "after", "duration": 2, "unit": "days", "reference": reference}
    data = document(["a", "b-", task("c", task_type="AUTOMATION", schedule=schedule)], [("a", "b-"), ("b-", "c")])
    kept = keep_purposes(data, ["mine"])
    before = "all_preceding_tasks_completed"
    assert kept["tasks"][1]["schedule"] == schedule | {"reference": {"id": before, "origin": before}}
    story = Story(parse_definition(kept)).complete("a")
    assert story.of("c") == "SCHEDULED"
