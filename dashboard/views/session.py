"""What an open page asks when its session may have ended, and where one lands who signs in again beside it."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard.requests import Request
from workflows.models import User


@require_GET
def tell_session(request: HttpRequest) -> HttpResponse:
    """Who is signed in, if anybody, and the secret that forms need now. Other sites cannot read the answer."""
    user = str(request.user.pk) if isinstance(request.user, User) else ""
    return JsonResponse({"user": user, "token": get_token(request)}, headers={"Cache-Control": "no-store"})


@require_GET
def show_signed_in(request: Request) -> HttpResponse:
    """The page in the second tab: one goes on in the first."""
    return render(request, "dashboard/signed_in.html")
