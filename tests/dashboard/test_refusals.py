"""Refusals and faults: pages of our own in both languages that say what to do next, and messages for parts of pages."""

import re
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from tests import factories
from workflows.models import Execution, Preferences, Role, User
from workflows.permissions import Actor

HTMX = {"HX-Request": "true"}
WORDS = {
    400: ("This did not work", "Das hat nicht geklappt"),
    403: ("Not allowed", "Nicht erlaubt"),
    404: ("Not found", "Nicht gefunden"),
    500: ("Something went wrong", "Etwas ist schiefgegangen"),
}


@pytest.fixture
def browser(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours in every page of preferences."""

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr("dashboard.views.preferences.list_zones", fail)
    monkeypatch.setattr("dashboard.views.preferences.save_preferences", fail)


def ask(browser: Client, status: int, **headers: str) -> Any:
    """Ask for something that is answered with this status."""
    paths = {400: "/preferences", 403: "/organisation/tokens", 404: "/nothing/here", 500: "/preferences"}
    if status == 400:
        headers["Host"] = "elsewhere.example"
    return browser.get(paths[status], headers=headers)


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("status", WORDS)
def test_a_page_says_what_is_wrong_what_to_do_and_the_number_of_the_request(
    browser: Client, user: User, broken: None, status: int, language: str
) -> None:
    if status == 403:
        user.memberships.update(role=Role.VIEWER)
    answer = ask(browser, status, **{"Accept-Language": language})
    page = answer.content.decode()
    assert answer.status_code == status
    assert f"<h1>{WORDS[status][language == 'de']}</h1>" in page
    assert f'<html lang="{language}">' in page
    assert f"<code>{answer['X-Request-Id']}</code>" in page
    assert 'class="button primary"' in page
    assert not re.search(r"<script|style=", page)


def test_the_page_of_a_fault_offers_the_same_address_again_and_no_detail(browser: Client, broken: None) -> None:
    page = browser.get("/preferences?x=1").content.decode()
    assert 'href="/preferences?x=1"' in page
    assert "a fault" not in page
    assert "Traceback" not in page


def test_the_language_is_the_one_that_the_person_has_chosen(browser: Client, user: User, broken: None) -> None:
    User.objects.filter(pk=user.pk).update(language="de")
    for status in (404, 500):
        assert '<html lang="de">' in ask(browser, status, **{"Accept-Language": "en"}).content.decode()


@pytest.mark.parametrize("status", WORDS)
def test_for_a_part_of_a_page_it_is_a_message_that_leaves_everything_as_it_is(
    browser: Client, user: User, broken: None, status: int
) -> None:
    if status == 403:
        user.memberships.update(role=Role.VIEWER)
    answer = ask(browser, status, **HTMX)
    assert (answer.status_code, answer["HX-Retarget"], answer["HX-Push-Url"]) == (status, "#alerts", "false")
    assert 'role="alert"' in answer.content.decode()
    assert "<html" not in answer.content.decode()
    assert (answer["X-Request-Id"] in answer.content.decode()) is (status == 500)


class TestForgery:
    @pytest.fixture
    def strict(self, user: User) -> Client:
        client = Client(enforce_csrf_checks=True, raise_request_exception=False)
        client.force_login(user)
        return client

    def test_a_form_without_the_secret_of_the_session_changes_nothing_and_says_what_to_do(self, strict: Client) -> None:
        answer = strict.post("/preferences/save", {"theme": "dark"}, headers={"Referer": "http://testserver/preferences"})
        assert answer.status_code == 403
        assert "This page was too old" in answer.content.decode()
        assert 'href="http://testserver/preferences"' in answer.content.decode()
        assert not Preferences.objects.exists()

    def test_a_referer_from_elsewhere_is_no_way_back(self, strict: Client) -> None:
        answer = strict.post("/preferences/save", headers={"Referer": "https://evil.example/"})
        assert "evil" not in answer.content.decode()

    def test_an_open_page_is_told_to_fetch_the_new_secret_and_works_with_it(self, strict: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        path = f"/executions/{execution.id}/delete"
        refused = strict.post(path, headers=HTMX)
        assert (refused.status_code, refused["HX-Retarget"], "stale" in refused["HX-Trigger"]) == (403, "#alerts", True)
        session = strict.get("/session").json()
        assert session["user"] == actor.id
        assert strict.post(path, headers=HTMX | {"X-CSRFToken": session["token"]}).status_code == 200
        assert Execution.objects.get().deleted_at


class TestEndOfTheSession:
    def test_a_part_of_a_page_is_answered_with_where_to_sign_in_beside_it(self, client: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        answer = client.post(f"/executions/{execution.id}/delete", headers=HTMX)
        assert (answer.status_code, answer["HX-Retarget"], answer["HX-Push-Url"]) == (401, "#alerts", "false")
        assert 'href="/login?next=/signed-in"' in answer.content.decode()
        assert not Execution.objects.get().deleted_at

    def test_whoever_signs_in_there_is_told_to_go_on_in_the_first_tab(self, browser: Client) -> None:
        assert "Close this tab" in browser.get("/signed-in").content.decode()

    def test_a_form_that_was_sent_leads_back_to_its_page_and_not_to_an_address_that_only_takes_forms(
        self, client: Client
    ) -> None:
        answer = client.post("/preferences/save", headers={"Referer": "http://testserver/preferences"})
        assert answer["Location"] == "/login?next=%2Fpreferences"
        assert client.post("/preferences/save")["Location"] == "/login?next=%2F"

    def test_who_is_signed_in_is_told_to_pages_of_ours_and_to_nobody_else(
        self, client: Client, browser: Client, user: User
    ) -> None:
        assert client.get("/session").json()["user"] == ""
        answer = browser.get("/session")
        assert (answer.json()["user"], answer["Cache-Control"]) == (str(user.pk), "no-store")
        assert "Access-Control-Allow-Origin" not in answer


def test_an_answer_of_the_admin_site_is_one_of_our_pages_too(browser: Client) -> None:
    User.objects.update(is_staff=True)
    assert browser.get("/admin/nothing/").status_code == 404
    assert settings.CSRF_FAILURE_VIEW == "dashboard.refusals.refuse_forgery"
