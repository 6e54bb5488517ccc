"""Automations that begin when an entity is created, changed or deleted.

Whoever changes the entity looks which automations that starts, and writes a job for each in the transaction of the change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from workflows.engine.event_patterns import matches_event
from workflows.models import ActorKind, AutomationFlow, AutomationKey, Entity, Job
from workflows.models.ids import ordered_uuid
from workflows.models.rows import insert_rows
from workflows.permissions import Actor

TYPE = "entity_operation"
CREATE, UPDATE, DELETE = "createEntity", "updateEntity", "softDeleteEntity"
# What the change is called where filters ask for its activity.
ACTIVITIES = {CREATE: "EntityCreated", UPDATE: "EntityUpdated", DELETE: "EntityDeleted"}
MOST_STARTED = 50


@dataclass(frozen=True, slots=True)
class Origin:
    """What led to a change: the automations that started each other, the nearest last, and the chain of executions."""

    automations: Sequence[str] = ()
    execution_chain: Mapping[str, Any] = field(default_factory=dict)
    caller: str = ""

    @classmethod
    def of_execution(cls, chain: Mapping[str, Any] | None) -> "Origin":
        """From what an execution keeps of those that started it."""
        chain = chain or {}
        return cls(chain.get("automations") or [], chain)


NOBODY = Origin()


def start_triggered(
    actor: Actor, entity: Entity, operation: str, before: Mapping[str, Any], at: datetime, origin: Origin = NOBODY
) -> None:
    """Add the jobs that start what this change triggers; each automation once in a chain. `before`: the attributes until now."""
    keys = AutomationKey.objects.filter(kind=AutomationKey.Kind.TRIGGER, value=TYPE)
    flows = AutomationFlow.objects.filter(
        organisation=actor.organisation, enabled=True, deleted_at=None, id__in=keys.values("flow_id")
    ).exclude(id__in=origin.automations)
    event = describe(entity, operation, before)
    found = [flow.id for flow in flows.only("id", "document").order_by("id") if is_triggered(flow.document, event)]
    insert_rows([_job(actor, entity, flow_id, operation, at, origin) for flow_id in found[:MOST_STARTED]])


def describe(entity: Entity, operation: str, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event as filters see it. Its diff has the new values of what was added, and the old ones of the rest."""
    after = entity.attributes
    diff = {
        "added": {name: value for name, value in after.items() if name not in before},
        "updated": {name: value for name, value in before.items() if name in after and after[name] != value},
        "deleted": {name: value for name, value in before.items() if name not in after},
    }
    payload = {**after, "_schema": entity.schema, "_id": str(entity.id), "_title": entity.title}
    return {"operation": operation, "payload": payload, "diff": diff}


def is_triggered(document: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether one of a flow's triggers answers to the event."""
    triggers = document.get("triggers") or []
    return any(
        isinstance(trigger, Mapping) and trigger.get("type") == TYPE and _answers(trigger.get("configuration"), event)
        for trigger in triggers
    )


def _answers(settings: Any, event: Mapping[str, Any]) -> bool:
    # What happens in a customer portal does not happen here.
    if not isinstance(settings, Mapping) or settings.get("ecp_config"):
        return False
    if settings.get("schema") not in (None, "", event["payload"]["_schema"]):
        return False
    activity = ACTIVITIES[event["operation"]]
    for names, name in (("operations", event["operation"]), ("include_activities", activity)):
        if not _is_among(settings.get(names), name):
            return False
    if settings.get("exclude_activities") and _is_among(settings["exclude_activities"], activity):
        return False
    filters = settings.get("filter_config") or {}
    return matches_event(filters, {"operation": event, "activity": {"type": activity}})


def _is_among(names: Any, name: str) -> bool:
    return not names or (isinstance(names, list) and name in names)


def _job(actor: Actor, entity: Entity, flow_id: Any, operation: str, at: datetime, origin: Origin) -> Job:
    event = {"type": TYPE, "operation_type": operation, "activity_id": str(ordered_uuid())}
    payload = {
        "flow_id": str(flow_id),
        "entity_id": str(entity.id),
        "event": event,
        "chain": list(origin.automations),
        "execution_chain": dict(origin.execution_chain),
        "caller": origin.caller or (actor.id if actor.kind is ActorKind.USER else ""),
    }
    return Job(organisation=actor.organisation, kind="start_automation", payload=payload, run_at=at, created_at=at)
