"""All addresses: the API on its public paths, the admin site, health, and the dashboard on everything else."""

import sys

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from config.health import answer_live, answer_ready
from dashboard.refusals import refuse
from dashboard.views.sign_in import sign_in_to_admin
from workflows.origin import present
from workflows.services.transactions import is_away, is_transient

# The one way to sign in is for the administration, too: Django's own would know of no second factor.
admin.site.login = sign_in_to_admin  # type: ignore[method-assign,assignment]

API = ("/v1/", "/v2/", "/api/")

urlpatterns = [
    path("health/live", answer_live),
    path("health/ready", answer_ready),
    # Browsers ask for it on pages that name no icon: the admin site's.
    path("favicon.ico", RedirectView.as_view(url=static("icon.svg"))),
    path("", include("workflows.api.urls")),
    path("admin/", admin.site.urls),
    path("", include("dashboard.urls")),
]


def answer_bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400 for what no view has seen: a host that is not ours, a form that is too large."""
    return refuse(request, 400)


def answer_forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403, of the admin site too."""
    return refuse(request, 403)


def answer_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404 for addresses that are not there."""
    return refuse(request, 404)


def answer_fault(request: HttpRequest) -> HttpResponse:
    """500: a fault of ours, in the form that the caller reads; 503 when it is the database that does not answer."""
    error = sys.exc_info()[1]
    if isinstance(error, Exception) and (is_away(error) or is_transient(error)):
        return answer_away(request)
    if request.path.startswith(API):
        return JsonResponse({"message": "Internal server error", "request_id": present().request_id}, status=500)
    return refuse(request, 500)


def answer_away(request: HttpRequest) -> HttpResponse:
    """Say so without any query: neither the session nor what the person has chosen can be looked up now."""
    if request.path.startswith(API):
        body = {"message": "The database does not answer; try again", "request_id": present().request_id}
        response: HttpResponse = JsonResponse(body, status=503)
    else:
        response = refuse(request, 503)
    response["Retry-After"] = "1"
    response["Cache-Control"] = "no-store"
    return response


handler400 = "config.urls.answer_bad_request"
handler403 = "config.urls.answer_forbidden"
handler404 = "config.urls.answer_not_found"
handler500 = "config.urls.answer_fault"
