"""Executions in the older dialect: sections and steps over the rows that the other dialect shows as phases and tasks."""

from typing import Any

import pytest

from tests import factories
from tests.api.client import Client
from tests.dump import dump
from workflows.models import Event, Execution
from workflows.permissions import Actor

BASE = "/v1/workflows/executions"


@pytest.fixture
def template(actor: Actor) -> str:
    data = factories.sequence(4)
    del data["tasks"][3]["phase_id"]
    return factories.make_template(actor, data).id


def start(api: Client, template: str, **fields: Any) -> dict[str, Any]:
    answer = api.post(BASE, {"workflowId": template, **fields})
    assert answer.status == 201, answer.body
    return answer.json


def read(api: Client, execution: dict[str, Any]) -> dict[str, Any]:
    return api.get(f"{BASE}/{execution['id']}").json


def read_v2(api: Client, execution: dict[str, Any]) -> dict[str, Any]:
    return api.get(f"/v2/flows/executions/{execution['id']}").json


def steps_of(execution: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for item in execution["flow"] for step in (item["steps"] if item["type"] == "SECTION" else [item])]


def names(execution: dict[str, Any]) -> list[Any]:
    """The flow as names: a list for each section."""
    return [[s["name"][5:] for s in i["steps"]] if i["type"] == "SECTION" else i["name"][5:] for i in execution["flow"]]


def step(execution: dict[str, Any], name: str) -> dict[str, Any]:
    return next(s for s in steps_of(execution) if s["name"] == f"Task {name}")


def path(execution: dict[str, Any], name: str) -> str:
    return f"{BASE}/{execution['id']}/steps/{step(execution, name)['id']}"


def edit(api: Client, execution: dict[str, Any], name: str, patch: dict[str, Any]) -> dict[str, Any]:
    answer = api.patch(path(execution, name), patch)
    assert answer.status == 200, answer.body
    return answer.json


def test_an_execution_shows_its_phases_as_sections_and_the_rest_as_steps_between_them(
    api: Client, template: str, actor: Actor
) -> None:
    entity = factories.make_entity(actor)
    contexts = [{"id": str(entity.id), "title": "ignored", "schema": "contact"}]
    made = start(api, template, contexts=contexts, assignedTo=["7", "user_a"])
    assert names(made) == [["t1", "t2"], ["t3"], "t4"]
    assert made["contexts"] == [{"id": str(entity.id), "title": "Ada Berg", "schema": "contact"}]
    assert made["assignedTo"] == ["7", "user_a"]
    assert (made["status"], made["trigger"], made["version"], made["definitionId"]) == ("STARTED", "MANUAL", 2, template)
    assert made["nextOpenStep"]["id"] == step(made, "t1")["id"] == made["nextOpenStep"]["entityRefId"]
    assert [s["status"] for s in steps_of(made)] == ["UNASSIGNED"] * 4
    assert read(api, made) == made


def test_an_execution_needs_no_entity_here(api: Client, template: str) -> None:
    assert start(api, template)["contexts"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "workflowId"),
        ({"workflowId": "unknown1"}, "workflowId"),
        ({"contexts": [{"id": "nothing", "title": "", "schema": "contact"}]}, "contexts[0].id"),
        ({"contexts": [{"id": "x"}]}, "contexts[0].schema"),
        ({"contexts": [None]}, "contexts[0]"),
        ({"contexts": None}, "contexts"),
        ({"trigger": "BY_CHANCE"}, "trigger"),
        ({"assignedTo": "7"}, "assignedTo"),
    ],
)
def test_a_wrong_start_is_refused_and_names_the_field(api: Client, template: str, body: dict[str, Any], field: str) -> None:
    before = dump()
    sent = {"workflowId": template, **body} if body else body
    answer = api.post(BASE, sent)
    assert answer.status == 400
    assert answer.message.startswith(f"{field}:")
    assert dump() == before


def test_what_is_not_found_is_an_empty_answer(api: Client, other_api: Client, template: str) -> None:
    made = start(api, template)
    for client, key in ((api, "nothing"), (other_api, made["id"])):
        answer = client.get(f"{BASE}/{key}")
        assert (answer.status, answer.body) == (200, b"")


