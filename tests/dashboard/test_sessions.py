"""Where a person is signed in: what the list says, that a session ends where it is ended, and what of it lies in the database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboard.devices import describe_device
from tests import factories
from workflows.models import AuditEntry, Organisation, Session, User

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1"
)


def browser_of(user: User, agent: str = FIREFOX, address: str = "192.0.2.1") -> Client:
    client = Client(REMOTE_ADDR=address, headers={"User-Agent": agent})
    answer = client.post("/login", {"username": user.email, "password": "correct horse battery"})
    assert answer.status_code == 302
    return client


def key_of(client: Client) -> str:
    return str(client.cookies["sessionid"].value)


@pytest.mark.parametrize("page", ["/preferences/account", "/organisation/audit"])
def test_times_are_told_as_on_all_pages_where_the_reader_is(user: User, page: str) -> None:
    User.objects.filter(pk=user.pk).update(time_zone="America/New_York", language="en")
    with time_machine.travel(datetime(2026, 3, 4, 23, 30, tzinfo=UTC)):
        told = browser_of(user).get(page).content.decode()
    assert 'datetime="2026-03-04T18:30:00' in told
    assert ">4 Mar, 18:30</time>" in told


def test_the_page_names_each_browser_with_its_address_and_marks_this_one(user: User) -> None:
    here = browser_of(user)
    browser_of(user, SAFARI, "2001:db8::1")
    page = here.get("/preferences/account").content.decode()
    assert "Firefox on Linux" in page
    assert "Mobile Safari on iOS" in page
    assert "192.0.2.1" in page
    assert "2001:db8::1" in page
    assert page.count("this browser") == 1
    assert page.index("Firefox on Linux") < page.index("this browser") < page.index("Mobile Safari")


def test_one_is_ended_and_the_others_go_on(user: User) -> None:
    here, there, third = (browser_of(user, agent) for agent in (FIREFOX, SAFARI, "x"))
    ended = Session.objects.get(device=SAFARI)
    assert here.post(f"/preferences/sessions/{ended.pk}/end")["Location"] == "/preferences/account?done=session"
    assert [client.get("/").status_code for client in (here, there, third)] == [200, 302, 200]
    act = AuditEntry.objects.get(action="session.ended")
    assert (act.actor_id, act.before["device"], act.address) == (str(user.pk), SAFARI, "192.0.2.1")


def test_all_others_are_ended(user: User) -> None:
    here, there, third = (browser_of(user) for _ in range(3))
    here.post("/preferences/sessions/others/end")
    assert [client.get("/").status_code for client in (here, there, third)] == [200, 302, 302]
    assert AuditEntry.objects.filter(action="session.ended").count() == 2


def test_those_of_somebody_else_are_not_found_and_go_on(user: User, organisation: Organisation) -> None:
    other = factories.make_user(organisation, "jan@acme.example", "Jan")
    here, theirs = browser_of(user), browser_of(other)
    session = Session.objects.get(user=other)
    assert here.post(f"/preferences/sessions/{session.pk}/end").status_code == 404
    here.post("/preferences/sessions/others/end")
    assert theirs.get("/").status_code == 200
    assert not AuditEntry.objects.filter(action="session.ended").exists()


def test_what_lies_in_the_database_opens_nothing(user: User) -> None:
    client = browser_of(user)
    assert key_of(client) not in str(list(Session.objects.values()))
    thief = Client()
    thief.cookies["sessionid"] = Session.objects.get().pk
    assert thief.get("/").status_code == 302


def test_signing_out_ends_the_session_for_good(user: User) -> None:
    client = browser_of(user)
    key = key_of(client)
    client.post("/logout")
    assert not Session.objects.filter(user=user).exists()
    thief = Client()
    thief.cookies["sessionid"] = key
    assert thief.get("/").status_code == 302


def test_use_is_written_at_most_once_in_five_minutes(user: User) -> None:
    def writes(client: Client) -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/preferences").status_code == 200
        return [query["sql"] for query in captured if query["sql"].startswith(("UPDATE", "INSERT"))]

    noon = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
    with time_machine.travel(noon, tick=False) as clock:
        client = browser_of(user)
        clock.shift(timedelta(minutes=4))
        assert writes(client) == []
        clock.shift(timedelta(minutes=2))
        assert len(writes(client)) == 1
        assert writes(client) == []
        assert Session.objects.get().last_seen_at == noon + timedelta(minutes=6)
        assert Session.objects.get().created_at == noon


def test_an_old_session_lets_nobody_in_and_is_not_listed(user: User) -> None:
    client = browser_of(user)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=15)):
        assert client.get("/").status_code == 302
        assert "Firefox" not in browser_of(user, "x").get("/preferences/account").content.decode()


def test_the_page_takes_as_many_statements_for_thirty_sessions_as_for_one(user: User, django_assert_num_queries: Any) -> None:
    client = browser_of(user)
    with CaptureQueriesContext(connection) as one:
        client.get("/preferences/account")
    for number in range(30):
        Session.objects.create(session_key=f"{number:040}", user=user, expire_date=datetime.now(UTC) + timedelta(days=1))
    with django_assert_num_queries(len(one)):
        client.get("/preferences/account")


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (SAFARI, "Mobile Safari on iOS"),
        ("", "An unknown device"),
        ("\x01" * 200, "An unknown device"),
    ],
)
def test_a_browser_in_words(agent: str, words: str) -> None:
    assert describe_device(agent) == words
