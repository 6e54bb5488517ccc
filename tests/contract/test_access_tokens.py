"""The public client of access tokens against the running product; answers are held against the package's document."""

import json
import os
import subprocess
from typing import Any

import pytest

from tests.api.client import Client
from tests.contract.test_clients import HERE, problems
from tests.product import run_product
from workflows.models import ApiToken, AuditEntry, Organisation, Role
from workflows.services.tokens import create_token

NEW = "/v1/access-tokens"


@pytest.fixture(scope="module")
def answers() -> list[dict[str, Any]]:
    """What the client got, in order, as a token of an owner."""
    with run_product() as product:
        product.manage("demo")
        token = product.manage("createtoken", "demo-energy", "--name", "contract", "--role", "owner")
        environment = os.environ | {"BASE_URL": product.url, "TOKEN": token}
        done = subprocess.run(
            ["node", "access_tokens.mjs"], cwd=HERE, env=environment, capture_output=True, text=True, timeout=100, check=False
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.product
def test_tokens_are_made_listed_and_revoked_as_documented(answers: list[dict[str, Any]]) -> None:
    # The document has no answer for a token that is not there.
    documented = [answer for answer in answers if answer["status"] != 404]
    assert {f"{n} {a['operation']}": found for n, a in enumerate(documented) if (found := problems(a))} == {}
    assert [(answer["operation"], answer["status"]) for answer in answers] == [
        ("createAccessToken", 201),
        ("createAccessToken", 201),
        ("listAccessTokens", 200),
        ("listAccessTokens", 200),
        ("listAccessTokens", 200),
        ("createAccessToken", 400),
        ("createAccessToken", 400),
        ("createAccessToken", 400),
        ("revokeAccessToken", 200),
        ("revokeAccessToken", 404),
        ("listAccessTokens", 200),
    ]
    made, worker = (answer["body"] for answer in answers[:2])
    assert made["token"].startswith(made["id"] + ".")
    assert (made["read_only"], worker["assignments"]) == (True, ["demo-energy:member"])
    assert [len(answers[number]["body"]) for number in (2, 3, 4, 10)] == [3, 3, 0, 2]
    assert "token" not in answers[2]["body"][0]


def test_a_token_that_was_made_works_and_a_revoked_one_does_not(organisation: Organisation) -> None:
    owner = Client(create_token(organisation, "owner", Role.OWNER)[1])
    made = owner.post(NEW, {"name": "ERP", "read_only": True}).json
    client = Client(made["token"])
    assert client.get("/v1/workflows/closing-reasons").status == 200
    assert client.post("/v1/workflows/closing-reasons", {"title": "x"}).status == 403
    assert owner.delete(f"{NEW}/{made['id']}").status == 200
    assert client.get("/v1/workflows/closing-reasons").status == 401
    acts = AuditEntry.objects.filter(subject_id=made["id"]).order_by("id").values_list("action", flat=True)
    assert list(acts) == ["apitoken.created", "apitoken.changed"]


@pytest.mark.parametrize(
    "body",
    [
        {"name": " "},
        {"name": "x", "expires_in": 29},
        {"name": "x", "expires_in": "366d"},
        {"name": "x", "expires_in": "soon"},
        {"name": "x", "expires_in": True},
        {"name": "x", "anonymize": True},
        {"name": "x", "assignments": ["acme:emperor"]},
        {"name": "x", "assignments": ["acme:member", "acme:viewer"]},
    ],
)
def test_what_makes_no_sense_is_refused_and_makes_none(organisation: Organisation, body: dict[str, Any]) -> None:
    owner = Client(create_token(organisation, "owner", Role.OWNER)[1])
    assert owner.post(NEW, body).status == 400
    assert ApiToken.objects.count() == 1


def test_nobody_makes_a_token_that_may_do_more_than_they(organisation: Organisation) -> None:
    manager = Client(create_token(organisation, "manager", Role.MANAGER)[1])
    assert manager.post(NEW, {"name": "x", "assignments": ["acme:owner"]}).status == 403
    narrow = Client(create_token(organisation, "narrow", Role.OWNER, scopes=["token:create"])[1])
    made = narrow.post(NEW, {"name": "x"}).json
    assert Client(made["token"]).get("/v1/workflows/closing-reasons").status == 403
    member = Client(create_token(organisation, "member", Role.MEMBER)[1])
    assert [member.post(NEW, {"name": "x"}).status, member.get(NEW).status] == [403, 403]


def test_the_secret_is_kept_sealed_for_who_asks_again(organisation: Organisation) -> None:
    from workflows.models import IdempotencyKey

    owner = Client(create_token(organisation, "owner", Role.OWNER)[1])
    first, again = (owner.post(NEW, {"name": "x"}, Idempotency_Key="one") for _ in range(2))
    assert (first.status, first.json) == (again.status, again.json) == (201, first.json)
    assert first.json["token"] not in IdempotencyKey.objects.get().body


def test_those_of_another_organisation_are_not_there(organisation: Organisation, other_organisation: Organisation) -> None:
    theirs, _ = create_token(other_organisation, "canary", Role.OWNER)
    owner = Client(create_token(organisation, "owner", Role.OWNER)[1])
    assert owner.delete(f"{NEW}/{theirs.id}").status == 404
    assert "canary" not in str(owner.get(NEW).json)
    assert ApiToken.objects.get(pk=theirs.pk).is_usable()
