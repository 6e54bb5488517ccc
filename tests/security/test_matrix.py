"""Who asks for what belongs to somebody else is told that it is not there, changes nothing, and reads no word of it.

Every route of the URL resolver, each method that it takes, is asked by everybody who might: see table.py for what a route needs to
be asked well, and world.py for who there is. Each request is made by its owner first: if that does not succeed, a 404 proves nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.urls import reverse

from tests.security.callers import Caller, caller_of, text_of
from tests.security.routes import METHODS, SAFE, Route, walk
from tests.security.rows import differences, meddled, read_rows
from tests.security.table import GONE, NEVER, OWN, ROWS, Act, Row
from tests.security.world import VICTIM, World, fill, names_in

pytestmark = pytest.mark.django_db

UNKNOWN = frozenset({401})
NO_RIGHT = frozenset({403})
ADD = "a new route needs a row in tests/security/table.py, which says how"


@dataclass(frozen=True)
class Case:
    """One method of a route, as it is asked in the matrix."""

    world: World
    route: Route
    method: str
    row: Row
    act: Act

    def ask(self, caller: Caller, ids: dict[str, str], body: Any, expected: frozenset[int], query: str | None = None) -> Any:
        """Ask, and look at the answer: the status is one of `expected`, and no word of the victim's is in it."""
        path = fill(self.row.path + (self.act.query if query is None else query), ids)
        answer = self.send(caller, path, fill(body, ids), fill(self.act.headers, ids))
        told = f"{caller.name}: {self.method} {path} with {fill(body, ids)}: {answer.status_code} {text_of(answer)[:300]}"
        assert answer.status_code in expected, told
        return answer, told

    def send(self, caller: Caller, path: str, body: Any, headers: dict[str, str]) -> Any:
        """What a request does that was not refused is looked at and undone; the others are looked at together, at the end."""
        if self.method in SAFE and not self.act.writes:
            return caller.send(self.route, self.method, path, body, headers)
        with transaction.atomic():
            answer = caller.send(self.route, self.method, path, body, headers)
            done = answer.status_code < 400 and (self.act.writes or not leads_to_sign_in(answer))
            is_own = caller.name == "owner" or (caller.name in ("nothing", "gone") and self.act.writes)
            if done and not is_own and not self.act.is_keyed:
                world = self.world
                found = meddled(world.theirs, world.victim.organisation.pk, world.before, read_rows())
                assert found == [], f"{caller.name}: {self.method} {path}"
            transaction.set_rollback(done)
        return answer

    def ask_as_stranger(
        self, caller: Caller, ids: dict[str, str], body: Any, expected: frozenset[int], query: str | None = None
    ) -> None:
        answer, told = self.ask(caller, ids, body, expected, query)
        assert self.act.is_keyed or VICTIM not in text_of(answer), f"a word of somebody else's in the answer: {told}"


def cases(world: World, route: Route) -> Iterator[Case]:
    row = ROWS.get(route.pattern)
    assert row is not None, f"{route.pattern}: {ADD}"
    for method in route.methods:
        assert method in row.acts, f"{route.pattern} takes {method}, and its row does not say how: {ADD}"
        yield Case(world, route, method, row, row.acts[method])


ADMIN = reverse("admin:index")
ROUTES = pytest.mark.parametrize("route", walk(), ids=str)


@ROUTES
def test_its_owner_may(route: Route, world: World) -> None:
    """The control. What is only read changes nothing."""
    for case in cases(world, route):
        for body in case.act.bodies:
            case.ask(caller_of(world, route, case.act.who), world.victim.ids, body, case.act.ok)
    assert differences(world.before, read_rows()) == []


@ROUTES
def test_another_organisation_reads_and_changes_nothing(route: Route, world: World) -> None:
    rival, theirs, own = world.rival, world.victim.ids, world.rival.ids
    session, bearer = rival.people["owner"], rival.bearers["owner"]
    stranger = Caller("stranger", bearer=bearer) if route.is_api else Caller("stranger", session=session)
    for case in cases(world, route):
        things = {name for part in case.row.things for name in names_in(part)}
        for named in ({*theirs}, *({thing} for thing in things if len(things) > 1)) if things else ({*()},):
            mixed = {name: theirs[name] if name in named else value for name, value in own.items()}
            expected = case.act.stranger if things and not case.act.is_keyed else OWN | NEVER
            case.ask_as_stranger(stranger, mixed, case.act.bodies[0], expected)
        for query in case.act.asks:
            ids = {name: own[name] if name in things else theirs[name] for name in own}
            case.ask_as_stranger(stranger, ids, case.act.bodies[0], OWN | NEVER, fill_query(query, theirs))
        for body in case.act.bodies:
            for name in names_in(body) | names_in(case.act.query) - things:
                expected = OWN | NEVER if case.method in SAFE else case.act.foreign
                case.ask_as_stranger(stranger, own | {name: theirs[name]}, body, expected)
    assert differences(world.before, read_rows()) == []


