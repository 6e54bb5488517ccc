"""Starting a part of a template over REST, and what its rules may speak of."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.api.client import Client
from tests.api.test_executions import PATH, start_body, statements
from workflows.models import Definition, Event, Execution, FlowTemplate
from workflows.permissions import Actor

TEMPLATES = "/v2/flows/templates"


def tagged() -> dict[str, Any]:
    data = factories.sequence(3)
    data["taxonomies"] = ["label", "mine", "other"]
    data["tasks"][0]["taxonomies"] = ["mine"]
    data["tasks"][1]["taxonomies"] = ["other"]
    data["phases"][0]["taxonomies"] = ["mine", "other"]
    return data


class TestPurposes:
    def test_what_serves_others_is_left_out_and_the_rest_runs_on(self, api: Client, actor: Actor) -> None:
        flow = api.post(PATH, start_body(actor, tagged()) | {"purposes": ["mine"]}).json
        assert [task["name"] for task in flow["tasks"]] == ["Task t1", "Task t3"]
        assert [(e["from_id"], e["to_id"]) for e in flow["edges"]] == [(flow["tasks"][0]["id"], flow["tasks"][1]["id"])]
        api.patch(f"{PATH}/{flow['id']}/tasks/{flow['tasks'][0]['id']}", {"status": "COMPLETED"})
        again = api.get(f"{PATH}/{flow['id']}").json
        assert [entry["id"] for entry in again["crt_tasks"]] == [flow["tasks"][1]["id"]]

    def test_taxonomies_are_shown_where_they_are(self, api: Client, actor: Actor) -> None:
        flow = api.post(PATH, start_body(actor, tagged())).json
        assert flow["taxonomies"] == ["label", "mine", "other"]
        assert flow["phases"][0]["taxonomies"] == ["mine", "other"]
        assert [task.get("taxonomies") for task in flow["tasks"]] == [["mine"], ["other"], None]

    @pytest.mark.parametrize("purposes", [[], ["mine", "other"]])
    def test_none_or_all_of_them_take_the_whole_template(self, api: Client, actor: Actor, purposes: list[str]) -> None:
        flow = api.post(PATH, start_body(actor, tagged()) | {"purposes": purposes}).json
        assert len(flow["tasks"]) == 3
        assert Execution.objects.get().definition_id == FlowTemplate.objects.get().definition_id

    def test_the_same_purposes_share_a_definition(self, api: Client, actor: Actor) -> None:
        body = start_body(actor, tagged()) | {"purposes": ["mine"]}
        assert api.post(PATH, body).json["tasks"] != []
        with CaptureQueriesContext(connection) as captured:
            api.post(PATH, body)
        assert len(statements(captured)) - 1 <= 12
        assert Definition.objects.count() == 2
        assert len(set(Execution.objects.values_list("definition_id", flat=True))) == 1

    def test_purposes_that_nothing_serves_are_refused(self, api: Client, actor: Actor) -> None:
        data = factories.sequence(1)
        data["tasks"][0]["taxonomies"] = ["mine"]
        answer = api.post(PATH, start_body(actor, data) | {"purposes": ["else"]})
        assert (answer.status, Execution.objects.count()) == (400, 0)
        assert answer.message.startswith("purposes")

    def test_the_history_says_what_was_asked_for(self, api: Client, actor: Actor) -> None:
        api.post(PATH, start_body(actor, tagged()) | {"purposes": ["mine"]})
        assert Event.objects.get(action="execution.started").after["purposes"] == ["mine"]


SYNC = {
    "trigger": {"event": "TaskCompleted"},
    "value": {"source": "task_name"},
    "target": {"entitySchema": "contact", "entityAttribute": "step"},
}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"due_date_config": {"duration": 1, "unit": "days", "type": "TASK_FINISHED", "task_id": "ghost"}}, "ghost"),
        ({"due_date_config": {"duration": 1, "unit": "days", "type": "PHASE_FINISHED"}}, "None"),
        ({"due_date_config": {"duration": 1, "unit": "days", "type": "SOMEDAY"}}, "due_date_config"),
        ({"entity_sync": [SYNC | {"trigger": {"event": "TaskCompleted", "filter": {"task_template_id": "ghost"}}}]}, "ghost"),
        (
            {
                "entity_sync": [
                    SYNC | {"trigger": {"event": "TaskUpdated", "filter": {"task_template_id": "t1", "phase_template_id": "one"}}}
                ]
            },
            "entity_sync[0].trigger.filter.phase_template_id",
        ),
        ({"entity_sync": [SYNC | {"trigger": {"event": "SunRose"}}]}, "entity_sync[0].trigger.event"),
        ({"entity_sync": [SYNC | {"value": {"source": "the_weather"}}]}, "entity_sync[0].value.source"),
        ({"entity_sync": [SYNC | {"target": {"entitySchema": "contact"}}]}, "entity_sync[0].target.entityAttribute"),
        ({"taxonomies": [7]}, "taxonomies[0]"),
    ],
)
def test_a_template_whose_rules_mean_nothing_is_refused(api: Client, actor: Actor, change: dict[str, Any], named: str) -> None:
    answer = api.post(TEMPLATES, factories.sequence(2) | change)
    assert answer.status == 400
    assert named in answer.message
    assert not FlowTemplate.objects.exists()
