"""Passwords that were forgotten: asking for the link, and what is behind it."""

from typing import Any

from django.conf import settings
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.views import PasswordResetConfirmView, PasswordResetView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy
from django.views.decorators.http import require_GET

from workflows.models import User
from workflows.services.passwords import TooOften, ask_reset, set_forgotten

METHODS = ["get", "head", "options", "post"]


class AskReset(PasswordResetView):
    """The page that asks for an e-mail address; what follows does not say whether there is an account."""

    http_method_names = METHODS
    template_name = "dashboard/reset.html"
    success_url = reverse_lazy("reset-sent")

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            ask_reset(form.cleaned_data["email"])
        except TooOften:
            wait = int(settings.AXES_COOLOFF_TIME.total_seconds())
            context = self.get_context_data(form=form, is_locked=True, minutes=wait // 60)
            return self.render_to_response(context, status=429, headers={"Retry-After": str(wait)})
        # The form's own way of sending is left out: it would take longer where there is an account.
        return super(PasswordResetView, self).form_valid(form)

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


@require_GET
def show_sent(request: HttpRequest) -> HttpResponse:
    return render(request, "dashboard/reset_sent.html", {"minutes": settings.PASSWORD_RESET_TIMEOUT // 60})


class NewPasswordForm(SetPasswordForm):
    """Stock form; what it saves goes through the service."""

    def save(self, commit: bool = True) -> User:
        set_forgotten(self.user, self.cleaned_data["new_password1"])
        return self.user


class SetNew(PasswordResetConfirmView):
    """The page behind the link. The link is good once and for a while: its token speaks of the password as it was."""

    http_method_names = METHODS
    template_name = "dashboard/reset_new.html"
    form_class = NewPasswordForm
    success_url = reverse_lazy("reset-done")

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


@require_GET
def show_done(request: HttpRequest) -> HttpResponse:
    return render(request, "dashboard/reset_done.html")
