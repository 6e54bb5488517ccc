"""Automations and webhooks over REST: shapes, refusals, rights, and whose they are."""

from typing import Any
from uuid import uuid4

import pytest

from tests import factories
from tests.api.client import Client
from tests.dump import dump
from tests.test_outbound import IPV4, IPV6
from workflows.models import ActorKind, Organisation, Role, Webhook
from workflows.permissions import Actor
from workflows.services.automation_flows import create_automation
from workflows.services.tokens import create_token

FLOWS, RUNS, HOOKS = "/v1/automation/flows", "/v1/automation/executions", "/v1/webhooks/configs"
RESUME = "/v1/automation/public/executions:resume"


@pytest.fixture
def flow(api: Client) -> dict[str, Any]:
    answer = api.post(FLOWS, factories.automation(factories.set_city(), note={"kept": [1]}))
    assert answer.status == 201
    return dict(answer.json)


@pytest.fixture
def viewer(organisation: Organisation) -> Client:
    return Client(create_token(organisation, "viewer", Role.VIEWER)[1])


def start(api: Client, flow: dict[str, Any], actor: Actor) -> dict[str, Any]:
    entity = factories.make_entity(actor)
    answer = api.post(RUNS, {"flow_id": flow["id"], "entity_id": str(entity.id)})
    assert answer.status == 201
    return dict(answer.json)


