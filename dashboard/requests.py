"""Requests as views see them."""

from typing import TYPE_CHECKING

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from workflows.models import Preferences, User
from workflows.permissions import Actor

if TYPE_CHECKING:
    from dashboard.live import Live


class Request(HttpRequest):
    """A request of a person who is at work."""

    actor: Actor
    htmx: HtmxDetails
    live: "Live"
    preferences: Preferences
    # The id of whoever is signed in, also where they are no member.
    signed_in: str
    user: User


def wants_fragment(request: Request) -> bool:
    """Whether htmx asks for a part of the page. When it restores history it needs the whole."""
    return bool(request.htmx) and not request.htmx.history_restore_request
