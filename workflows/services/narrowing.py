"""Documents of executions for those who may see some of their tasks only: the rest is left out, with all that speaks of it.

A guest is told what the organisation has written for partners, and nothing that is not named here.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

import orjson

from workflows.engine.status import TaskType
from workflows.models import Task
from workflows.permissions import VIEW, Actor, Guest, tasks_within


def narrow_documents(actor: Actor, bodies: Mapping[UUID, bytes]) -> dict[UUID, bytes]:
    """Return the documents as the actor may see them; one query, and none for who may see everything."""
    if actor.may(VIEW):
        return dict(bodies)
    rows = Task.objects.filter(tasks_within(actor, VIEW), organisation=actor.organisation, execution_id__in=list(bodies))
    seen = {str(pk) for pk in rows.values_list("pk", flat=True)}
    documents = ((pk, narrow(orjson.loads(body), seen)) for pk, body in bodies.items())
    return {pk: orjson.dumps(narrow_for_guest(document, actor.guest) if actor.guest else document) for pk, document in documents}


def narrow(document: dict[str, Any], seen: Collection[str]) -> dict[str, Any]:
    """Leave out the tasks that are not seen: their edges, their phases, and that they are current."""
    tasks = [task for task in document["tasks"] if task["id"] in seen]
    phases = {task.get("phase_id") for task in tasks}
    return document | {
        "tasks": tasks,
        "crt_tasks": _of(document["crt_tasks"], seen),
        "phases": _of(document["phases"], phases),
        "edges": [edge for edge in document["edges"] if edge["from_id"] in seen and edge["to_id"] in seen],
        "entity_sync": [],
    }


def _of(items: Iterable[dict[str, Any]], ids: Collection[str | None]) -> list[dict[str, Any]]:
    return [item for item in items if item["id"] in ids]


HEAD = ("id", "flow_template_id", "org_id", "name", "status", "created_at", "updated_at")
OPEN = ("id", "template_id", "task_type", "status", "enabled", "due_date", "manually_created", "created_at", "updated_at")
RECORD = (*OPEN, "org_id", "is_current", "position", "execution_id", "execution_name", "execution_status", "flow_template_id")


def narrow_for_guest(document: Mapping[str, Any], guest: Guest) -> dict[str, Any]:
    """Return what a partner is told of an execution: its name, what it is about by id, and their tasks."""
    return _pick(document, HEAD) | {
        "assigned_to": [],
        "contexts": document["contexts"],
        "crt_tasks": document["crt_tasks"],
        "phases": [],
        "edges": [],
        "tasks": [narrow_task(task, guest) for task in document["tasks"]],
    }


def narrow_task(task: Mapping[str, Any], guest: Guest) -> dict[str, Any]:
    """Return a task under the name and with the description that it has for partners."""
    result = _pick(task, OPEN) | guest_words(task["name"], task.get("partner")) | {"requirements": [], "analytics": {}}
    result["assigned_to"] = [name for name in task["assigned_to"] if isinstance(name, str) and name in guest.names]
    if task["task_type"] == TaskType.DECISION:
        result["conditions"] = [_pick(condition, ("id", "branch_name")) for condition in task.get("conditions") or []]
    return result


def narrow_record(record: Mapping[str, Any], partner: Mapping[str, Any] | None, guest: Guest) -> dict[str, Any]:
    """Return the record of a task in a query over many, as a partner may see it."""
    result = _pick(record, (*RECORD, "contexts", "context_entity")) | guest_words(record["name"], partner)
    result["assigned_to"] = [name for name in record["assigned_to"] if isinstance(name, str) and name in guest.names]
    return result


def guest_words(name: str, words: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return name and description for an audience: the task's own name where none is written for them."""
    said = words or {}
    text = said.get("description") if isinstance(said.get("description"), str) else ""
    label = said.get("label") if isinstance(said.get("label"), str) else ""
    return {"name": label or name} | ({"description": {"enabled": True, "value": text}} if text else {})


def _pick(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}