class TestFlows:
    def test_come_back_as_they_were_saved_and_the_secret_once(self, api: Client, flow: dict[str, Any]) -> None:
        assert flow["signing_secret"].startswith("whsec_")
        found = api.get(f"{FLOWS}/{flow['id']}").json
        assert found == {key: value for key, value in flow.items() if key != "signing_secret"}
        assert (found["note"], found["version"], found["runs"], found["enabled"]) == ({"kept": [1]}, 1, 0, True)

    def test_are_read_many_at_once(self, api: Client, flow: dict[str, Any], other_organisation: Organisation) -> None:
        foreign, _ = create_automation(Actor(other_organisation, ActorKind.SYSTEM), factories.automation())
        other = api.post(FLOWS, factories.automation()).json
        ids = [other["id"], "nothing", str(foreign.id), flow["id"], other["id"]]
        found = api.post(f"{FLOWS}:batchGet", {"ids": ids})
        assert (found.status, found.json["total"]) == (200, 2)
        assert [each["id"] for each in found.json["results"]] == [other["id"], flow["id"]]
        assert api.post(f"{FLOWS}:batchGet", {}).status == 400

    def test_are_replaced_with_a_new_version(self, api: Client, flow: dict[str, Any]) -> None:
        changed = api.put(f"{FLOWS}/{flow['id']}", flow | {"flow_name": "Other", "enabled": False}).json
        assert (changed["flow_name"], changed["version"], changed["actions"]) == ("Other", 2, flow["actions"])
        assert changed["disable_details"]["disabled_by"] == "user"
        assert "disable_details" not in api.put(f"{FLOWS}/{flow['id']}", flow).json

    def test_are_found_by_what_they_are_about(self, api: Client) -> None:
        target = {"type": "trigger-workflow", "config": {"target_workflow": "abc"}}
        trigger = {"type": "event_catalog", "configuration": {"event_name": "e"}}
        api.post(FLOWS, factories.automation(target, triggers=[trigger], entity_schema="contact"))
        api.post(FLOWS, factories.automation())
        for query, total in (
            ("", 1),
            ("?include_flows=true", 2),
            ("?schema=contact", 1),
            ("?schema=order", 0),
            ("?target_workflow=abc", 1),
            ("?trigger_event_name=e", 1),
            ("?trigger_event_name=x", 0),
            ("?include_flows=true&size=1", 2),
        ):
            assert api.get(FLOWS + query).json["total"] == total, query
        assert len(api.get(f"{FLOWS}?include_flows=true&size=1&from=1").json["results"]) == 1

    def test_are_gone_when_deleted(self, api: Client, flow: dict[str, Any]) -> None:
        assert api.delete(f"{FLOWS}/{flow['id']}").status == 200
        for answer in (
            api.get(f"{FLOWS}/{flow['id']}"),
            api.put(f"{FLOWS}/{flow['id']}", flow),
            api.delete(f"{FLOWS}/{flow['id']}"),
        ):
            assert answer.status == 404

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"flow_name": ""}, "flow_name"),
            ({"flow_name": 7}, "flow_name"),
            ({"triggers": {}}, "triggers"),
            ({"actions": [7]}, "actions[0]"),
            ({"actions": [{"type": 7}]}, "actions[0].type"),
            ({"actions": [{"type": "x", "config": []}]}, "actions[0].config"),
            ({"actions": [{"id": "a"}, {"id": "a"}]}, "actions[1].id"),
            ({"actions": [{"condition_id": "none"}]}, "actions[0].condition_id"),
            ({"actions": [{"schedule_id": "none"}]}, "actions[0].schedule_id"),
            ({"actions": [{"config": {"url": "http://10.0.0.1/"}}]}, "actions[0].config.url"),
            ({"actions": [{"config": {"url": "file:///etc/passwd"}}]}, "actions[0].config.url"),
            ({"conditions": [{}]}, "conditions[0].id"),
            ({"conditions": [{"id": "c", "statements": [{"source": {"attribute": "a"}, "operation": "like"}]}]}, "conditions[0]"),
            ({"conditions": [{"id": "c", "statements": [7]}]}, "conditions[0].statements"),
            ({"conditions": [{"id": "c", "statements": [{"source": 7}]}]}, "conditions[0].statements[0].source"),
            ({"schedules": [{"id": "s", "source": {}, "timePeriod": "eons"}]}, "schedules[0].timePeriod"),
            ({"schedules": [{"id": "s", "source": {}, "numberOfUnits": -1}]}, "schedules[0].numberOfUnits"),
            ({"schedules": [{"id": "s"}]}, "schedules[0].source"),
            ({"max_executions": {"count": 0}}, "max_executions.count"),
            ({"max_executions": {"count": 1, "window": "P1Y"}}, "max_executions.window"),
            ({"enabled": "yes"}, "enabled"),
        ],
    )
    def test_that_make_no_sense_are_refused_by_field(self, api: Client, change: dict[str, Any], field: str) -> None:
        before = dump()
        answer = api.post(FLOWS, factories.automation() | change)
        assert (answer.status, answer.message.split(":")[0]) == (400, field)
        assert dump() == before

    @pytest.mark.parametrize("body", [None, [], 7, "x"])
    def test_that_are_no_objects_are_refused(self, api: Client, body: Any) -> None:
        assert api.post(FLOWS, body).status == 400


