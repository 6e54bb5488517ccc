"""The webhook catalogue over REST: subscriptions, trying an endpoint out, what was sent to it, sending again, new secrets."""

from typing import Any
from uuid import uuid4

import pytest
from standardwebhooks import Webhook as Verifier
from werkzeug import Response

from tests import factories
from tests.api.client import Client
from tests.dump import dump
from tests.sink import Sink
from workflows.engine.flow_events import FlowEvent
from workflows.models import Job, Role, Webhook
from workflows.permissions import Actor
from workflows.services.tokens import create_token

HOOKS = "/v1/webhooks/configs"
MESSAGE = {"metadata": {"organization_id": "acme", "action": "test"}, "entity": {"id": "7"}}


@pytest.fixture
def hook(api: Client, sink: Sink) -> dict[str, Any]:
    answer = api.post(HOOKS, {"name": "Partner", "eventName": "FlowStarted", "events": ["TaskCompleted"], "url": sink.url})
    assert answer.status == 201
    return dict(answer.json)


def send(api: Client, hook: dict[str, Any], count: int = 1) -> list[str]:
    return [api.post(f"{HOOKS}/{hook['id']}/trigger", MESSAGE).json["event_id"] for _ in range(count)]


class TestSubscriptions:
    def test_name_events_and_a_template(self, api: Client, actor: Actor, hook: dict[str, Any]) -> None:
        assert hook["events"] == ["FlowStarted", "TaskCompleted"]
        assert hook["retryPolicy"] == {"enabled": True, "maxAttempts": 5}
        template = factories.make_template(actor)
        body = {"name": "Partner", "eventName": "event_TaskSkipped", "url": hook["url"], "flowTemplateId": template.id}
        changed = api.put(f"{HOOKS}/{hook['id']}", body).json
        assert (changed["eventName"], changed["events"], changed["flowTemplateId"]) == (
            "event_TaskSkipped",
            ["TaskSkipped"],
            template.id,
        )
        assert api.get(f"{HOOKS}/{hook['id']}").json == changed

    def test_of_a_policy_that_is_left_out_the_old_one_stays(self, api: Client, hook: dict[str, Any]) -> None:
        body = {"name": "Partner", "eventName": "FlowStarted", "url": hook["url"]}
        path = f"{HOOKS}/{hook['id']}"
        api.put(path, body | {"retryPolicy": {"enabled": False}})
        assert api.put(path, body).json["retryPolicy"]["enabled"] is False

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"events": ["TaskEaten"]}, "events[0]"),
            ({"events": "TaskSkipped"}, "events"),
            ({"events": [7]}, "events[0]"),
            ({"flowTemplateId": "unknown"}, "flowTemplateId"),
            ({"flowTemplateId": 7}, "flowTemplateId"),
        ],
    )
    def test_that_make_no_sense_are_refused(self, api: Client, hook: dict[str, Any], change: dict[str, Any], field: str) -> None:
        before = dump()
        answer = api.put(f"{HOOKS}/{hook['id']}", {"name": "Partner", "eventName": "FlowStarted", "url": hook["url"]} | change)
        assert (answer.status, answer.message.split(":")[0]) == (400, field)
        assert dump() == before

    def test_another_organisations_template_is_unknown(self, api: Client, other_api: Client, actor: Actor, sink: Sink) -> None:
        template = factories.make_template(actor)
        body = {"name": "Partner", "eventName": "FlowStarted", "url": sink.url, "flowTemplateId": template.id}
        assert other_api.post(HOOKS, body).status == 400

    def test_what_can_be_followed_is_listed(self, api: Client) -> None:
        found = api.get("/v1/webhooks/configured-events").json
        assert [entry["eventName"] for entry in found] == [*FlowEvent]
        assert found[9] == {"eventName": "CurrTaskChanged", "eventLabel": "Current task changed"}


