"""Both dialects show the same rows: whatever is done in one, the other says so at once."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import factories
from tests.api.client import Client
from tests.api.test_v1_executions import steps_of
from workflows.models import Organisation
from workflows.permissions import Actor

V1, V2 = "/v1/workflows/executions", "/v2/flows/executions"


def parallel() -> dict[str, Any]:
    tasks = [factories.task(key) for key in ("s", "a", "b", "j")]
    return {"name": "Parallel", "tasks": tasks, "edges": [factories.edge(*way) for way in ("sa", "sb", "aj", "bj")]}


TEMPLATES = [factories.sequence(3), factories.sequence(5), factories.choice(), parallel()]
STATUSES = ("PENDING", "IN_PROGRESS", "COMPLETED", "SKIPPED", "ON_HOLD", "ASSIGNED", "UNASSIGNED")
DATES = ("", "2026-05-28", "2026-05-28T00:00:00.000", "2026-05-28T08:00:00Z")
USERS = st.lists(st.sampled_from(("7", "8", "user_a")), max_size=3, unique=True)
ACTIONS = st.one_of(
    st.tuples(st.just("status"), st.sampled_from(STATUSES)),
    st.tuples(st.just("assign"), USERS),
    st.tuples(st.just("date"), st.sampled_from(DATES)),
    st.tuples(st.just("name"), st.sampled_from(("Ring", "Écrire", "書く"))),
    st.tuples(st.just("move"), st.integers(0, 6)),
    st.tuples(st.just("delete"), st.none()),
    st.tuples(st.just("insert"), st.integers(0, 6)),
    st.tuples(st.just("execution"), st.sampled_from(("CLOSED", "STARTED", "DONE"))),
)


def act(api: Client, old: bool, execution: str, task: str, section: str | None, action: str, value: Any) -> int:
    """Do something in one of the dialects; what only the older can is done there."""
    step, other = f"{V1}/{execution}/steps/{task}", f"{V2}/{execution}/tasks/{task}"
    match action:
        case "status":
            return api.patch(step if old else other, {"status": value, "next_condition_id": "c-yes"}).status
        case "assign":
            return api.patch(step if old else other, {"assignedTo" if old else "assigned_to": value}).status
        case "date":
            return api.patch(step if old else other, {"dueDate" if old else "due_date": value}).status
        case "name":
            return api.patch(step if old else other, {"name": value}).status
        case "move":
            return api.patch(step, {"position": {"index": value} | ({"sectionId": section} if section else {})}).status
        case "delete":
            return api.delete(step).status
        case "insert":
            body = {"name": "New", "insertionIndex": value} | ({"sectionId": section} if section else {})
            return api.post(f"{V1}/{execution}/steps", body).status
    return api.patch(f"{V1 if old else V2}/{execution}", {"status": value}).status


def compare(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert old["status"] == new["status"]
    assert old["lastUpdateTime"] == new["updated_at"]
    assert old.get("nextOpenStep", {}).get("id") in ([task["id"] for task in new["crt_tasks"]] or [None])
    phases = {phase["id"]: phase for phase in new["phases"]}
    sections = {item["id"]: item for item in old["flow"] if item["type"] == "SECTION"}
    assert {key: item["status"] for key, item in sections.items()} == {key: phase["status"] for key, phase in phases.items()}
    steps, tasks = {step["id"]: step for step in steps_of(old)}, {task["id"]: task for task in new["tasks"]}
    assert steps.keys() == tasks.keys()
    for key, step in steps.items():
        task = tasks[key]
        shown = "ASSIGNED" if task["assigned_to"] else "UNASSIGNED"
        assert step["status"] == (shown if task["status"] == "PENDING" else task["status"])
        for one, two in (("assignedTo", "assigned_to"), ("dueDate", "due_date"), ("name", "name"), ("sectionId", "phase_id")):
            assert step.get(one) == task.get(two)
        for one, two in (("completedTime", "completed_at"), ("assignedToInProgress", "in_progress_by")):
            assert step.get(one) == task["analytics"].get(two)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    template=st.sampled_from(TEMPLATES),
    actions=st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(0, 3), ACTIONS), min_size=1, max_size=12),
)
def test_the_dialects_agree_on_any_execution(
    api: Client, actor: Actor, organisation: Organisation, template: dict[str, Any], actions: list[Any]
) -> None:
    execution = str(factories.start(actor, template).id)
    for old, which, where, (action, value) in actions:
        new = api.get(f"{V2}/{execution}").json
        task = new["tasks"][which % len(new["tasks"])]["id"]
        section = [None, *(phase["id"] for phase in new["phases"])][where % (len(new["phases"]) + 1)]
        status = act(api, old, execution, task, section, action, value)
        assert status in (200, 201, 204, 400)
        after = api.get(f"{V2}/{execution}").json
        if status == 400:
            assert after == new
        compare(api.get(f"{V1}/{execution}").json, after)
        if after["status"] == "STARTED":
            assert after["crt_tasks"]


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_light_list_agrees_too(api: Client, actor: Actor, template: dict[str, Any]) -> None:
    execution = factories.start(actor, template)
    [slim] = api.get(V1).json
    whole = api.get(f"{V1}/{execution.id}").json
    assert {**slim, "flow": None} == {**whole, "flow": None}
    for light, full in zip(steps_of(slim), steps_of(whole), strict=True):
        assert light.items() <= full.items()