def fill_query(query: str, ids: dict[str, str]) -> str:
    return str(fill(query, ids))


@ROUTES
def test_nobody_without_a_right_reads_or_changes_anything(route: Route, world: World) -> None:
    for case in cases(world, route):
        for caller, expected in without_rights(world, route, case):
            answer, told = case.ask(caller, world.victim.ids, case.act.bodies[0], expected)
            if caller.name in SENT_AWAY and case.act.anonymous is None and not route.is_api:
                assert leads_to_sign_in(answer) or is_told_where(answer), told
            if caller.name not in ("nothing", "read-only", "partner") and not case.act.is_keyed:
                assert VICTIM not in text_of(answer), told
    assert differences(world.before, read_rows()) == []


SENT_AWAY = ("anonymous", "inactive", "bearer at pages")


def without_rights(world: World, route: Route, case: Case) -> Iterator[tuple[Caller, frozenset[int]]]:
    victim, act = world.victim, case.act
    if not route.is_page:
        anonymous = UNKNOWN if act.anonymous is None else act.anonymous
        yield Caller("anonymous"), anonymous
        for name in ("revoked", "expired"):
            yield Caller(name, bearer=victim.bearers[name]), anonymous | UNKNOWN
        yield Caller("session at the API", session=victim.people["owner"]), anonymous
        yield Caller("nothing", bearer=victim.bearers["nothing"]), told_of_no_right(case, act.nothing)
        if case.method not in SAFE:
            yield (
                Caller("read-only", bearer=victim.bearers["read-only"]),
                (told_of_no_right(case, act.read_only) if act.anonymous is None else OWN),
            )
        public = act.anonymous or frozenset()
        yield Caller("names the organisation", bearer=world.rival.bearers["owner"], naming=victim.slug), GONE | public
        things = bool(case.row.things)
        yield Caller("partner", bearer=victim.bearers["fitter"], naming=victim.slug), (NEVER if things else OWN | NEVER) | public
        return
    # A part of a page says where to sign in, and leaves the page as it is.
    sent_away = frozenset({302, 401}) if act.headers else frozenset({302})
    anonymous = sent_away if act.anonymous is None else act.anonymous
    yield Caller("anonymous"), anonymous
    yield Caller("inactive", session=victim.people["inactive"]), anonymous
    yield Caller("bearer at pages", bearer=victim.bearers["owner"]), anonymous
    public = act.anonymous or frozenset()
    guests = frozenset({302, 403, 404}) if not act.is_keyed else OWN
    yield Caller("gone", session=victim.people["gone"]), guests | (OWN if is_guests(route) else public)
    yield Caller("guest", session=world.rival.people["guest"]), OWN | {403} if is_guests(route) else guests | public
    yield Caller("nothing", session=victim.people["nothing"]), told_of_no_right(case, act.nothing)


def told_of_no_right(case: Case, expected: frozenset[int]) -> frozenset[int]:
    """Where the path names nothing there is nothing that could be said not to be there."""
    return NO_RIGHT if expected == NEVER and not case.row.things and case.row.path != "/v1/nothing" else expected


def is_guests(route: Route) -> bool:
    """Whether those may who belong to no organisation: what is shared with them is there, and their own account."""
    own = ("preferences/account", "preferences/password", "preferences/sessions", "preferences/second-factor")
    return route.pattern.startswith(("shared", "logout", *own))


def leads_to_sign_in(answer: Any) -> bool:
    place = answer.headers.get("Location") or answer.headers.get("HX-Redirect") or ""
    return place.startswith((settings.LOGIN_URL, f"{ADMIN}login/")) or place == ADMIN


def is_told_where(answer: Any) -> bool:
    """Whether a part of a page was answered with a message that leads to the sign-in page."""
    is_message = answer.status_code == 401 and answer.headers.get("HX-Retarget") == "#alerts"
    return is_message and f'href="{settings.LOGIN_URL}' in answer.content.decode()


def test_every_row_is_of_a_route() -> None:
    assert set(ROWS) - {route.pattern for route in walk()} == set()
    for route in walk():
        if route.pattern in ROWS:
            assert set(ROWS[route.pattern].acts) - set(route.methods) == set(), route.pattern


def test_the_victim_has_a_row_in_every_table(world: World) -> None:
    """What is not there cannot be shown to others by mistake, and would prove nothing."""
    empty = {table for table, rows in world.theirs.items() if not rows and table.startswith("workflows_")}
    assert empty == {"workflows_auditopening"}


def test_the_methods_are_those_of_the_web() -> None:
    assert {method for route in walk() for method in route.methods} <= set(METHODS)