class TestTrigger:
    def test_leaves_the_message_to_a_worker(self, api: Client, hook: dict[str, Any], sink: Sink) -> None:
        answer = api.post(f"{HOOKS}/{hook['id']}/trigger", MESSAGE)
        assert (answer.status, list(answer.json), sink.requests) == (200, ["event_id"], [])
        factories.run_jobs()
        assert sink.body() == MESSAGE
        assert sink.requests[0][0]["webhook-id"] == answer.json["event_id"]

    def test_sync_answers_what_the_endpoint_answered(self, api: Client, hook: dict[str, Any], sink: Sink) -> None:
        sink.answers = [Response('{"ok": true}', 200, content_type="application/json")]
        answer = api.post(f"{HOOKS}/{hook['id']}/trigger?sync=true", MESSAGE).json
        assert (answer["status"], answer["status_code"], answer["body"]) == ("succeeded", "200", {"ok": True})
        Verifier(hook["signingSecret"]).verify(sink.requests[0][1], sink.requests[0][0])

    @pytest.mark.parametrize("code", [400, 503])
    def test_sync_tells_a_refusal(self, api: Client, hook: dict[str, Any], sink: Sink, code: int) -> None:
        sink.answers = [Response("no", code)]
        answer = api.post(f"{HOOKS}/{hook['id']}/trigger?sync=true", MESSAGE).json
        assert (answer["status"], answer["status_code"], answer["body"]) == ("failed", str(code), {"text": "no"})
        assert answer["message"] == f"The endpoint answered {code}"

    def test_with_a_key_is_done_once_and_by_a_worker(self, api: Client, hook: dict[str, Any], sink: Sink) -> None:
        path = f"{HOOKS}/{hook['id']}/trigger?sync=true"
        answers = [api.post(path, MESSAGE, Idempotency_Key="k") for _ in range(2)]
        assert answers[0].json == answers[1].json
        factories.run_jobs()
        assert len(sink.requests) == 1

    @pytest.mark.parametrize(("body", "field"), [({}, "metadata"), ({"metadata": {}}, "metadata.organization_id"), ([], "")])
    def test_needs_metadata(self, api: Client, hook: dict[str, Any], body: Any, field: str) -> None:
        answer = api.post(f"{HOOKS}/{hook['id']}/trigger", body)
        assert answer.status == 400
        assert answer.message.startswith(field)

    def test_of_a_paused_endpoint_is_refused(self, api: Client, hook: dict[str, Any]) -> None:
        Webhook.objects.update(enabled=False)
        assert api.post(f"{HOOKS}/{hook['id']}/trigger", MESSAGE).status == 400
        assert Job.objects.count() == 0

    def test_example_is_what_the_endpoint_would_get(self, api: Client, hook: dict[str, Any]) -> None:
        found = api.post(f"{HOOKS}/{hook['id']}/example", {}).json
        assert (found["_event_name"], found["_event_source"], found["metadata"]["organization_id"]) == (
            "FlowStarted",
            "test",
            "acme",
        )


