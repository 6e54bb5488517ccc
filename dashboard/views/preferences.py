"""What a person chooses about the pages that they see."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST
from django.views.i18n import set_language

from dashboard.requests import Request
from dashboard.views.account import list_areas
from workflows.models import Density, Language, Theme, User
from workflows.services.preferences import list_zones, save_preferences

THEMES = {"system": gettext_lazy("As the system has it"), "light": gettext_lazy("Light"), "dark": gettext_lazy("Dark")}
LANGUAGES = {"": gettext_lazy("As the browser says")} | dict(Language.choices)
DENSITIES = {"comfortable": gettext_lazy("Comfortable"), "compact": gettext_lazy("Compact")}


@require_GET
def show_preferences(request: Request) -> HttpResponse:
    """The page with everything that can be chosen; `saved` in the address says that something just was."""
    context = {
        "saved": "saved" in request.GET,
        "themes": [(key, THEMES[key]) for key in Theme.values],
        "densities": [(key, DENSITIES[key]) for key in Density.values],
        "languages": LANGUAGES.items(),
        "zones": list_zones(),
        "areas": list_areas("preferences"),
    }
    return render(request, "dashboard/preferences.html", context)


@require_POST
def save(request: Request) -> HttpResponse:
    chosen = {name: request.POST[name] for name in ("theme", "density", "time_zone", "language") if name in request.POST}
    save_preferences(request.user, single_keys=request.POST.get("single_keys") == "on", **chosen)
    response = HttpResponseRedirect(reverse("preferences") + "?saved")
    # The pages before signing in read the cookie.
    if chosen.get("language"):
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, chosen["language"], samesite="Lax")
    elif "language" in chosen:
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME, samesite="Lax")
    return response


@require_POST
def save_tour(request: Request) -> HttpResponse:
    """The tour of the pages was taken or waved away: it does not begin by itself again."""
    save_preferences(request.user, tour_seen=True)
    return HttpResponse(status=204)


@require_POST
def choose_language(request: HttpRequest) -> HttpResponseBase:
    """Change the language of the pages, and go back to the page; who is signed in has then chosen it."""
    language = request.POST.get("language", "")
    if isinstance(request.user, User) and language in Language.values:
        save_preferences(request.user, language=language)
    return set_language(request)
