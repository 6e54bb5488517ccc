"""The three processes of Demo Energy, as documents of the public contract."""

import itertools
from typing import Any

Json = dict[str, Any]


def _person(key: str, name: str, phase: str, **fields: Any) -> Json:
    return {"id": key, "name": name, "task_type": "MANUAL", "phase_id": phase} | fields


def _edge(source: str, target: str, **fields: Any) -> Json:
    branch = f"-{fields['condition_id']}" if "condition_id" in fields else ""
    return {"id": f"{source}--{target}{branch}", "from_id": source, "to_id": target} | fields


def _chain(*keys: str) -> list[Json]:
    return [_edge(source, target) for source, target in itertools.pairwise(keys)]


def _branch(key: str, name: str, statements: list[Json] | None = None) -> Json:
    return {"id": key, "branch_name": name, "logical_operator": "AND", "statements": statements or []}


def _about(text: str) -> Json:
    return {"enabled": True, "value": text}


def _days(count: int, unit: str = "days") -> Json:
    return {"duration": count, "unit": unit, "type": "WORKFLOW_STARTED"}


def lead_qualification(reasons: list[str]) -> Json:
    """Short and linear: is a lead worth an offer?"""
    return {
        "name": "Lead Qualification",
        "description": "From the first call to a decision whether we make an offer.",
        "trigger": {"type": "manual", "entity_schema": "contact"},
        "closing_reasons": [{"id": reason} for reason in reasons],
        "phases": [
            {"id": "initial", "name": "Initial Information Gathering", "due_date_config": _days(5)},
            {"id": "evaluation", "name": "Evaluation"},
            {"id": "handover", "name": "Handover"},
        ],
        "tasks": [
            _person("call", "Call client and confirm address and product", "initial", due_date_config=_days(1)),
            _person(
                "availability",
                "Check product availability",
                "initial",
                due_date_config=_days(3),
                description=_about("Grid area, tariff and roof: all three decide what we may offer."),
            ),
            _person("catalog", "Print and send catalog", "initial", due_date_config=_days(4)),
            _person("needs", "Note consumption and wishes", "evaluation", due_date_config=_days(7)),
            _person("credit", "Check credit", "evaluation", due_date_config=_days(8)),
            {
                "id": "worth",
                "name": "Worth an offer?",
                "task_type": "DECISION",
                "phase_id": "evaluation",
                "trigger_mode": "manual",
                "conditions": [_branch("yes", "Make an offer"), _branch("no", "Decline politely")],
            },
            _person("assign", "Hand over to sales", "handover", due_date_config=_days(10)),
            _person("decline", "Write to the client", "handover", due_date_config=_days(10)),
        ],
        "edges": [
            *_chain("call", "availability", "catalog", "needs", "credit", "worth"),
            _edge("worth", "assign", condition_id="yes"),
            _edge("worth", "decline", condition_id="no"),
        ],
    }


def photovoltaic_installation(reasons: list[str]) -> Json:
    """Three decisions, one at once and one after a while by itself, and building and paperwork side by side."""
    answer = {
        "id": "s2",
        "source": {
            "origin": "trigger",
            "origin_type": "entity",
            "schema": "opportunity",
            "attribute": "offer_answer",
            "attribute_type": "string",
        },
        "operator": "is_not_empty",
        "values": [],
    }
    small = {
        "id": "s1",
        "source": {
            "origin": "trigger",
            "origin_type": "entity",
            "schema": "opportunity",
            "attribute": "power_kwp",
            "attribute_type": "number",
        },
        "operator": "less_than_or_equals",
        "values": ["30"],
    }
    return {
        "name": "Photovoltaic Installation",
        "description": "From the site visit to the first kilowatt hour.",
        "trigger": {"type": "manual", "entity_schema": "opportunity"},
        "closing_reasons": [{"id": reason} for reason in reasons],
        "due_date_config": _days(8, "weeks"),
        "phases": [
            {"id": "plan", "name": "Planning"},
            {"id": "offer", "name": "Offer"},
            {"id": "build", "name": "Installation"},
            {"id": "run", "name": "Commissioning"},
        ],
        "tasks": [
            _person("visit", "Visit the site and measure the roof", "plan", due_date_config=_days(5)),
            _person("photos", "Upload photos and shading analysis", "plan", due_date_config=_days(6)),
            {
                "id": "size",
                "name": "Up to 30 kWp?",
                "task_type": "DECISION",
                "phase_id": "plan",
                "trigger_mode": "automatic",
                "conditions": [_branch("small", "Up to 30 kWp", [small]), _branch("none-met-large", "Larger")],
            },
            _person("standard", "Plan with standard modules", "plan", due_date_config=_days(10)),
            _person("engineer", "Have the statics checked by an engineer", "plan", due_date_config=_days(14)),
            _person("price", "Calculate and write the offer", "offer", due_date_config=_days(18)),
            _person("send", "Send the offer and call after three days", "offer", due_date_config=_days(21)),
            {
                "id": "answered",
                "name": "Answer within ten days?",
                "task_type": "DECISION",
                "phase_id": "offer",
                "trigger_mode": "automatic",
                "schedule": {
                    "mode": "relative",
                    "direction": "after",
                    "duration": 10,
                    "unit": "days",
                    "reference": {"id": "send", "origin": "task_completed"},
                },
                "conditions": [_branch("answer", "Answered", [answer]), _branch("none-met-silence", "Silence")],
            },
            _person("remind", "Ask whether the offer has arrived", "offer", due_date_config=_days(33)),
            {
                "id": "accepted",
                "name": "Offer accepted?",
                "task_type": "DECISION",
                "phase_id": "offer",
                "trigger_mode": "manual",
                "conditions": [_branch("accepted-yes", "Accepted"), _branch("accepted-no", "Declined")],
            },
            _person("lost", "Ask for the reason and close the file", "offer"),
            _person("order", "Order modules and inverter", "build", due_date_config=_days(28)),
            _person(
                "mount",
                "Mount modules",
                "build",
                due_date_config=_days(42),
                description=_about("Two fitters, scaffold from 5 m on."),
            ),
            _person("electric", "Connect inverter and meter cabinet", "build", due_date_config=_days(44)),
            _person("register", "Register with the grid operator", "build", due_date_config=_days(35)),
            _person("subsidy", "Apply for the subsidy", "build", due_date_config=_days(35)),
            _person(
                "accept",
                "Acceptance on site",
                "run",
                due_date_config=_days(50),
                requirements=[{"when": "TASK_FINISHED", "task_id": "electric"}],
            ),
            _person("invoice", "Send the invoice", "run", due_date_config=_days(54)),
        ],
        "edges": [
            *_chain("visit", "photos", "size"),
            _edge("size", "standard", condition_id="small"),
            _edge("size", "engineer", condition_id="none-met-large", none_met=True),
            _edge("standard", "price"),
            _edge("engineer", "price"),
            *_chain("price", "send", "answered"),
            _edge("answered", "accepted", condition_id="answer"),
            _edge("answered", "remind", condition_id="none-met-silence", none_met=True),
            _edge("remind", "accepted"),
            _edge("accepted", "order", condition_id="accepted-yes"),
            _edge("accepted", "register", condition_id="accepted-yes"),
            _edge("accepted", "lost", condition_id="accepted-no"),
            *_chain("order", "mount", "electric", "accept"),
            *_chain("register", "subsidy", "accept"),
            _edge("accept", "invoice"),
        ],
    }


