"""What the pages of pages.py show beside the demo: made once in the product's own database, through its services.

`manage.py shell -c "from tests.browser.world import build; build()"` prints the ids that the addresses need, as JSON.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.utils import timezone
from django.utils.http import urlsafe_base64_encode

from tests.factories import actor_of, chain, edge, task
from workflows.demo.people import LOGIN, PASSWORD, SLUG
from workflows.jobs import change_now
from workflows.models import (
    AgentMode,
    AgentRun,
    AgentRunStatus,
    Delivery,
    Execution,
    Job,
    JobState,
    Membership,
    Organisation,
    Role,
    SecondFactor,
    Task,
    User,
)
from workflows.permissions import Actor
from workflows.sealing import seal
from workflows.services import sharing
from workflows.services.agents import create_agent
from workflows.services.automation_flows import create_automation
from workflows.services.boards import create_board
from workflows.services.closing_reasons import create_closing_reason
from workflows.services.comments import add_comment
from workflows.services.entities import create_entity
from workflows.services.executions import Context, StartRequest, patch_execution, start_execution
from workflows.services.preferences import save_preferences
from workflows.services.resume_tokens import make_token
from workflows.services.roles import create_role
from workflows.services.second_factor import begin_setup, renew_codes
from workflows.services.sharing import NewShare
from workflows.services.tasks import patch_task
from workflows.services.templates import create_template
from workflows.services.tokens import issue_token, revoke_token
from workflows.services.webhook_messages import begin_message, example_message
from workflows.services.webhooks import create_webhook

VIEWER, PARTNER, STRANGER = "viewer@demo-energy.example", "petra@fitters.example", "stranger@nowhere.example"
EMPTY, CAREFUL = "nils@empty.example", "frida@fitters.example"
# What the device of the careful person holds: she signs in with its codes.
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
Say = Callable[[str], str]


def build(say: Say = str) -> None:
    """Make everything. `say` gives each text of a person or an integrator, so that a test can put something else there."""
    owner, colleague = people(say)
    with transaction.atomic():
        # In one piece: the worker that runs beside would do what is left lying.
        found = flow(owner, colleague, say) | agent(owner, say) | outside(owner, say) | shares(owner, say)
    found |= letters(owner, say) | settings(owner, say) | finished(owner, say) | factors()
    print(json.dumps(found))


def people(say: Say) -> tuple[Actor, Actor]:
    organisation = Organisation.objects.get(slug=SLUG)
    fitters = Organisation.objects.create(slug="fitters", name=say("Rhine Fitters"), time_zone="Europe/Berlin")
    for email, name, home in (
        (VIEWER, "Vera Vogel", organisation),
        (PARTNER, "Petra Peeters", fitters),
        (CAREFUL, "Frida Falk", fitters),
        (EMPTY, "Nils Nordmann", Organisation.objects.create(slug="empty", name=say("Empty"), time_zone="Europe/Berlin")),
        (STRANGER, "Stig Stranger", None),
    ):
        user = User.objects.create_user(email, PASSWORD, name=say(name))
        save_preferences(user, tour_seen=True)
        if home is not None:
            Membership.objects.create(organisation=home, user=user, role=Role.VIEWER if email == VIEWER else Role.OWNER)
    users = [User.objects.get(email=email) for email in (LOGIN, "jonas.weber@demo-energy.example")]
    for user in users:
        user.name = say(user.name)
        user.save()
    organisation.name = say(organisation.name)
    organisation.save()
    return actor_of(users[0], organisation), actor_of(users[1], organisation)


def template(say: Say) -> dict[str, Any]:
    """A process with everything that a page can show of one: two phases, a decision, what partners and customers do."""
    told = {"enabled": True, "label": say("Hand in the photos"), "description": say("Roof and meter cabinet, please.")}
    opened = {"partner": told, "ecp": told, "installer": told}
    branches = [
        {"id": key, "branch_name": say(name), "logical_operator": "AND", "statements": []}
        for key, name in (("grid", "Connect to the grid"), ("store", "Add a battery first"))
    ]
    described = {"enabled": True, "value": say("By phone, before noon. Ask for the meter number.")}
    return {
        "name": say("Metering point"),
        "description": say("From the first photo to the meter."),
        "available_in_ecp": True,
        "trigger": {"type": "manual", "entity_schema": "contact"},
        "phases": [{"id": "begin", "name": say("Preparation")}, {"id": "end", "name": say("Installation")}],
        "tasks": [
            task("call", name=say("Call the customer"), phase_id="begin", description=described),
            task("photos", name=say("Check the photos"), phase_id="begin", **opened),
            task(
                "decide",
                name=say("Grid or battery?"),
                task_type="DECISION",
                trigger_mode="manual",
                phase_id="begin",
                conditions=branches,
            ),
            task("mount", name=say("Mount the meter"), phase_id="end", **opened),
            task("store", name=say("Order the battery"), phase_id="end"),
        ],
        "edges": [
            *chain("call", "photos", "decide"),
            edge("decide", "mount", condition_id="grid"),
            edge("decide", "store", condition_id="store"),
        ],
    }


def begin(owner: Actor, data: dict[str, Any], say: Say) -> tuple[Execution, dict[str, Task]]:
    """Start a flow of a new process about a new contact; return it with its tasks by their ids in the process."""
    attributes = {"first_name": say("Wilma"), "last_name": say("Adler"), "city": say("Bonn"), "note": say("Ring twice")}
    entity = create_entity(owner, "contact", attributes)
    made = create_template(owner, data)
    execution = start_execution(owner, StartRequest(made.id, [Context(str(entity.id), "contact", is_primary=True)]))
    return execution, {row.template_id: row for row in Task.objects.filter(execution_id=execution.id)}


def flow(owner: Actor, colleague: Actor, say: Say) -> dict[str, str]:
    """An execution that somebody talks about, at its second task."""
    execution, tasks = begin(owner, template(say), say)
    me = User.objects.get(pk=owner.id)
    patch_task(owner, execution.id, tasks["call"].id, {"status": "COMPLETED"})
    soon = (timezone.now() + timedelta(days=2)).date().isoformat() + "T00:00:00.000"
    patch_task(owner, execution.id, tasks["photos"].id, {"assigned_to": [owner.id], "due_date": soon})
    own = add_comment(owner, execution.id, say("The cabinet is behind the door."), tasks["photos"].id)
    add_comment(colleague, execution.id, say("They moved. See https://maps.example/bonn"))
    add_comment(colleague, execution.id, f"@{me.name} {say('can you have a look?')}", tasks["photos"].id)
    data = template(say) | {"closing_reasons": [{"id": create_closing_reason(owner, say("Moved away")).id}]}
    closed, _ = begin(owner, data, say)
    reasons = [{"id": reason["id"]} for reason in data["closing_reasons"]]
    closing = {"selected_reasons": reasons, "extra_description": say("They will come back next year.")}
    patch_execution(owner, closed.id, {"status": "CLOSED", "closing_reason": closing})
    return {
        "flow": str(execution.id),
        "task": str(tasks["photos"].id),
        "done": str(tasks["call"].id),
        "decision": str(tasks["decide"].id),
        "closed": str(closed.id),
        "comment": str(own.id),
    }


def agent(owner: Actor, say: Say) -> dict[str, str]:
    """An agent that has made a proposal."""
    fields = {"fields": ["roof"], "mode": AgentMode.DRAFT, "seconds": 30, "runs_a_day": 100}
    about = {"name": say("Roof scout"), "description": say("Looks at the roof from above."), "url": "https://agents.example/roof"}
    made, _secret = create_agent(owner, about | fields)
    branches = [{"id": "south", "branch_name": say("South"), "logical_operator": "AND", "statements": []}]
    asked = task("scout", name=say("Look at the roof"), task_type="AI_AGENT", agent_config={"agent_id": str(made.id)})
    data = {"name": say("Roof check"), "tasks": [asked, task("after")], "edges": chain("scout", "after")}
    execution, tasks = begin(owner, data, say)
    Job.objects.filter(payload__execution_id=str(execution.id)).delete()
    output = {"outcome": "recommended", "message": say("The roof faces south."), "fields": {"roof": say("south")}}
    AgentRun.objects.create(
        organisation=owner.organisation,
        agent=made,
        workflow_execution_id=execution.id,
        workflow_task_id=tasks["scout"].id,
        job_id=uuid4(),
        status=AgentRunStatus.WAITING_APPROVAL,
        mode=AgentMode.DRAFT,
        offered={"branches": {each["id"]: each["branch_name"] for each in branches}, "fields": ["roof"]},
        answer={"status": "completed", "result": {"structured_output": output}},
        outcome="recommended",
        message=output["message"],
        actor_kind=owner.kind,
        actor_id=owner.id,
        created_at=timezone.now(),
    )
    Task.objects.filter(pk=tasks["scout"].id).update(status="WAITING_FOR_CONFIRMATION")
    return {"agent": str(made.id), "asked_flow": str(execution.id), "asked": str(tasks["scout"].id)}


def outside(owner: Actor, say: Say) -> dict[str, str]:
    """A webhook with a message that arrived and one that was given up."""
    data = {"name": say("Billing"), "url": "https://hooks.example/billing", "eventName": "FlowDeleted", "events": ["FlowDeleted"]}
    webhook, _secret = create_webhook(owner, data)
    now = timezone.now()
    for outcome, status, state in (("taken", 200, JobState.DONE), ("refused", 422, JobState.DEAD)):
        job = begin_message(owner, webhook.pk, example_message(webhook, now))
        error = "" if state is JobState.DONE else say("the answer was 422")
        Job.objects.filter(pk=job.pk).update(state=state, attempt=1, finished_at=now, last_error=error)
        told = {"finished_at": now, "outcome": outcome, "http_status": status, "answer": say("field amount is missing")}
        Delivery.objects.create(job=job, attempt=1, target=webhook.url, started_at=now, **told)
    create_webhook(owner, data | {"name": say("Old archive"), "enabled": False})
    return {"webhook": str(webhook.pk)}


def shares(owner: Actor, say: Say) -> dict[str, str]:
    """One execution, shared with everybody who can be shared with; with a partner who has an account, and with one who has none."""
    execution, tasks = begin(owner, template(say), say)
    patch_task(owner, execution.id, tasks["call"].id, {"status": "COMPLETED"})
    sharing.share_execution(owner, execution.id, NewShare(partner="fitters"))
    links = {
        "invitation": NewShare(email="new@fitters.example"),
        "known": NewShare(email=STRANGER),
        "customer": NewShare(audience="ecp", email="wilma@mail.example"),
        "installer": NewShare(audience="installer"),
    }
    found = {name: sharing.make_link(sharing.share_execution(owner, execution.id, new)) for name, new in links.items()}
    return found | {"shared_flow": str(execution.id), "shared_task": str(tasks["photos"].id)}


def letters(owner: Actor, say: Say) -> dict[str, str]:
    """Work that was given up, an automation that failed, and a confirmation that is waited for."""
    now = timezone.now()
    Job.objects.create(
        organisation=owner.organisation,
        kind="continue_execution",
        state=JobState.DEAD,
        attempt=5,
        last_error=say("The database was away for too long"),
        finished_at=now,
    )
    actions = [{"id": "note", "name": say("Note the consent"), "type": "map-entity", "config": {}}]
    automation = {"flow_name": say("Ask for the consent"), "triggers": [{"type": "flows_trigger"}], "actions": actions}
    made, _secret = create_automation(owner, automation)
    machine = task("m", name=say("Ask the machine"), task_type="AUTOMATION", automation_config={"flow_id": str(made.id)})
    data = {"name": say("Consent"), "tasks": [machine, task("after")], "edges": chain("m", "after")}
    execution, tasks = begin(owner, data, say)
    token = make_token(uuid4(), "mail", uuid4())
    return {"confirmation": token, "failed_flow": str(execution.id), "failed": str(tasks["m"].id)}


def settings(owner: Actor, say: Say) -> dict[str, str]:
    """Tokens, a role, a view that is kept."""
    token, _secret = issue_token(owner, say("Billing system"), scopes=["workflow:execution:view"], read_only=True)
    old, _secret = issue_token(owner, say("Old shop"))
    revoke_token(old)
    grants = [
        {"action": "workflow:execution:view", "effect": "allow"},
        {"action": "workflow:execution:delete", "effect": "deny"},
        {
            "action": "workflow:execution:task:update",
            "effect": "allow",
            "conditions": [{"attribute": "phase_name", "operation": "equals", "values": [say("Installation")]}],
        },
    ]
    role = create_role(owner, say("Fitter"), grants)
    board = create_board(
        owner, {"title": say("Everything for the roof"), "shared_with_org": True, "config": {"flowdeck": {"query": "by=due"}}}
    )
    return {"token": token.id, "role": role.slug, "saved": board.id}


def finished(owner: Actor, say: Say) -> dict[str, str]:
    """A change of many tasks, of which one was refused."""
    execution, tasks = begin(owner, template(say), say)
    change = change_now(owner, [tasks[key].id for key in ("call", "photos", "decide")], {"status": "COMPLETED"})
    return {"bulk": str(change.id), "bulk_flow": str(execution.id)}


def factors() -> dict[str, str]:
    """Somebody who has a second factor, somebody who is about to set it up, and somebody who has forgotten the password."""
    careful, partner, forgetful = (User.objects.get(email=email) for email in (CAREFUL, PARTNER, EMPTY))
    begin_setup(partner)
    SecondFactor.objects.create(user=careful, secret=seal(SECRET), confirmed_at=timezone.now())
    renew_codes(careful)
    return {
        "uid": urlsafe_base64_encode(str(forgetful.pk).encode()),
        "reset": default_token_generator.make_token(forgetful),
    }
