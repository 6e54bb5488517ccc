"""What people do to an execution as a whole: start, date, assign, close, reopen, delete."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from dashboard.answers import answer
from dashboard.requests import Request
from dashboard.views.board import load_board, page
from workflows.models import Entity, FlowTemplate
from workflows.permissions import Actor
from workflows.services.entities import create_entity
from workflows.services.errors import InvalidInput
from workflows.services.executions import (
    Context,
    ExecutionPatch,
    StartRequest,
    delete_execution,
    patch_execution,
    start_execution,
)
from workflows.services.transactions import in_transaction

MOST_OFFERED = 8
MOST_TEMPLATES = 200


@require_http_methods(["GET", "POST"])
def start_flow(request: Request) -> HttpResponse:
    """The dialog in which a flow is started; POST starts it and leads to its board."""
    request.actor.require("workflow:execution:trigger")
    if request.method == "POST":
        execution_id = start_about(request.actor, request.POST)
        return HttpResponseClientRedirect(reverse("board", args=[execution_id]))
    rows = FlowTemplate.objects.filter(organisation=request.actor.organisation, deleted_at=None, enabled=True).order_by("name")
    chosen = request.GET.get("template", "")
    context = {"templates": rows[:MOST_TEMPLATES], "chosen": chosen, "entities": find_entities(request.actor, "")}
    return render(request, "dashboard/_start.html", context)


@in_transaction
def start_about(actor: Actor, form: Any) -> UUID:
    """Start a flow about the chosen entity, or about a contact that is created with it."""
    if not form.get("template"):
        raise InvalidInput(_("Process"), _("choose one"))
    name = form.get("new_contact", "").replace("\0", "").strip()[:200]
    if name:
        entity = create_entity(actor, "contact", {"name": name, "_title": name})
    else:
        chosen = form.get("entity", "")
        if not chosen:
            raise InvalidInput(_("About"), _("choose an entry, or type the name of a new contact"))
        schema, _sign, key = chosen.partition("~")
        request = StartRequest(form["template"], [Context(key, schema, is_primary=True)])
        return start_execution(actor, request).id
    request = StartRequest(form["template"], [Context(str(entity.id), entity.schema, is_primary=True)])
    return start_execution(actor, request).id


@require_GET
def offer_entities(request: Request) -> HttpResponse:
    """Entities that match what was typed so far."""
    request.actor.require("workflow:execution:trigger")
    return render(request, "dashboard/_entities.html", {"entities": find_entities(request.actor, request.GET.get("q", ""))})


def find_entities(actor: Actor, words: str) -> list[Entity]:
    rows = Entity.objects.filter(organisation=actor.organisation, deleted_at=None)
    for word in words.replace("\0", "").lower().split()[:5]:
        rows = rows.filter(search_text__contains=word)
    return list(rows.order_by("-updated_at")[:MOST_OFFERED])


@require_POST
def save_execution_field(request: Request, execution_id: UUID, field: str) -> HttpResponse:
    """Save the due date or the assignees of an execution."""
    patch: ExecutionPatch = {}
    if field == "due_date":
        day = request.POST.get("due_date", "")[:10]
        patch["due_date"] = f"{day}T00:00:00.000" if day else ""
    else:
        patch["assigned_to"] = [value[:128] for value in request.POST.getlist("assigned_to") if value]
    patch_execution(request.actor, execution_id, patch)
    return answer(request, execution_id, _("Saved"))


@require_http_methods(["GET", "POST"])
def close_flow(request: Request, execution_id: UUID) -> HttpResponse:
    """The dialog that asks why; POST closes the execution."""
    if request.method == "POST":
        reasons = [{"id": reason} for reason in request.POST.getlist("reason")]
        text = request.POST.get("extra_description", "").replace("\0", "").strip()[:10_000]
        closing: dict[str, Any] = {"selected_reasons": reasons} | ({"extra_description": text} if text else {})
        patch_execution(request.actor, execution_id, {"status": "CLOSED", "closing_reason": closing})
        return answer(request, execution_id, _("The flow is closed"))
    request.actor.require("workflow:execution:cancel")
    board = load_board(request, execution_id)
    reasons = board.execution.extra.get("configured_reasons") or []
    is_single = bool(board.compiled.data.get("singleClosingReasonSelection"))
    return render(request, "dashboard/_close.html", page(board) | {"reasons": reasons, "is_single": is_single})


@require_POST
def reopen_flow(request: Request, execution_id: UUID) -> HttpResponse:
    patch_execution(request.actor, execution_id, {"status": "STARTED"})
    return answer(request, execution_id, _("The flow is running again"))


@require_http_methods(["GET", "POST"])
def delete_flow(request: Request, execution_id: UUID) -> HttpResponse:
    """The dialog that asks whether one is sure; POST hides the execution, and keeps it for audits."""
    if request.method == "POST":
        delete_execution(request.actor, execution_id, soft=True)
        return HttpResponseClientRedirect(reverse("executions"))
    request.actor.require("workflow:execution:delete")
    return render(request, "dashboard/_delete.html", page(load_board(request, execution_id)))
