"""What pages offer, as far as the person may do it."""

from typing import Any

from django import template
from django.urls import reverse

from dashboard.areas import list_areas, list_settings
from workflows.models import FlowTemplate
from workflows.permissions import Actor

register = template.Library()
START, CREATE = "workflow:execution:trigger", "workflow:definition:create"


@register.filter
def may(actor: Actor | None, action: str) -> bool:
    """Whether a person may do this to whatever there is. Who is no member anywhere may nothing."""
    return bool(actor) and actor.may(action)


@register.filter
def might(actor: Actor | None, action: str) -> bool:
    """Whether there may be things to which a person may do this."""
    return bool(actor) and actor.might(action)


@register.simple_tag
def first_page(actor: Actor | None, section: str) -> str:
    """Return the address of the first page of "automation" or "organisation" that a person may see; empty for none."""
    pages = [] if not actor else {"automation": list_areas, "organisation": list_settings}[section](actor, "")
    return reverse(pages[0][0]) if pages else ""


@register.inclusion_tag("dashboard/_first_act.html", takes_context=True)
def first_act(context: dict[str, Any], prominent: bool = True) -> dict[str, Any]:
    """The act with which work begins: start a flow, or bring in a template where there is none. One query."""
    actor: Actor = context["request"].actor
    rows = FlowTemplate.objects.filter(organisation=actor.organisation, deleted_at=None, enabled=True)
    is_ready = rows.exists()
    return {
        "may_start": is_ready and actor.may(START),
        "may_import": not is_ready and actor.may(CREATE) and actor.may("workflow:definition:view"),
        "is_ready": is_ready,
        "prominent": prominent,
    }
