"""Around every request, whoever answers it: its id, where it comes from, and the headers that every answer has."""

import ipaddress
import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from workflows.models import ActorKind
from workflows.origin import Origin, name_actor, working_for

FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT", "HTTP_FORWARDED")
BROWSERS = ("GET", "HEAD", "OPTIONS", "POST")
API = ("/v1/", "/v2/", "/api/")
MAX_DEVICE = 200
POLICY = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


class OriginMiddleware:
    """Gives each request an id, which its answer, its log lines and what it writes to the trail bear.

    What proxies say is taken from those only that the operator has named (TRUSTED_PROXIES); from others it is dropped.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        address = find_address(request)
        request.META["REMOTE_ADDR"] = address
        device = request.META.get("HTTP_USER_AGENT", "")[:MAX_DEVICE].replace("\0", "")
        with working_for(Origin(str(uuid.uuid4()), address, device)) as origin:
            response = self.get_response(request)
        response.headers["X-Request-Id"] = origin.request_id
        response.headers.setdefault("Permissions-Policy", POLICY)
        if "Cache-Control" not in response.headers and not request.path.startswith((settings.STATIC_URL, "/favicon.ico")):
            response.headers["Cache-Control"] = "no-store"
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Refuse what neither links nor forms send to pages: views that say nothing of methods would take it for a GET."""
        if request.method not in BROWSERS and not request.path.startswith(API):
            return HttpResponseNotAllowed(BROWSERS)
        # Of the admin site nobody else says who acts.
        match = request.resolver_match
        if match is not None and match.app_name == "admin" and request.user.is_authenticated:
            name_actor(ActorKind.USER.value, str(request.user.pk), None)
        return None


def find_address(request: HttpRequest) -> str:
    """Return the caller's address: the last of those in X-Forwarded-For that is no proxy of the operator's."""
    peer: str = request.META.get("REMOTE_ADDR", "")
    if not is_proxy(peer):
        for header in FORWARDED:
            request.META.pop(header, None)
        return peer
    for text in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        address = text.strip()
        if not is_address(address):
            break
        peer = address
        if not is_proxy(address):
            break
    return peer


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_proxy(address: str) -> bool:
    """Whether the operator has named the address as that of a proxy. A socket of this machine has none, and is one."""
    if not address:
        return True
    if not is_address(address):
        return False
    found = ipaddress.ip_address(address)
    return any(found in network for network in settings.TRUSTED_PROXIES)
