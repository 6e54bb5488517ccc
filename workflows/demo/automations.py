"""What Demo Energy lets run by itself: mails (to the console, unless a mail server is set) and entity updates; no network."""

import itertools
from typing import Any

from workflows.models import AutomationFlow
from workflows.permissions import Actor
from workflows.services.automation_flows import create_automation

Json = dict[str, Any]

WELCOME_TEXT = """Dear {{contact.first_name}} {{contact.last_name}},

we are glad that you are with us in {{contact.city}}.

Demo Energy
"""
CONSENT_TEXT = """Dear {{contact.first_name}},

please confirm that we may read your meter over the network:
{{confirmation_url}}

Demo Energy
"""
BY_TASKS = [{"type": "flows_trigger", "configuration": {}}]


def _mail(name: str, subject: str, body: str, **config: Any) -> Json:
    template = {"to": "{{contact.email}}", "subject": subject, "body": body}
    return {
        "id": name.lower().replace(" ", "-"),
        "name": name,
        "type": "send-email",
        "config": {"email_template_id": "inline", "template": template, **config},
    }


def _update(name: str, *attributes: Json, **fields: Any) -> Json:
    config = {"target_schema": "contact", "mapping_attributes": list(attributes)}
    return {"id": name.lower().replace(" ", "-"), "name": name, "type": "map-entity", "config": config, **fields}


def _set(target: str, value: Any) -> Json:
    return {"target": target, "operation": {"_set": value}}


WELCOME: Json = {
    "flow_name": "Welcome a customer",
    "entity_schema": "contact",
    "triggers": BY_TASKS,
    "actions": [
        _mail(
            "Send the welcome mail",
            "Welcome to Demo Energy, {{contact.first_name}}",
            WELCOME_TEXT,
        ),
        _update("Note that the customer was welcomed", _set("onboarding", "welcomed")),
    ],
}
CONSENT: Json = {
    "flow_name": "Ask for consent",
    "entity_schema": "contact",
    "triggers": BY_TASKS,
    "actions": [
        _mail(
            "Ask whether we may read the meter",
            "May we read your meter?",
            CONSENT_TEXT,
            wait_for_confirmation=True,
        ),
        _update("Note the consent", _set("meter_consent", True)),
    ],
}
REMOTE_METER: Json = {"target": "tags", "operation": {"_append": "remote meter", "_uniq": True}}
FINISH: Json = {
    "flow_name": "Finish onboarding",
    "entity_schema": "contact",
    "triggers": BY_TASKS,
    "conditions": [
        {
            "id": "agreed",
            "statements": [
                {
                    "source": {
                        "origin": "trigger",
                        "originType": "entity",
                        "schema": "contact",
                        "attribute": "meter_consent",
                        "attributeType": "boolean",
                    },
                    "operation": "equals",
                    "values": ["true"],
                }
            ],
        }
    ],
    "actions": [
        _update(
            "Tag the remote meter",
            {"target": "tags", "operation": {"_append": "remote meter", "_uniq": True}},
            condition_id="agreed",
        ),
        _update("Note that onboarding is done", _set("onboarding", "done")),
    ],
}


def create_automations(owner: Actor) -> dict[str, AutomationFlow]:
    """Create the automations, and return them by the names that the onboarding process uses."""
    documents = {"welcome": WELCOME, "consent": CONSENT, "finish": FINISH}
    return {name: create_automation(owner, document)[0] for name, document in documents.items()}


def onboarding(flows: dict[str, AutomationFlow]) -> Json:
    """The process of a new customer: machines write and note, people call."""

    def machine(key: str, name: str, phase: str, flow: str) -> Json:
        config = {"flow_id": str(flows[flow].id)}
        return {"id": key, "name": name, "task_type": "AUTOMATION", "phase_id": phase, "automation_config": config}

    def person(key: str, name: str, phase: str) -> Json:
        return {"id": key, "name": name, "task_type": "MANUAL", "phase_id": phase}

    order = ["welcome", "call", "consent", "tariff", "finish"]
    return {
        "name": "Customer Onboarding",
        "description": "What happens in a customer's first week; three of the tasks are done by automations.",
        "trigger": {"type": "manual", "entity_schema": "contact"},
        "phases": [{"id": "hello", "name": "Welcome"}, {"id": "supply", "name": "Supply"}],
        "tasks": [
            machine("welcome", "Send the welcome mail", "hello", "welcome"),
            person("call", "Call the customer", "hello"),
            machine("consent", "Ask for consent to read the meter", "supply", "consent"),
            person("tariff", "Set up the tariff", "supply"),
            machine("finish", "Finish onboarding", "supply", "finish"),
        ],
        "edges": [{"id": f"{one}--{two}", "from_id": one, "to_id": two} for one, two in itertools.pairwise(order)],
    }
