"""The page of an organisation's API tokens: made, renewed and revoked; a secret is shown once."""

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from dashboard.areas import list_settings
from dashboard.permission_words import group_actions
from dashboard.requests import Request
from workflows.models import ApiToken
from workflows.permissions import ACTIONS
from workflows.services.errors import InvalidInput
from workflows.services.tokens import LIFETIME, OVERLAPS, find_token, issue_token, renew_token, revoke_token

MOST = 500


@require_GET
def show_tokens(request: Request) -> HttpResponse:
    actor = request.actor
    actor.require("token:create")
    rows = ApiToken.objects.filter(organisation=actor.organisation).select_related("created_by").order_by("-created_at", "id")
    context = {
        "areas": list_settings(actor, "tokens"),
        "tokens": [(token, state_of(token), token.scopes.split()) for token in rows[:MOST]],
    }
    return render(request, "dashboard/tokens.html", context)


def state_of(token: ApiToken) -> tuple[str, str]:
    """Return the status chip of a token, and its words."""
    if token.revoked_at is not None:
        return "SKIPPED", _("Revoked")
    return ("COMPLETED", _("Good")) if token.is_usable() else ("ON_HOLD", _("Expired"))


@require_GET
def show_form(request: Request) -> HttpResponse:
    actor = request.actor
    actor.require("token:create")
    groups = group_actions(action for action in ACTIONS if actor.might(action))
    return render(request, "dashboard/_token_form.html", {"groups": groups, "days": LIFETIME.days})


@require_POST
def create_token(request: Request) -> HttpResponse:
    form = request.POST
    _token, bearer = issue_token(
        request.actor,
        form.get("name", "").replace("\0", ""),
        lifetime=timedelta(days=read_days(form.get("days", ""))),
        scopes=form.getlist("scopes"),
        read_only=form.get("read_only") == "on",
    )
    return show_bearer(request, bearer)


def read_days(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 5):
        raise InvalidInput(_("Days"), _("must be a whole number"))
    return int(text)


@require_GET
def ask_renewal(request: Request, token_id: str) -> HttpResponse:
    words = {"none": _("not at all"), "hour": _("for an hour"), "day": _("for a day"), "week": _("for a week")}
    context: dict[str, Any] = {"token": find_token(request.actor, token_id), "overlaps": words.items()}
    return render(request, "dashboard/_token_renewal.html", context)


@require_POST
def renew(request: Request, token_id: str) -> HttpResponse:
    overlap = OVERLAPS.get(request.POST.get("overlap", "none"))
    if overlap is None:
        raise InvalidInput(_("The secret before"), _("choose how long it is still taken"))
    _token, bearer = renew_token(request.actor, token_id, overlap, now=timezone.now())
    return show_bearer(request, bearer)


@require_GET
def ask_revocation(request: Request, token_id: str) -> HttpResponse:
    return render(request, "dashboard/_token_revocation.html", {"token": find_token(request.actor, token_id)})


@require_POST
def revoke(request: Request, token_id: str) -> HttpResponse:
    revoke_token(find_token(request.actor, token_id))
    return HttpResponseClientRedirect(reverse("tokens"))


def show_bearer(request: Request, bearer: str) -> HttpResponse:
    return render(request, "dashboard/_token_made.html", {"bearer": bearer})
