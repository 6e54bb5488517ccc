"""Signing in: the password, then the code of a second factor for who has one; and the answer to who has tried too often."""

import time
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import login
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from dashboard.refusals import refuse
from workflows.models import User
from workflows.services.second_factor import guard, has_second_factor, take_code
from workflows.services.sign_ins import find_username

HALF_WAY = "flowdeck_half_way"
# So long the code may be waited for after the password.
LASTS = 300


class SignIn(LoginView):
    """The page that asks for e-mail and password."""

    template_name = "dashboard/sign_in.html"
    redirect_authenticated_user = True

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        return super().get_context_data(**more) | {"oidc": settings.OIDC}

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.get_user()
        return admit(self.request, user, user.backend, self.get_success_url())


def admit(request: HttpRequest, user: User, backend: str, target: str) -> HttpResponse:
    """Let in a person who has shown one factor; who has a second one is asked for it first."""
    if not has_second_factor(user):
        login(request, user, backend=backend)
        return HttpResponseRedirect(target)
    request.session.flush()
    # The hash of the password: once it is changed, nobody goes on from here.
    known = {"user": user.pk, "hash": user.get_session_auth_hash(), "backend": backend, "at": int(time.time()), "next": target}
    request.session[HALF_WAY] = known
    return redirect("sign-in-code")


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def ask_code(request: HttpRequest) -> HttpResponse:
    """The page that asks for the code of the device, or for one of those kept for when it is lost."""
    known = request.session.get(HALF_WAY) or {}
    user = find_half_way(known)
    if user is None:
        request.session.pop(HALF_WAY, None)
        return redirect("login")
    if request.method == "GET":
        return render(request, "dashboard/sign_in_code.html")
    if not guard(request, user, lambda: take_code(user, request.POST.get("code", ""))):
        problem = _("This code is not right, or it was used before. Wait for the next one.")
        return render(request, "dashboard/sign_in_code.html", {"problem": problem}, status=422)
    del request.session[HALF_WAY]
    login(request, user, backend=known["backend"])
    return HttpResponseRedirect(known["next"])


def find_half_way(known: dict[str, Any]) -> User | None:
    """Return the person who has shown their password in this browser just now."""
    if not 0 <= time.time() - known.get("at", 0) <= LASTS:
        return None
    user = User.objects.filter(pk=known["user"], is_active=True).first()
    return user if user and constant_time_compare(user.get_session_auth_hash(), known["hash"]) else None


@require_GET
def sign_in_to_admin(request: HttpRequest) -> HttpResponse:
    """The admin site has no sign-in of its own, which would know of no second factor."""
    target = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
        target = reverse("admin:index")
    if admin.site.has_permission(request):
        return HttpResponseRedirect(target)
    if request.user.is_authenticated:
        return refuse(request, 403, _("This needs an account of the administration."))
    return redirect(f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': target})}")


def answer_lockout(request: HttpRequest, response: HttpResponse | None, credentials: dict[str, Any] | None) -> HttpResponse:
    """The sign-in page once more, with the time to wait: the same for accounts that do not exist."""
    wait = getattr(request, "lockout_wait", 0) or int(settings.AXES_COOLOFF_TIME.total_seconds())
    context = {
        "is_locked": True,
        "minutes": -(-wait // 60),
        "username": find_username(request, credentials),
        "oidc": settings.OIDC,
    }
    answer = render(request, "dashboard/sign_in.html", context, status=429)
    answer.headers["Retry-After"] = str(wait)
    return answer
