"""What a person chooses about the pages, and that it is theirs alone."""

import re
from datetime import UTC, datetime

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.api.test_executions import statements
from tests.dump import dump
from workflows.models import AuditEntry, Organisation, Preferences, Role, User
from workflows.permissions import Actor


@pytest.fixture
def browser(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def test_who_has_chosen_nothing_has_single_keys(browser: Client) -> None:
    assert 'data-keys="on"' in browser.get("/").content.decode()
    assert not Preferences.objects.exists()


def test_single_keys_are_switched_off_and_on_again(browser: Client, user: User) -> None:
    answer = browser.post("/preferences/save", {})
    assert answer["Location"] == "/preferences?saved"
    assert 'data-keys="off"' in browser.get("/").content.decode()
    browser.post("/preferences/save", {"single_keys": "on"})
    assert list(Preferences.objects.values_list("user", "single_keys")) == [(user.pk, True)]


def test_what_one_chooses_is_not_chosen_for_others(browser: Client, organisation: Organisation) -> None:
    other = factories.make_user(organisation, "jan@acme.example", "Jan")
    browser.post("/preferences/save", {})
    theirs = Client()
    theirs.force_login(other)
    assert 'data-keys="on"' in theirs.get("/preferences").content.decode()


def test_preferences_are_read_with_the_membership(browser: Client) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            browser.get("/preferences")
        return len(statements(captured))

    before = cost()
    browser.post("/preferences/save", {})
    assert cost() == before


def test_the_trail_says_what_was_chosen_before_and_after(browser: Client, user: User) -> None:
    chosen = {"theme": "dark", "density": "compact", "time_zone": "Asia/Tokyo", "language": "de"}
    browser.post("/preferences/save", chosen)
    browser.post("/preferences/save", chosen | {"theme": "light", "single_keys": "on"})
    browser.post("/preferences/save", chosen | {"theme": "light", "single_keys": "on"})
    browser.post("/preferences/tour")
    acts = AuditEntry.objects.filter(action__in=["user.changed", "preferences.changed", "preferences.created"]).order_by("id")
    assert [(act.action, act.before, act.after) for act in acts] == [
        ("user.changed", {"language": "", "time_zone": ""}, {"language": "de", "time_zone": "Asia/Tokyo"}),
        (
            "preferences.changed",
            {"single_keys": True, "density": "comfortable", "theme": "system"},
            {"single_keys": False, "density": "compact", "theme": "dark"},
        ),
        ("preferences.changed", {"single_keys": False, "theme": "dark"}, {"single_keys": True, "theme": "light"}),
    ]
    assert {(act.actor_id, act.organisation_id) for act in acts} == {(str(user.pk), user.memberships.get().organisation_id)}


class TestLooks:
    def test_colours_and_density_are_kept_and_stand_on_every_page(self, browser: Client) -> None:
        browser.post("/preferences/save", {"theme": "dark", "density": "compact"})
        page = browser.get("/").content.decode()
        assert 'data-theme="dark"' in page
        assert 'data-density="compact"' in page

    def test_times_are_shown_where_the_reader_is(self, browser: Client, actor: Actor) -> None:
        execution = factories.start(actor, now=datetime(2026, 11, 26, 23, 30, tzinfo=UTC))
        path = f"/executions/{execution.id}?task={factories.task_of(execution, 't1').id}"
        assert "00:30" in browser.get(path).content.decode()
        browser.post("/preferences/save", {"time_zone": "Asia/Tokyo"})
        assert "08:30" in browser.get(path).content.decode()

    @pytest.mark.parametrize(
        "body", [{"theme": "pink"}, {"language": "fr"}, {"density": ""}, {"time_zone": "Moon/Base"}, {"time_zone": "../etc"}]
    )
    def test_what_cannot_be_chosen_is_refused_and_changes_nothing(self, browser: Client, body: dict[str, str]) -> None:
        before = dump()
        assert browser.post("/preferences/save", body).status_code in (400, 422)
        assert dump() == before


class TestLanguage:
    @pytest.mark.parametrize(("chosen", "browser_says", "heading"), [("de", "en", "Einstellungen"), ("en", "de", "Preferences")])
    def test_what_was_chosen_counts_from_the_next_page_on_and_before_what_the_browser_says(
        self, browser: Client, chosen: str, browser_says: str, heading: str
    ) -> None:
        answer = browser.post("/preferences/save", {"language": chosen}, HTTP_ACCEPT_LANGUAGE=browser_says)
        page = browser.get(answer["Location"], HTTP_ACCEPT_LANGUAGE=browser_says)
        assert f"<h1>{heading}</h1>" in page.content.decode()
        assert (page["Content-Language"], f'<html lang="{chosen}"' in page.content.decode()) == (chosen, True)

    def test_it_goes_with_the_person_to_another_browser(self, browser: Client, user: User) -> None:
        browser.post("/preferences/save", {"language": "de"})
        another = Client()
        another.force_login(user)
        assert '<html lang="de"' in another.get("/", HTTP_ACCEPT_LANGUAGE="en").content.decode()

    def test_without_a_choice_it_is_as_the_browser_says_again(self, browser: Client) -> None:
        browser.post("/preferences/save", {"language": "de"})
        browser.post("/preferences/save", {"language": ""})
        assert '<html lang="en"' in browser.get("/", HTTP_ACCEPT_LANGUAGE="en").content.decode()
        assert '<html lang="de"' in browser.get("/", HTTP_ACCEPT_LANGUAGE="de").content.decode()

    def test_the_menu_of_languages_chooses_for_who_is_signed_in_only(self, browser: Client, user: User) -> None:
        stranger = Client()
        stranger.post("/language", {"language": "de", "next": "/login"})
        assert User.objects.get(pk=user.pk).language == ""
        assert '<html lang="de"' in stranger.get("/login").content.decode()
        browser.post("/language", {"language": "de", "next": "/"})
        assert User.objects.get(pk=user.pk).language == "de"
        assert browser.post("/language", {"language": "xx", "next": "/"}).status_code == 302
        assert User.objects.get(pk=user.pk).language == "de"

    @pytest.mark.parametrize("language", ["en", "de"])
    def test_each_language_is_named_in_itself(self, language: str) -> None:
        page = Client().get("/login", HTTP_ACCEPT_LANGUAGE=language).content.decode()
        assert re.findall(r'name="language" value="(?:en|de)" [^>]*>([^<]+)</button>', page) == ["English", "Deutsch"]

    def test_the_admin_site_speaks_it_too(self, user: User) -> None:
        User.objects.filter(pk=user.pk).update(language="de", is_staff=True)
        client = Client()
        client.force_login(user)
        assert client.get("/admin/", HTTP_ACCEPT_LANGUAGE="en")["Content-Language"] == "de"

    def test_a_mail_is_written_in_the_language_of_who_gets_it(
        self, browser: Client, actor: Actor, other_organisation: Organisation
    ) -> None:
        other = factories.make_user(other_organisation, "jan@other.example", "Jan")
        User.objects.filter(pk=other.pk).update(language="de")
        execution = factories.start(actor)
        for email in ("jan@other.example", "new@other.example"):
            browser.post(f"/executions/{execution.id}/share", {"audience": "partner", "email": email}, HTTP_ACCEPT_LANGUAGE="en")
        assert [message.subject for message in mail.outbox] == ["Acme teilt Aufgaben mit Ihnen", "Acme shares tasks with you"]


class TestTour:
    def test_who_is_new_meets_it_until_it_was_taken_or_waved_away(self, browser: Client) -> None:
        assert 'id="tour"' in browser.get("/").content.decode()
        assert browser.post("/preferences/tour").status_code == 204
        assert 'id="tour"' not in browser.get("/").content.decode()
        assert 'id="tour"' in browser.get("/?tour").content.decode()

    def test_it_is_on_no_other_page(self, browser: Client) -> None:
        for path in ("/board", "/executions", "/templates", "/preferences"):
            assert 'id="tour"' not in browser.get(path).content.decode()

    def test_it_has_five_steps_for_every_role_and_shows_nothing_that_is_not_there(self, organisation: Organisation) -> None:
        for role in (Role.OWNER, Role.MEMBER, Role.VIEWER):
            client = Client()
            client.force_login(factories.make_user(organisation, f"{role}@acme.example", role.title(), role))
            page = client.get("/").content.decode()
            assert page.count("<li data-at=") == 5
            assert ("Begin something" in page) is (role != Role.VIEWER)

    def test_saving_other_preferences_does_not_bring_it_back(self, browser: Client) -> None:
        browser.post("/preferences/tour")
        browser.post("/preferences/save", {"theme": "dark"})
        assert 'id="tour"' not in browser.get("/").content.decode()
