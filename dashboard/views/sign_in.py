"""Signing in: what somebody is told who has tried too often."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from workflows.services.sign_ins import find_username


def answer_lockout(request: HttpRequest, response: HttpResponse | None, credentials: dict[str, Any] | None) -> HttpResponse:
    """The sign-in page once more, with the time to wait: the same for accounts that do not exist."""
    wait = int(settings.AXES_COOLOFF_TIME.total_seconds())
    context = {"is_locked": True, "minutes": wait // 60, "username": find_username(request, credentials)}
    answer = render(request, "dashboard/sign_in.html", context, status=429)
    answer.headers["Retry-After"] = str(wait)
    return answer
