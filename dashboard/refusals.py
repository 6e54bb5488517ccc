"""Refusals and faults as people meet them: a page of our own, or for htmx a message that leaves everything as it is."""

from urllib.parse import urlencode, urlsplit

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django_htmx.http import reswap, retarget, trigger_client_event

PAGES = {400: "400.html", 403: "403.html", 404: "404.html", 500: "500.html", 503: "503.html"}


def refuse(request: HttpRequest, status: int, message: str = "", template: str = "") -> HttpResponse:
    """Say why something is not done. Asks the database nothing and needs no session, so that it works whatever broke."""
    language = getattr(request, "LANGUAGE_CODE", "") or translation.get_language_from_request(request)
    with translation.override(language):
        values = {"message": message or usual_words(status), "status": status, "language": language}
        if is_fragment(request):
            return as_alert(HttpResponse(render_to_string("dashboard/_alert.html", values), status=status))
        values |= {"back": find_back(request), "again": request.get_full_path() if request.method == "GET" else ""}
        page = render_to_string(template or PAGES.get(status, PAGES[400]), values)
    response = HttpResponse(page, status=status)
    response["Vary"] = "HX-Request, Accept-Language, Cookie"
    return response


def usual_words(status: int) -> str:
    words = {
        400: _("The request was not understood. Nothing was saved."),
        403: _("Your role does not allow this."),
        404: _("This no longer exists, or it is not yours to see."),
        500: _("Something went wrong on the server. Nothing was saved; try again."),
        503: _("The database does not answer. Nothing was saved; try again in a moment."),
    }
    return words.get(status, words[400])


def refuse_forgery(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form without the secret of the session, mostly because somebody has signed in anew since it was loaded.

    Pages of ours hear `stale` and fetch the new secret, so that what was typed can be sent once more.
    """
    if is_fragment(request):
        words = _("This page is older than your sign-in, so nothing was saved. Send it once more: what you typed is still here.")
        return trigger_client_event(refuse(request, 403, words), "stale", {})
    return refuse(request, 403, template="403_csrf.html")


def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """401 for a part of a page whose session has ended: the page stays with what was typed, and says where to sign in."""
    return as_alert(HttpResponse(render_to_string("dashboard/_signed_out.html"), status=401))


def as_alert(response: HttpResponse) -> HttpResponse:
    """Put an answer into the page's alert region; nothing else on the page changes, nor does its address."""
    response["HX-Push-Url"] = "false"
    response["Vary"] = "HX-Request, Accept-Language, Cookie"
    return reswap(retarget(response, "#alerts"), "innerHTML")


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of a page. When it restores history it needs the whole."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


def find_back(request: HttpRequest) -> str:
    """Return the page of ours from which somebody came; empty where that is unknown."""
    referer = request.META.get("HTTP_REFERER", "")
    try:
        host = request.get_host()
    except DisallowedHost:
        return ""
    return referer if referer.startswith("http") and url_has_allowed_host_and_scheme(referer, {host}) else ""


def sign_in_address(request: HttpRequest, login: str) -> str:
    """Return where to sign in, and come back afterwards: to the page, or to the one with the form that was sent."""
    if request.method == "GET":
        return f"{login}?{urlencode({'next': request.get_full_path()})}"
    page = urlsplit(find_back(request))
    return f"{login}?{urlencode({'next': (page.path or '/') + (f'?{page.query}' if page.query else '')})}"
