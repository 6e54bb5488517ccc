"""What is run in experiments: a flow of twenty tasks in which automations, joins, a decision and a schedule work together."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests import factories

# Without a guard against hot flows: experiments are hot.
HOT = {"max_executions": {"count": 1_000_000}}
BRANCHES = ("b", "c")


def automations(sink: str) -> dict[str, dict[str, Any]]:
    """The automations by name. Each leaves traces that can be counted: outside at the sink, inside on the entity."""
    return {
        "call": automation({"type": "trigger-webhook", "config": {"url": f"{sink}/call", "sync": True}}),
        "send": automation({"type": "trigger-webhook", "config": {"url": f"{sink}/send"}}),
        "note": automation(note("note")),
        "both": automation(note("both"), {"type": "trigger-webhook", "config": {"url": f"{sink}/both", "sync": True}}),
    }


def automation(*actions: dict[str, Any]) -> dict[str, Any]:
    return factories.automation(*actions) | HOT


def note(what: str) -> dict[str, Any]:
    """Append a word to the entity: a second time would show."""
    mapping = [{"target": "notes", "operation": {"_append": what}}]
    return {"type": "map-entity", "config": {"target_schema": "contact", "mapping_attributes": mapping}}


def starting(template_id: str) -> dict[str, Any]:
    """An automation that starts a flow of its own."""
    return automation({"type": "trigger-workflow", "config": {"target_workflow": template_id}})


def child(ids: dict[str, str]) -> dict[str, Any]:
    """The flow that another one starts: two automations."""
    tasks = [run("k1", ids["note"]), run("k2", ids["call"])]
    return {"name": "Child", "tasks": tasks, "edges": factories.chain("k1", "k2")}


def twenty(ids: dict[str, str]) -> dict[str, Any]:
    """begin → four ways at once → join, twice; then a decision, one branch of two, a flow started, a call, and the end."""
    tasks = [factories.task("m1"), run("a1", ids["call"])]
    for name in BRANCHES:
        tasks += [run(f"{name}1", ids["call"]), run(f"{name}2", ids["send"]), run(f"{name}3", ids["both"])]
        tasks += [run(f"{name}4", ids["note"], schedule=SOON), run(f"{name}j", ids["note"])]
    tasks += [factories.task("m2"), decide("d"), run("yes", ids["send"]), factories.task("no")]
    tasks += [run("w", ids["start"]), run("a2", ids["both"]), factories.task("m3"), run("a3", ids["send"])]
    edges = factories.chain("m1", "a1")
    for before, name, after in (("a1", "b", "m2"), ("m2", "c", "d")):
        for number in "1234":
            edges += factories.chain(before, f"{name}{number}", f"{name}j")
        edges += factories.chain(f"{name}j", after)
    edges += [factories.edge("d", "yes", condition_id="c-yes"), factories.edge("d", "no", condition_id="c-no")]
    edges += [*factories.chain("yes", "w", "a2", "m3", "a3"), factories.edge("no", "w")]
    return {"name": "Twenty", "tasks": tasks, "edges": edges}


# What the flow above writes into its entity, its child's note included.
NOTES = {"note": 2 + 2 + 1, "both": 2 + 1}
NOT_TAKEN = {"no"}
JOINS = {"bj", "cj"}

SOON = {
    "mode": "relative",
    "direction": "before",
    "duration": 1,
    "unit": "minutes",
    "reference": {"id": "e", "origin": "trigger_entity_attribute", "attribute": "soon"},
}


def run(key: str, automation_id: str, **fields: Any) -> dict[str, Any]:
    return factories.task(key, task_type="AUTOMATION", automation_config={"flow_id": automation_id}) | fields


def decide(key: str) -> dict[str, Any]:
    def ask(name: str, value: str) -> dict[str, Any]:
        statement = {
            "id": "s",
            "source": {"attribute": "answer", "attribute_type": "string"},
            "operator": "equals",
            "values": [value],
        }
        return {"id": f"c-{name}", "branch_name": name, "logical_operator": "AND", "statements": [statement]}

    return factories.task(key, task_type="DECISION", trigger_mode="automatic", conditions=[ask("yes", "yes"), ask("no", "no")])


def entity(seconds: float) -> dict[str, Any]:
    """The attributes of what a flow is about; its schedules are due so many seconds from now."""
    return {"name": "Ada", "answer": "yes", "notes": [], "soon": minute_after(seconds)}


def minute_after(seconds: float) -> str:
    """The date for a schedule that is due so many seconds from now: schedules count in whole minutes, one before this date."""
    return (datetime.now(UTC) + timedelta(seconds=seconds + 60)).isoformat().replace("+00:00", "Z")
