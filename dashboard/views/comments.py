"""Comments: written, changed, taken back; whom one can mention; and one's own mentions."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import trigger_client_event

from dashboard.answers import answer
from dashboard.my_tasks import build_page, read_sizes
from dashboard.requests import Request
from workflows.models import Comment
from workflows.services import comments
from workflows.services.errors import InvalidInput, NotFound


@require_POST
def add_comment(request: Request, execution_id: UUID) -> HttpResponse:
    """Write about a task, or about the execution when none is named."""
    comments.add_comment(request.actor, execution_id, read_text(request), request.POST.get("task", "") or None)
    return answer(request, execution_id, _("The comment is saved"))


@require_GET
def show_form(request: Request, comment_id: UUID) -> HttpResponse:
    """The form in the place of one's own comment."""
    return render(request, "dashboard/_comment_edit.html", {"comment": find_own(request, comment_id)})


@require_POST
def edit_comment(request: Request, comment_id: UUID) -> HttpResponse:
    comment = comments.edit_comment(request.actor, comment_id, read_text(request))
    return answer(request, comment.execution_id, _("The comment is saved"))


@require_GET
def ask_deletion(request: Request, comment_id: UUID) -> HttpResponse:
    find_own(request, comment_id)
    words = _("Nobody sees it any more, but the history keeps that it was there, and what it said.")
    context = {"title": _("Delete this comment?"), "words": words, "address": reverse("delete-comment", args=[comment_id])}
    return render(request, "dashboard/_confirm_deletion.html", context)


@require_POST
def delete_comment(request: Request, comment_id: UUID) -> HttpResponse:
    comment = comments.delete_comment(request.actor, comment_id)
    return answer(request, comment.execution_id, _("The comment is deleted"))


@require_GET
def offer_people(request: Request) -> HttpResponse:
    """Whom the letters behind an @ may stand for."""
    begun = request.GET.get("q", "")[:100]
    found = comments.suggest_people(request.actor, begun)
    words = ngettext("%d person found", "%d people found", len(found)) % len(found)
    context = {"found": found, "words": words, "begun": begun, "list": request.GET.get("list", "")[:40]}
    return render(request, "dashboard/_mentionable.html", context)


@require_POST
def read_mentions(request: Request) -> HttpResponse:
    """Mark one mention as read, or all."""
    wanted = request.POST.get("mention", "")
    if wanted and not (wanted.isascii() and wanted.isdecimal() and len(wanted) < 19):
        raise NotFound
    comments.read_mentions(request.actor, [int(wanted)] if wanted else None)
    context = build_page(request.actor, read_sizes(request.POST.getlist("shown"))) | {"swap": True}
    response = render(request, "dashboard/_my_tasks.html", context)
    return trigger_client_event(response, "announce", {"text": _("Marked as read")})


def read_text(request: Request) -> str:
    text = request.POST.get("text", "").replace("\0", "").strip()
    if not text:
        raise InvalidInput(_("Comment"), _("write something first"))
    if len(text.replace("\r\n", "\n")) > comments.MAX_TEXT:
        raise InvalidInput(_("Comment"), _("it is too long"))
    return text


def find_own(request: Request, comment_id: UUID) -> Comment:
    rows = Comment.objects.filter(pk=comment_id, organisation=request.actor.organisation, deleted_at=None)
    comment = rows.first()
    if comment is None or not comments.is_own(request.actor, comment):
        raise NotFound
    return comment