class TestRuns:
    def test_are_started_read_and_found(self, api: Client, flow: dict[str, Any], actor: Actor) -> None:
        run = start(api, flow, actor)
        assert (run["execution_status"], run["actions"][0]["execution_status"]) == ("in_progress", "starting")
        factories.run_jobs()
        found = api.get(f"{RUNS}/{run['id']}").json
        assert (found["execution_status"], found["actions"][0]["flow_action_id"]) == ("success", "a1")
        assert api.get(f"{RUNS}?entity_id={run['entity_id']}").json == {"total": 1, "results": [found]}
        assert api.get(f"{RUNS}?entity_id={uuid4()}").json["total"] == 0
        assert api.get(f"{FLOWS}/{flow['id']}").json["runs"] == 1

    def test_are_paged_by_cursor(self, api: Client, flow: dict[str, Any], actor: Actor) -> None:
        entity = factories.make_entity(actor)
        for _ in range(3):
            api.post(RUNS, {"flow_id": flow["id"], "entity_id": str(entity.id)})
        body = {"entity_id": str(entity.id), "size": 2}
        one = api.post(f"{RUNS}:search", body).json
        two = api.post(f"{RUNS}:search", body | {"cursor": one["next_cursor"]}).json
        assert (one["total"], two["total"], "next_cursor" in two) == (2, 1, False)
        ids = [run["id"] for run in one["results"] + two["results"]]
        assert ids == sorted(ids, reverse=True)
        assert api.post(f"{RUNS}:search", body | {"cursor": "x"}).status == 400

    def test_of_tasks_are_listed_only_when_asked_for(self, api: Client, actor: Actor, flow: dict[str, Any]) -> None:
        factories.start(actor, factories.with_automation(flow["id"]))
        factories.run_jobs()
        assert api.get(RUNS).json["total"] == 0
        found = api.get(f"{RUNS}?include_flows=true").json["results"][0]
        assert found["workflow_context"]["workflow_role"] == "run_task_automation"
        assert found["trigger_event"]["type"] == "flow_automation_task"

    def test_are_cancelled_and_done_again(self, api: Client, actor: Actor, flow: dict[str, Any]) -> None:
        run = start(api, flow, actor)
        assert api.delete(f"{RUNS}/{run['id']}").json["execution_status"] == "cancelled"
        action = run["actions"][0]["id"]
        assert api.post(f"{RUNS}/{run['id']}/{action}/retrigger", {"retry_strategy": "RETRY_AND_RESUME"}).status == 200
        factories.run_jobs()
        assert api.get(f"{RUNS}/{run['id']}").json["execution_status"] == "success"
        assert api.post(f"{RUNS}/{run['id']}/{action}/retrigger", {}).status == 400
        assert api.post(f"{RUNS}/{run['id']}/{action}/retrigger", {"retry_strategy": "x"}).status == 400
        assert api.delete(f"{RUNS}/{run['id']}/schedules/none").status == 404

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"flow_id": "missing"}, "flow_id"),
            ({"flow_id": str(uuid4())}, "flow_id"),
            ({"entity_id": "missing"}, "entity_id"),
            ({"entity_id": str(uuid4())}, "entity_id"),
            ({"workflow_context": {"workflow_exec_id": str(uuid4())}}, "workflow_context.workflow_exec_id"),
        ],
    )
    def test_of_what_is_not_there_are_refused(
        self, api: Client, flow: dict[str, Any], actor: Actor, change: dict[str, Any], field: str
    ) -> None:
        body = {"flow_id": flow["id"], "entity_id": str(factories.make_entity(actor).id)} | change
        before = dump()
        answer = api.post(RUNS, body)
        assert (answer.status, answer.message.split(":")[0]) == (400, field)
        assert dump() == before


