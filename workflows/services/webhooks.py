"""The webhook catalogue: create, change, delete endpoints. Secrets are sealed, and shown once when they are made."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from workflows.engine.flow_events import FlowEvent
from workflows.models import FlowTemplate, Job, JobState, Webhook
from workflows.outbound import Refused, parse_url
from workflows.permissions import Actor
from workflows.sealing import new_signing_secret, seal, unseal
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.steps import parse_id
from workflows.services.transactions import in_transaction

ABOUT = frozenset(
    (
        "id name eventName events flowTemplateId url httpMethod enabled auth creationTime updatedTime signingSecret "
        "previousSecretUntil status org_id"
    ).split()
)
AUTH_TYPES = ("NONE", "BASIC", "API_KEY")
# The secret part of each kind of credentials: it is written, never read.
SECRETS = {"BASIC": ("basicAuthConfig", "username", "password"), "API_KEY": ("apiKeyConfig", "keyName", "keyValue")}
# Events of the catalogue may be named with it.
PREFIX = "event_"
METHODS = ("POST", "PUT", "PATCH")
FORBIDDEN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection"})
DEFAULT_RETRIES = 3
FLOW_RETRIES = 5
# So long does the secret before the present one sign beside it.
OVERLAP = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and how to send, with secrets in the clear: for the moment of sending only."""

    method: str
    url: str
    secrets: Sequence[str]
    headers: Mapping[str, str]
    retries: int = DEFAULT_RETRIES
    # The time for a call, where it is not the usual one.
    seconds: float | None = None


@in_transaction
def create_webhook(actor: Actor, data: Mapping[str, Any], now: datetime | None = None) -> tuple[Webhook, str]:
    """Save an endpoint. Returns it with its signing secret, which is not shown again."""
    actor.require("webhook:create")
    at = now or timezone.now()
    secret = new_signing_secret()
    webhook = Webhook(organisation=actor.organisation, signing_secret=seal(secret), created_at=at)
    _write(webhook, data, at)
    webhook.save(force_insert=True)
    return webhook, secret


@in_transaction
def replace_webhook(actor: Actor, webhook_id: str | UUID, data: Mapping[str, Any], now: datetime | None = None) -> Webhook:
    """Change an endpoint. Credentials that are left out stay; null clears them."""
    actor.require("webhook:edit")
    webhook = _lock(actor, webhook_id)
    at = now or timezone.now()
    was_active = webhook.is_active
    _write(webhook, data, max(at, webhook.updated_at + timedelta(milliseconds=1)))
    webhook.save()
    if webhook.is_active and not was_active:
        release_held(webhook.pk, at)
    return webhook


@in_transaction
def delete_webhook(actor: Actor, webhook_id: str | UUID) -> None:
    """Remove an endpoint. Actions that name it fail with the reason."""
    actor.require("webhook:delete")
    webhook = _lock(actor, webhook_id)
    webhook_id = webhook.pk
    webhook.delete()
    release_held(webhook_id, timezone.now())


@in_transaction
def set_enabled(actor: Actor, webhook_id: str | UUID, enabled: bool, now: datetime | None = None) -> Webhook:
    """Pause an endpoint, or let it go on. Paused, it is told of nothing new, and what was waiting for it is held."""
    actor.require("webhook:edit")
    webhook = _lock(actor, webhook_id)
    at = now or timezone.now()
    if webhook.enabled is not enabled:
        webhook.enabled = enabled
        webhook.updated_at = max(at, webhook.updated_at + timedelta(milliseconds=1))
        webhook.save(update_fields=["enabled", "updated_at"])
    if enabled:
        release_held(webhook.pk, at)
    return webhook


