"""No page that changes something does so for a form of another site: without the token, with a wrong one, or from elsewhere."""

from typing import Any

import pytest
from django.db import transaction

from tests.security.callers import CSRF, SECRET, STRICT, caller_of
from tests.security.routes import SAFE, Route, walk
from tests.security.rows import differences, read_rows
from tests.security.table import ROWS
from tests.security.world import World, fill

pytestmark = pytest.mark.django_db

FORMS = [(route, method) for route in walk() if route.is_page for method in route.methods if method not in SAFE]
EACH = pytest.mark.parametrize(("route", "method"), FORMS, ids=[f"{method} {route}" for route, method in FORMS])
FOREIGN: dict[str, dict[str, str]] = {
    "no token": {},
    "another token": {CSRF: SECRET[::-1]},
    "another site": {CSRF: SECRET, "Origin": "https://evil.example"},
    "another site over HTTPS": {CSRF: SECRET, "Origin": "null"},
}


def send(world: World, route: Route, method: str, headers: dict[str, str]) -> Any:
    row = ROWS[route.pattern]
    act, ids = row.acts[method], world.victim.ids
    given = fill(act.headers, ids) | headers
    return caller_of(world, route, act.who).send(route, method, fill(row.path, ids), fill(act.bodies[0], ids), given, STRICT)


@EACH
def test_a_form_of_another_site_is_refused(route: Route, method: str, world: World) -> None:
    for name, headers in FOREIGN.items():
        assert send(world, route, method, headers).status_code == 403, name
    assert differences(world.before, read_rows()) == []


@EACH
def test_a_form_of_ours_is_taken(route: Route, method: str, world: World) -> None:
    """The control: it is the token that was missing."""
    with transaction.atomic():
        answer = send(world, route, method, {CSRF: SECRET})
        transaction.set_rollback(True)
    assert answer.status_code in ROWS[route.pattern].acts[method].ok


def test_there_are_forms() -> None:
    assert len(FORMS) > 80
