"""An entity's `workflows`: what it is told of the executions that are about it."""

from typing import Any

from tests import factories
from tests.api.client import Client
from workflows.models import Entity, Execution
from workflows.permissions import Actor
from workflows.services.executions import Context, StartRequest, start_execution


def start(actor: Actor, entity: Entity, template: str) -> Execution:
    return start_execution(actor, StartRequest(template, [Context(str(entity.id), "contact", True)]))


def read(api: Client, entity: Entity) -> Any:
    return api.get(f"/v1/entity/contact/{entity.id}").json["entity"].get("workflows")


def test_an_entity_shows_where_its_executions_stand(api: Client, actor: Actor) -> None:
    entity = factories.make_entity(actor)
    assert read(api, entity) is None
    reason = api.post("/v1/workflows/closing-reasons", {"title": "Moved"}).json
    data = factories.sequence(4, closing_reasons=[{"id": reason["id"]}], assigned_to=["7"])
    data["tasks"][1] |= {"assigned_to": ["8"], "due_date": "2027-01-31"}
    data["tasks"][3] |= {"assigned_to": ["9", "8"]}
    data["phases"][0] |= {"assigned_to": ["10"]}
    template = factories.make_template(actor, data).id
    execution = start(actor, entity, template)
    base = f"/v2/flows/executions/{execution.id}"
    first, second = factories.task_of(execution, "t1"), factories.task_of(execution, "t2")
    assert api.patch(f"{base}/tasks/{first.id}", {"status": "COMPLETED"}).status == 200
    assert api.patch(base, {"due_date": "2027-02-01"}).status == 200
    document = api.get(base).json
    phase = {"phase_id": document["phases"][0]["id"], "phase_name": "First", "phase_progress": 50, "phase_assignees": ["10"]}
    summary = {
        "id": str(execution.id),
        "definition_id": template,
        "name": "Sequence",
        "status": "STARTED",
        "assignees": ["7"],
        "duedate": "2027-02-01",
        "last_update_time": document["updated_at"],
        "progress": 25,
        "upcoming_tasks_assignees": ["9", "8"],
        "task_id": str(second.id),
        "task_name": "Task t2",
        "task_assignees": ["8"],
        "task_duedate": "2027-01-31",
        "task_execution_type": "MANUAL",
        "task_status": "PENDING",
        **phase,
        "phases_in_progress": [phase],
        "selected_closing_reasons": [],
    }
    assert read(api, entity) == {template: [summary], "primary": summary}
    closing = {"selected_reasons": [{"id": reason["id"]}], "extra_description": "To Norway"}
    assert api.patch(base, {"status": "CLOSED", "closing_reason": closing}).status == 200
    closed = read(api, entity)["primary"]
    assert closed["selected_closing_reasons"] == [{"id": reason["id"], "title": "Moved"}]
    assert (closed["status"], closed["closing_reason_description"]) == ("CLOSED", "To Norway")
    assert "task_id" not in closed


def test_primary_is_the_newest_that_runs(api: Client, actor: Actor) -> None:
    entity = factories.make_entity(actor)
    one, two = (factories.make_template(actor).id for _ in range(2))
    old, new, other = start(actor, entity, one), start(actor, entity, one), start(actor, entity, two)
    api.patch(f"/v2/flows/executions/{other.id}", {"status": "CLOSED"})
    shown = read(api, entity)
    assert [summary["id"] for summary in shown[one]] == [str(new.id), str(old.id)]
    assert [summary["id"] for summary in shown[two]] == [str(other.id)]
    assert shown["primary"]["id"] == str(new.id)
    api.delete(f"/v2/flows/executions/{new.id}?soft=true")
    assert read(api, entity)["primary"]["id"] == str(old.id)


def test_summaries_cannot_be_written(api: Client, actor: Actor) -> None:
    made = api.post("/v1/entity/contact", {"name": "Ada", "workflows": {"primary": 1}}).json
    path = f"/v1/entity/contact/{made['_id']}"
    assert "workflows" not in made
    assert "workflows" not in api.patch(path, {"workflows": {"primary": 1}}).json
    assert "workflows" not in api.put(path, {"name": "Ada", "workflows": {}}).json
    assert Entity.objects.get().attributes == {"name": "Ada"}


def test_found_entities_bring_theirs_with_one_query_more(api: Client, actor: Actor, django_assert_max_num_queries: Any) -> None:
    template = factories.make_template(actor).id
    for _ in range(5):
        start(actor, factories.make_entity(actor), template)
    api.post("/v1/entity:search", {"q": "*"})
    with django_assert_max_num_queries(4):
        found = api.post("/v1/entity:search", {"q": "*"}).json["results"]
    assert [row["workflows"]["primary"]["definition_id"] for row in found] == [template] * 5


def test_an_entity_is_read_with_three_statements(api: Client, actor: Actor, django_assert_max_num_queries: Any) -> None:
    entity = factories.make_entity(actor)
    start(actor, entity, factories.make_template(actor).id)
    api.get(f"/v2/entity/contact/{entity.id}")
    with django_assert_max_num_queries(3):
        assert api.get(f"/v2/entity/contact/{entity.id}").json["workflows"]["primary"]["status"] == "STARTED"


def test_others_are_told_nothing(api: Client, other_api: Client, actor: Actor) -> None:
    entity = factories.make_entity(actor)
    start(actor, entity, factories.make_template(actor).id)
    assert other_api.get(f"/v1/entity/contact/{entity.id}").status == 404