@in_transaction
def rotate_secret(actor: Actor, webhook_id: str | UUID, now: datetime | None = None) -> tuple[Webhook, str]:
    """Give an endpoint a new signing secret, and return it. The one before signs beside it for a day; older ones end at once."""
    actor.require("webhook:edit")
    webhook = _lock(actor, webhook_id)
    at = now or timezone.now()
    secret = new_signing_secret()
    webhook.previous_secret, webhook.previous_secret_until = webhook.signing_secret, at + OVERLAP
    webhook.signing_secret = seal(secret)
    webhook.updated_at = max(at, webhook.updated_at + timedelta(milliseconds=1))
    webhook.save(update_fields=["signing_secret", "previous_secret", "previous_secret_until", "updated_at"])
    return webhook, secret


def disable_gone(webhook: Webhook) -> None:
    """An endpoint that says that it is gone is not asked again."""
    Webhook.objects.filter(pk=webhook.pk).update(enabled=False)


def release_held(webhook_id: UUID, now: datetime) -> int:
    """Have the messages that wait for an endpoint tried at once, each with a new budget of tries; return how many they are."""
    waiting = Job.objects.filter(webhook_id=webhook_id, state=JobState.READY)
    return waiting.update(run_at=now, tries_from=F("attempt"))


def find_webhook(actor: Actor, webhook_id: str | UUID) -> Webhook:
    """Return an endpoint of the actor's organisation. Raises NotFound."""
    rows = Webhook.objects.select_related("organisation").filter(pk=parse_id(webhook_id), organisation=actor.organisation)
    webhook = rows.first()
    if webhook is None:
        raise NotFound
    return webhook


def _lock(actor: Actor, webhook_id: str | UUID) -> Webhook:
    rows = Webhook.objects.filter(pk=parse_id(webhook_id), organisation=actor.organisation)
    webhook = rows.select_for_update(no_key=True).first()
    if webhook is None:
        raise NotFound
    return webhook


def open_endpoint(webhook: Webhook) -> Endpoint:
    """Return what is needed to send to an endpoint. Raises Unreadable when its secrets were sealed under a lost key."""
    headers = dict((webhook.document.get("payloadConfiguration") or {}).get("custom_headers") or {})
    auth = json.loads(unseal(webhook.credentials)) if webhook.credentials else {}
    return Endpoint(
        method=webhook.http_method,
        url=webhook.url,
        secrets=live_secrets(webhook, timezone.now()),
        headers=headers | _authorization(auth),
        retries=_retries(webhook),
    )


def live_secrets(webhook: Webhook, now: datetime) -> list[str]:
    """Return the secrets that sign: the present one, and the one before it for a while."""
    sealed = [webhook.signing_secret]
    if webhook.previous_secret and webhook.previous_secret_until and webhook.previous_secret_until > now:
        sealed.append(webhook.previous_secret)
    return [unseal(text) for text in sealed]


def default_retries(webhook: Webhook) -> int:
    """Return how often a message is tried again when nothing is said about it."""
    return FLOW_RETRIES if webhook.follows_flows else DEFAULT_RETRIES


def _retries(webhook: Webhook) -> int:
    policy = webhook.document.get("retryPolicy")
    if policy is None:
        return default_retries(webhook)
    return int(policy.get("maxAttempts") or DEFAULT_RETRIES) if policy.get("enabled") else 0


def _authorization(auth: Mapping[str, Any]) -> dict[str, str]:
    if auth.get("authType") == "BASIC":
        config = auth.get("basicAuthConfig") or {}
        pair = f"{config.get('username') or ''}:{config.get('password') or ''}".encode()
        return {"Authorization": f"Basic {b64encode(pair).decode()}"}
    if auth.get("authType") == "API_KEY":
        config = auth.get("apiKeyConfig") or {}
        return {config["keyName"]: config.get("keyValue") or ""}
    return {}


def public_auth(webhook: Webhook) -> dict[str, Any]:
    """Return an endpoint's credentials without what is secret in them."""
    auth: dict[str, Any] = json.loads(unseal(webhook.credentials)) if webhook.credentials else {"authType": "NONE"}
    if auth["authType"] in SECRETS:
        part, name, _ = SECRETS[auth["authType"]]
        return {"authType": auth["authType"], part: {name: auth[part].get(name, "")}}
    return {"authType": auth["authType"]}


