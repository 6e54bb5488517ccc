"""Mails to a person about their own account: written as a job with their cause, sent by a worker."""

import smtplib
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from workflows.models import Job, Organisation, User
from workflows.outbound import refuse_in_transaction
from workflows.permissions import Actor
from workflows.services import queue

KIND = "send_account_mail"
RESET, CHANGED = "reset", "changed"
# In the place of a link, to who has no password: how they sign in.
ELSEWHERE = "elsewhere"


def write_mail(what: str, user_id: int | None, organisation_id: int | None, *, once: str | None = None) -> None:
    """Have a mail sent after the commit, in the language of the request unless the person has chosen another one.

    Without a person the same row is written, and nothing is sent: nobody can tell by the time that it takes. `once`: of the mails
    that are written under this key one is sent. A person without an organisation is written to by the oldest one's worker.
    """
    oldest = Organisation.objects.order_by("pk").values_list("pk", flat=True).first()
    payload = {"what": what, "user_id": user_id, "language": translation.get_language() or settings.LANGUAGE_CODE}
    if oldest is not None:
        job = Job(organisation_id=organisation_id or oldest, kind=KIND, payload=payload, dedup_key=once)
        Job.objects.bulk_create([job], ignore_conflicts=True)


def send_mail(actor: Actor, job: Job) -> None:
    """Send the mail of a job. The link is made now, so that it is good for its whole time, whatever the mail had to wait for."""
    user = User.objects.filter(pk=job.payload["user_id"] or 0, is_active=True).first()
    what = job.payload["what"]
    if what == RESET and user is not None and not user.has_usable_password():
        what = ELSEWHERE
    if user is None or (what == ELSEWHERE and not settings.OIDC):
        return
    refuse_in_transaction()
    # The address is not kept with the job: whoever looks at an organisation's jobs need not see who has forgotten a password.
    delivery = queue.begin_delivery(job, "mailto:")
    try:
        compose(what, user, job).send()
    except (smtplib.SMTPException, OSError, ValueError) as error:
        code = error.smtp_code if isinstance(error, smtplib.SMTPResponseException) else None
        queue.end_delivery(delivery, "refused", http_status=code)
        raise queue.TryAgain("The mail server did not take the mail") from error
    queue.end_delivery(delivery, "taken")


def compose(what: str, user: User, job: Job) -> EmailMessage:
    """Return a mail for a job; the first line of its template is the subject."""
    known = dict(settings.LANGUAGES)
    language = user.language if user.language in known else job.payload["language"]
    with translation.override(language):
        text = render_to_string(f"mail/{what}.txt", {"user": user, **links(user)})
    subject, _line, body = text.strip().partition("\n")
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    return EmailMessage(subject, body.strip() + "\n", to=[user.email], headers={"Message-ID": f"<{job.pk}@{host}>"})


def links(user: User) -> dict[str, Any]:
    key, token = urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)
    return {
        "url": settings.PUBLIC_URL,
        "reset_url": f"{settings.PUBLIC_URL}/reset/{key}/{token}",
        "minutes": settings.PASSWORD_RESET_TIMEOUT // 60,
        "provider": settings.OIDC and settings.OIDC["name"],
    }
