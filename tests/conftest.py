"""What tests share: an organisation, people in it, and the actors that stand for them."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.db.backends.sqlite3.base import DatabaseOperations as SqliteOperations
from pytest_httpserver import HTTPServer

from tests import factories
from tests.api.client import Client
from tests.sink import Sink
from workflows.definitions import load_definition
from workflows.models import Organisation, Role, User
from workflows.models.append_only import OPENING
from workflows.permissions import Actor
from workflows.services.tokens import create_token

# Playwright's event loop runs in the thread in which tests use the database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


@pytest.fixture(autouse=True)
def _fresh_definitions() -> Iterator[None]:
    """Rolled-back rows leave their ids to others."""
    load_definition.cache_clear()
    yield
    load_definition.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def _flushes_past_the_triggers() -> Iterator[None]:
    """Tests with transactions of their own end by emptying the tables; on SQLite row by row, which the trail refuses."""
    real = SqliteOperations.sql_flush

    def sql_flush(self: Any, style: Any, tables: Any, **options: Any) -> list[str]:
        others = [table for table in tables if table != OPENING]
        opening = f"INSERT INTO {OPENING} (reason) VALUES ('the test is over')"
        return [opening, *real(self, style, others, **options), f"DELETE FROM {OPENING}"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SqliteOperations, "sql_flush", sql_flush)
        yield


@pytest.fixture
def organisation(db: None) -> Organisation:
    return factories.make_organisation("acme")


@pytest.fixture
def other_organisation(db: None) -> Organisation:
    return factories.make_organisation("other")


@pytest.fixture
def actor(organisation: Organisation) -> Actor:
    """An owner of the organisation."""
    return factories.actor_of(factories.make_user(organisation, "mara@acme.example", "Mara", Role.OWNER), organisation)


@pytest.fixture
def user(actor: Actor) -> User:
    return User.objects.get(pk=actor.id)


@pytest.fixture
def api(organisation: Organisation) -> Client:
    """An integration's client."""
    return Client(create_token(organisation, "tests", Role.INTEGRATION)[1])


@pytest.fixture
def other_api(other_organisation: Organisation) -> Client:
    return Client(create_token(other_organisation, "tests", Role.INTEGRATION)[1])


@pytest.fixture
def reachable(settings: Any) -> None:
    """The operator lets calls reach this machine."""
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def sink(httpserver: HTTPServer, reachable: None) -> Sink:
    return Sink(httpserver)