class TestResume:
    def test_needs_no_bearer_and_tells_no_more_than_it_must(
        self, api: Client, actor: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from workflows.automations.perform import ACTIONS
        from workflows.automations.situation import ActionType
        from workflows.services.automation_run import paused

        monkeypatch.setitem(ACTIONS, "patient", ActionType("INTERNAL_ERROR", call=lambda _: paused("callback")))
        flow = api.post(FLOWS, factories.automation({"type": "patient", "config": {"secret": "x"}})).json
        run = start(api, flow, actor)
        factories.run_jobs()
        token = api.get(f"{RUNS}/{run['id']}").json["resume_token"]
        answer = Client("").post(RESUME, {"resume_token": token})
        assert answer.status == 200
        assert answer.json["execution"]["execution_status"] == "success"
        assert "secret" not in answer.body.decode()
        assert Client("").post(RESUME, {"resume_token": token}).status == 400

    @pytest.mark.parametrize(("body", "status"), [({"resume_token": "x"}, 404), ({}, 400), ({"resume_token": 7}, 400), ([], 400)])
    def test_of_nothing_is_refused(self, db: None, body: Any, status: int) -> None:
        assert Client("").post(RESUME, body).status == status


HOOK = {"name": "Partner", "eventName": "lead_won", "url": "https://partner.example/hook"}


class TestWebhooks:
    def test_are_kept_with_their_secrets_out_of_sight(self, api: Client) -> None:
        basic = {"authType": "BASIC", "basicAuthConfig": {"username": "ada", "password": "very secret"}}
        made = api.post(HOOKS, HOOK | {"auth": basic, "jsonataExpression": "$"})
        assert made.status == 201
        assert made.json["signingSecret"].startswith("whsec_")
        found = api.get(f"{HOOKS}/{made.json['id']}").json
        assert found["auth"] == {"authType": "BASIC", "basicAuthConfig": {"username": "ada"}}
        assert (found["jsonataExpression"], found["status"], found["httpMethod"]) == ("$", "active", "POST")
        assert "signingSecret" not in found
        stored = Webhook.objects.get()
        assert "very secret" not in str(vars(stored))
        assert made.json["signingSecret"] not in str(vars(stored))

    def test_keep_a_password_that_is_left_out(self, api: Client) -> None:
        from workflows.services.webhooks import open_endpoint

        basic = {"authType": "BASIC", "basicAuthConfig": {"username": "ada", "password": "pw"}}
        made = api.post(HOOKS, HOOK | {"auth": basic}).json
        api.put(f"{HOOKS}/{made['id']}", HOOK | {"auth": {"authType": "BASIC", "basicAuthConfig": {"username": "ada"}}})
        assert open_endpoint(Webhook.objects.get()).headers == {"Authorization": "Basic YWRhOnB3"}
        api.put(f"{HOOKS}/{made['id']}", HOOK | {"auth": {"authType": "NONE"}, "enabled": False})
        assert open_endpoint(Webhook.objects.get()).headers == {}
        assert api.get(f"{HOOKS}?eventName=lead_won").json[0]["status"] == "inactive"
        assert api.get(f"{HOOKS}?eventName=other").json == []
        assert api.delete(f"{HOOKS}/{made['id']}").status == 204
        assert api.get(f"{HOOKS}/{made['id']}").status == 404

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"name": ""}, "name"),
            ({"eventName": None}, "eventName"),
            ({"url": "http://127.0.0.1/"}, "url"),
            ({"url": "http://169.254.169.254/"}, "url"),
            ({"url": "gopher://x/"}, "url"),
            ({"httpMethod": "GET"}, "httpMethod"),
            ({"auth": {"authType": "OAUTH_CLIENT_CREDENTIALS"}}, "auth.authType"),
            ({"auth": {"authType": "BASIC"}}, "auth.basicAuthConfig.username"),
            ({"auth": {"authType": "API_KEY", "apiKeyConfig": {"keyName": "Host", "keyValue": "x"}}}, "auth.apiKeyConfig"),
            ({"auth": {"authType": "API_KEY", "apiKeyConfig": {"keyName": "K", "keyValue": "a\r\nb"}}}, "auth.apiKeyConfig"),
            ({"payloadConfiguration": {"custom_headers": {"webhook-id": "x"}}}, "payloadConfiguration.custom_headers"),
            ({"payloadConfiguration": {"custom_headers": {"X": "a\nb"}}}, "payloadConfiguration.custom_headers"),
            ({"payloadConfiguration": {"custom_headers": 7}}, "payloadConfiguration.custom_headers"),
            ({"retryPolicy": {"enabled": True, "maxAttempts": 6}}, "retryPolicy.maxAttempts"),
        ],
    )
    def test_that_are_unsafe_or_make_no_sense_are_refused(self, api: Client, change: dict[str, Any], field: str) -> None:
        before = dump()
        answer = api.post(HOOKS, HOOK | change)
        assert (answer.status, answer.message.split(":")[0]) == (400, field)
        assert dump() == before


