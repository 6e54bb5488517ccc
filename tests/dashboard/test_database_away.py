"""A page whose database does not answer says so, in the reader's language, and asks the database nothing."""

from typing import Any

import psycopg
import pytest
from django.db import OperationalError
from django.test import Client


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    """No session, no person, nothing can be read."""

    def break_off(*_: Any, **__: Any) -> None:
        error = OperationalError("the connection is lost")
        error.__cause__ = psycopg.OperationalError("server closed the connection unexpectedly")
        raise error

    monkeypatch.setattr("django.db.backends.utils.CursorWrapper.execute", break_off)
    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", break_off)


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "The database does not answer"), ("de", "Die Datenbank antwortet nicht")],
)
@pytest.mark.parametrize("path", ["/", "/work"])
def test_a_page_answers_503_with_words(away: None, language: str, words: str, path: str) -> None:
    client = Client(raise_request_exception=False)
    client.cookies["sessionid"] = "a" * 32
    answer = client.get(path, headers={"Accept-Language": language})
    assert (answer.status_code, answer["Retry-After"], answer["Cache-Control"]) == (503, "1", "no-store")
    assert words in answer.content.decode()
    assert f'lang="{language}"' in answer.content.decode()


def test_a_fragment_is_a_message_that_leaves_the_page_as_it_is(away: None) -> None:
    client = Client(raise_request_exception=False)
    client.cookies["sessionid"] = "a" * 32
    answer = client.get("/", headers={"HX-Request": "true", "Accept-Language": "en"})
    assert (answer.status_code, answer["HX-Retarget"], answer["HX-Reswap"]) == (503, "#alerts", "innerHTML")
    assert 'role="alert"' in answer.content.decode()


def test_a_fault_of_ours_is_still_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OperationalError("no such table")

    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", fail)
    client = Client(raise_request_exception=False)
    client.cookies["sessionid"] = "a" * 32
    assert client.get("/").status_code == 500
