"""The dialog in which an execution is shared: with whom it is, until when, and no longer."""

import logging
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.requests import Request
from workflows.models import Audience, ContextRef, Entity, Share
from workflows.services import sharing
from workflows.services.due import zone_of
from workflows.services.errors import InvalidInput
from workflows.services.executions import find_execution
from workflows.services.preferences import language_for

log = logging.getLogger(__name__)


@require_http_methods(["GET", "POST"])
def share_flow(request: Request, execution_id: UUID) -> HttpResponse:
    """Show with whom it is shared; a POST shares it with one more."""
    execution = find_execution(request.actor, execution_id)
    if request.method != "POST":
        return answer(request, execution.id)
    try:
        new = read_form(request)
        entity = subject_of(execution.id)
        if request.POST.get("all") and entity:
            share = sharing.share_entity(request.actor, entity.id, new)
        else:
            share = sharing.share_execution(request.actor, execution.id, new)
    except InvalidInput as error:
        return answer(request, execution.id, problem=str(error), status=422)
    return answer(request, execution.id, link=invite(request, share), is_invitation=share.audience == Audience.PARTNER)


@require_POST
def revoke(request: Request, execution_id: UUID, share_id: UUID) -> HttpResponse:
    find_execution(request.actor, execution_id)
    sharing.revoke_share(request.actor, share_id)
    return answer(request, execution_id)


def answer(request: Request, execution_id: UUID, status: int = 200, **extra: Any) -> HttpResponse:
    """Return the dialog as things are now."""
    execution = find_execution(request.actor, execution_id)
    about = list(ContextRef.objects.filter(execution_id=execution_id).values_list("entity_id", flat=True))
    shares = list(sharing.list_shares(request.actor, execution_id, about)[: sharing.MOST_SHARES])
    entity = subject_of(execution_id)
    context = {
        "execution": execution,
        "shares": [(share, ending(share), words(share)) for share in shares],
        "may_edit": request.actor.may(sharing.EDIT),
        "subject": entity.title if entity else "",
    }
    return render(request, "dashboard/_share.html", context | extra, status=status)


def subject_of(execution_id: UUID) -> Entity | None:
    primary = ContextRef.objects.filter(execution_id=execution_id, is_primary=True).values("entity_id")
    return Entity.objects.filter(pk__in=primary, deleted_at=None).first()


def ending(share: Share) -> str:
    """Return how a share has ended; empty while it has not."""
    if share.revoked_at:
        return _("revoked on %s") % date_format(share.revoked_at, "DATE_FORMAT")
    if share.expires_at and share.expires_at <= timezone.now():
        return _("expired on %s") % date_format(share.expires_at, "DATE_FORMAT")
    return ""


def words(share: Share) -> str:
    if share.audience == Audience.PARTNER:
        return str(share.partner or share.user or share.email)
    name = _("Customer") if share.audience == Audience.ECP else _("Installer")
    return f"{name} · {share.email}" if share.email else name


def read_form(request: Request) -> sharing.NewShare:
    """A day means until its end, by the organisation's calendar."""
    until = request.POST.get("until", "")
    try:
        day = datetime.fromisoformat(until[:10]).date() if until else None
    except ValueError as error:
        raise InvalidInput("until", _("is no day")) from error
    zone = zone_of(request.actor.organisation)
    ends = datetime.combine(day + timedelta(days=1), time(), zone) if day else None
    texts = {name: request.POST.get(name, "").replace("\0", "").strip() for name in ("audience", "partner", "email")}
    return sharing.NewShare(expires_at=ends, **texts)


def invite(request: Request, share: Share) -> str:
    """Return the link by which somebody comes in, and send it to partners; a partner organisation needs none."""
    if share.partner_id:
        return ""
    name = "invitation" if share.audience == Audience.PARTNER else "portal"
    link = settings.PUBLIC_URL + reverse(name, args=[sharing.make_link(share)])
    if share.audience == Audience.PARTNER:
        with translation.override(language_for(share.email) or translation.get_language()):
            subject = _("%s shares tasks with you") % " ".join(request.actor.organisation.name.split())
        try:
            send_mail(subject, f"{subject}:\n\n{link}\n", None, [share.email])
        except OSError:
            # The share stands, and the dialog shows the link.
            log.warning("the invitation of share %s could not be sent", share.pk)
    return link
