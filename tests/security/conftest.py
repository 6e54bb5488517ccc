"""The two organisations of world.py, made once for each file of tests; each test undoes what it did."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test.utils import override_settings

from tests.security.world import World, answered_calls, build_world, kept_apart
from workflows.definitions import load_definition
from workflows.models import session


@pytest.fixture(autouse=True)
def seen_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow machine a session would be seen anew in the middle of a file, which is no act of anybody's."""
    monkeypatch.setattr(session, "SEEN_EVERY", timedelta(days=1))


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    load_definition.cache_clear()
    with django_db_blocker.unblock(), override_settings(LIVE_STREAM=True), kept_apart(), answered_calls():
        yield build_world()
