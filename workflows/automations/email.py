"""send-email: a mail from a text with placeholders; with `wait_for_confirmation` the run waits until its link is followed."""

import smtplib
from collections.abc import Sequence
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email

from workflows.automations.situation import ActionType, CannotDo, Situation
from workflows.outbound import refuse_in_transaction
from workflows.services import queue
from workflows.services.automation_run import Outcome, done, paused, skipped
from workflows.services.resume_tokens import make_token

CODE = "INTERNAL_ERROR"
MOST_RECIPIENTS = 50
MAX_SUBJECT = 500


def send(situation: Situation) -> Outcome:
    """Send the mail; its Message-ID is the job's, so that a mail that is sent twice can be known as one."""
    unmet = _unmet_condition(situation)
    if unmet:
        return skipped(f"The condition on {unmet} is not met")
    waits = situation.config.get("wait_for_confirmation") is True
    message = compose(situation, waits=waits)
    refuse_in_transaction()
    delivery = queue.begin_delivery(situation.job, f"mailto:{', '.join(message.to)}")
    try:
        message.send()
    except (smtplib.SMTPException, OSError, ValueError) as error:
        queue.end_delivery(delivery, "refused", http_status=_code(error), answer=str(error))
        raise _failure(error) from error
    queue.end_delivery(delivery, "taken")
    if waits:
        return paused("confirmation", message_id=message.extra_headers["Message-ID"])
    return done(message_id=message.extra_headers["Message-ID"])


def compose(situation: Situation, *, waits: bool) -> EmailMessage:
    """Return the mail. Raises CannotDo for a template without text or recipient."""
    template = situation.config.get("template")
    parts = template if isinstance(template, dict) else situation.config
    subject, body = (parts.get(name) or "" for name in ("subject", "body"))
    if not isinstance(subject, str) or not isinstance(body, str) or not body:
        raise CannotDo("TEMPLATE_ERROR", "The action has no text: set template.subject, template.body and template.to")
    link = confirmation_link(situation)
    if waits and "confirmation_url" not in body:
        body += "\n\n{{confirmation_url}}"
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    return EmailMessage(
        subject=" ".join(situation.fill(subject, confirmation_url=link).split())[:MAX_SUBJECT],
        body=situation.fill(body, confirmation_url=link),
        to=_addresses(situation, parts.get("to"), required=True),
        cc=_addresses(situation, parts.get("cc")),
        bcc=_addresses(situation, parts.get("bcc")),
        headers={"Message-ID": f"<{situation.job.pk}@{host}>"},
    )


def confirmation_link(situation: Situation) -> str:
    token = make_token(situation.execution.id, situation.action.key, situation.job.pk)
    return f"{settings.PUBLIC_URL}/confirm/{token}"


def _addresses(situation: Situation, given: object, *, required: bool = False) -> list[str]:
    texts: Sequence[object] = given if isinstance(given, list) else [given] if given else []
    if not all(isinstance(text, str) for text in texts):
        raise CannotDo("TEMPLATE_ERROR", "Recipients must be texts")
    found = [part.strip() for text in texts for part in situation.fill(str(text)).split(",") if part.strip()]
    if (required and not found) or len(found) > MOST_RECIPIENTS:
        raise CannotDo("TEMPLATE_ERROR", f"The mail has {len(found)} recipients; it needs 1 to {MOST_RECIPIENTS}")
    for address in found:
        try:
            validate_email(address)
        except ValidationError as error:
            raise CannotDo("TEMPLATE_ERROR", f"{address[:100]!r} is no e-mail address") from error
    return found


def _unmet_condition(situation: Situation) -> str:
    """Return the source of the first condition of the action that does not hold."""
    for condition in situation.config.get("conditions") or []:
        equals = (condition or {}).get("_equals") or {}
        source = equals.get("source")
        if isinstance(source, str) and situation.fill("{{" + source + "}}") != equals.get("value"):
            return source
    return ""


def _code(error: Exception) -> int | None:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return max((code for code, _ in error.recipients.values()), default=None)
    return error.smtp_code if isinstance(error, smtplib.SMTPResponseException) else None


def _failure(error: Exception) -> Exception:
    """What a mail server refuses for good is not tried again; when it is busy or away, it is."""
    code = _code(error)
    if code is not None and code >= 500:
        return CannotDo(CODE, f"The mail server refused the mail ({code})")
    if isinstance(error, ValueError):
        return CannotDo("INVALID_PAYLOAD", str(error))
    return queue.TryAgain("The mail server does not answer" if code is None else f"The mail server is busy ({code})")


ACTION = ActionType(CODE, call=send)
