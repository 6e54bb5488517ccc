"""One signed message to an endpoint: its row before, its outcome after, and what the answer means for the next try.

Signed as Standard Webhooks says. The id is the job's and stays the same in every attempt; the attempt's time is signed too.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from django.utils import timezone
from standardwebhooks import Webhook as Signer

from workflows import outbound
from workflows.models import Job
from workflows.services import queue
from workflows.services.webhooks import Endpoint

DELAYS = (timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=5))
LONGEST_DELAY = timedelta(days=1)
# What may well be answered otherwise later.
TRANSIENT = frozenset({408, 425, 429})
GONE = 410


class Rejected(Exception):
    """The message was not taken, and never will be. `status` is None when it was not even sent."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


def deliver(job: Job, endpoint: Endpoint, payload: Mapping[str, Any]) -> outbound.Answer:
    """Send a message once and return the answer that took it. Raises Rejected, or TryAgain with the time of the next try."""
    body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
    headers = {**endpoint.headers, **sign(job, endpoint.secrets, body)}
    delivery = queue.begin_delivery(job, endpoint.url)
    try:
        answer = outbound.send(endpoint.method, endpoint.url, body, headers, endpoint.seconds)
    except outbound.Refused as error:
        queue.end_delivery(delivery, "not_allowed")
        raise Rejected(str(error)) from error
    except outbound.Unreachable as error:
        queue.end_delivery(delivery, "unreachable", answer=str(error))
        raise _later(job, endpoint, str(error)) from error
    is_taken = 200 <= answer.status < 300
    queue.end_delivery(delivery, "taken" if is_taken else "refused", http_status=answer.status, answer=answer.text)
    if is_taken:
        return answer
    reason = f"The endpoint answered {answer.status}"
    if answer.status in TRANSIENT or answer.status >= 500:
        raise _later(job, endpoint, reason, answer.headers.get("retry-after"))
    raise Rejected(reason, answer.status)


def sign(job: Job, secrets: Sequence[str], body: bytes) -> dict[str, str]:
    """Return the headers of a message; it has a signature by each secret that is live."""
    at = datetime.now(UTC)
    signatures = [Signer(secret).sign(job.effect_id, at, body.decode()) for secret in secrets]
    return {
        "Content-Type": "application/json",
        "User-Agent": "Flowdeck",
        "Idempotency-Key": job.effect_id,
        "webhook-id": job.effect_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _later(job: Job, endpoint: Endpoint, reason: str, retry_after: str | None = None) -> queue.TryAgain:
    delay = queue.spread(DELAYS[min(job.tries, len(DELAYS)) - 1])
    asked = read_retry_after(retry_after, timezone.now())
    if asked is not None:
        delay = min(max(delay, asked), LONGEST_DELAY)
    return queue.TryAgain(reason, delay=delay, tries=1 + endpoint.retries)


def read_retry_after(text: str | None, now: datetime) -> timedelta | None:
    """Return how long a Retry-After header asks to wait: seconds, or until a date."""
    if not text:
        return None
    if text.strip().isdecimal():
        return timedelta(seconds=min(int(text[:9]), 10**8))
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return max((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now, timedelta())
