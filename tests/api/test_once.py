"""Idempotency-Key, If-Match and ETag."""

import threading
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.db import connection
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from rest_framework.views import APIView

from tests import factories
from tests.api.client import Answer, Client
from tests.dump import dump
from workflows.api.urls import NoSuchOperation
from workflows.api.views import View
from workflows.models import Execution, IdempotencyKey, Organisation, Role
from workflows.permissions import Actor
from workflows.services.idempotency import sweep_keys
from workflows.services.tokens import create_token

START = "/v1/workflows/executions"


def start(api: Client, template: str, key: str, **fields: Any) -> Answer:
    return api.post(START, {"workflowId": template, **fields}, Idempotency_Key=key)


@pytest.fixture
def template(actor: Actor) -> str:
    return factories.make_template(actor).id


def test_the_same_request_again_gets_the_same_answer_and_does_nothing(api: Client, template: str) -> None:
    first = start(api, template, "k1")
    before = dump()
    again = start(api, template, "k1")
    assert (again.status, again.body, again.headers["ETag"]) == (first.status, first.body, first.headers["ETag"])
    assert (first.headers.get("Idempotent-Replayed"), again.headers.get("Idempotent-Replayed")) == (None, "true")
    assert dump() == before
    assert Execution.objects.count() == 1


def test_the_order_of_fields_is_no_difference(api: Client, template: str) -> None:
    one = api.request("POST", START, raw=orjson.dumps({"workflowId": template, "trigger": "MANUAL"}), Idempotency_Key="k")
    two = api.request("POST", START, raw=orjson.dumps({"trigger": "MANUAL", "workflowId": template}), Idempotency_Key="k")
    assert one.body == two.body


def test_another_body_under_the_key_is_refused(api: Client, template: str) -> None:
    start(api, template, "k1")
    before = dump()
    answer = start(api, template, "k1", trigger="AUTOMATIC")
    assert (answer.status, list(answer.json)) == (422, ["message"])
    assert dump() == before


def test_keys_belong_to_a_credential_and_an_address(api: Client, template: str, organisation: Organisation) -> None:
    other = Client(create_token(organisation, "second", Role.INTEGRATION)[1])
    made = {start(client, template, "k1").json["id"] for client in (api, other)}
    assert len(made) == 2
    assert api.post("/v1/workflows/closing-reasons", {"title": "R"}, Idempotency_Key="k1").status == 201


def test_a_refusal_is_not_remembered(api: Client, template: str) -> None:
    assert start(api, template, "k1", trigger="NEVER").status == 400
    assert not IdempotencyKey.objects.exists()
    assert start(api, template, "k1").status == 201


def test_a_fault_takes_key_and_effect_with_it(api: Client, template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("workflows.api.v1.views.render_execution", lambda *_, **__: 1 / 0)
        before = dump()
        assert start(api, template, "k1").status == 500
        assert dump() == before
    assert start(api, template, "k1").status == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\xe9"])
def test_a_key_that_is_none_is_refused(api: Client, template: str, key: str) -> None:
    answer = start(api, template, key)
    assert (answer.status, answer.message.split(":")[0]) == (400, "Idempotency-Key")


def test_keys_are_kept_for_seven_days(api: Client, template: str) -> None:
    start(api, template, "k1")
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(days=6, hours=23))
    assert sweep_keys() == 0
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(days=7, minutes=1))
    start(api, template, "k1", trigger="AUTOMATIC")
    assert Execution.objects.count() == 2
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(days=7, minutes=1))
    assert sweep_keys() == 1
    assert not IdempotencyKey.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_sixteen_clients_with_one_key_make_one_execution(api: Client, template: str) -> None:
    answers: list[Answer] = []

    def work() -> None:
        try:
            answers.append(start(Client(api.bearer), template, "k1"))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Execution.objects.count() == 1
    assert {answer.status for answer in answers} <= {201, 409}
    done = [answer for answer in answers if answer.status == 201]
    assert done
    assert len({answer.body for answer in done}) == 1
    assert start(api, template, "k1").body == done[0].body
    assert start(api, template, "k1", trigger="AUTOMATIC").status == 422


def test_a_public_address_takes_a_key_and_needs_none(api: Client) -> None:
    answer = Client("").post("/v1/automation/public/executions:resume", {"resume_token": "none"}, Idempotency_Key="k1")
    assert 400 <= answer.status < 500
    assert not IdempotencyKey.objects.exists()


