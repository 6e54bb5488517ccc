"""Which requests count as reads: of each POST it is decided, and what counts as a read changes nothing."""

from typing import Any

import pytest

from tests.security.callers import Caller, caller_of
from tests.security.routes import walk
from tests.security.rows import differences, read_rows
from tests.security.table import NEVER, ROWS
from tests.security.world import World, fill
from workflows.api import auth
from workflows.api.auth import READ_BY_POST

pytestmark = pytest.mark.django_db
POSTS = [route for route in walk() if route.is_api and "POST" in route.methods and route.name != "nothing"]
ROUTES = pytest.mark.parametrize("route", POSTS, ids=str)


def test_a_post_counts_as_a_read_if_a_token_that_only_reads_may_do_it() -> None:
    """Which ones these are is said by the table, and the matrix tries it: a new search fails there first, and then here."""
    acts = {route.pattern: ROWS[route.pattern].acts["POST"] for route in POSTS}
    assert {pattern for pattern, act in acts.items() if act.read_only != NEVER and not act.is_keyed} == READ_BY_POST


@pytest.mark.parametrize("route", [route for route in POSTS if route.pattern in READ_BY_POST], ids=str)
def test_what_counts_as_a_read_changes_nothing(route: Any, world: World) -> None:
    row = ROWS[route.pattern]
    act = row.acts["POST"]
    for body in act.bodies:
        path = fill(row.path + act.query, world.victim.ids)
        sent = fill(body, world.victim.ids)
        answer = caller_of(world, route, act.who).send(route, "POST", path, sent, fill(act.headers, world.victim.ids))
        assert answer.status_code in act.ok
    assert differences(world.before, read_rows()) == []


@ROUTES
def test_each_is_counted_as_what_it_is(route: Any, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []

    def count(_token: str, _organisation: int, kind: str) -> int:
        counted.append(kind)
        return 1

    monkeypatch.setattr(auth, "seconds_to_wait", count)
    row = ROWS[route.pattern]
    caller = Caller("owner", bearer=world.victim.bearers["owner"])
    answer = caller.send(route, "POST", fill(row.path, world.victim.ids), {}, {})
    if row.acts["POST"].is_keyed:
        assert counted == []
        return
    assert (answer.status_code, counted) == (429, ["reads" if route.pattern in READ_BY_POST else "mutations"])
