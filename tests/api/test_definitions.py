"""Templates and closing reasons over REST."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.api.client import Client
from tests.api.test_executions import statements
from tests.dump import dump
from workflows.models import FlowTemplate
from workflows.permissions import Actor

PATH = "/v2/flows/templates"
REASONS = "/v1/workflows/closing-reasons"


class TestTemplates:
    def test_unknown_fields_are_kept(self, api: Client, organisation: Any) -> None:
        created = api.post(PATH, factories.sequence(2, stages=[{"id": "s"}], _manifest=["m"])).json
        assert created["stages"] == [{"id": "s"}]
        assert api.get(f"{PATH}/{created['id']}").json == created

    @pytest.mark.parametrize(
        ("change", "named"),
        [
            ({"name": "ab"}, "name"),
            ({"name": 7}, "name"),
            ({"tasks": None}, "tasks"),
            ({"tasks": [], "phases": []}, "tasks"),
            ({"edges": "none"}, "edges"),
            ({"tasks": [{"id": "t1", "name": "x", "task_type": "MAGIC"}]}, "tasks[0].task_type"),
            ({"tasks": [{"id": "t1", "task_type": "MANUAL"}]}, "tasks[0].name"),
            ({"tasks": [factories.task("t1", task_type="AUTOMATION")]}, "tasks[0].automation_config"),
            ({"tasks": [factories.task("t1", task_type="DECISION", trigger_mode="manual")]}, "tasks[0].conditions"),
            ({"tasks": [factories.task("t1", schedule={"mode": "delayed"})]}, "tasks[0].schedule.duration"),
            ({"tasks": [factories.task("t1", due_date="soon")]}, "tasks[0].due_date"),
            ({"phases": [{"id": "p"}]}, "phases[0].name"),
            ({"phases": [None]}, "phases[0]"),
            ({"closing_reasons": [None]}, "closing_reasons[0]"),
            ({"tasks": [factories.task("t1", requirements=[None])]}, "tasks[0].requirements[0]"),
            ({"tasks": [factories.task("t1", task_type="DECISION", conditions=[None])]}, "tasks[0].conditions[0]"),
            ({"edges": [factories.edge("t1", "ghost")]}, "ghost"),
            ({"edges": [factories.edge("t1", "t2"), factories.edge("t2", "t1")]}, "cycle"),
            ({"trigger": {"type": "psychic"}}, "trigger.type"),
            ({"trigger": {"type": "automation", "input_entity": "letter"}}, "trigger.input_entity"),
            ({"tasks": [factories.task("t1", agent_config={"agent_id": 7})]}, "tasks[0].agent_config.agent_id"),
            ({"tasks": [factories.task("t1", automation_config={"input_context": {"source": "sky"}})]}, "input_context.source"),
            ({"tasks": [factories.task("t1", schedule={"mode": "delayed", "duration": 0.5})]}, "tasks[0].schedule.duration"),
            ({"description": "x" * 5001}, "description"),
            ({"enabled": "yes"}, "enabled"),
        ],
    )
    def test_what_cannot_be_run_is_refused(self, api: Client, organisation: Any, change: dict[str, Any], named: str) -> None:
        answer = api.post(PATH, factories.sequence(2) | change)
        assert answer.status == 400
        assert named in answer.message
        assert not FlowTemplate.objects.exists()

    def test_a_stale_update_is_refused_and_changes_nothing(self, api: Client, organisation: Any) -> None:
        created = api.post(PATH, factories.sequence(2)).json
        path = f"{PATH}/{created['id']}"
        assert api.put(path, created | {"name": "First"}).status == 200
        before = dump()
        assert api.put(path, created | {"name": "Second"}).status == 409
        assert dump() == before
        assert (
            api.put(path, {key: value for key, value in created.items() if key != "updated_at"} | {"name": "Third"}).status == 200
        )
        assert FlowTemplate.objects.get().version == 3

    def test_the_same_document_is_stored_once(self, api: Client, organisation: Any) -> None:
        first, second = (api.post(PATH, factories.sequence(2)).json["id"] for _ in range(2))
        rows = FlowTemplate.objects.in_bulk([first, second])
        assert rows[first].definition_id == rows[second].definition_id

    def test_search_filters_sorts_and_pages(self, api: Client, organisation: Any) -> None:
        for name in ("Alpha flow", "Beta flow", "Gamma"):
            api.post(PATH, factories.sequence(2, name=name, enabled=name != "Beta flow"))
        found = api.post(f"{PATH}:search", {"name": "FLOW", "sort_by": "name", "sort_order": "asc", "size": 1}).json
        assert (found["hits"], [t["name"] for t in found["results"]]) == (2, ["Alpha flow"])
        assert api.post(f"{PATH}:search", {"enabled": False}).json["hits"] == 1
        assert api.post(f"{PATH}:search", {"from": 2, "size": 5, "sort_by": "name"}).json["results"][0]["name"] == "Alpha flow"
        for wrong in ({"size": -1}, {"from": "x"}, {"sort_by": "mood"}, {"size": 10**9}):
            assert api.post(f"{PATH}:search", wrong).status == 400

    def test_list_filters_by_trigger(self, api: Client, organisation: Any) -> None:
        trigger = {"type": "journey_submission", "journey_id": "j1"}
        api.post(PATH, factories.sequence(2, trigger=trigger, additional_triggers=[{"type": "manual", "entity_schema": "order"}]))
        api.post(PATH, factories.sequence(2, name="Other"))
        assert len(api.get(PATH).json["results"]) == 2
        assert len(api.get(f"{PATH}?trigger_type=journey_submission&trigger_source_id=j1").json["results"]) == 1
        assert len(api.get(f"{PATH}?trigger_schema=order").json["results"]) == 1
        assert api.get(f"{PATH}?trigger_type=psychic").status == 400

    @pytest.mark.parametrize("method", ["list", "search"])
    def test_lists_need_the_same_statements_for_1_and_30(self, api: Client, organisation: Any, method: str) -> None:
        counts = []
        for start, end in ((0, 1), (1, 30)):
            for number in range(start, end):
                api.post(PATH, factories.sequence(2, name=f"Flow {number}", closing_reasons=[{"id": "r"}]))
            with CaptureQueriesContext(connection) as captured:
                answer = api.get(PATH) if method == "list" else api.post(f"{PATH}:search", {"size": 100})
            assert len(answer.json["results"]) == end
            counts.append(len(statements(captured)))
        assert counts[0] == counts[1]

    def test_other_organisations_see_nothing(self, api: Client, other_api: Client) -> None:
        template = api.post(PATH, factories.sequence(2)).json
        path = f"{PATH}/{template['id']}"
        answers = [
            other_api.get(path),
            other_api.put(path, template),
            other_api.delete(path),
            other_api.post(f"{path}/duplicate"),
            other_api.get(f"/v1/workflows/definitions/{template['id']}/closing-reasons"),
        ]
        assert [answer.status for answer in answers] == [404] * 5
        assert other_api.get(PATH).json["results"] == []
        assert FlowTemplate.objects.get().deleted_at is None

    def test_a_deleted_template_is_gone_and_its_executions_go_on(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        path = f"{PATH}/{execution.template_id}"
        assert api.delete(path).status == 204
        assert (api.get(path).status, api.delete(path).status) == (404, 404)
        task = factories.task_of(execution, "t1")
        assert api.patch(f"/v2/flows/executions/{execution.id}/tasks/{task.id}", {"status": "COMPLETED"}).status == 200


class TestClosingReasons:
    def test_inactive_ones_are_listed_only_when_asked_for(self, api: Client, organisation: Any) -> None:
        first, second = (api.post(REASONS, {"title": title}).json for title in ("One", "Two"))
        assert api.patch(f"{REASONS}/{first['id']}", {"status": "INACTIVE"}).status == 202
        assert [reason["id"] for reason in api.get(REASONS).json["reasons"]] == [second["id"]]
        assert len(api.get(f"{REASONS}?includeInactive=true").json["reasons"]) == 2

    def test_executions_keep_the_title_of_their_start(self, api: Client, actor: Actor) -> None:
        reason = api.post(REASONS, {"title": "Then"}).json
        execution = factories.start(actor, factories.sequence(2, closing_reasons=[{"id": reason["id"]}]))
        api.patch(f"/v2/workflows/closing-reasons/{reason['id']}", {"title": "Now"})
        flow = api.get(f"/v2/flows/executions/{execution.id}").json
        assert flow["closing_reason"]["configured_reasons"] == [{"id": reason["id"], "title": "Then"}]

    @pytest.mark.parametrize(
        "body", [{}, {"title": ""}, {"title": 5}, {"title": "x" * 256}, {"title": "x", "status": "SLEEPING"}]
    )
    def test_bad_ones_are_refused(self, api: Client, organisation: Any, body: dict[str, Any]) -> None:
        before = dump()
        assert api.post(REASONS, body).status == 400
        assert dump() == before

    def test_other_organisations_see_nothing(self, api: Client, other_api: Client) -> None:
        reason = api.post(REASONS, {"title": "Mine"}).json
        path = f"/v2/workflows/closing-reasons/{reason['id']}"
        answers = [
            other_api.get(path),
            other_api.patch(path, {"title": "x"}),
            other_api.delete(path),
            other_api.get(f"{REASONS}/{reason['id']}"),
        ]
        assert [answer.status for answer in answers] == [404] * 4
        assert other_api.get(REASONS).json["reasons"] == []
        assert api.delete(path).status == 204
        assert api.get(path).status == 404

    def test_a_template_offers_only_known_ones(self, api: Client, organisation: Any) -> None:
        template = api.post(PATH, factories.sequence(2)).json
        path = f"/v1/workflows/definitions/{template['id']}/closing-reasons"
        assert api.patch(path, {"reasons": [{"id": "ghost"}]}).status == 400
        reason = api.post(REASONS, {"title": "Real"}).json
        assert api.patch(path, {"reasons": [{"id": reason["id"]}]}).status == 201
        assert api.get(path).json == {"reasons": [{"id": reason["id"]}]}