class TestMessages:
    def test_are_listed_with_payload_and_answer_the_latest_first(self, api: Client, hook: dict[str, Any], sink: Sink) -> None:
        sink.answers = [Response("taken", 200), Response("never", 404)]
        ids = send(api, hook, 2)
        factories.run_jobs()
        found = api.get(f"{HOOKS}/{hook['id']}/events").json["data"]
        assert [(entry["event_id"], entry["status"]) for entry in found] == [(ids[1], "failed"), (ids[0], "succeeded")]
        assert found[1]["http_response"] == {"status_code": 200, "body": {"text": "taken"}}
        assert found[0]["http_response"]["message"] == "The endpoint answered 404"
        assert '"entity":{"id":"7"}' in found[0]["payload"]

    def test_of_flows_are_listed_too(self, api: Client, actor: Actor, hook: dict[str, Any]) -> None:
        factories.start(actor)
        found = api.post(f"/v2/webhooks/configs/{hook['id']}/events", {}).json["data"]
        assert [(entry["event_name"], entry["status"]) for entry in found] == [("FlowStarted", "in_progress")]
        assert found[0]["metadata"]["organization_id"] == "acme"

    def test_come_page_by_page_each_once(self, api: Client, hook: dict[str, Any]) -> None:
        ids = send(api, hook, 7)
        path, found, cursor = f"/v2/webhooks/configs/{hook['id']}/events", [], None
        while True:
            page = api.post(path, {"limit": 3, "cursor": cursor}).json
            found += [entry["event_id"] for entry in page["data"]]
            cursor = page["next_cursor"]
            assert page["has_more"] is (cursor is not None)
            if cursor is None:
                break
        assert found == ids[::-1]

    def test_of_the_older_list_come_page_by_page_too(self, api: Client, hook: dict[str, Any]) -> None:
        ids = send(api, hook, 30)
        first = api.get(f"{HOOKS}/{hook['id']}/events").json
        second = api.get(f"{HOOKS}/{hook['id']}/events?cursor={first['cursor']}").json
        assert [entry["event_id"] for entry in first["data"] + second["data"]] == ids[::-1]
        assert "cursor" not in second

    @pytest.mark.parametrize(
        ("search", "count"),
        [
            ({"status": "succeeded"}, 1),
            ({"status": "failed"}, 1),
            ({"status": "skipped"}, 0),
            ({"timestamp": {"from": "2020-01-01T00:00:00Z", "to": "2999-01-01T00:00:00Z"}}, 2),
            ({"timestamp": {"to": "2020-01-01T00:00:00Z"}}, 0),
        ],
    )
    def test_are_searched(self, api: Client, hook: dict[str, Any], sink: Sink, search: dict[str, Any], count: int) -> None:
        sink.answers = [Response("taken", 200), Response("never", 404)]
        send(api, hook, 2)
        factories.run_jobs()
        assert len(api.post(f"/v2/webhooks/configs/{hook['id']}/events", search).json["data"]) == count

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"limit": 26}, "limit"),
            ({"status": "eaten"}, "status"),
            ({"event_id": "x"}, "event_id"),
            ({"cursor": {"created_at": "x", "event_id": "y"}}, "cursor.created_at"),
            ({"timestamp": {"from": 7}}, "timestamp.from"),
        ],
    )
    def test_a_search_that_makes_no_sense_is_refused(
        self, api: Client, hook: dict[str, Any], body: dict[str, Any], field: str
    ) -> None:
        answer = api.post(f"/v2/webhooks/configs/{hook['id']}/events", body)
        assert (answer.status, answer.message.split(":")[0]) == (400, field)

    @pytest.mark.parametrize("query", ["status=eaten", "cursor=%C3%A4", "cursor=eA==", "status=%00"])
    def test_an_address_that_makes_no_sense_is_refused(self, api: Client, hook: dict[str, Any], query: str) -> None:
        assert api.get(f"{HOOKS}/{hook['id']}/events?{query}").status == 400

    def test_one_shows_each_attempt(self, api: Client, hook: dict[str, Any], sink: Sink) -> None:
        sink.answers = [Response("later", 503)]
        [key] = send(api, hook)
        factories.run_jobs()
        found = api.get(f"{HOOKS}/{hook['id']}/events/{key}").json
        assert (found["status"], found["retry_attempt"]) == ("in_progress", 0)
        assert [(a["attempt"], a["outcome"], a["status_code"], a["answer"]) for a in found["attempts"]] == [
            (1, "refused", 503, "later")
        ]