def test_no_inside_can_be_saved_as_an_address(api: Client) -> None:
    addresses = [*IPV4, *(f"[{address}]" for address in IPV6)]
    before = dump()
    for address in addresses:
        url = f"http://{address}/"
        assert api.post(HOOKS, HOOK | {"url": url}).status == 400, url
        assert api.post(FLOWS, factories.automation({"type": "custom-action", "config": {"url": url}})).status == 400, url
    assert dump() == before


def paths(api: Client, actor: Actor, flow: dict[str, Any]) -> list[tuple[str, str, Any]]:
    run = start(api, flow, actor)
    hook = api.post(HOOKS, HOOK).json
    action = run["actions"][0]["id"]
    return [
        ("GET", f"{FLOWS}/{flow['id']}", None),
        ("PUT", f"{FLOWS}/{flow['id']}", factories.automation()),
        ("DELETE", f"{FLOWS}/{flow['id']}", None),
        ("GET", f"{RUNS}/{run['id']}", None),
        ("DELETE", f"{RUNS}/{run['id']}", None),
        ("POST", f"{RUNS}/{run['id']}/{action}/retrigger", {}),
        ("DELETE", f"{RUNS}/{run['id']}/schedules/s", None),
        ("GET", f"{HOOKS}/{hook['id']}", None),
        ("PUT", f"{HOOKS}/{hook['id']}", HOOK),
        ("DELETE", f"{HOOKS}/{hook['id']}", None),
    ]


def test_other_organisations_find_nothing_and_change_nothing(
    api: Client, other_api: Client, actor: Actor, flow: dict[str, Any]
) -> None:
    wanted = paths(api, actor, flow)
    before = dump()
    assert [other_api.request(method, path, body).status for method, path, body in wanted] == [404] * len(wanted)
    assert other_api.get(f"{FLOWS}?include_flows=true").json["total"] == 0
    assert other_api.get(RUNS).json["total"] == 0
    assert other_api.get(HOOKS).json == []
    assert dump() == before


def test_who_may_only_look_changes_nothing(api: Client, viewer: Client, actor: Actor, flow: dict[str, Any]) -> None:
    wanted = [entry for entry in paths(api, actor, flow) if entry[0] != "GET"]
    before = dump()
    assert [viewer.request(method, path, body).status for method, path, body in wanted] == [403] * len(wanted)
    for path in (FLOWS, RUNS, HOOKS):
        assert viewer.post(path, {"flow_id": "x", "entity_id": "x"} | HOOK | factories.automation()).status == 403
    assert viewer.get(f"{FLOWS}/{flow['id']}").status == 200
    assert viewer.get(HOOKS).status == 403
    assert dump() == before


def test_without_a_token_nothing_is_told(api: Client, actor: Actor, flow: dict[str, Any]) -> None:
    wanted = paths(api, actor, flow)
    assert [Client("").request(method, path, body).status for method, path, body in wanted] == [401] * len(wanted)


class TestReconcile:
    def test_answers_the_execution(self, api: Client, actor: Actor, flow: dict[str, Any]) -> None:
        execution = factories.start(actor, factories.with_automation(flow["id"]))
        task = factories.task_of(execution, "t1")
        path = f"/v2/flows/executions/{execution.id}/tasks/{task.id}/reconcile-automation"
        assert api.post(path).json["tasks"][0]["status"] == "IN_PROGRESS"
        factories.run_jobs()
        done = api.post(path).json
        assert done["tasks"][0]["automation_config"]["execution_status"] == "success"
        assert done["tasks"][0]["automation_execution_id"] == done["tasks"][0]["automation_config"]["execution_id"]

    def test_is_not_for_others_nor_for_other_tasks(self, api: Client, other_api: Client, viewer: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        path = f"/v2/flows/executions/{execution.id}/tasks/{factories.task_of(execution, 't1').id}/reconcile-automation"
        assert (api.post(path).status, other_api.post(path).status, viewer.post(path).status) == (400, 404, 403)