def test_other_organisations_find_nothing_to_change(api: Client, other_api: Client, template: str) -> None:
    made = start(api, template)
    before = dump()
    assert other_api.patch(f"{BASE}/{made['id']}", {"status": "CLOSED"}).status == 404
    assert other_api.delete(f"{BASE}/{made['id']}").status == 404
    assert other_api.get(f"{BASE}/{made['id']}/closing-reasons").status == 404
    assert other_api.post(f"{BASE}/{made['id']}/steps", {"name": "X", "insertionIndex": 0}).status == 404
    assert other_api.patch(path(made, "t1"), {"status": "COMPLETED"}).status == 404
    assert other_api.delete(path(made, "t1")).status == 404
    assert other_api.get(BASE).json == []
    assert other_api.post(f"{BASE}/search", {}).json == {"executions": []}
    assert other_api.post(f"{BASE}/steps/search", {}).json == {"hits": 0, "results": []}
    assert dump() == before


def test_assigned_stands_for_pending_when_somebody_is_assigned(api: Client, template: str) -> None:
    made = start(api, template)
    assert edit(api, made, "t2", {"assignedTo": ["7", "user_a"]})["status"] == "ASSIGNED"
    assert step(read(api, made), "t2")["userIds"] == [7]
    assert read_v2(api, made)["tasks"][1]["status"] == "PENDING"
    assert edit(api, made, "t2", {"userIds": []})["status"] == "UNASSIGNED"


def test_a_step_is_worked_on_for_the_user_that_is_named(api: Client, template: str) -> None:
    made = start(api, template)
    done = edit(api, made, "t1", {"status": "IN_PROGRESS", "assignedToInProgress": "42"})
    assert (done["assignedTo"], done["assignedToInProgress"], done["status"]) == (["42"], "42", "IN_PROGRESS")
    held = edit(api, made, "t1", {"status": "ON_HOLD", "assignedToOnHold": "43"})
    assert (held["assignedTo"], held["assignedToOnHold"]) == (["42", "43"], "43")


def test_finishing_steps_moves_the_flow_in_both_dialects(api: Client, template: str) -> None:
    made = start(api, template)
    edit(api, made, "t1", {"status": "COMPLETED"})
    edit(api, made, "t2", {"status": "SKIPPED"})
    now = read(api, made)
    assert now["nextOpenStep"]["id"] == step(now, "t3")["id"] == read_v2(api, made)["crt_tasks"][0]["id"]
    assert [item.get("status") for item in now["flow"]] == ["COMPLETED", "IN_PROGRESS", "UNASSIGNED"]
    other = f"/v2/flows/executions/{made['id']}/tasks/{step(now, 't3')['id']}"
    assert api.patch(other, {"status": "COMPLETED"}).status == 200
    edit(api, made, "t4", {"status": "COMPLETED"})
    end = read(api, made)
    assert (end["status"], "nextOpenStep" in end) == ("DONE", False)
    assert end["completedTime"] == read_v2(api, made)["analytics"]["completed_at"]


def test_a_step_keeps_what_it_is_told(api: Client, template: str) -> None:
    made = start(api, template)
    rule = {"numberOfUnits": 2, "timePeriod": "weeks", "actionTypeCondition": "STEP_CLOSED", "stepId": "t1"}
    changed = edit(
        api, made, "t3", {"name": "Task three", "description": {"enabled": True, "value": "Ring"}, "dynamicDueDate": rule}
    )
    assert changed["name"] == "Task three"
    assert changed["description"] == {"enabled": True, "value": "Ring"}
    assert changed["dynamicDueDate"] == {**rule, "actionType": "STEP_CLOSED"}
    task = read_v2(api, made)["tasks"][2]
    assert task["due_date_config"] == {"duration": 2, "unit": "weeks", "type": "TASK_FINISHED", "task_id": "t1"}


