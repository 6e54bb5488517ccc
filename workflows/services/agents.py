"""The agents of an organisation: create, change, delete them. Secrets are sealed, and shown once when they are made."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from workflows.models import Agent, AgentMode, AgentRun
from workflows.outbound import Refused, parse_url
from workflows.permissions import Actor
from workflows.sealing import new_signing_secret, seal
from workflows.services.entities import is_settable
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.steps import parse_id
from workflows.services.transactions import in_transaction

MOST_SECONDS = 300
MOST_RUNS = 1_000_000
MOST_FIELDS = 50


@in_transaction
def create_agent(actor: Actor, data: Mapping[str, Any], now: datetime | None = None) -> tuple[Agent, str]:
    """Save an agent. Returns it with its signing secret, which is not shown again."""
    actor.require("automation:create")
    at = now or timezone.now()
    secret = new_signing_secret()
    agent = Agent(organisation=actor.organisation, secret=seal(secret), created_at=at)
    _write(agent, data, at)
    agent.save(force_insert=True)
    return agent, secret


@in_transaction
def replace_agent(actor: Actor, agent_id: str | UUID, data: Mapping[str, Any], now: datetime | None = None) -> Agent:
    """Change an agent. Runs under way go on as they were asked for."""
    actor.require("automation:edit")
    agent = _lock(actor, agent_id)
    _write(agent, data, max(now or timezone.now(), agent.updated_at + timedelta(milliseconds=1)))
    agent.save()
    return agent


@in_transaction
def renew_secret(actor: Actor, agent_id: str | UUID) -> str:
    """Give an agent a new signing secret and return it; the old one ends at once."""
    actor.require("automation:edit")
    agent = _lock(actor, agent_id)
    secret = new_signing_secret()
    agent.secret = seal(secret)
    agent.save(update_fields=["secret"])
    return secret


@in_transaction
def delete_agent(actor: Actor, agent_id: str | UUID) -> None:
    """Remove an agent with its runs. Tasks that name it fail with the reason.

    Raises InvalidInput while it is at work, or waits for somebody: its tasks would wait for ever.
    """
    actor.require("automation:delete")
    agent = _lock(actor, agent_id)
    if AgentRun.objects.filter(agent=agent, finished_at=None).exists():
        raise InvalidInput(
            "agent", "it is at work, or waits for an approval; switch it off, and delete it when its tasks are done"
        )
    agent.delete()


def find_agent(actor: Actor, agent_id: str | UUID) -> Agent:
    """Return an agent of the actor's organisation. Raises NotFound."""
    agent = Agent.objects.filter(pk=parse_id(agent_id), organisation=actor.organisation).first()
    if agent is None:
        raise NotFound
    return agent


def _lock(actor: Actor, agent_id: str | UUID) -> Agent:
    rows = Agent.objects.filter(pk=parse_id(agent_id), organisation=actor.organisation)
    agent = rows.select_for_update(no_key=True).first()
    if agent is None:
        raise NotFound
    return agent


def _write(agent: Agent, data: Mapping[str, Any], at: datetime) -> None:
    name = str(data.get("name") or "").strip()
    if not name or len(name) > 100:
        raise InvalidInput("name", "must have 1 to 100 characters")
    try:
        parse_url(data.get("url") or "")
    except Refused as error:
        raise InvalidInput("url", str(error)) from error
    if data.get("mode", AgentMode.AUTOMATIC) not in AgentMode.values:
        raise InvalidInput("mode", f"must be one of {', '.join(AgentMode.values)}")
    agent.name = name
    agent.description = str(data.get("description") or "")[:1000]
    agent.url = data["url"]
    agent.mode = data.get("mode", AgentMode.AUTOMATIC)
    agent.enabled = bool(data.get("enabled", True))
    agent.fields = _read_fields(data.get("fields") or [])
    agent.seconds = _read_number(data, "seconds", default=30, most=MOST_SECONDS)
    agent.runs_a_day = _read_number(data, "runs_a_day", default=1000, most=MOST_RUNS)
    agent.updated_at = at


def _read_fields(names: list[str]) -> list[str]:
    if len(names) > MOST_FIELDS:
        raise InvalidInput("fields", f"must be at most {MOST_FIELDS} names")
    for name in names:
        if not name or len(name) > 100 or not is_settable(name):
            raise InvalidInput("fields", f"{name[:100]!r} cannot be filled")
    return list(dict.fromkeys(names))


def _read_number(data: Mapping[str, Any], name: str, *, default: int, most: int) -> int:
    value = data.get(name, default)
    if not isinstance(value, int) or not 1 <= value <= most:
        raise InvalidInput(name, f"must be a whole number from 1 to {most}")
    return value