def views(patterns: Any) -> Any:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns)
        elif isinstance(pattern, URLPattern) and (found := getattr(pattern.callback, "cls", None)):
            yield found


def test_every_view_of_the_api_honours_keys_and_versions() -> None:
    ours = {v for v in views(get_resolver("workflows.api.urls").url_patterns) if v.__module__.startswith("workflows.")}
    assert len(ours) > 20
    assert [view for view in ours if issubclass(view, APIView) and not issubclass(view, View)] == [NoSuchOperation]


@pytest.fixture
def execution(actor: Actor) -> Execution:
    return factories.start(actor)


def addresses(execution: Execution) -> dict[str, dict[str, Any]]:
    """What carries a version, with a change that it takes."""
    task, phase = execution.tasks.order_by("position").first(), execution.phases.first()
    assert task is not None
    assert phase is not None
    v2, v1 = f"/v2/flows/executions/{execution.id}", f"{START}/{execution.id}"
    return {
        v2: {"assigned_to": ["7"]},
        v1: {"assignedTo": ["7"]},
        f"{v2}/tasks/{task.id}": {"name": "Other"},
        f"{v1}/steps/{task.id}": {"name": "Other"},
        f"{v2}/phases/{phase.id}": {"name": "Other"},
    }


@pytest.mark.parametrize("index", range(5))
def test_a_change_is_made_only_to_the_version_that_was_seen(api: Client, execution: Execution, index: int) -> None:
    path, body = list(addresses(execution).items())[index]
    before = dump()
    for wrong in ('"99"', 'W/"1"', "1", '"0", "2"'):
        answer = api.patch(path, body, If_Match=wrong)
        assert (answer.status, list(answer.json)) == (412, ["message"])
    assert dump() == before
    assert api.patch(path, body, If_Match='"77", "1"').status in (200, 204)
    assert api.patch(path, body, If_Match='"1"').status == 412
    assert api.patch(path, body, If_Match="*").status in (200, 204)


def test_answers_carry_the_version_that_the_next_change_needs(api: Client, execution: Execution) -> None:
    path = next(path for path in addresses(execution) if "/tasks/" in path)
    tag = api.patch(path, {"name": "One"}).headers["ETag"]
    assert api.patch(path, {"name": "Two"}, If_Match=tag).headers["ETag"] != tag
    whole = f"/v2/flows/executions/{execution.id}"
    tag = api.get(whole).headers["ETag"]
    assert tag == api.get(f"{START}/{execution.id}").headers["ETag"]
    assert api.delete(whole, If_Match='"1"').status == 412
    assert api.delete(whole, If_Match=tag).status == 204


def test_a_template_is_replaced_only_if_unchanged(api: Client, template: str) -> None:
    path = f"/v2/flows/templates/{template}"
    loaded = api.get(path)
    tag = loaded.headers["ETag"]
    body = loaded.json
    del body["updated_at"]
    assert api.put(path, body, If_Match=tag).status == 200
    before = dump()
    assert api.put(path, body, If_Match=tag).status == 412
    assert api.put(f"/v1/workflows/definitions/{template}", {"name": "N", "flow": []}, If_Match=tag).status == 412
    assert api.delete(path, If_Match=tag).status == 412
    assert dump() == before


def test_what_is_not_there_is_not_found_whatever_the_version(api: Client, execution: Execution) -> None:
    answer = api.patch("/v2/flows/executions/nothing", {"assigned_to": []}, If_Match='"1"')
    assert answer.status == 404


def test_a_search_of_flows_can_be_paged(api: Client, actor: Actor, execution: Execution) -> None:
    entity = str(execution.contexts.get().entity_id)
    template = execution.template_id
    for _ in range(3):
        api.post(START, {"workflowId": template, "contexts": [{"id": entity, "title": "", "schema": "contact"}]})
    body = {"entity_id": entity, "entity_schema": "contact"}
    found = api.post("/v2/flows/executions:search", body).json["results"]
    assert len(found) == 4
    page = api.post("/v2/flows/executions:search", body | {"from": 1, "size": 2}).json["results"]
    assert page == found[1:3]


def test_a_key_on_a_public_operation_means_nothing(organisation: Organisation) -> None:
    before = dump()
    answer = Client("").post("/v1/automation/public/executions:resume", {"resume_token": "unknown"}, Idempotency_Key="k")
    assert answer.status == 404
    assert dump() == before