@pytest.mark.parametrize("text", ["2026-05-28T00:00:00.000", "2026-05-28", "2026-05-28T10:30:00+02:00", "2026-05-28T10:30:00Z"])
def test_dates_come_back_byte_for_byte(api: Client, template: str, text: str) -> None:
    made = start(api, template)
    assert edit(api, made, "t1", {"dueDate": text})["dueDate"] == text
    assert api.patch(f"{BASE}/{made['id']}", {"dueDate": text}).status == 204
    assert read(api, made)["dueDate"] == text == read_v2(api, made)["due_date"]
    assert api.patch(f"{BASE}/{made['id']}", {"dueDate": ""}).status == 204
    assert "dueDate" not in read(api, made)


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"status": "GONE"}, "status"),
        ({"dueDate": "soon"}, "dueDate"),
        ({"dynamicDueDate": {"numberOfUnits": 1, "timePeriod": "days"}}, "dynamicDueDate.actionTypeCondition"),
        ({"dynamicDueDate": {"numberOfUnits": 1e9, "timePeriod": "days", "actionType": "STEP_CLOSED"}}, "dynamicDueDate"),
        ({"position": {"index": -1}}, "position.index"),
        ({"position": {"index": 0, "sectionId": "nowhere"}}, "sectionId"),
        ({"userIds": ["7"]}, "userIds"),
        ({"description": "text"}, "description"),
    ],
)
def test_a_wrong_change_of_a_step_is_refused_and_names_the_field(
    api: Client, template: str, patch: dict[str, Any], field: str
) -> None:
    made = start(api, template)
    before = dump()
    answer = api.patch(path(made, "t1"), patch)
    assert answer.status == 400
    assert answer.message.startswith(field)
    assert dump() == before


def test_what_is_refused_after_a_first_part_was_done_changes_nothing(api: Client, template: str) -> None:
    made = start(api, template)
    before = dump()
    answer = api.patch(
        path(made, "t1"), {"name": "Other", "status": "COMPLETED", "position": {"index": 0, "sectionId": "nowhere"}}
    )
    assert answer.status == 400
    assert dump() == before


def test_unknown_fields_are_ignored(api: Client, template: str) -> None:
    made = start(api, template, colour="red")
    assert edit(api, made, "t1", {"colour": "red", "stepId": "x", "entityRefId": "y"})["name"] == "Task t1"


def test_closing_takes_reasons_of_the_snapshot_and_who_closed(api: Client, actor: Actor) -> None:
    reason = api.post("/v1/workflows/closing-reasons", {"title": "Moved"}).json
    template = factories.make_template(actor, factories.sequence(2, closing_reasons=[{"id": reason["id"]}])).id
    made = start(api, template)
    snapshot = [{"id": reason["id"], "title": "Moved"}]
    assert made["configuredClosingReasonSnapshot"] == snapshot
    assert api.get(f"{BASE}/{made['id']}/closing-reasons").json == {"reasons": snapshot}
    closing = {
        "status": "CLOSED",
        "selectedClosingReasons": snapshot,
        "closingReasonDescription": "To Norway",
        "closedBy": "org_9",
    }
    assert api.patch(f"{BASE}/{made['id']}", closing).status == 204
    closed = read(api, made)
    assert (closed["status"], closed["lastModifiedBy"]) == ("CLOSED", "org_9")
    assert (closed["selectedClosingReasons"], closed["closingReasonDescription"]) == (snapshot, "To Norway")
    assert "completedTime" in closed
    wrong = api.patch(f"{BASE}/{made['id']}", {"selectedClosingReasons": [{"id": "other", "title": "x"}]})
    assert (wrong.status, wrong.message.split(":")[0]) == (400, "selectedClosingReasons[0].id")


def test_a_new_step_is_put_where_it_was_asked_for(api: Client, template: str) -> None:
    made = start(api, template)
    section = made["flow"][0]["id"]
    new = api.post(f"{BASE}/{made['id']}/steps", {"name": "Task new", "insertionIndex": 1, "sectionId": section})
    assert new.status == 201
    assert (new.json["manuallyCreated"], new.json["sectionId"], new.json["executionType"]) == (True, section, "MANUAL")
    assert names(read(api, made)) == [["t1", "new", "t2"], ["t3"], "t4"]
    api.post(f"{BASE}/{made['id']}/steps", {"name": "Task top", "insertionIndex": 1})
    api.post(f"{BASE}/{made['id']}/steps", {"name": "Task end", "insertionIndex": 99})
    now = read(api, made)
    assert names(now) == [["t1", "new", "t2"], "top", ["t3"], "t4", "end"]
    assert ways(api, made) == ["t1>new", "new>t2", "t2>top", "top>t3", "t3>t4", "t4>end"]
    for name in ("t1", "new", "t2", "top", "t3", "t4", "end"):
        assert read(api, made)["nextOpenStep"]["id"] == step(now, name)["id"]
        edit(api, now, name, {"status": "COMPLETED"})
    assert read(api, made)["status"] == "DONE"
    assert Execution.objects.get().tasks_total == 7


