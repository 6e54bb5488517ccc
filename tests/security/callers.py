"""Who asks, and how a request of the table is sent."""

from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

import orjson
from django.conf import settings
from django.test import Client

from tests.security.routes import Route
from tests.security.world import World

# One for all, as its handler loads the middleware anew each time.
CLIENT = Client(raise_request_exception=False)
STRICT = Client(raise_request_exception=False, enforce_csrf_checks=True)


@dataclass(frozen=True)
class Caller:
    """Somebody who asks: with the session of a browser, with a bearer token, or as nobody."""

    name: str
    session: str = ""
    bearer: str = ""
    naming: str = ""

    def send(self, route: Route, method: str, path: str, body: Any, headers: dict[str, str], client: Client = CLIENT) -> Any:
        cookies = {settings.SESSION_COOKIE_NAME: self.session} if self.session else {}
        if client is STRICT and CSRF in headers:
            cookies[settings.CSRF_COOKIE_NAME] = SECRET
        client.cookies = SimpleCookie(cookies)
        given = dict(headers)
        if self.bearer:
            given["Authorization"] = f"Bearer {self.bearer}"
        if self.naming:
            given["x-epilot-org-id"] = self.naming
        if route.is_api:
            data, kind = (b"" if body is None else orjson.dumps(body)), "application/json"
        else:
            data, kind = urlencode(body or {}, doseq=True).encode(), "application/x-www-form-urlencoded"
        return client.generic(method, path, data, content_type=kind, headers=given)


# Where a page's script puts the token, and a secret such as the cookie holds.
CSRF, SECRET = "X-CSRFToken", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6"  # pragma: allowlist secret


def caller_of(world: World, route: Route, who: str) -> Caller:
    """Return somebody of the victim's, with a token or a session as the route needs it."""
    if who == "anonymous":
        return Caller("owner")
    if route.is_api:
        return Caller("owner", bearer=world.victim.bearers[who])
    return Caller("owner", session=world.victim.people[who])


def text_of(answer: Any) -> str:
    headers = " ".join(f"{name}: {value}" for name, value in answer.headers.items())
    return headers if answer.streaming else headers + answer.content.decode(errors="replace")
