"""Where what is being done comes from: the request or the job at hand, for the history, the audit trail and the log."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Origin:
    """One request, job or command. Who acts is known only after they have been asked for it.

    `organisation_id`: the one in which the actor is at work; None while nobody is.
    """

    request_id: str = ""
    address: str = ""
    device: str = ""
    actor_kind: str = "system"
    actor_id: str = ""
    organisation_id: int | None = None


_present: ContextVar[Origin | None] = ContextVar("origin", default=None)


def present() -> Origin:
    """Return the origin of what is being done; outside of requests and jobs an empty one."""
    return _present.get() or Origin()


@contextmanager
def working_for(origin: Origin) -> Iterator[Origin]:
    """Everything inside the block comes from `origin`."""
    token = _present.set(origin)
    try:
        yield origin
    finally:
        _present.reset(token)


def name_actor(kind: str, actor_id: str, organisation_id: int | None) -> None:
    """Say who acts in the request at hand."""
    origin = _present.get()
    if origin is not None:
        origin.actor_kind, origin.actor_id, origin.organisation_id = kind, actor_id, organisation_id
