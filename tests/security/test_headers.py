"""What every answer bears, whoever asks and whatever comes of it; and that what is not offered is refused."""

from typing import Any

import pytest
from django.db import transaction

from dashboard.views import my_tasks
from tests.security.callers import Caller, caller_of
from tests.security.routes import METHODS, SAFE, Route, walk
from tests.security.table import ROWS
from tests.security.world import World, fill
from workflows.api.v2 import views

pytestmark = pytest.mark.django_db
ROUTES = pytest.mark.parametrize("route", walk(), ids=str)
# Kept by the caller alone, who asks with the tag whether it is still so.
VALIDATED = "private, no-cache"
PUBLIC = ("favicon.ico",)


def send(world: World, route: Route, method: str, caller: Caller) -> Any:
    row = ROWS[route.pattern]
    act = row.acts.get(method)
    path = fill(row.path + (act.query if act else ""), world.victim.ids)
    with transaction.atomic():
        answer = caller.send(route, method, path, fill(act.bodies[0], world.victim.ids) if act else None, {})
        transaction.set_rollback(method not in SAFE)
    return answer


def wrong_with(answer: Any, route: Route | None = None) -> list[str]:
    """Return the headers that are missing, or say what they must not."""
    headers = answer.headers
    policy = headers.get("Content-Security-Policy", "")
    kept = headers.get("Cache-Control", "")
    found = {
        "X-Content-Type-Options": headers.get("X-Content-Type-Options") == "nosniff",
        "Referrer-Policy": headers.get("Referrer-Policy") in ("same-origin", "no-referrer"),
        "Cross-Origin-Opener-Policy": headers.get("Cross-Origin-Opener-Policy") == "same-origin",
        "X-Frame-Options": headers.get("X-Frame-Options") == "DENY",
        "Permissions-Policy": "camera=()" in headers.get("Permissions-Policy", ""),
        "X-Request-Id": bool(headers.get("X-Request-Id")),
        "Content-Security-Policy": "frame-ancestors 'none'" in policy and "default-src 'none'" in policy,
        "no exception in the policy": "unsafe-" not in policy and "*" not in policy and "http:" not in policy,
        "Cache-Control": "no-store" in kept or kept == VALIDATED or (route is not None and route.pattern in PUBLIC),
        "no version told": "Server" not in headers and "X-Powered-By" not in headers,
    }
    return [name for name, is_right in found.items() if not is_right]


@ROUTES
def test_every_answer_bears_them(route: Route, world: World) -> None:
    for method in ROWS[route.pattern].acts:
        for caller in (caller_of(world, route, ROWS[route.pattern].acts[method].who), Caller("anonymous")):
            answer = send(world, route, method, caller)
            assert wrong_with(answer, route) == [], f"{caller.name}: {method} {answer.status_code}"


@ROUTES
def test_what_is_not_offered_is_refused(route: Route, world: World) -> None:
    for method in ({*METHODS} - set(ROWS[route.pattern].acts)) | {"TRACE", "CONNECT", "PROPFIND"}:
        answer = send(world, route, method, caller_of(world, route, "owner"))
        # What is no operation is not there for any method.
        assert answer.status_code == (404 if ROWS[route.pattern].path == "/v1/nothing" else 405), method
        assert wrong_with(answer, route) == [], method


def fail(*_: Any, **__: Any) -> Any:
    raise RuntimeError("kestrel inside")


@pytest.mark.parametrize("path", ["/", "/v2/flows/executions/{execution}"])
def test_a_fault_says_nothing_of_itself(path: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(my_tasks, "build_page", fail)
    monkeypatch.setattr(views, "read_execution", fail)
    route = next(route for route in walk() if route.pattern == path[1:].replace("{execution}", "<str:execution_id>"))
    answer = caller_of(world, route, "owner").send(route, "GET", fill(path, world.victim.ids), None, {})
    assert (answer.status_code, wrong_with(answer, route)) == (500, [])
    assert "kestrel inside" not in answer.content.decode()
    assert "Traceback" not in answer.content.decode()


@pytest.mark.parametrize("path", ["/nothing", "/v1/nothing", "/admin/nothing", "/static/nothing", "/%00", "/health/nothing"])
def test_what_is_not_there_bears_them_too(path: str, world: World) -> None:
    for session in (world.victim.people["owner"], ""):
        answer = Caller("", session=session).send(walk()[0], "GET", path, None, {})
        assert answer.status_code in (302, 401, 404)
        # Files are nobody's.
        assert set(wrong_with(answer)) <= ({"Cache-Control"} if path.startswith("/static/") else set()), path
