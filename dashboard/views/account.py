"""A person's own account: the password, and what else lets them in."""

from typing import Any

from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import SetPasswordForm
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from dashboard.devices import describe_device
from dashboard.requests import Request
from workflows.models.session import hash_key
from workflows.services import sessions
from workflows.services.passwords import is_own_password, set_password
from workflows.services.second_factor import codes_left, has_second_factor
from workflows.services.sessions import list_sessions


@require_GET
def show_account(request: Request) -> HttpResponse:
    return render_account(request)


def render_account(request: Request, status: int = 200, **more: Any) -> HttpResponse:
    """The page with everything about signing in; `more` says what went wrong, and where."""
    context = {
        "done": request.GET.get("done", ""),
        "has_password": request.user.has_usable_password(),
        "areas": list_areas("account"),
        "sessions": list_places(request),
        "has_factor": has_second_factor(request.user),
        "codes_left": codes_left(request.user),
        "is_demanded": "demanded" in request.GET,
    }
    return render(request, "dashboard/account.html", context | more, status=status)


def list_places(request: Request) -> list[dict[str, Any]]:
    """Return where the person is signed in; this browser first."""
    here = hash_key(request.session.session_key or "")
    rows = [
        {"session": row, "device": describe_device(row.device), "is_here": row.pk == here} for row in list_sessions(request.user)
    ]
    return sorted(rows, key=lambda row: not row["is_here"])


def list_areas(present: str) -> list[tuple[str, str, bool]]:
    """Return the pages of a person's preferences."""
    areas = [("preferences", _("Looks and keys")), ("account", _("Sign-in and security"))]
    return [(name, label, name == present) for name, label in areas]


@sensitive_post_parameters()
@require_POST
def change_password(request: Request) -> HttpResponse:
    """Set another password for who knows the present one; other sessions end, this one goes on."""
    user = request.user
    if not is_own_password(request, user, request.POST.get("old_password", "")):
        return render_account(request, 422, password_problem=_("The present password is not right."))
    form = SetPasswordForm(user, request.POST)
    if not form.is_valid():
        problem = " ".join(str(text) for texts in form.errors.values() for text in texts)
        return render_account(request, 422, password_problem=problem)
    set_password(user, form.cleaned_data["new_password1"])
    update_session_auth_hash(request, user)
    return done("password")


@require_POST
def end_session(request: Request, session_id: str) -> HttpResponse:
    sessions.end_session(request.user, session_id)
    return done("session")


@require_POST
def end_other_sessions(request: Request) -> HttpResponse:
    sessions.end_other_sessions(request.user, request.session.session_key)
    return done("sessions")


def done(what: str) -> HttpResponse:
    return HttpResponseRedirect(reverse("account") + f"?done={what}")
