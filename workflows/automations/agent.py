"""Asking an agent: one signed request, whose answer is kept before anything follows from it."""

from typing import Any

import orjson
from django.conf import settings

from workflows.automations.sending import Rejected, deliver
from workflows.engine.agents import INVALID_OUTPUT
from workflows.models import AgentRun, Job
from workflows.permissions import Actor
from workflows.sealing import Unreadable, unseal
from workflows.services.agent_runs import begin_call, keep_answer
from workflows.services.agent_tokens import make_agent_token
from workflows.services.webhooks import Endpoint

RETRIES = 2


def call_agent(actor: Actor, job: Job) -> None:
    """Ask the agent of a job, unless it has answered already, or nobody waits for it any more."""
    run = begin_call(job)
    if run is not None and run.answer is None:
        keep_answer(run.pk, job.pk, _ask(job, run))


def _ask(job: Job, run: AgentRun) -> dict[str, Any]:
    try:
        endpoint = Endpoint("POST", run.agent.url, [unseal(run.agent.secret)], {}, retries=RETRIES, seconds=run.agent.seconds)
        answer = deliver(job, endpoint, request_of(job, run))
    except (Rejected, Unreadable) as error:
        return _failure("INTERNAL_ERROR", str(error))
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return _failure(INVALID_OUTPUT, "The answer of the agent is no JSON")
    return body if isinstance(body, dict) else _failure(INVALID_OUTPUT, "The answer of the agent is no JSON object")


def request_of(job: Job, run: AgentRun) -> dict[str, Any]:
    """Return what an agent is asked: the contract's request, with the address for an answer that takes longer."""
    address = f"{settings.PUBLIC_URL}/v1/agents/callbacks/{make_agent_token(run.pk, job.pk)}"
    return {**run.request, "execution_id": str(run.pk), "org_id": run.organisation.slug, "callback_url": address}


def _failure(code: str, reason: str) -> dict[str, Any]:
    return {"status": "failed", "error": {"code": code, "message": reason}}
