"""The page of agents, and what people say to one that waits for them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from dashboard.agents import MODES
from dashboard.answers import answer
from dashboard.areas import list_areas
from dashboard.requests import Request
from workflows.models import Agent
from workflows.services import agents
from workflows.services.agent_runs import answer_agent
from workflows.services.errors import InvalidInput

MOST = 500


@require_GET
def show_agents(request: Request) -> HttpResponse:
    actor = request.actor
    actor.require("automation:view")
    recent = Count("runs", filter=Q(runs__created_at__gt=timezone.now() - timedelta(days=1)))
    rows = Agent.objects.filter(organisation=actor.organisation).annotate(recent=recent).order_by("name", "id")[:MOST]
    context = {
        "areas": list_areas(actor, "agents"),
        "agents": [(agent, MODES[agent.mode]) for agent in rows],
        "may_create": actor.may("automation:create"),
        "may_edit": actor.may("automation:edit"),
        "may_delete": actor.may("automation:delete"),
    }
    return render(request, "dashboard/agents.html", context)


@require_GET
def show_form(request: Request, agent_id: UUID | None = None) -> HttpResponse:
    """The dialog in which an agent is made or changed."""
    request.actor.require("automation:edit" if agent_id else "automation:create")
    agent = agents.find_agent(request.actor, agent_id) if agent_id else None
    return render(request, "dashboard/_agent_form.html", {"agent": agent, "modes": MODES.items()})


@require_POST
def create_agent(request: Request) -> HttpResponse:
    _agent, secret = agents.create_agent(request.actor, read_form(request))
    return show_secret(request, secret)


@require_POST
def save_agent(request: Request, agent_id: UUID) -> HttpResponse:
    agents.replace_agent(request.actor, agent_id, read_form(request))
    return HttpResponseClientRedirect(reverse("agents"))


@require_POST
def renew_secret(request: Request, agent_id: UUID) -> HttpResponse:
    return show_secret(request, agents.renew_secret(request.actor, agent_id))


def show_secret(request: Request, secret: str) -> HttpResponse:
    return render(request, "dashboard/_secret.html", {"secret": secret, "address": reverse("agents")})


def read_form(request: Request) -> dict[str, Any]:
    def text(name: str) -> str:
        return request.POST.get(name, "").replace("\0", "").strip()

    return {
        "name": text("name"),
        "description": text("description"),
        "url": text("url"),
        "mode": text("mode"),
        "enabled": request.POST.get("enabled") == "true",
        "fields": [name.strip() for name in text("fields").split(",") if name.strip()],
        "seconds": read_number(text("seconds"), _("Seconds for a run")),
        "runs_a_day": read_number(text("runs_a_day"), _("Runs a day")),
    }


def read_number(text: str, field: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise InvalidInput(field, _("must be a whole number"))
    return int(text)


@require_GET
def ask_deletion(request: Request, agent_id: UUID) -> HttpResponse:
    request.actor.require("automation:delete")
    agent = agents.find_agent(request.actor, agent_id)
    words = _("“%s” is not asked any more, and what it answered is forgotten. Tasks that name it will fail.") % agent.name
    context = {"title": _("Delete this agent?"), "words": words, "address": reverse("agent-delete", args=[agent_id])}
    return render(request, "dashboard/_confirm_deletion.html", context)


@require_POST
def delete_agent(request: Request, agent_id: UUID) -> HttpResponse:
    agents.delete_agent(request.actor, agent_id)
    return HttpResponseClientRedirect(reverse("agents"))


@require_POST
def answer_proposal(request: Request, execution_id: UUID, task_id: UUID) -> HttpResponse:
    """Approve or reject what an agent proposes."""
    approved = request.POST.get("approved") == "true"
    reason = request.POST.get("reason", "").replace("\0", "").strip()
    answer_agent(request.actor, execution_id, task_id, approved=approved, reason=reason)
    return answer(request, execution_id, _("Approved") if approved else _("Rejected"))
