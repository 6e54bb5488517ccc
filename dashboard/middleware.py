"""What every page needs before and after its view: who is at work, and refusals as pages or fragments."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from dashboard.refusals import ask_to_sign_in, is_fragment, refuse, sign_in_address
from dashboard.undoing import describe_refusal
from workflows.engine.errors import UnknownNode, WorkflowError
from workflows.models import ActorKind, Language, Membership, Preferences, User
from workflows.origin import name_actor
from workflows.permissions import PermissionRefused
from workflows.services.due import zone_of
from workflows.services.errors import Clash, InvalidInput, NotFound, UndoRefused
from workflows.services.members import actor_of, find_membership
from workflows.services.preferences import read_zone
from workflows.services.second_factor import has_second_factor
from workflows.services.sharing import is_partner_only

# Everything else belongs to somebody else: the API, the admin site, health, files.
FOREIGN = ("/v1/", "/v2/", "/api/", "/health/", "/static/", "/admin/", "/favicon.ico")
ADMIN = "/admin/"
PUBLIC = ("/login", "/login/code", "/login/oidc", "/login/oidc/back", "/language", "/session", "/reset")
# Pages for people who were sent a link; the link is what lets them in.
BY_LINK = ("/confirm/", "/invitation/", "/portal/", "/reset/")
# A person's own account: for everybody who is signed in.
ACCOUNT = ("/preferences/account", "/preferences/password", "/preferences/sessions/", "/preferences/second-factor", "/logout")
# Pages for partners; who only is a partner is nowhere else.
GUESTS = "/shared"


class WorkplaceMiddleware:
    """Sets `request.actor` for people who are signed in and belong to an organisation; everybody else is sent to sign in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(FOREIGN):
            if request.path.startswith(ADMIN):
                speak(request)
                if owes_factor(request.user) and request.path != reverse("admin:logout"):
                    return redirect(reverse("account") + "?demanded")
            return self.get_response(request)
        response = self.answer(request)
        patch_vary_headers(response, ["HX-Request", "Cookie"])
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    def answer(self, request: HttpRequest) -> HttpResponse:
        if request.path in PUBLIC or request.path == settings.LOGOUT_REDIRECT_URL or request.path.startswith(BY_LINK):
            return self.get_response(request)
        if not isinstance(request.user, User):
            return to_sign_in(request)
        speak(request)
        request.signed_in = str(request.user.pk)  # type: ignore[attr-defined]
        membership = find_membership(request.user)
        if membership is None and not request.path.startswith((GUESTS, *ACCOUNT)):
            if is_partner_only(request.user):
                return redirect(GUESTS)
            if is_fragment(request):
                return refuse(request, 403, _("You belong to no organisation any more."))
            return render(request, "dashboard/nowhere.html", status=403)
        request.actor = membership and actor_of(membership)  # type: ignore[attr-defined]
        if membership is not None:
            name_actor(ActorKind.USER.value, str(membership.user.pk), membership.organisation.pk)
            if lacks_factor(membership) and not request.path.startswith(ACCOUNT):
                address = reverse("account") + "?demanded"
                return HttpResponseClientRedirect(address) if request.htmx else redirect(address)  # type: ignore[attr-defined]
        request.preferences = membership and preferences_of(membership.user)  # type: ignore[attr-defined]
        with timezone.override(membership and zone_for(membership)):
            return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        """Turn a refusal into a page, or for htmx into a message that keeps the page as it is."""
        if request.path.startswith(FOREIGN):
            return None
        found = describe(error)
        if found is None:
            return None
        return refuse(request, *found)


def speak(request: HttpRequest) -> None:
    """Answer in the language that the person has chosen; without a choice it stays what the browser says."""
    language = request.user.language if isinstance(request.user, User) else ""
    if language in Language.values:
        translation.activate(language)
        request.LANGUAGE_CODE = language


def lacks_factor(membership: Membership) -> bool:
    """Whether the organisation demands a second factor that the person has not set up. It was read along."""
    if not membership.organisation.second_factor_required:
        return False
    factor = getattr(membership.user, "second_factor", None)
    return factor is None or factor.confirmed_at is None


def owes_factor(user: object) -> bool:
    """Whether any organisation of the person demands a second factor that is not set up: the admin site opens all of them."""
    if not isinstance(user, User) or has_second_factor(user):
        return False
    return Membership.objects.filter(user=user, organisation__second_factor_required=True).exists()


def zone_for(membership: Membership) -> ZoneInfo:
    """Return the time zone in which a person reads times: their own choice, or that of the organisation."""
    return read_zone(membership.user.time_zone) or zone_of(membership.organisation)


def preferences_of(user: User) -> Preferences:
    """Return what a person has chosen; who has chosen nothing has the usual. Needs no query if they were read along."""
    return getattr(user, "preferences", None) or Preferences(user=user)


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """Send to the sign-in page, and back to this page afterwards. A page that is open stays, with what was typed into it."""
    if is_fragment(request):
        return ask_to_sign_in(request)
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponseClientRedirect(settings.LOGIN_URL)
    return redirect(sign_in_address(request, settings.LOGIN_URL))


def describe(error: Exception) -> tuple[int, str] | None:
    """Return the status and the words for a refusal; None for what is a fault of ours."""
    match error:
        case NotFound() | UnknownNode():
            return 404, _("This no longer exists, or it is not yours to see.")
        case PermissionRefused():
            return 403, _("Your role does not allow this.")
        case UndoRefused():
            return 422, describe_refusal(error)
        case InvalidInput() | WorkflowError() | Clash():
            return 422, str(error)
    return None
