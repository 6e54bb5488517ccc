"""A database that is stopped is no fault of the request: 503, and try again."""

from typing import Any

import psycopg
import psycopg_pool
import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError

from tests.api.client import Client
from workflows.api.v2 import views

GONE = psycopg.OperationalError("server closed the connection unexpectedly")


def caused(error: type[DatabaseError], cause: Exception) -> DatabaseError:
    found = error(str(cause))
    found.__cause__ = cause
    return found


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (caused(OperationalError, GONE), 503),
        (caused(OperationalError, psycopg.errors.AdminShutdown("stopped")), 503),
        (caused(OperationalError, psycopg.errors.CannotConnectNow("starting up")), 503),
        (caused(OperationalError, psycopg_pool.PoolTimeout("no connection")), 503),
        (caused(InterfaceError, psycopg.InterfaceError("the connection is closed")), 503),
        (caused(OperationalError, psycopg.errors.QueryCanceled("statement timeout")), 500),
        (caused(ProgrammingError, psycopg.errors.UndefinedTable("no such table")), 500),
        (OperationalError("no such table"), 500),
    ],
    ids=str,
)
def test_only_a_database_that_does_not_answer_is_asked_again(
    api: Client, error: DatabaseError, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(views, "read_execution", break_off)
    answer = api.get("/v2/flows/executions/01a215c0-084b-7e3f-a4a6-9167cbf4a444")
    assert answer.status == status
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    if status == 503:
        assert (answer.message, answer.headers["Retry-After"]) == ("The database does not answer; try again", "1")
