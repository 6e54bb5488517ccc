"""The organisation's pages: tokens and the audit trail; and what signing in comes to."""

import csv
import io
import re
from typing import Any

import pytest
from django.apps import apps
from django.test import Client

from dashboard.audit_words import KINDS
from tests import factories
from tests.api.client import Client as Api
from tests.dump import dump
from workflows.models import ApiToken, AuditEntry, ClosingReason, Organisation, Role, User
from workflows.models.audit import Audited
from workflows.permissions import Actor
from workflows.services.tasks import patch_task
from workflows.services.tokens import create_token

PASSWORD = "correct horse battery"


@pytest.fixture
def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def made(answer: Any) -> str:
    found = re.search(r"api_[0-9a-f]{16}\.[\w-]+", answer.content.decode())
    assert found
    return found[0]


def test_a_token_is_made_renewed_and_revoked_in_the_browser(browser: Client, organisation: Organisation) -> None:
    form = {"name": "ERP", "days": "30", "scopes": ["workflow:definition:view"], "read_only": "on"}
    first = made(browser.post("/organisation/tokens/create", form))
    assert Api(first).get("/v1/workflows/closing-reasons").status == 200
    assert Api(first).post("/v1/entity:search", {}).status == 403
    token = ApiToken.objects.get()
    assert (token.read_only, token.created_by_id) == (True, int(browser.session["_auth_user_id"]))
    second = made(browser.post(f"/organisation/tokens/{token.id}/renew", {"overlap": "none"}))
    assert [Api(bearer).get("/v1/workflows/closing-reasons").status for bearer in (first, second)] == [401, 200]
    page = browser.get("/organisation/tokens").content.decode()
    assert "ERP" in page
    assert second.partition(".")[2] not in page
    browser.post(f"/organisation/tokens/{token.id}/revoke")
    assert Api(second).get("/v1/workflows/closing-reasons").status == 401


@pytest.mark.parametrize(
    "form", [{"name": " ", "days": "30"}, {"name": "x", "days": "0"}, {"name": "x", "days": "²"}, {"name": "x", "scopes": "y"}]
)
def test_a_token_that_makes_no_sense_is_not_made(browser: Client, form: dict[str, str]) -> None:
    before = dump()
    assert browser.post("/organisation/tokens/create", {"days": "30"} | form).status_code in (400, 422)
    assert {k: v for k, v in dump().items() if "session" not in k} == {k: v for k, v in before.items() if "session" not in k}


def test_who_may_not_make_tokens_sees_none_and_those_of_others_are_not_found(
    browser: Client, organisation: Organisation, other_organisation: Organisation
) -> None:
    token, _bearer = create_token(other_organisation, "canary", Role.OWNER)
    assert "canary" not in browser.get("/organisation/tokens").content.decode()
    for path in ("renew", "revoke", "renew/ask", "revoke/ask"):
        method = browser.get if path.endswith("ask") else browser.post
        assert method(f"/organisation/tokens/{token.id}/{path}").status_code == 404
    assert ApiToken.objects.get(pk=token.pk).is_usable()
    viewer = Client()
    viewer.force_login(factories.make_user(organisation, "vera@acme.example", "Vera", Role.VIEWER))
    for path in ("/organisation/tokens", "/organisation/tokens/new", "/organisation/audit", "/organisation/audit.csv"):
        assert viewer.get(path).status_code == 403


def test_the_trail_shows_own_acts_and_history_in_one_order_and_nothing_of_others(
    browser: Client, actor: Actor, other_organisation: Organisation
) -> None:
    ClosingReason.objects.create(organisation=actor.organisation, title="=cmd()")
    ClosingReason.objects.create(organisation=other_organisation, title="canary")
    factories.start(actor)
    page = browser.get("/organisation/audit").content.decode()
    assert "closingreason.created" in page
    assert "execution.started" in page or "task.current" in page
    assert "canary" not in page
    only = browser.get("/organisation/audit?kind=closingreason").content.decode()
    assert "task.current" not in only.split('id="results"')[1]
    assert "=cmd()" in only


def test_the_trail_says_in_words_what_was_done_to_what_task(browser: Client, actor: Actor) -> None:
    execution = factories.start(actor)
    task = execution.tasks.order_by("crt_since").exclude(crt_since=None).get()
    patch_task(actor, execution.pk, task.pk, {"due_date": "2099-12-24"})
    page = " ".join(browser.get("/organisation/audit").content.decode().split())
    assert f"{execution.name} · {task.name}" in page
    assert "set the due date to 24 Dec 2099" in page
    assert "<code>task.due_date</code>" in page
    ClosingReason.objects.create(organisation=actor.organisation, title="Too dear")
    page = " ".join(browser.get("/organisation/audit?kind=closingreason").content.decode().split())
    assert 'Too dear <span class="tag">Closing reason</span>' in page
    assert ": created</p>" in page


