"""Signing in with an account of another place: the way there, and the way back."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dashboard.views.sign_in import admit
from workflows.services import single_sign_on
from workflows.services.single_sign_on import NotAdmitted

UNDER_WAY = "flowdeck_single_sign_on"
BACKEND = "django.contrib.auth.backends.ModelBackend"


@require_GET
def begin(request: HttpRequest) -> HttpResponse:
    """Send the person to the provider."""
    if settings.OIDC is None:
        raise Http404
    target = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
        target = settings.LOGIN_REDIRECT_URL
    try:
        url, kept = single_sign_on.begin()
    except NotAdmitted as error:
        return refuse(request, error)
    request.session[UNDER_WAY] = kept | {"next": target}
    return HttpResponseRedirect(url)


@require_GET
def come_back(request: HttpRequest) -> HttpResponse:
    """Take the provider's answer, once."""
    if settings.OIDC is None:
        raise Http404
    kept = request.session.pop(UNDER_WAY, None) or {}
    try:
        user = single_sign_on.finish(kept, request.GET.dict())
    except NotAdmitted as error:
        return refuse(request, error)
    return admit(request, user, BACKEND, kept["next"])


def refuse(request: HttpRequest, error: NotAdmitted) -> HttpResponse:
    single_sign_on.note_refusal(error)
    words = {
        "provider": _("The place where you sign in does not answer as it should. Try again later, or tell your administrator."),
        "state": _("This sign-in took too long, or was begun in another browser. Begin it again."),
        "refused": _("You were not signed in there. Begin again if you want to."),
        "token": _("The answer of the place where you sign in cannot be trusted. Tell your administrator."),
        "unverified": _("Your e-mail address is not confirmed there. Confirm it, then sign in again."),
        "unknown": _("There is no account for %(email)s here. Ask an administrator to invite you.") % {"email": error.email},
    }
    status = 502 if error.reason == "provider" else 403
    return render(request, "dashboard/sign_in.html", {"problem": words[error.reason], "oidc": settings.OIDC}, status=status)
