"""Every operation of the public clients that the product serves, on one product: called well, called wrongly, called by nobody.

Each answer is held against the package's documents. Statuses that these do not list stand with their reason in undocumented.json.
"""

import json
import os
import re
import subprocess
from functools import cache
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from tests import factories
from tests.contract.test_boards import examples
from tests.contract.test_clients import HERE, operations, problems
from tests.contract.test_schema import operations as described
from tests.contract.test_schema import ours, public
from tests.product import Product, run_product

# Six scripts in a row, on a machine that may be busy.
pytestmark = [pytest.mark.product, pytest.mark.timeout(400)]

# The documents, and whether we serve a part of one only.
WHOLE = ("workflow", "workflow-definition", "kanban")
DOCUMENTS = (*WHOLE, "entity", "automation", "webhooks")
SUBSETS = {
    "entity": {"createEntity", "getEntity", "getEntityV2", "patchEntity", "updateEntity", "deleteEntity", "searchEntities"},
}
# Its token is in the body.
PUBLIC = "resumeExecutionWithToken"
SCRIPTS = ("every.mjs", "entities.mjs", "boards.mjs", "automations.mjs", "webhooks.mjs", "nobody.mjs")
REASONS: dict[str, str] = json.loads((HERE / "undocumented.json").read_text())
EMPTY = "getExecution 200 empty"

Answer = dict[str, Any]


@cache
def served(document: str) -> set[str]:
    """Return the operations of a public document whose address and method are in ours."""
    own = {(method, unnamed(path)) for method, path, _ in described(ours()).values()}
    return {key for key, (method, path, _) in described(public(document)).items() if (method, unnamed(path)) in own}


def unnamed(path: str) -> str:
    return re.sub(r"{\w+}", "{}", path)


@pytest.fixture(scope="module")
def answers() -> list[Answer]:
    """What the clients got, in order."""
    patch = pytest.MonkeyPatch()
    with HTTPServer(host="127.0.0.1") as server, patch.context() as changed:
        server.expect_request("/hook").respond_with_json({"taken": True})
        changed.setenv("OUTBOUND_ALLOWED_NETWORKS", "127.0.0.0/8")
        with run_product() as product:
            token = product.manage("createtoken", "acme", "--create-org", "--name", "contract")
            hooks = {"url": server.url_for("/hook"), "template": factories.sequence(2)}
            return [answer for script in SCRIPTS for answer in run(script, product, token, hooks)]


def run(script: str, product: Product, token: str, hooks: dict[str, Any]) -> list[Answer]:
    given = {
        "BASE_URL": product.url,
        "TOKEN": token,
        "SERVED": json.dumps({document: sorted(served(document)) for document in DOCUMENTS}),
        "EXAMPLES": json.dumps(hooks if script == "webhooks.mjs" else examples()),
    }
    command = ["node", script]
    done = subprocess.run(command, cwd=HERE, env=os.environ | given, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [line for line in lines if "operation" in line]


def wrong_with(answer: Answer) -> list[str]:
    """Return what the document does not allow, leaving out statuses for which there is a reason."""
    reason = reason_for(answer)
    if reason == EMPTY:
        return []
    if reason:
        return [] if list(answer["body"]) == ["message"] else ["a refusal is {message}"]
    return problems(answer)


def reason_for(answer: Answer) -> str | None:
    if answer["document"] == "workflow" and answer["operation"] == "getExecution" and answer["body"] is None:
        return EMPTY
    documented = operations(answer["document"])[answer["operation"]]["responses"]
    if str(answer["status"]) in documented:
        return None
    keys = (f"{answer['operation']} {answer['status']}", f"{answer['document']} {answer['status']}", str(answer["status"]))
    return next((key for key in keys if key in REASONS), None)


def test_every_answer_is_as_documented_or_has_a_reason(answers: list[Answer]) -> None:
    wrong = {f"{n} {a['operation']} {a['status']}": found for n, a in enumerate(answers) if (found := wrong_with(a))}
    assert not wrong
    assert set(REASONS) - {reason_for(answer) for answer in answers} == set()


def test_every_operation_was_called_well_and_wrongly(answers: list[Answer]) -> None:
    cases: dict[tuple[str, str], list[Answer]] = {}
    for answer in answers:
        cases.setdefault((answer["document"], answer["operation"]), []).append(answer)
    for (document, operation), own in sorted(cases.items()):
        statuses = " ".join(str(answer["status"]) for answer in own)
        result = "ok" if not any(wrong_with(answer) for answer in own) else "FAILED"
        print(f"{document:20} {operation:28} {len(own):2} cases  {statuses:40} {result}")
    for document in DOCUMENTS:
        called = {operation for name, operation in cases if name == document}
        assert served(document) - called == set()
        for operation in served(document):
            found = {answer["status"] for answer in cases[document, operation]}
            assert any(200 <= status < 300 for status in found), operation
            assert 401 in found or operation == PUBLIC, operation
            assert not any(status >= 500 for status in found), operation


def test_what_is_served_is_what_is_promised() -> None:
    assert {document: served(document) for document in WHOLE} == {document: set(operations(document)) for document in WHOLE}
    assert {document: served(document) for document in SUBSETS} == SUBSETS


def test_nobody_is_answered_anything_else_than_unauthorized(answers: list[Answer]) -> None:
    first = next(number for number, answer in enumerate(answers) if answer["status"] == 401)
    asked = {(answer["document"], answer["operation"]) for answer in answers[first:]}
    assert asked == {(document, operation) for document in DOCUMENTS for operation in served(document)}
    assert {answer["status"] for answer in answers[first:] if answer["operation"] != PUBLIC} == {401}
    assert {answer["status"] for answer in answers[first:] if answer["operation"] == PUBLIC} == {400}


def test_the_last_step_of_the_older_dialect_is_what_the_newer_one_knows(answers: list[Answer]) -> None:
    steps = [answer["body"] for answer in answers if answer["operation"] == "updateStep" and answer["status"] == 200]
    assert (steps[0]["status"], steps[0]["assignedTo"], steps[0]["name"]) == ("IN_PROGRESS", ["7"], "Ask twice")
    assert "sectionId" not in steps[0]
    assert steps[1]["status"] == "COMPLETED"


def test_an_entity_keeps_what_it_is_told_and_says_who_it_is_itself(answers: list[Answer]) -> None:
    entities = [answer for answer in answers if answer["document"] == "entity"]
    made = next(a["body"] for a in entities if a["operation"] == "createEntity" and a["body"].get("first_name") == "Grete")
    own = [
        a["body"] for a in entities if a["status"] == 200 and isinstance(a["body"], dict) and a["body"].get("_id") == made["_id"]
    ]
    assert (made["_schema"], made["_title"], made["consents"]) == ("contact", "Grete Sund", [{"topic": "mail", "given": True}])
    assert [(entity["city"], entity["email"]) for entity in own[1:]] == [
        ("Bonn", "grete@sund.example"),
        ("Köln", "grete@sund.example"),
        ("Köln", None),
        ("Köln", None),
    ]
    found = [(a["body"]["hits"], len(a["body"]["results"])) for a in entities if "hits" in (a["body"] or ())]
    assert found[-4:] == [(1, 1), (1, 1), (1, 1), (0, 0)]
