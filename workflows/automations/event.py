"""trigger-event: tell the webhooks that are subscribed to an event, and start the automations that it triggers."""

from typing import Any

from workflows.automations.situation import ActionType, CannotDo, Situation
from workflows.documents import timestamp
from workflows.models import AutomationFlow, AutomationKey, Job, Webhook
from workflows.models.ids import ordered_uuid
from workflows.services.automation_run import Outcome, done
from workflows.services.automation_starts import RunRequest, start_automation
from workflows.services.errors import InvalidInput

CODE = "INTERNAL_ERROR"
MOST_STARTED = 50


def trigger_event(situation: Situation) -> Outcome:
    name = situation.text("event_name")
    if not name:
        raise CannotDo("BAD_CONFIG", "event_name is missing")
    event_id = str(ordered_uuid())
    payload = envelope(situation, name, event_id)
    jobs = [
        Job(
            organisation=situation.execution.organisation,
            kind="deliver_webhook",
            subject=situation.execution.id,
            webhook_id=webhook.id,
            payload={"webhook_id": str(webhook.id), "body": payload, "action": situation.action.key},
        )
        for webhook in Webhook.objects.filter(
            organisation=situation.execution.organisation, event_name__in=(name, f"event_{name}"), enabled=True
        ).exclude(url="")
    ]
    Job.objects.bulk_create(jobs)
    return done(event_id=event_id, webhooks=len(jobs), **start_listeners(situation, name))


def envelope(situation: Situation, name: str, event_id: str) -> dict[str, Any]:
    """Return the event in the form that the catalogue's events have."""
    execution = situation.execution
    inputs = situation.config.get("event_inputs")
    filled = {
        key: situation.fill(value) if isinstance(value, str) else value
        for key, value in (inputs if isinstance(inputs, dict) else {}).items()
    }
    return {
        "_org_id": execution.organisation.slug,
        "_event_id": event_id,
        "_event_name": name,
        "_event_time": timestamp(execution.updated_at),
        "_event_version": "1.0",
        "_event_source": "automation",
        **filled,
        "entity": dict(situation.entity),
    }


def start_listeners(situation: Situation, name: str) -> dict[str, Any]:
    """Start the automations whose trigger is this event, each once in a chain."""
    chain = situation.execution.context.get("chain") or []
    keys = AutomationKey.objects.filter(kind=AutomationKey.Kind.EVENT, value=name)
    listeners = AutomationFlow.objects.filter(
        organisation=situation.execution.organisation, enabled=True, deleted_at=None, id__in=keys.values("flow_id")
    ).exclude(id__in=chain)
    started, refused = [], []
    for flow in listeners.order_by("id")[:MOST_STARTED]:
        event = {"type": "event_catalog", "event_name": name}
        request = RunRequest(
            flow_id=flow.id,
            entity_id=situation.execution.entity_id,
            trigger_event=event,
            execution_chain=situation.execution.context.get("execution_chain") or {},
            chain=chain,
            caller=situation.execution.context.get("caller") or "",
        )
        try:
            started.append(str(start_automation(situation.actor, request).id))
        except InvalidInput as error:
            refused.append(str(error))
    return {"started": started} | ({"refused": refused} if refused else {})


ACTION = ActionType(CODE, apply=trigger_event)