def ways(api: Client, execution: dict[str, Any]) -> list[str]:
    """The edges in the order of the tasks from which they lead."""
    document = read_v2(api, execution)
    name = {task["id"]: task["name"][5:] for task in document["tasks"]}
    order = [task["id"] for task in document["tasks"]]
    edges = sorted(document["edges"], key=lambda edge: order.index(edge["from_id"]))
    return [f"{name[e['from_id']]}>{name[e['to_id']]}" for e in edges if e["to_id"]]


def test_a_step_with_an_automation_needs_to_know_which(api: Client, template: str) -> None:
    made = start(api, template)
    body = {"name": "Run", "insertionIndex": 4, "executionType": "AUTOMATION"}
    assert api.post(f"{BASE}/{made['id']}/steps", body).message.startswith("automationConfig")
    answer = api.post(f"{BASE}/{made['id']}/steps", body | {"automationConfig": {"flowId": "f1"}})
    assert answer.status == 201
    assert answer.json["automationConfig"] == {"flowId": "f1"}


def test_a_step_moves_to_another_section_and_the_flow_with_it(api: Client, template: str) -> None:
    made = start(api, template)
    second = made["flow"][1]["id"]
    moved = edit(api, made, "t1", {"position": {"index": 1, "sectionId": second}})
    assert moved["sectionId"] == second
    now = read(api, made)
    assert names(now) == [["t2"], ["t3", "t1"], "t4"]
    assert now["nextOpenStep"]["id"] == step(now, "t2")["id"]
    assert ways(api, made) == ["t2>t3", "t3>t1", "t1>t4"]
    edit(api, made, "t4", {"position": {"index": 0}})
    now = read(api, made)
    assert names(now) == ["t4", ["t2"], ["t3", "t1"]]
    assert now["nextOpenStep"]["id"] == step(now, "t4")["id"]


def test_a_section_stays_when_its_last_step_leaves(api: Client, template: str) -> None:
    made = start(api, template)
    edit(api, made, "t3", {"position": {"index": 0, "sectionId": made["flow"][0]["id"]}})
    now = read(api, made)
    assert names(now) == [["t3", "t1", "t2"], [], "t4"]
    edit(api, made, "t2", {"position": {"index": 0, "sectionId": made["flow"][1]["id"]}})
    assert names(read(api, made)) == [["t3", "t1"], ["t2"], "t4"]
    assert ways(api, made) == ["t3>t1", "t1>t2", "t2>t4"]


def test_moving_to_where_it_is_changes_nothing(api: Client, template: str) -> None:
    made = start(api, template)
    before = dump()
    edit(api, made, "t2", {"position": {"index": 1, "sectionId": made["flow"][0]["id"]}})
    assert dump() == before


def test_in_a_flow_with_branches_a_move_changes_the_place_and_not_the_ways(api: Client, actor: Actor) -> None:
    made = start(api, factories.make_template(actor, factories.choice()).id)
    assert made["version"] == 3
    before = ways(api, made)
    edit(api, made, "no", {"position": {"index": 0}})
    now = read(api, made)
    assert names(now) == ["no", "ask", "decide", "yes"]
    assert sorted(ways(api, made)) == sorted(before)
    assert now["nextOpenStep"]["id"] == step(now, "ask")["id"]