def test_every_kind_of_act_has_words(actor: Actor) -> None:
    told = {model._meta.model_name for model in apps.get_models() if issubclass(model, Audited)}
    assert told <= set(KINDS)
    assert set(KINDS) - told == {
        *("execution", "phase", "task", "comment", "sign_in", "session", "password", "second_factor", "privacy", "retention"),
        "audit",
    }


def test_pages_of_the_trail_bring_each_act_once(browser: Client, actor: Actor) -> None:
    for number in range(60):
        ClosingReason.objects.create(organisation=actor.organisation, title=f"Reason number {number:03}")
    factories.start(actor)
    found, address = [], "/organisation/audit"
    while address:
        page = browser.get(address).content.decode()
        found += re.findall(r"<h2>(Reason number \d+) ", page)
        following = re.search(r'href="(\?[^"]*after=[^"]*)"', page)
        address = "/organisation/audit" + following[1].replace("&amp;", "&") if following else ""
    assert sorted(found) == [f"Reason number {number:03}" for number in range(60)]


def test_an_export_is_harmless_in_a_spreadsheet_and_stands_in_the_trail(browser: Client, actor: Actor) -> None:
    ClosingReason.objects.create(organisation=actor.organisation, title="=cmd()")
    answer = browser.get("/organisation/audit.csv?kind=closingreason")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["subject"] for row in rows] == ["'=cmd()"]
    assert AuditEntry.objects.get(action="audit.exported").after["acts"] == 1
    found = browser.get("/organisation/audit.json?kind=closingreason").json()
    assert [row["subject"] for row in found] == ["=cmd()"]


@pytest.mark.parametrize(
    "query", ["after=x", "after=2026-01-01T00:00:00~1~2", "since=never", "until=9999-12-31", "q=%00", "kind=x"]
)
def test_an_address_that_makes_no_sense_shows_the_trail(browser: Client, query: str) -> None:
    assert browser.get(f"/organisation/audit?{query}").status_code == 200


@pytest.mark.parametrize("path", ["/organisation/tokens", "/organisation/audit"])
def test_pages_take_as_many_statements_for_thirty_rows_as_for_one(
    browser: Client, actor: Actor, path: str, django_assert_num_queries: Any
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    create_token(actor.organisation, "t", Role.OWNER, created_by=User.objects.get(pk=actor.id))
    browser.get(path)
    with CaptureQueriesContext(connection) as one:
        browser.get(path)
    for number in range(30):
        create_token(actor.organisation, f"t{number}", Role.OWNER, created_by=User.objects.get(pk=actor.id))
    with django_assert_num_queries(len(one)):
        browser.get(path)


def sign_in(email: str, password: str, address: str = "192.0.2.1") -> Any:
    return Client(REMOTE_ADDR=address).post("/login", {"username": email, "password": password})


def test_signing_in_and_failing_to_are_in_the_trail(user: User, organisation: Organisation) -> None:
    assert sign_in(user.email, "wrong").status_code == 200
    assert sign_in(user.email.upper(), PASSWORD).status_code == 302
    found = AuditEntry.objects.filter(action__startswith="sign_in").order_by("id")
    assert [(e.action, e.organisation_id, e.address) for e in found] == [
        ("sign_in.failed", organisation.pk, "192.0.2.1"),
        ("sign_in.succeeded", organisation.pk, "192.0.2.1"),
    ]
    assert "wrong" not in str(list(AuditEntry.objects.values()))


@pytest.mark.parametrize("email", ["mara@acme.example", "nobody@acme.example"])
def test_after_ten_failures_an_account_is_closed_to_that_address_whether_it_exists_or_not(user: User, email: str) -> None:
    answers = [sign_in(email, "wrong") for _ in range(9)]
    assert {answer.status_code for answer in answers} == {200}
    closed = [sign_in(email, "wrong"), sign_in(email.upper(), PASSWORD)]
    assert [(answer.status_code, answer.headers["Retry-After"]) for answer in closed] == [(429, "900")] * 2
    assert AuditEntry.objects.filter(action="sign_in.locked_out").exists()
    assert sign_in(email, PASSWORD, address="192.0.2.2").status_code == (302 if email == user.email else 200)


def test_the_session_is_a_new_one_after_signing_in(user: User) -> None:
    client = Client()
    client.get("/login")
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies["sessionid"] = session.session_key
    client.post("/login", {"username": user.email, "password": PASSWORD})
    assert client.cookies["sessionid"].value != session.session_key
