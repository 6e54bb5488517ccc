"""All addresses: the API on its public paths, the admin site, health, and the dashboard on everything else."""

import sys

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import include, path
from django.utils import translation
from django.utils.translation import gettext as _
from django.views import defaults
from django.views.generic import RedirectView
from django_htmx.http import reswap, retarget

from config.health import answer_live, answer_ready
from dashboard.views.sign_in import sign_in_to_admin
from workflows.services.transactions import is_away, is_transient

# The one way to sign in is for the administration, too: Django's own would know of no second factor.
admin.site.login = sign_in_to_admin  # type: ignore[method-assign,assignment]

urlpatterns = [
    path("health/live", answer_live),
    path("health/ready", answer_ready),
    # Browsers ask for it on pages that name no icon: the admin site's.
    path("favicon.ico", RedirectView.as_view(url=static("icon.svg"))),
    path("", include("workflows.api.urls")),
    path("admin/", admin.site.urls),
    path("", include("dashboard.urls")),
]


def answer_fault(request: HttpRequest) -> HttpResponse:
    """500: a fault of ours, in the form that the caller reads; 503 when it is the database that does not answer."""
    error = sys.exc_info()[1]
    if isinstance(error, Exception) and (is_away(error) or is_transient(error)):
        return answer_away(request)
    if request.path.startswith(("/v1/", "/v2/", "/api/")):
        return JsonResponse({"message": "Internal server error"}, status=500)
    return defaults.server_error(request)


def answer_away(request: HttpRequest) -> HttpResponse:
    """Say so without any query: neither the session nor what the person has chosen can be looked up now."""
    if request.path.startswith(("/v1/", "/v2/", "/api/")):
        response: HttpResponse = JsonResponse({"message": "The database does not answer; try again"}, status=503)
    else:
        response = show_away(request)
    response["Retry-After"] = "1"
    response["Cache-Control"] = "no-store"
    return response


def show_away(request: HttpRequest) -> HttpResponse:
    """A page, or for htmx a message that leaves the page as it is."""
    is_fragment = "HX-Request" in request.headers
    with translation.override(translation.get_language_from_request(request)):
        message = _("The database does not answer. Nothing was saved; try again in a moment.")
        values = {"message": message, "language": translation.get_language()}
        page = render_to_string("dashboard/_alert.html" if is_fragment else "503.html", values)
    response = HttpResponse(page, status=503)
    response["Vary"] = "HX-Request, Accept-Language, Cookie"
    return reswap(retarget(response, "#alerts"), "innerHTML") if is_fragment else response


handler500 = "config.urls.answer_fault"