def test_deleting_a_step_leads_from_the_one_before_to_the_one_after(api: Client, template: str) -> None:
    made = start(api, template)
    edit(api, made, "t1", {"status": "COMPLETED"})
    assert api.delete(path(made, "t2")).status == 204
    now = read(api, made)
    assert names(now) == [["t1"], ["t3"], "t4"]
    assert now["nextOpenStep"]["id"] == step(now, "t3")["id"]
    assert now["flow"][0]["status"] == "COMPLETED"
    assert ways(api, made) == ["t1>t3", "t3>t4"]
    assert api.delete(path(made, "t1")).status == 204
    assert api.delete(path(made, "t3")).status == 204
    now = read(api, made)
    assert names(now) == [[], [], "t4"]
    assert now["nextOpenStep"]["id"] == step(now, "t4")["id"]
    refused = api.delete(path(made, "t4"))
    assert (refused.status, "only task" in refused.message) == (400, True)
    assert Execution.objects.get().tasks_total == 1
    assert Event.objects.filter(action="task.deleted").count() == 3


def test_deleting_a_branch_keeps_the_choice_and_a_decision_cannot_be_deleted(api: Client, actor: Actor) -> None:
    made = start(api, factories.make_template(actor, factories.choice()).id)
    assert api.delete(path(made, "yes")).status == 204
    assert api.delete(path(made, "decide")).status == 400
    edit(api, made, "ask", {"status": "COMPLETED"})
    task = f"/v2/flows/executions/{made['id']}/tasks/{step(made, 'decide')['id']}"
    assert api.patch(task, {"status": "COMPLETED", "next_condition_id": "c-yes"}).status == 200
    assert read(api, made)["status"] == "DONE"


def test_closed_executions_are_left_as_they_are(api: Client, template: str) -> None:
    made = start(api, template)
    api.patch(f"{BASE}/{made['id']}", {"status": "CLOSED"})
    before = dump()
    assert api.delete(path(made, "t1")).status == 400
    assert api.patch(path(made, "t1"), {"position": {"index": 3}}).status == 400
    assert api.post(f"{BASE}/{made['id']}/steps", {"name": "X", "insertionIndex": 0}).status == 400
    assert dump() == before


def test_deleting_an_execution_removes_it(api: Client, template: str) -> None:
    made = start(api, template)
    assert api.delete(f"{BASE}/{made['id']}").status == 204
    assert api.delete(f"{BASE}/{made['id']}").status == 404
    assert not Execution.objects.exists()


def test_the_list_is_filtered_by_entity_and_schema_and_is_light(api: Client, template: str, actor: Actor) -> None:
    ada, eve = factories.make_entity(actor), factories.make_entity(actor)
    first = start(api, template, contexts=[{"id": str(ada.id), "title": "", "schema": "contact"}])
    second = start(api, template, contexts=[{"id": str(eve.id), "title": "", "schema": "contact"}])
    third = start(api, template)
    ids = lambda query: [row["id"] for row in api.get(BASE + query).json]  # noqa: E731
    assert ids("") == [third["id"], second["id"], first["id"]]
    assert ids(f"?context={ada.id}") == ids(f"?context={ada.id}&schema=contact") == [first["id"]]
    assert ids(f"?context={ada.id}&schema=meter") == ids("?context=nothing") == []
    assert ids("?schema=contact") == [second["id"], first["id"]]
    slim = steps_of(api.get(f"{BASE}?context={ada.id}").json[0])[0]
    assert {"id", "name", "status"} < slim.keys()
    assert not slim.keys() & {"description", "requirements", "journey"}


def test_reads_take_three_statements(api: Client, template: str, actor: Actor, django_assert_max_num_queries: Any) -> None:
    entity = factories.make_entity(actor)
    made = start(api, template, contexts=[{"id": str(entity.id), "title": "", "schema": "contact"}])
    read(api, made)
    with django_assert_max_num_queries(3):
        read(api, made)


def test_deleting_the_current_step_tells_entities_of_the_next_one(api: Client, actor: Actor) -> None:
    entity = factories.make_entity(actor)
    sync = {
        "trigger": {"event": "CurrTaskChanged"},
        "value": {"source": "task_name"},
        "target": {"entitySchema": "contact", "entityAttribute": "stage"},
    }
    template = factories.make_template(actor, factories.sequence(3, entity_sync=[sync])).id
    made = start(api, template, contexts=[{"id": str(entity.id), "title": "", "schema": "contact"}])
    assert api.delete(path(made, "t1")).status == 204
    assert read(api, made)["nextOpenStep"]["id"] == step(made, "t2")["id"]
