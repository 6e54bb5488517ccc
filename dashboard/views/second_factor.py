"""The second factor of a person's own account: set up, renewed, switched off; and what an organisation demands of its members."""

import segno
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.requests import Request
from dashboard.views.account import done, list_areas, render_account
from dashboard.views.organisation import members
from workflows.services import second_factor
from workflows.services.errors import InvalidInput
from workflows.services.passwords import is_own_password


def has_shown(request: Request) -> bool:
    """Whether the form shows that the person is who they are: by their password, or by a code where they have none."""
    user = request.user
    if user.has_usable_password():
        return is_own_password(request, user, request.POST.get("password", ""))
    if not second_factor.has_second_factor(user):
        return True
    return second_factor.guard(request, user, lambda: second_factor.take_code(user, request.POST.get("password", "")))


def refuse(request: Request) -> HttpResponse:
    problem = _("The password is not right.") if request.user.has_usable_password() else _("The code is not right.")
    return render_account(request, 422, factor_problem=problem)


@sensitive_post_parameters()
@require_POST
def begin(request: Request) -> HttpResponse:
    if not has_shown(request):
        return refuse(request)
    second_factor.begin_setup(request.user)
    return redirect("second-factor")


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def set_up(request: Request) -> HttpResponse:
    """The secret as a picture and as text, until a code shows that a device has it; then the recovery codes."""
    secret, address = second_factor.read_setup(request.user)
    context = {
        "areas": list_areas("account"),
        "secret": " ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        # White around it in dark colours, too: cameras ask for that.
        "picture": segno.make(address, error="m", micro=False).svg_data_uri(scale=5, light="#fff", border=4),
        "address": address,
    }
    if request.method == "GET":
        return render(request, "dashboard/second_factor.html", context)
    found: list[str] = []

    def is_right() -> bool:
        codes = second_factor.confirm_setup(request.user, request.POST.get("code", ""), request.session.session_key)
        found[:] = codes or []
        return codes is not None

    if not second_factor.guard(request, request.user, is_right):
        problem = _("This code is not right. Check the clock of the device, and wait for the next code.")
        return render(request, "dashboard/second_factor.html", context | {"problem": problem}, status=422)
    return show_codes(request, found)


@sensitive_post_parameters()
@require_POST
def renew_codes(request: Request) -> HttpResponse:
    if not has_shown(request):
        return refuse(request)
    return show_codes(request, second_factor.renew_codes(request.user))


def show_codes(request: Request, codes: list[str]) -> HttpResponse:
    return render(request, "dashboard/recovery_codes.html", {"areas": list_areas("account"), "codes": codes})


@sensitive_post_parameters()
@require_POST
def switch_off(request: Request) -> HttpResponse:
    if not has_shown(request):
        return refuse(request)
    second_factor.switch_off(request.user)
    return done("off")


@require_POST
def reset_member(request: Request, user_id: str) -> HttpResponse:
    """Take the factor from a member who has lost their device."""
    try:
        second_factor.reset_member(request.actor, user_id)
    except InvalidInput as error:
        return render(request, "dashboard/members.html", members(request, str(error)), status=422)
    return HttpResponseRedirect(reverse("members") + "?saved")


@require_POST
def demand(request: Request) -> HttpResponse:
    second_factor.demand(request.actor, request.POST.get("demanded") == "on")
    return HttpResponseRedirect(reverse("members") + "?saved")
