"""The settings of an organisation: its roles, and who has which."""

import json
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dashboard.areas import list_settings
from dashboard.permission_words import group_actions
from dashboard.requests import Request
from workflows.models import Role
from workflows.permissions import ACTIONS, BUILT_IN
from workflows.services import roles
from workflows.services.errors import InvalidInput

MOST_MEMBERS = 500


def role_words() -> dict[str, str]:
    """Return the names of the product's own roles."""
    return {
        Role.OWNER: _("Owner"),
        Role.MANAGER: _("Manager"),
        Role.MEMBER: _("Member"),
        Role.VIEWER: _("Viewer"),
        Role.INTEGRATION: _("Integration"),
        Role.PARTNER: _("Partner"),
    }


@require_GET
def show_roles(request: Request) -> HttpResponse:
    """The product's roles and the organisation's own."""
    own = roles.list_roles(request.actor)
    built_in = [
        (words, [grant.action for grant in BUILT_IN[role].grants]) for role, words in role_words().items() if role in BUILT_IN
    ]
    context = {
        "areas": list_settings(request.actor, "roles"),
        "own": own,
        "built_in": built_in,
        "may_edit": request.actor.may(roles.EDIT_ROLES),
        "saved": "saved" in request.GET,
    }
    return render(request, "dashboard/roles.html", context)


@require_http_methods(["GET", "POST"])
def edit_role(request: Request, slug: str = "") -> HttpResponse:
    """The form of a role: a box for each action, and the grants that say more than an action as JSON."""
    request.actor.require(roles.EDIT_ROLES)
    role = roles.find_role(request.actor, slug) if slug else None
    name, grants, problem = (role.name, role.grants, "") if role else ("", [], "")
    if request.method == "POST":
        name = request.POST.get("name", "")
        try:
            grants = read_grants(request)
            if role:
                roles.replace_role(request.actor, slug, name, grants)
            else:
                roles.create_role(request.actor, name, grants)
            return HttpResponseRedirect(reverse("roles") + "?saved")
        except InvalidInput as error:
            problem = str(error)
    simple = {grant["action"] for grant in grants if is_simple(grant)}
    further = [grant for grant in grants if not is_simple(grant)]
    context = {
        "areas": list_settings(request.actor, "roles"),
        "role": role,
        "name": name,
        "groups": group_actions(ACTIONS, simple),
        "further": request.POST.get("further") or (json.dumps(further, indent=2) if further else ""),
        "problem": problem,
    }
    return render(request, "dashboard/role.html", context, status=422 if problem else 200)


def is_simple(grant: dict[str, Any]) -> bool:
    """Whether a box in the form says all of a grant."""
    return grant.get("action") in ACTIONS and grant.get("effect", "allow") == "allow" and not grant.get("conditions")


def read_grants(request: Request) -> list[Any]:
    chosen: list[Any] = [{"action": action, "effect": "allow"} for action in ACTIONS if action in request.POST.getlist("action")]
    text = request.POST.get("further", "").strip()
    try:
        further = json.loads(text) if text else []
    except (ValueError, RecursionError) as error:
        raise InvalidInput(_("Further grants"), _("is no JSON")) from error
    if not isinstance(further, list):
        raise InvalidInput(_("Further grants"), _("must be a list"))
    return [*chosen, *further]


@require_GET
def ask_deletion(request: Request, slug: str) -> HttpResponse:
    request.actor.require(roles.EDIT_ROLES)
    role = roles.find_role(request.actor, slug)
    words = _("“%s” is gone for good. While somebody has it, it is not deleted.") % role.name
    return ask(request, _("Delete this role?"), words, reverse("delete-role", args=[slug]), _("Delete"))


@require_POST
def delete_role(request: Request, slug: str) -> HttpResponse:
    roles.delete_role(request.actor, slug)
    return HttpResponseRedirect(reverse("roles"))


@require_GET
def show_members(request: Request) -> HttpResponse:
    """The people of the organisation, each with a role to choose."""
    return render(request, "dashboard/members.html", members(request))


def members(request: Request, problem: str = "") -> dict[str, Any]:
    found = list(roles.list_members(request.actor).select_related("user__second_factor")[:MOST_MEMBERS])
    return {
        "areas": list_settings(request.actor, "members"),
        "members": found,
        "names": list((roles.role_names(request.actor) | role_words()).items()),
        "may_edit": request.actor.may(roles.EDIT_MEMBERS),
        "may_demand": request.actor.may(roles.EDIT_ROLES),
        "problem": problem,
        "saved": "saved" in request.GET,
    }


@require_GET
def ask_removal(request: Request, user_id: str) -> HttpResponse:
    request.actor.require(roles.EDIT_MEMBERS)
    member = roles.find_member(request.actor, user_id)
    words = _("%s sees nothing of the organisation from the next page on. What they did stays, and tasks keep their name.")
    return ask(request, _("Remove this person?"), words % member.user, reverse("save-member", args=[user_id]), _("Remove"))


def ask(request: Request, title: str, words: str, address: str, act: str) -> HttpResponse:
    """The dialog before something that cannot be taken back."""
    context = {"title": title, "words": words, "address": address, "act": act}
    return render(request, "dashboard/_confirm_leaving.html", context)


@require_POST
def save_member(request: Request, user_id: str) -> HttpResponse:
    """Give a person another role, or take them out of the organisation."""
    try:
        if request.POST.get("remove"):
            roles.remove_member(request.actor, user_id)
        else:
            roles.change_member(request.actor, user_id, request.POST.get("role", ""))
    except InvalidInput as error:
        return render(request, "dashboard/members.html", members(request, str(error)), status=422)
    return HttpResponseRedirect(reverse("members") + "?saved")
