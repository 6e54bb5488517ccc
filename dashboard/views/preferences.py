"""What a person chooses about the pages that they see."""

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from dashboard.requests import Request
from workflows.models import Density, Theme
from workflows.services.preferences import list_zones, save_preferences

THEMES = {"system": gettext_lazy("As the system has it"), "light": gettext_lazy("Light"), "dark": gettext_lazy("Dark")}
DENSITIES = {"comfortable": gettext_lazy("Comfortable"), "compact": gettext_lazy("Compact")}


@require_GET
def show_preferences(request: Request) -> HttpResponse:
    """The page with everything that can be chosen; `saved` in the address says that something just was."""
    context = {
        "saved": "saved" in request.GET,
        "themes": [(key, THEMES[key]) for key in Theme.values],
        "densities": [(key, DENSITIES[key]) for key in Density.values],
        "zones": list_zones(),
    }
    return render(request, "dashboard/preferences.html", context)


@require_POST
def save(request: Request) -> HttpResponse:
    chosen = {name: request.POST[name] for name in ("theme", "density", "time_zone") if name in request.POST}
    save_preferences(request.user, single_keys=request.POST.get("single_keys") == "on", **chosen)
    return HttpResponseRedirect(reverse("preferences") + "?saved")
