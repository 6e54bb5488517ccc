"""The wire form of the webhook catalogue and of the messages to its endpoints."""

from datetime import datetime
from typing import Any

import orjson

from workflows.documents import timestamp
from workflows.models import Delivery, Job, Webhook
from workflows.services.webhook_messages import Message, MessageStatus
from workflows.services.webhooks import default_retries, public_auth


def render_webhook(webhook: Webhook, now: datetime) -> dict[str, Any]:
    """Return an endpoint without its secrets."""
    about_flows: dict[str, Any] = {"events": webhook.events} if webhook.events else {}
    if webhook.template_id:
        about_flows["flowTemplateId"] = webhook.template_id
    if webhook.previous_secret_until and webhook.previous_secret_until > now:
        about_flows["previousSecretUntil"] = timestamp(webhook.previous_secret_until)
    return {
        "retryPolicy": {"enabled": True, "maxAttempts": default_retries(webhook)},
        **webhook.document,
        **about_flows,
        "id": str(webhook.id),
        "name": webhook.name,
        "eventName": webhook.event_name,
        "url": webhook.url,
        "httpMethod": webhook.http_method,
        "enabled": webhook.enabled,
        "auth": public_auth(webhook),
        "status": _status(webhook),
        "creationTime": timestamp(webhook.created_at),
        "updatedTime": timestamp(webhook.updated_at),
    }


def _status(webhook: Webhook) -> str:
    if not webhook.url:
        return "incomplete"
    return "active" if webhook.enabled else "inactive"


def render_message(webhook: Webhook, message: Message) -> dict[str, Any]:
    """Return a message as an event of the contract, without its attempts."""
    job, body = message.job, message.job.payload["body"]
    rendered = {
        "event_id": job.effect_id,
        "org_id": webhook.organisation.slug,
        "webhook_config_id": str(webhook.id),
        "url": message.last.target if message.last else webhook.url,
        "created_at": timestamp(job.created_at),
        "event_name": body.get("_event_name") or webhook.event_name,
        "metadata": body.get("metadata") or _metadata(webhook, body),
        "status": message.status.value,
        "http_method": webhook.http_method,
        "payload": orjson.dumps(body).decode(),
        "retry_attempt": max(job.tries - 1, 0),
        "can_reapply_transform": False,
        "can_reapply_transform_reason": "no_transform_configured",
    }
    answer = _answer(message)
    return rendered | ({"http_response": answer} if answer else {})


def render_attempts(message: Message) -> list[dict[str, Any]]:
    """Return each attempt to send a message, with what was answered."""
    return [
        {
            "attempt": attempt.attempt,
            "started_at": timestamp(attempt.started_at),
            "finished_at": timestamp(attempt.finished_at) if attempt.finished_at else None,
            "outcome": attempt.outcome if attempt.finished_at else "unknown",
            "status_code": attempt.http_status,
            "answer": attempt.answer,
        }
        for attempt in message.attempts
    ]


def render_result(message: Message) -> dict[str, Any]:
    """Return what came of a message that was sent at once."""
    job, last = message.job, message.last
    if message.status is MessageStatus.IN_PROGRESS and last is None:
        return {"event_id": job.effect_id}
    taken = message.status is MessageStatus.SUCCEEDED
    result: dict[str, Any] = {"event_id": job.effect_id, "status": "succeeded" if taken else "failed"}
    result |= {"message": job.last_error} if job.last_error else {}
    if last is not None:
        result |= _body(last) | {"start_date": timestamp(last.started_at)}
        result |= {"status_code": str(last.http_status)} if last.http_status else {}
        result |= {"end_date": timestamp(last.finished_at)} if last.finished_at else {}
    return result


def render_cursor(job: Job) -> dict[str, str]:
    return {"created_at": job.created_at.isoformat(), "event_id": job.effect_id}


def _metadata(webhook: Webhook, body: dict[str, Any]) -> dict[str, Any]:
    return {
        "organization_id": webhook.organisation.slug,
        "webhook_id": str(webhook.id),
        "webhook_name": webhook.name,
        "origin": body.get("_event_source", ""),
        "creation_timestamp": body.get("_event_time", ""),
        "correlation_id": body.get("_event_id", ""),
    }


def _answer(message: Message) -> dict[str, Any]:
    last = message.last
    if last is None:
        return {"message": message.job.last_error} if message.job.last_error else {}
    status = {"status_code": last.http_status} if last.http_status else {}
    words = message.job.last_error or (last.answer if not last.http_status else "")
    return status | ({"message": words} if words else {}) | _body(last)


def _body(attempt: Delivery) -> dict[str, Any]:
    """Return what the endpoint answered, as an object: its own, or its text in one."""
    if not attempt.http_status or not attempt.answer:
        return {}
    try:
        body = orjson.loads(attempt.answer)
    except orjson.JSONDecodeError:
        body = None
    return {"body": body if isinstance(body, dict) else {"text": attempt.answer}}