class TestReplay:
    def test_sends_the_same_again_under_the_same_id(self, api: Client, hook: dict[str, Any], sink: Sink) -> None:
        sink.answers = [Response("never", 404), Response("ok")]
        [key] = send(api, hook)
        factories.run_jobs()
        assert api.post(f"{HOOKS}/{hook['id']}/events/{key}/replay").status == 204
        factories.run_jobs()
        assert [headers["webhook-id"] for headers, _ in sink.requests] == [key, key]
        assert sink.requests[0][1] == sink.requests[1][1]
        found = api.get(f"{HOOKS}/{hook['id']}/events/{key}").json
        assert (found["status"], len(found["attempts"])) == ("succeeded", 2)

    def test_of_many_leaves_out_what_is_unknown(self, api: Client, hook: dict[str, Any], sink: Sink) -> None:
        ids = send(api, hook, 2)
        factories.run_jobs()
        answer = api.post(f"{HOOKS}/{hook['id']}/events/replay-batch", {"eventIds": [*ids, f"msg_{uuid4()}", "x"]})
        assert (answer.status, answer.json) == (202, {"replayed_event_ids": ids})
        factories.run_jobs()
        assert len(sink.requests) == 4

    @pytest.mark.parametrize("body", [{}, {"eventIds": []}, {"eventIds": ["x"] * 101}, {"eventIds": [7]}])
    def test_of_many_needs_a_list(self, api: Client, hook: dict[str, Any], body: dict[str, Any]) -> None:
        assert api.post(f"{HOOKS}/{hook['id']}/events/replay-batch", body).status == 400


def test_a_new_secret_is_shown_once_and_the_old_one_has_an_end(api: Client, hook: dict[str, Any]) -> None:
    answer = api.post(f"{HOOKS}/{hook['id']}/rotate-secret").json
    assert answer["signingSecret"] != hook["signingSecret"]
    found = api.get(f"{HOOKS}/{hook['id']}").json
    assert "signingSecret" not in found
    assert found["previousSecretUntil"] == answer["previousSecretUntil"]


def paths(hook: dict[str, Any], key: str) -> list[tuple[str, str, Any, bool]]:
    own, newer = f"{HOOKS}/{hook['id']}", f"/v2/webhooks/configs/{hook['id']}/events"
    return [
        ("POST", f"{own}/rotate-secret", None, True),
        ("POST", f"{own}/trigger", MESSAGE, True),
        ("POST", f"{own}/trigger?sync=true", MESSAGE, True),
        ("POST", f"{own}/example", {}, False),
        ("GET", f"{own}/events", None, False),
        ("GET", f"{own}/events/{key}", None, False),
        ("POST", f"{own}/events/{key}/replay", None, True),
        ("POST", f"{own}/events/replay-batch", {"eventIds": [key]}, True),
        ("POST", newer, {}, False),
    ]


def test_other_organisations_find_nothing_and_send_nothing(
    api: Client, other_api: Client, hook: dict[str, Any], sink: Sink
) -> None:
    [key] = send(api, hook)
    before = dump()
    wanted = paths(hook, key)
    assert [other_api.request(method, path, body).status for method, path, body, _ in wanted] == [404] * len(wanted)
    assert (dump(), sink.requests) == (before, [])


def test_an_unknown_message_is_not_found(api: Client, hook: dict[str, Any]) -> None:
    for key in ("x", f"msg_{uuid4()}"):
        assert api.get(f"{HOOKS}/{hook['id']}/events/{key}").status == 404
        assert api.post(f"{HOOKS}/{hook['id']}/events/{key}/replay").status == 404


def test_who_may_only_look_sees_and_sends_nothing(api: Client, actor: Actor, hook: dict[str, Any], sink: Sink) -> None:
    viewer = Client(create_token(actor.organisation, "viewer", Role.VIEWER)[1])
    [key] = send(api, hook)
    before = dump()
    wanted = paths(hook, key)
    assert [viewer.request(method, path, body).status for method, path, body, _ in wanted] == [403] * len(wanted)
    assert viewer.get("/v1/webhooks/configured-events").status == 403
    assert (dump(), sink.requests) == (before, [])
