"""trigger-webhook: send the entity to an endpoint, and go on at once, or with `sync` when it has been taken."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from workflows.automations.sending import GONE, Rejected, deliver
from workflows.automations.situation import ActionType, CannotDo, Situation
from workflows.documents import timestamp
from workflows.models import Job, Webhook
from workflows.permissions import Actor
from workflows.sealing import unseal
from workflows.services import queue
from workflows.services.automation_flows import find_automation
from workflows.services.automation_run import Outcome, done
from workflows.services.errors import NotFound
from workflows.services.runs import note_failure
from workflows.services.webhooks import Endpoint, disable_gone, find_webhook, open_endpoint

CODE = "TRIGGER_WEBHOOK_ERROR"
MOST_SHOWN = 2000
# What waits for a paused endpoint is tried when that goes on. It looks again now and then, as it may miss that moment.
HELD = timedelta(hours=1)
ALWAYS = 1_000_000


def endpoint_of(situation: Situation) -> tuple[Endpoint, Webhook | None]:
    """Return where an action sends to: an endpoint of the catalogue, or the URL in its configuration. Raises CannotDo."""
    webhook_id = situation.text("target_webhook_id")
    if webhook_id:
        try:
            webhook = find_webhook(situation.actor, webhook_id)
        except NotFound as error:
            raise CannotDo("BAD_CONFIG", f"There is no webhook {webhook_id} in the catalogue") from error
        if not webhook.is_active:
            raise CannotDo(CODE, f"The webhook {webhook.name} is disabled or has no URL")
        return open_endpoint(webhook), webhook
    if not situation.text("url"):
        raise CannotDo("BAD_CONFIG", "The action names neither a webhook of the catalogue nor a URL")
    secret = unseal(situation.execution.flow.signing_secret)
    return Endpoint("POST", situation.text("url"), [secret], {}), None


def payload_of(situation: Situation, webhook: Webhook | None) -> dict[str, Any]:
    """Return the message about the run's entity, in the contract's form."""
    execution, action = situation.execution, situation.action
    metadata = {
        "action": "automation",
        "origin": "automation",
        "creation_timestamp": timestamp(execution.created_at),
        "automation_name": execution.flow_name,
        "organization_id": execution.organisation.slug,
        "user_id": execution.context.get("caller") or execution.actor_id,
        "correlation_id": str(execution.id),
        "execution_id": str(execution.id),
        "action_id": action.key,
    }
    if webhook is not None:
        metadata |= {"webhook_id": str(webhook.id), "webhook_name": webhook.name}
    if execution.workflow_execution_id:
        metadata |= {
            "workflow_execution_id": str(execution.workflow_execution_id),
            "workflow_task_id": str(execution.workflow_task_id),
        }
    return {"metadata": metadata, "entity": dict(situation.entity)}


def send(situation: Situation) -> Outcome | None:
    """With `sync`: deliver within this action. The tries are those of the action's job."""
    if not situation.config.get("sync"):
        return None
    endpoint, webhook = endpoint_of(situation)
    try:
        answer = deliver(situation.job, endpoint, payload_of(situation, webhook))
    except Rejected as error:
        if error.status == GONE and webhook is not None:
            disable_gone(webhook)
        raise CannotDo(CODE, str(error), status=error.status) from error
    return done(event_id=situation.job.effect_id, status=answer.status, body=answer.text[:MOST_SHOWN])


def hand_over(situation: Situation) -> Outcome:
    """Without `sync`: leave the delivery to a job of its own."""
    endpoint, webhook = endpoint_of(situation)
    source = {"webhook_id": str(webhook.id)} if webhook else {"url": endpoint.url, "flow_id": str(situation.execution.flow_id)}
    job = Job.objects.create(
        organisation=situation.execution.organisation,
        kind="deliver_webhook",
        subject=situation.execution.id,
        webhook_id=webhook.id if webhook else None,
        payload={"body": payload_of(situation, webhook), "action": situation.action.key, **source},
    )
    return done(event_id=job.effect_id)


def deliver_webhook(actor: Actor, job: Job) -> None:
    """The job of a delivery. What an endpoint refuses for good is dead at once, and can be begun again."""
    endpoint, webhook = _endpoint_of_job(actor, job)
    try:
        deliver(job, endpoint, job.payload["body"])
    except Rejected as error:
        if error.status == GONE and webhook is not None:
            disable_gone(webhook)
        raise queue.TryAgain(str(error), tries=1) from error


def _endpoint_of_job(actor: Actor, job: Job) -> tuple[Endpoint, Webhook | None]:
    try:
        if "webhook_id" in job.payload:
            webhook = find_webhook(actor, job.payload["webhook_id"])
            if not webhook.is_active:
                raise queue.TryAgain(f"Held: the webhook {webhook.name} is paused or has no URL", delay=HELD, tries=ALWAYS)
            return open_endpoint(webhook), webhook
        secret = unseal(find_automation(actor, job.payload["flow_id"]).signing_secret)
        return Endpoint("POST", job.payload["url"], [secret], {}), None
    except NotFound as error:
        raise queue.TryAgain("The webhook was deleted", tries=1) from error


def give_up_delivery(actor: Actor, job: Job, reason: str) -> None:
    """Say in the history of the flow execution that a message did not arrive."""
    body = job.payload["body"]
    metadata = body.get("metadata") or {}
    execution_id = job.payload.get("execution_id") or metadata.get("workflow_execution_id")
    if execution_id:
        named = Webhook.objects.filter(pk=job.webhook_id or UUID(int=0)).values_list("name", flat=True).first()
        name = named or metadata.get("webhook_name") or job.payload.get("url", "")
        task_id = job.payload.get("task_id") or metadata.get("workflow_task_id")
        event = f", {body['_event_name']}" if "_event_name" in body else ""
        note_failure(actor, execution_id, task_id, f"Webhook {name}{event}: {reason}")


ACTION = ActionType(CODE, call=send, apply=hand_over)
