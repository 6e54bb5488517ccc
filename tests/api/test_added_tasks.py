"""addTask: every edge between the two tasks leads to the new one, whatever kind of edge it is."""

from typing import Any

import pytest

from tests import factories
from tests.api.client import Client
from tests.api.test_executions import PATH
from tests.api.test_tasks import path_of
from tests.dump import dump
from workflows.models import Execution
from workflows.permissions import Actor

LOOP = {"loop_branch_id": "c-yes", "exit_branch_id": "c-no", "max_iterations": 2}


def add(api: Client, execution: Execution, previous: str, following: str, **fields: Any) -> Any:
    body = {
        "previous_task_id": str(factories.task_of(execution, previous).id),
        "next_task_id": str(factories.task_of(execution, following).id),
        "task": {"name": "Added"} | fields,
    }
    answer = api.post(f"{PATH}/{execution.id}/tasks", body)
    assert answer.status == 201, answer.body
    return answer.json


def ways(api: Client, execution: Execution) -> list[tuple[str, str, str | None]]:
    """Edges by the names of their tasks."""
    flow = api.get(f"{PATH}/{execution.id}").json
    names = {task["id"]: task["name"].removeprefix("Task ") for task in flow["tasks"]} | {"": ""}
    return sorted((names[e["from_id"]], names[e["to_id"]], e.get("condition_id")) for e in flow["edges"])


def complete(api: Client, execution: Execution, key: str, **fields: Any) -> None:
    assert api.patch(path_of(execution, key), {"status": "COMPLETED"} | fields).status == 200


def test_on_a_branch_it_belongs_to_the_branch(api: Client, actor: Actor) -> None:
    execution = factories.start(actor, factories.choice())
    new = add(api, execution, "decide", "yes")
    assert ("decide", "Added", "c-yes") in ways(api, execution)
    complete(api, execution, "ask")
    complete(api, execution, "decide", next_condition_id="c-yes")
    assert factories.current(execution) == [new["template_id"]]
    complete(api, execution, new["template_id"])
    assert factories.current(execution) == ["yes"]


def test_all_branches_that_lead_to_the_same_task_lead_to_it(api: Client, actor: Actor) -> None:
    data = factories.choice()
    data["tasks"] = data["tasks"][:3]
    data["edges"][2]["to_id"] = "yes"
    execution = factories.start(actor, data)
    new = add(api, execution, "decide", "yes")
    assert ways(api, execution) == [
        ("Added", "yes", None),
        ("ask", "decide", None),
        ("decide", "Added", "c-no"),
        ("decide", "Added", "c-yes"),
    ]
    complete(api, execution, "ask")
    complete(api, execution, "decide", next_condition_id="c-no")
    assert factories.current(execution) == [new["template_id"]]


def test_on_a_loops_way_back_it_is_done_each_time(api: Client, actor: Actor) -> None:
    data = factories.choice()
    data["tasks"][1]["loop_config"] = LOOP
    data["tasks"] = [data["tasks"][0], data["tasks"][1], data["tasks"][3]]
    data["edges"][1]["to_id"] = "ask"
    data["edges"].append({"id": "t", "from_id": "trigger", "to_id": "ask"})
    execution = factories.start(actor, data)
    new = add(api, execution, "decide", "ask")
    for _ in range(2):
        complete(api, execution, "ask")
        complete(api, execution, "decide", next_condition_id="c-yes")
        assert factories.current(execution) == [new["template_id"]]
        complete(api, execution, new["template_id"])
    complete(api, execution, "ask")
    complete(api, execution, "decide", next_condition_id="c-no")
    assert factories.current(execution) == ["no"]


def test_before_a_current_task_it_comes_first(api: Client, actor: Actor) -> None:
    execution = factories.start(actor, factories.sequence(2))
    complete(api, execution, "t1")
    new = add(api, execution, "t1", "t2", enabled=True, due_date="2026-05-28", assigned_to=["u1"])
    assert (new["due_date"], new["assigned_to"], new["manually_created"]) == ("2026-05-28", ["u1"], True)
    assert factories.current(execution) == [new["template_id"]]
    complete(api, execution, new["template_id"])
    assert factories.current(execution) == ["t2"]


def test_after_a_current_task_it_comes_next_and_twice_too(api: Client, actor: Actor) -> None:
    execution = factories.start(actor, factories.sequence(2))
    first = add(api, execution, "t1", "t2")
    second = add(api, execution, first["template_id"], "t2")
    complete(api, execution, "t1")
    assert factories.current(execution) == [first["template_id"]]
    complete(api, execution, first["template_id"])
    assert factories.current(execution) == [second["template_id"]]


def test_one_that_is_finished_already_is_passed_through_and_says_when(api: Client, actor: Actor) -> None:
    execution = factories.start(actor, factories.sequence(2))
    new = add(api, execution, "t1", "t2", status="COMPLETED")
    assert new["analytics"]["completed_at"]
    complete(api, execution, "t1")
    assert factories.current(execution) == ["t2"]


def test_its_rule_dates_it_at_once_when_the_event_has_happened(api: Client, actor: Actor) -> None:
    execution = factories.start(actor, factories.sequence(2))
    complete(api, execution, "t1")
    config = {"duration": 1, "unit": "days", "type": "A_PRECEDING_TASK_COMPLETED"}
    new = add(api, execution, "t1", "t2", due_date_config=config)
    assert (new["due_date"][10:], new["due_date_config"]) == ("T00:00:00.000", config)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"due_date_config": {"duration": 1, "unit": "days", "type": "TASK_FINISHED"}}, "task.due_date_config.task_id"),
        ({"task_type": "DECISION"}, "task.task_type"),
        ({"task_type": "AUTOMATION"}, "task.automation_config"),
        ({"phase_id": "nowhere"}, "task.phase_id"),
        ({"status": "FAILED"}, "status"),
    ],
)
def test_what_cannot_be_added_is_refused(api: Client, actor: Actor, change: dict[str, Any], named: str) -> None:
    execution = factories.start(actor, factories.sequence(2))
    ids = {name: str(factories.task_of(execution, key).id) for name, key in (("previous_task_id", "t1"), ("next_task_id", "t2"))}
    before = dump()
    answer = api.post(f"{PATH}/{execution.id}/tasks", ids | {"task": {"name": "Added"} | change})
    assert answer.status == 400
    assert answer.message.startswith(named)
    assert dump() == before