GRID_TASKS = {
    "request": (
        "Request",
        [
            ("receive", "Register the request", 1),
            ("documents", "Check documents for completeness", 3),
            ("complete", "Documents complete?", 0),
            ("ask", "Ask for missing documents", 5),
            ("confirm", "Confirm receipt to the applicant", 6),
        ],
    ),
    "check": (
        "Grid check",
        [
            ("location", "Locate the connection point", 8),
            ("load", "Calculate load and short-circuit power", 12),
            ("voltage", "Check voltage band", 12),
            ("protection", "Check protection concept", 13),
            ("result", "Write the result of the check", 16),
            ("release", "Release by the grid planner", 18),
        ],
    ),
    "offer": (
        "Offer",
        [
            ("cost", "Calculate connection costs", 20),
            ("contract", "Draw up the connection contract", 22),
            ("send", "Send offer and contract", 24),
            ("signed", "Receive the signed contract", 38),
        ],
    ),
    "build": (
        "Construction",
        [
            ("permit", "Obtain the road permit", 42),
            ("appointment", "Agree the appointment with the customer", 45),
            ("civil", "Civil works and cable", 56),
            ("station", "Fit the house connection box", 58),
            ("meter", "Prepare the meter place", 58),
            ("document", "Document and survey the route", 63),
        ],
    ),
    "operate": (
        "Commissioning",
        [
            ("test", "Test protection and metering", 66),
            ("energise", "Energise the connection", 68),
            ("master", "Create master data and market location", 70),
            ("invoice", "Issue the invoice", 74),
            ("archive", "Archive the file", 80),
        ],
    ),
}


def grid_connection(reasons: list[str]) -> Json:
    """Five phases, a loop for missing documents and two parts side by side."""
    tasks: list[Json] = []
    for phase, (_, rows) in GRID_TASKS.items():
        for key, name, days in rows:
            fields: Json = {"due_date_config": _days(days)} if days else {}
            tasks.append(_person(f"{phase}-{key}", name, phase, **fields))
    for task in tasks:
        if task["id"] == "request-complete":
            task |= {
                "task_type": "DECISION",
                "trigger_mode": "manual",
                "conditions": [_branch("whole", "Complete"), _branch("missing", "Something is missing")],
                "loop_config": {"loop_branch_id": "missing", "exit_branch_id": "whole", "max_iterations": 3},
            }
    return {
        "name": "Grid Connection",
        "description": "From the request of a connection to the energised house connection.",
        "trigger": {"type": "manual", "entity_schema": "opportunity"},
        "closing_reasons": [{"id": reason} for reason in reasons],
        "singleClosingReasonSelection": True,
        "due_date_config": _days(12, "weeks"),
        "phases": [{"id": phase, "name": name} for phase, (name, _) in GRID_TASKS.items()],
        "tasks": tasks,
        "edges": [
            *_chain("request-receive", "request-documents", "request-complete"),
            _edge("request-complete", "request-confirm", condition_id="whole"),
            _edge("request-complete", "request-ask", condition_id="missing"),
            _edge("request-ask", "request-documents"),
            *_chain("request-confirm", "check-location", "check-load", "check-result"),
            *_chain("check-location", "check-voltage", "check-result"),
            *_chain("check-location", "check-protection", "check-result"),
            *_chain("check-result", "check-release", "offer-cost", "offer-contract", "offer-send", "offer-signed"),
            *_chain("offer-signed", "build-permit", "build-civil"),
            *_chain("offer-signed", "build-appointment", "build-civil"),
            *_chain("build-civil", "build-station", "build-document"),
            *_chain("build-civil", "build-meter", "build-document"),
            *_chain("build-document", "operate-test", "operate-energise", "operate-master", "operate-invoice", "operate-archive"),
        ],
    }
