"""What the stream of events says to whom. That it is not there for who must not look at an execution is in the matrix."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from dashboard.views import live
from tests import factories
from tests.security.callers import Caller
from tests.security.routes import walk
from tests.security.world import VICTIM, World, fill
from workflows.models import User
from workflows.services.comments import add_comment
from workflows.services.steps import parse_id

pytestmark = pytest.mark.django_db
QUIET = ": still here\n\n"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Marks are read here, in the transaction of the test, and without pauses."""
    monkeypatch.setattr(live, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(live, "HEARTBEAT", -1.0)
    monkeypatch.setattr(live, "sync_to_async", lambda function, **_: as_coroutine(function))
    monkeypatch.setattr(live, "read_mark", lambda subject, _language: subject.mark())
    with time_machine.travel(timezone.now() + timedelta(seconds=1), tick=False):
        yield


def as_coroutine(function: Callable[..., Any]) -> Callable[..., Any]:
    async def call(*args: Any) -> Any:
        return function(*args)

    return call


def listen(session: str, path: str) -> AsyncIterator[bytes]:
    route = next(route for route in walk() if route.pattern == "live")
    answer = Caller("listener", session=session).send(route, "GET", path, None, {})
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/event-stream")
    found: AsyncIterator[bytes] = aiter(answer)
    return found


def hear(stream: AsyncIterator[bytes]) -> str:
    """Return the next event. Without a loop, which would have a connection of its own: pauses of no length need none."""
    steps = anext(stream).__await__()
    try:
        while True:
            next(steps)
    except StopIteration as end:
        return bytes(end.value).decode()


@pytest.mark.parametrize("path", ["/live", "/executions/{execution}/live"])
def test_what_happens_is_told_to_the_organisation_and_to_nobody_else(world: World, path: str) -> None:
    victim, rival = world.victim, world.rival
    ours = listen(victim.people["member"], str(fill(path, victim.ids)))
    theirs = listen(rival.people["owner"], str(fill(path, rival.ids)))
    assert hear(ours).startswith("id: ")
    begun = hear(theirs)
    assert begun.startswith("id: ")
    assert VICTIM not in begun
    owner = factories.actor_of(User.objects.get(pk=victim.ids["owner"]), victim.organisation)
    add_comment(owner, parse_id(victim.ids["execution"]), "New")
    assert hear(ours).startswith("id: ")
    assert hear(theirs) == QUIET
