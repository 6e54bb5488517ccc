"""The pages of webhooks: the catalogue, one endpoint with its messages, and what can be done to them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

from dashboard.areas import list_areas
from dashboard.requests import Request, wants_fragment
from dashboard.webhooks import EVENTS, MESSAGE_STATUS, build_hooks, build_messages
from workflows.engine.flow_events import FlowEvent
from workflows.jobs import send_now
from workflows.models import FlowTemplate, Webhook
from workflows.services import webhooks
from workflows.services.errors import InvalidInput
from workflows.services.webhook_messages import (
    CONDITIONS,
    MessageStatus,
    example_message,
    messages_to,
    replay_message,
    with_attempts,
)

PAGE = 25
MOST = 500


@require_GET
def show_webhooks(request: Request) -> HttpResponse:
    """The catalogue."""
    actor = request.actor
    actor.require("webhook:view")
    rows = Webhook.objects.filter(organisation=actor.organisation).order_by("name", "id")[:MOST]
    context = {
        "areas": list_areas(actor, "webhooks"),
        "hooks": build_hooks(actor, rows, timezone.now()),
        "may_create": actor.may("webhook:create"),
    }
    return render(request, "dashboard/webhooks.html", context)


@require_GET
def show_webhook(request: Request, webhook_id: UUID) -> HttpResponse:
    """One endpoint with its messages; for htmx only what changes."""
    request.actor.require("webhook:view")
    template = "dashboard/webhook.html"
    context = page(request, webhooks.find_webhook(request.actor, webhook_id))
    return render(request, template + "#endpoint" if wants_fragment(request) else template, context)


def page(request: Request, webhook: Webhook) -> dict[str, Any]:
    actor = request.actor
    wanted = request.GET.get("status", "")
    rows = messages_to(webhook)
    if wanted in CONDITIONS:
        rows = rows.filter(CONDITIONS[wanted])
    place = read_place(request.GET.get("after", ""))
    if place:
        rows = rows.filter(Q(created_at__lt=place[0]) | Q(created_at=place[0], id__lt=place[1]))
    found = list(rows[: PAGE + 1])
    last = found[PAGE - 1] if len(found) > PAGE else None
    return {
        "areas": list_areas(actor, "webhooks"),
        "hook": build_hooks(actor, [webhook], timezone.now())[0],
        "messages": build_messages(webhook, with_attempts(found[:PAGE])),
        "status": wanted if wanted in CONDITIONS else "",
        "tabs": [("", _("All")), *((status.value, MESSAGE_STATUS[status][0]) for status in MessageStatus)],
        "next": f"{last.created_at.isoformat()}~{last.pk}" if last else "",
        "may_edit": actor.may("webhook:edit"),
        "may_delete": actor.may("webhook:delete"),
    }


def read_place(text: str) -> tuple[datetime, UUID] | None:
    moment, _sign, key = text.partition("~")
    try:
        place = datetime.fromisoformat(moment), UUID(key)
    except ValueError:
        # An address may be old or cut; the first page is shown.
        return None
    return place if place[0].tzinfo else None


def answer(request: Request, webhook_id: UUID, message: str) -> HttpResponse:
    """Return the endpoint as it is now, and what a screen reader is to say."""
    context = page(request, webhooks.find_webhook(request.actor, webhook_id))
    response = render(request, "dashboard/webhook.html#endpoint", context)
    return trigger_client_event(response, "announce", {"text": message})


@require_GET
def show_form(request: Request, webhook_id: UUID | None = None) -> HttpResponse:
    """The dialog in which an endpoint is made or changed."""
    actor = request.actor
    actor.require("webhook:edit" if webhook_id else "webhook:create")
    webhook = webhooks.find_webhook(actor, webhook_id) if webhook_id else None
    templates = FlowTemplate.objects.filter(organisation=actor.organisation, deleted_at=None).order_by("name", "id")[:MOST]
    chosen = set(webhook.events if webhook else [FlowEvent.FLOW_COMPLETED])
    groups = [
        (label, [(event.value, name, event.value in chosen) for event, name in EVENTS.items() if group_of(event) == group])
        for group, label in (("Flow", _("Flow")), ("Task", _("Task")), ("Phase", _("Phase")))
    ]
    context = {
        "webhook": webhook,
        "groups": groups,
        "templates": templates,
        "other": webhook.event_name if webhook and not webhook.events else "",
    }
    return render(request, "dashboard/_webhook_form.html", context)


def group_of(event: FlowEvent) -> str:
    return "Task" if event.value.startswith(("Task", "Curr")) else "Phase" if event.value.startswith("Phase") else "Flow"


@require_POST
def create_webhook(request: Request) -> HttpResponse:
    webhook, secret = webhooks.create_webhook(request.actor, read_form(request))
    return show_secret(request, secret, reverse("webhook", args=[webhook.pk]))


@require_POST
def save_webhook(request: Request, webhook_id: UUID) -> HttpResponse:
    webhook = webhooks.find_webhook(request.actor, webhook_id)
    # What is not asked for in the form stays as it is.
    kept = {**webhook.document, "httpMethod": webhook.http_method, "enabled": webhook.enabled}
    webhooks.replace_webhook(request.actor, webhook_id, kept | read_form(request))
    return answer(request, webhook_id, _("Saved"))


def read_form(request: Request) -> dict[str, Any]:
    events = [event.value for event in FlowEvent if event.value in request.POST.getlist("events")]
    other = request.POST.get("other", "").replace("\0", "").strip()[:200]
    name = request.POST.get("name", "").replace("\0", "").strip()[:255]
    if not name:
        raise InvalidInput(_("Name"), _("a webhook needs one"))
    if not events and not other:
        raise InvalidInput(_("Events"), _("choose at least one, or name an event of automations"))
    return {
        "name": name,
        "url": request.POST.get("url", "").strip(),
        "eventName": other or events[0],
        "events": events,
        "flowTemplateId": request.POST.get("template", "") or None,
    }


def show_secret(request: Request, secret: str, address: str) -> HttpResponse:
    return render(request, "dashboard/_secret.html", {"secret": secret, "address": address})


@require_POST
def pause_webhook(request: Request, webhook_id: UUID) -> HttpResponse:
    enabled = request.POST.get("enabled") == "true"
    webhooks.set_enabled(request.actor, webhook_id, enabled)
    return answer(request, webhook_id, _("The webhook goes on") if enabled else _("The webhook is paused"))


@require_POST
def rotate_secret(request: Request, webhook_id: UUID) -> HttpResponse:
    _webhook, secret = webhooks.rotate_secret(request.actor, webhook_id)
    return show_secret(request, secret, reverse("webhook", args=[webhook_id]))


@require_POST
def test_webhook(request: Request, webhook_id: UUID) -> HttpResponse:
    """Send an example at once, and show what was answered."""
    request.actor.require("webhook:edit")
    webhook = webhooks.find_webhook(request.actor, webhook_id)
    job = send_now(request.actor, str(webhook_id), example_message(webhook, timezone.now()))
    taken = with_attempts([job])[0].status is MessageStatus.SUCCEEDED
    return answer(request, webhook_id, _("The test has arrived") if taken else _("The test has not arrived"))


@require_POST
def replay(request: Request, webhook_id: UUID, message_id: str) -> HttpResponse:
    replay_message(request.actor, webhook_id, message_id)
    return answer(request, webhook_id, _("It is sent again"))


@require_GET
def ask_deletion(request: Request, webhook_id: UUID) -> HttpResponse:
    request.actor.require("webhook:delete")
    webhook = webhooks.find_webhook(request.actor, webhook_id)
    words = _("Nothing is sent to “%s” any more, what waits for it is given up, and actions that name it fail.") % webhook.name
    context = {"title": _("Delete this webhook?"), "words": words, "address": reverse("webhook-delete", args=[webhook_id])}
    return render(request, "dashboard/_confirm_deletion.html", context)


@require_POST
def delete_webhook(request: Request, webhook_id: UUID) -> HttpResponse:
    webhooks.delete_webhook(request.actor, webhook_id)
    return HttpResponseClientRedirect(reverse("webhooks"))
