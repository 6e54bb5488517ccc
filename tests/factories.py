"""Small builders of real rows, through the services."""

import itertools
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from workflows.jobs import run_job
from workflows.models import ActorKind, Entity, Execution, FlowTemplate, Job, Membership, Organisation, Role, Task, User
from workflows.permissions import Actor
from workflows.services.entities import create_entity
from workflows.services.executions import Context, StartRequest, start_execution
from workflows.services.queue import due_jobs
from workflows.services.templates import create_template


def make_organisation(slug: str) -> Organisation:
    return Organisation.objects.create(slug=slug, name=slug.title(), time_zone="Europe/Berlin")


def make_user(
    organisation: Organisation, email: str, name: str, role: str = Role.MEMBER, password: str = "correct horse battery"
) -> User:
    user = User.objects.create_user(email, password, name=name)
    Membership.objects.create(organisation=organisation, user=user, role=role)
    return user


def actor_of(user: User, organisation: Organisation) -> Actor:
    role = Membership.objects.get(user=user, organisation=organisation).role
    return Actor(organisation, ActorKind.USER, str(user.pk), role)


def task(key: str, **fields: Any) -> dict[str, Any]:
    """A task of a template; a person's unless it says otherwise."""
    return {"id": key, "name": f"Task {key}", "task_type": "MANUAL"} | fields


def edge(source: str, target: str | None, **fields: Any) -> dict[str, Any]:
    return {"id": f"{source}-{target}-{fields.get('condition_id', '')}", "from_id": source, "to_id": target} | fields


def chain(*keys: str) -> list[dict[str, Any]]:
    """Edges that lead through tasks one after another."""
    return [edge(a, b) for a, b in itertools.pairwise(keys)]


def sequence(count: int, **fields: Any) -> dict[str, Any]:
    """A template of `count` tasks one after another, in two phases."""
    keys = [f"t{number}" for number in range(1, count + 1)]
    tasks = [task(key, phase_id="one" if index * 2 < count else "two") for index, key in enumerate(keys)]
    phases = [{"id": "one", "name": "First"}, {"id": "two", "name": "Second"}] if count > 1 else [{"id": "one", "name": "First"}]
    return {"name": "Sequence", "tasks": tasks, "edges": chain(*keys), "phases": phases} | fields


def choice(**fields: Any) -> dict[str, Any]:
    """A template with a decision for a person: ask → decide → yes | no."""
    conditions = [
        {"id": "c-yes", "branch_name": "Yes", "logical_operator": "AND", "statements": []},
        {"id": "c-no", "branch_name": "No", "logical_operator": "AND", "statements": []},
    ]
    return {
        "name": "Choice",
        "tasks": [
            task("ask"),
            task("decide", task_type="DECISION", trigger_mode="manual", conditions=conditions),
            task("yes"),
            task("no"),
        ],
        "edges": [
            edge("ask", "decide"),
            edge("decide", "yes", condition_id="c-yes"),
            edge("decide", "no", condition_id="c-no"),
        ],
    } | fields


def make_template(actor: Actor, data: dict[str, Any] | None = None) -> FlowTemplate:
    return create_template(actor, data or sequence(4))


def make_entity(actor: Actor, **attributes: Any) -> Entity:
    return create_entity(actor, "contact", {"first_name": "Ada", "last_name": "Berg"} | attributes)


def start(
    actor: Actor,
    data: dict[str, Any] | None = None,
    *,
    template: FlowTemplate | None = None,
    now: datetime | None = None,
    purposes: Sequence[str] = (),
    **attributes: Any,
) -> Execution:
    """Start an execution of a template, about an entity of its own."""
    flow = template or make_template(actor, data)
    entity = make_entity(actor, **attributes)
    return start_execution(actor, StartRequest(flow.id, [Context(str(entity.id), "contact", True)], purposes=purposes), now)


def task_of(execution: Execution, key: str) -> Task:
    """The task with this id in the template, as it is now."""
    return Task.objects.get(execution_id=execution.id, template_id=key)


def current(execution: Execution) -> list[str]:
    """Template ids of the current tasks, in order."""
    rows = Task.objects.filter(execution_id=execution.id, crt_since__isnull=False).order_by("position")
    return list(rows.values_list("template_id", flat=True))


def run_jobs(most: int = 50) -> None:
    """Do what is due, and what follows from it, as a worker would."""
    for _ in range(most):
        found = due_jobs(10)
        if not found:
            return
        for job_id in found:
            run_job(str(job_id))
    raise AssertionError(f"jobs beget jobs: {most} rounds were not enough")


def run_jobs_of(kind: str) -> None:
    """Do the jobs of one kind that are due, and nothing that follows from them."""
    for job_id in due_jobs(50):
        if Job.objects.filter(pk=job_id, kind=kind).exists():
            run_job(str(job_id))


def automation(*actions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A flow of actions; those without an id get one by their place."""
    numbered = [{"id": f"a{number}", "name": f"Action {number}"} | action for number, action in enumerate(actions, start=1)]
    return {"flow_name": "Automation", "triggers": [{"type": "flows_trigger"}], "actions": numbered} | fields


def set_city(value: str = "Bonn", **fields: Any) -> dict[str, Any]:
    """An action that only writes here."""
    mapping = [{"target": "city", "operation": {"_set": value}}]
    return {"type": "map-entity", "config": {"target_schema": "contact", "mapping_attributes": mapping}} | fields


def with_automation(flow_id: str, count: int = 2, **fields: Any) -> dict[str, Any]:
    """A template whose first task is an automation."""
    data = sequence(count)
    data["tasks"][0] |= {"task_type": "AUTOMATION", "automation_config": {"flow_id": flow_id}} | fields
    return data
