"""Passwords that were forgotten or are changed: who gets a link, what it is good for, and that nobody learns who has an account."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from axes.models import AccessAttempt
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.dump import dump
from workflows.models import AuditEntry, Job, Membership, Organisation, User

OLD, NEW = "correct horse battery", "a sentence that nobody knows"


def ask(email: str, address: str = "192.0.2.1", language: str = "en") -> Any:
    return Client(REMOTE_ADDR=address, headers={"Accept-Language": language}).post("/reset", {"email": email})


def link_in(message: Any) -> str:
    found = re.search(r"http://127\.0\.0\.1:8000(/reset/\S+)", message.body)
    assert found
    return found[1]


def sent_link(user: User) -> str:
    ask(user.email)
    factories.run_jobs()
    return link_in(mail.outbox[-1])


def set_new(client: Client, link: str, password: str = NEW, again: str | None = None) -> Any:
    page = client.get(link)
    assert page.status_code == 302
    form = {"new_password1": password, "new_password2": password if again is None else again}
    return client.post(page["Location"], form)


def signs_in(user: User, password: str) -> bool:
    answer = Client().post("/login", {"username": user.email, "password": password})
    return bool(answer.status_code == 302)


def test_a_link_in_a_mail_sets_another_password_and_ends_all_sessions(user: User) -> None:
    elsewhere = Client()
    elsewhere.force_login(user)
    client = Client()
    link = sent_link(user)
    assert mail.outbox[-1].to == [user.email]
    assert set_new(client, link)["Location"] == "/reset/done"
    assert client.get("/reset/done").status_code == 200
    assert [signs_in(user, OLD), signs_in(user, NEW)] == [False, True]
    assert elsewhere.get("/").status_code == 302
    factories.run_jobs()
    assert "changed" in mail.outbox[-1].subject
    acts = (
        AuditEntry.objects.filter(action__startswith="password.").order_by("id").values_list("action", "subject_id", "actor_id")
    )
    assert list(acts) == [("password.reset_asked", str(user.pk), ""), ("password.reset", str(user.pk), str(user.pk))]


def test_the_mail_speaks_the_language_of_the_page_or_that_of_the_person(user: User) -> None:
    ask(user.email, language="de")
    factories.run_jobs()
    assert "anderes Passwort" in mail.outbox[-1].subject
    User.objects.filter(pk=user.pk).update(language="en", name="O'Hara & Söhne")
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1)):
        ask(user.email, language="de")
        factories.run_jobs()
    assert "another password" in mail.outbox[-1].subject
    assert "O'Hara & Söhne" in mail.outbox[-1].body


def test_that_a_password_was_changed_is_told_in_the_language_of_the_person(user: User) -> None:
    link = sent_link(user)
    User.objects.filter(pk=user.pk).update(language="de")
    set_new(Client(headers={"Accept-Language": "en"}), link)
    factories.run_jobs()
    told = mail.outbox[-1]
    assert told.subject == "Flowdeck: Ihr Passwort wurde geändert"
    assert "Guten Tag" in told.body
    assert "Hello" not in told.body


def test_nothing_tells_whether_there_is_an_account(user: User) -> None:
    def cost(email: str) -> tuple[Any, ...]:
        with CaptureQueriesContext(connection) as captured:
            answer = ask(email)
        kinds = [query["sql"].split()[0] for query in captured]
        return answer.status_code, answer["Location"], answer.content, kinds

    known, unknown = cost(user.email), cost("nobody@acme.example")
    assert known == unknown
    assert Job.objects.filter(kind="send_account_mail").count() == 2
    factories.run_jobs()
    assert [message.to for message in mail.outbox] == [[user.email]]


@pytest.mark.parametrize("language", ["en", "de"])
def test_who_signs_in_by_the_provider_only_is_told_so_in_the_mail_and_gets_no_link(
    user: User, settings: Any, language: str
) -> None:
    settings.OIDC = {"name": "Acme ID"}
    user.set_unusable_password()
    user.save()
    known, unknown = ask(user.email, language=language), ask("nobody@acme.example", language=language)
    assert (known.status_code, known["Location"], known.content) == (unknown.status_code, unknown["Location"], unknown.content)
    factories.run_jobs()
    assert [message.to for message in mail.outbox] == [[user.email]]
    assert "Acme ID" in mail.outbox[0].body
    assert "/reset" not in mail.outbox[0].body
    assert ("sign in with" in mail.outbox[0].body) == (language == "en")


def test_a_link_from_before_gives_no_password_to_an_account_that_has_none_any_more(user: User) -> None:
    link = sent_link(user)
    user.set_unusable_password()
    user.save()
    assert "not valid any more" in Client().get(link).content.decode()


def test_who_has_no_password_and_no_provider_or_is_no_longer_active_gets_no_mail(user: User, organisation: Organisation) -> None:
    other = factories.make_user(organisation, "jan@acme.example", "Jan")
    other.set_unusable_password()
    other.save()
    User.objects.filter(pk=user.pk).update(is_active=False)
    ask(user.email)
    ask(other.email)
    factories.run_jobs()
    assert not mail.outbox


def test_who_belongs_to_no_organisation_gets_a_link_all_the_same(user: User) -> None:
    Membership.objects.filter(user=user).delete()
    assert set_new(Client(), sent_link(user)).status_code == 302
    assert signs_in(user, NEW)


def test_of_many_requests_one_mail_is_sent_in_five_minutes(user: User) -> None:
    with time_machine.travel(datetime(2026, 11, 26, 12, 0, 1, tzinfo=UTC)):
        for number in range(4):
            ask(user.email.upper(), address=f"192.0.2.{number}")
        factories.run_jobs()
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("email", ["mara@acme.example", "nobody@acme.example"])
def test_asking_too_often_is_refused_to_that_address_whether_there_is_an_account_or_not(user: User, email: str) -> None:
    assert {ask(email).status_code for _ in range(10)} == {302}
    closed = ask(email)
    assert (closed.status_code, closed.headers["Retry-After"]) == (429, "900")
    assert ask(email, address="192.0.2.2").status_code == 302


class TestLinks:
    def test_is_good_once(self, user: User) -> None:
        link = sent_link(user)
        set_new(Client(), link)
        again = Client().get(link)
        assert again.status_code == 200
        assert "not valid any more" in again.content.decode()

    def test_is_good_for_two_hours(self, user: User) -> None:
        with time_machine.travel(datetime(2026, 11, 26, 12, tzinfo=UTC)) as clock:
            link = sent_link(user)
            clock.shift(timedelta(hours=1, minutes=59))
            assert Client().get(link).status_code == 302
            clock.shift(timedelta(minutes=2))
            assert Client().get(link).status_code == 200

    @pytest.mark.parametrize("link", ["/reset/MQ/x-y", "/reset/%00/x-y", "/reset/MQ/set-password", "/reset/x/y"])
    def test_one_that_is_made_up_is_refused(self, user: User, link: str) -> None:
        before = User.objects.values_list("password", flat=True).get(pk=user.pk)
        answer = Client().post(link, {"new_password1": NEW, "new_password2": NEW})
        assert "not valid any more" in answer.content.decode()
        assert User.objects.values_list("password", flat=True).get(pk=user.pk) == before

    @pytest.mark.parametrize(
        ("password", "again"), [("short", None), ("password1234", None), ("1234567890123", None), (NEW, NEW + "!"), ("", None)]
    )
    def test_a_password_that_is_too_weak_is_refused_with_the_reason(self, user: User, password: str, again: str | None) -> None:
        answer = set_new(Client(), sent_link(user), password, again)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.content.decode()
        assert signs_in(user, OLD)

    def test_a_password_of_two_hundred_characters_is_taken(self, user: User) -> None:
        long = "ä sentence " * 20
        assert set_new(Client(), sent_link(user), long).status_code == 302
        assert signs_in(user, long)


class TestChange:
    @pytest.fixture
    def browser(self, user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    def change(self, client: Client, old: str, new: str = NEW, again: str | None = None) -> Any:
        form = {"old_password": old, "new_password1": new, "new_password2": new if again is None else again}
        return client.post("/preferences/password", form)

    def test_who_knows_the_present_password_sets_another_and_stays_here_only(self, browser: Client, user: User) -> None:
        elsewhere = Client()
        elsewhere.force_login(user)
        assert self.change(browser, OLD)["Location"] == "/preferences/account?done=password"
        assert browser.get("/preferences/account?done=password").status_code == 200
        assert elsewhere.get("/").status_code == 302
        assert signs_in(user, NEW)
        act = AuditEntry.objects.get(action="password.changed")
        assert (act.actor_id, act.address) == (str(user.pk), "127.0.0.1")

    @pytest.mark.parametrize(
        ("old", "new", "again"), [("wrong", NEW, None), (OLD, "short", None), (OLD, NEW, "another one, longer")]
    )
    def test_what_is_wrong_is_refused_and_changes_nothing(
        self, browser: Client, user: User, old: str, new: str, again: str | None
    ) -> None:
        before = dump()["workflows.User"]
        assert self.change(browser, old, new, again).status_code == 422
        assert dump()["workflows.User"] == before

    def test_guessing_the_present_password_closes_the_account_to_that_address(self, browser: Client, user: User) -> None:
        statuses = [self.change(browser, "wrong").status_code for _ in range(10)]
        assert statuses == [422] * 9 + [429]
        assert self.change(browser, OLD).status_code == 429
        assert AuditEntry.objects.filter(action="sign_in.locked_out").exists()

    def test_nothing_that_was_typed_is_kept_with_a_failure(self, browser: Client) -> None:
        self.change(browser, "a guess that failed")
        kept = str(list(AccessAttempt.objects.values()))
        assert AccessAttempt.objects.exists()
        assert "a guess" not in kept
        assert NEW not in kept

    def test_guests_and_people_without_an_organisation_reach_their_account(self, browser: Client, user: User) -> None:
        Membership.objects.filter(user=user).delete()
        assert browser.get("/preferences/account").status_code == 200
        assert self.change(browser, OLD).status_code == 302


def test_links_of_resets_are_not_logged(caplog: Any, user: User) -> None:
    from config.logs import redact

    event = redact(None, "", {"event": f"GET {sent_link(user)} HTTP/1.1"})
    assert "•••" in event["event"]
