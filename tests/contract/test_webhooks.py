"""The public webhooks client against the running product, which tells a real endpoint of a flow that starts."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from standardwebhooks import Webhook as Verifier
from werkzeug import Request, Response

from tests import factories
from tests.contract.test_clients import HERE, problems
from tests.product import run_product

pytestmark = pytest.mark.product

Answer = dict[str, Any]
Request_ = tuple[dict[str, str], bytes]


@pytest.fixture(scope="module")
def work() -> Iterator[tuple[list[Answer], list[Request_]]]:
    """What the client got, and what the endpoint got, in order."""
    received: list[Request_] = []
    lock = threading.Lock()

    def take(request: Request) -> Response:
        with lock:
            received.append(({name.lower(): value for name, value in request.headers.items()}, request.get_data()))
        return Response('{"taken": true}', 200, content_type="application/json")

    patch = pytest.MonkeyPatch()
    with HTTPServer(host="127.0.0.1") as server, patch.context() as changed:
        server.expect_request("/hook").respond_with_handler(take)
        changed.setenv("OUTBOUND_ALLOWED_NETWORKS", "127.0.0.0/8")
        with run_product() as product:
            token = product.manage("createtoken", "acme", "--create-org", "--name", "contract")
            examples = {"url": server.url_for("/hook"), "template": factories.sequence(2)}
            environment = os.environ | {"BASE_URL": product.url, "TOKEN": token, "EXAMPLES": json.dumps(examples)}
            done = subprocess.run(
                ["node", "webhooks.mjs"], cwd=HERE, env=environment, capture_output=True, text=True, timeout=100, check=False
            )
            assert done.returncode == 0, done.stderr
            yield [json.loads(line) for line in done.stdout.splitlines()], received


@pytest.fixture
def answers(work: tuple[list[Answer], list[Request_]]) -> list[Answer]:
    return [answer for answer in work[0] if answer["document"] == "webhooks"]


def test_every_answer_is_as_documented(answers: list[Answer]) -> None:
    wrong = {f"{n} {a['operation']} {a['status']}": found for n, a in enumerate(answers) if (found := problems(a))}
    assert not wrong


def test_each_call_was_answered_with_the_status_that_it_deserved(answers: list[Answer]) -> None:
    assert [(answer["operation"], answer["status"]) for answer in answers] == [
        ("getConfiguredEvents", 200),
        ("createConfig", 201),
        ("getConfigs", 200),
        ("getConfigs", 200),
        ("getConfig", 200),
        ("updateConfig", 200),
        ("getWebhookExample", 200),
        ("triggerWebhook", 200),
        ("getWebhookEventsV2", 200),
        ("getWehookEvents", 200),
        ("getEventById", 200),
        ("replayEvent", 204),
        ("batchReplayEvents", 202),
        ("batchReplayEvents", 400),
        ("getEventById", 404),
        ("triggerWebhook", 400),
        ("deleteConfig", 204),
        ("getWehookEvents", 404),
    ]


def test_the_endpoint_was_told_of_the_flow_and_can_verify_it(work: tuple[list[Answer], list[Request_]]) -> None:
    secret = next(answer["body"]["signingSecret"] for answer in work[0] if answer["operation"] == "createConfig")
    flow = next(answer["body"] for answer in work[0] if answer["operation"] == "startFlowExecution")
    messages = [Verifier(secret).verify(body, headers) for headers, body in work[1]]
    told = next(message for message in messages if message.get("_event_name") == "FlowStarted")
    assert (told["execution_id"], told["_org_id"], told["status"]) == (flow["id"], "acme", "STARTED")


def test_what_was_sent_and_answered_is_kept(answers: list[Answer]) -> None:
    found = next(answer["body"] for answer in answers if answer["operation"] == "getEventById")
    assert json.loads(found["payload"])["_event_name"] == "FlowStarted"
    assert found["http_response"] == {"status_code": 200, "body": {"taken": True}}
    synced = next(answer["body"] for answer in answers if answer["operation"] == "triggerWebhook")
    assert (synced["status"], synced["status_code"], synced["body"]) == ("succeeded", "200", {"taken": True})