def _write(webhook: Webhook, data: Mapping[str, Any], at: datetime) -> None:
    url = data.get("url") or ""
    if url:
        try:
            parse_url(url)
        except Refused as error:
            raise InvalidInput("url", str(error)) from error
    document = {key: value for key, value in data.items() if key not in ABOUT}
    if "retryPolicy" in webhook.document:
        document = {"retryPolicy": webhook.document["retryPolicy"], **document}
    check_headers((document.get("payloadConfiguration") or {}).get("custom_headers"))
    webhook.name = data["name"]
    webhook.event_name = data["eventName"]
    webhook.events = _read_events(data)
    webhook.follows_flows = bool(webhook.events)
    webhook.template_id = _read_template(webhook, data.get("flowTemplateId"))
    webhook.url = url
    webhook.http_method = data.get("httpMethod") or "POST"
    webhook.enabled = data.get("enabled", True)
    webhook.document = document
    webhook.updated_at = at
    if "auth" in data or not webhook.credentials:
        webhook.credentials = seal(json.dumps(_merge_auth(webhook, data.get("auth") or {"authType": "NONE"})))


def _read_events(data: Mapping[str, Any]) -> list[str]:
    """Return which events of flows are asked for: the one that the endpoint is named after, and those in the list."""
    known = [event.value for event in FlowEvent]
    asked = data.get("events") or []
    for index, name in enumerate(asked):
        if name not in known:
            raise InvalidInput(f"events[{index}]", f"must be one of {', '.join(known)}")
    first = data["eventName"].removeprefix(PREFIX)
    return list(dict.fromkeys([*([first] if first in known else []), *asked]))


def _read_template(webhook: Webhook, template_id: str | None) -> str:
    if not template_id:
        return ""
    templates = FlowTemplate.objects.filter(pk=template_id, organisation_id=webhook.organisation_id, deleted_at=None)
    if template_id != webhook.template_id and not templates.exists():
        raise InvalidInput("flowTemplateId", f"there is no flow template {template_id}")
    return template_id


def _merge_auth(webhook: Webhook, auth: Mapping[str, Any]) -> dict[str, Any]:
    kind = auth.get("authType")
    if kind not in AUTH_TYPES:
        raise InvalidInput("auth.authType", f"must be one of {', '.join(AUTH_TYPES)}; other kinds are not supported")
    if kind == "NONE":
        return {"authType": "NONE"}
    part, name, secret = SECRETS[str(kind)]
    config = auth.get(part)
    if not isinstance(config, dict) or not isinstance(config.get(name), str) or not config[name]:
        raise InvalidInput(f"auth.{part}.{name}", "is required")
    if kind == "API_KEY":
        check_headers({config[name]: config.get(secret) or ""}, "auth.apiKeyConfig")
    if secret not in config and webhook.credentials:
        old = json.loads(unseal(webhook.credentials))
        config = {**config, secret: (old.get(part) or {}).get(secret)}
    if not isinstance(config.get(secret), str | None):
        raise InvalidInput(f"auth.{part}.{secret}", "must be a text")
    return {"authType": kind, part: {name: config[name], secret: config.get(secret)}}


def check_headers(headers: Any, field: str = "payloadConfiguration.custom_headers") -> None:
    """Raise InvalidInput for headers that would end another one, or that are ours to set."""
    if headers is None:
        return
    if not isinstance(headers, dict) or len(headers) > 50:
        raise InvalidInput(field, "must be an object of at most 50 texts")
    for name, value in headers.items():
        plain = isinstance(value, str) and value.isascii() and value.isprintable() and len(value) <= 2000
        if not plain or not name or not all(c.isascii() and (c.isalnum() or c in "-_") for c in name):
            raise InvalidInput(field, f"{name!r} is no name of a header, or has no plain text as its value")
        if name.lower() in FORBIDDEN_HEADERS or name.lower().startswith("webhook-"):
            raise InvalidInput(field, f"{name} cannot be set")
