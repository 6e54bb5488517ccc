"""Rules about tasks and phases that a template does not have are refused, naming what is at fault."""

from typing import Any

import pytest

from tests.engine.builders import task
from workflows.engine.errors import InvalidGraph
from workflows.engine.references import check_references

AFTER_TASK = {"type": "TASK_FINISHED", "task_id": "a", "duration": 1, "unit": "days"}
AFTER_PHASE = {"type": "PHASE_FINISHED", "phase_id": "p", "duration": 1, "unit": "days"}


def template(**fields: Any) -> dict[str, Any]:
    return {"tasks": [task("a")], "phases": [{"id": "p"}]} | fields


def sync(**trigger_filter: Any) -> list[dict[str, Any]]:
    return [{"trigger": {"event": "TaskCompleted"}}, {"trigger": {"event": "TaskCompleted", "filter": trigger_filter}}]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"phases": None},
        {"due_date_config": AFTER_TASK},
        {"due_date_config": AFTER_PHASE},
        {"due_date_config": {"type": "WORKFLOW_STARTED", "task_id": "x"}},
        {"phases": [{"id": "p", "due_date_config": AFTER_PHASE}]},
        {"entity_sync": sync(task_template_id="a", phase_template_id="p")},
        {"entity_sync": sync(task_template_id=None, other="x")},
    ],
)
def test_what_is_there_may_be_spoken_of(fields: dict[str, Any]) -> None:
    check_references(template(**fields))


NO_TASK, NO_PHASE = AFTER_TASK | {"task_id": "x"}, AFTER_PHASE | {"phase_id": "x"}


@pytest.mark.parametrize(
    ("fields", "node", "message"),
    [
        ({"due_date_config": NO_TASK}, "", "The due date of the flow counts from task x, which this flow does not have"),
        (
            {"phases": [{"id": "p", "due_date_config": NO_PHASE}]},
            "p",
            "The due date of phase p counts from phase x, which this flow does not have",
        ),
        (
            {"tasks": [task("a", due_date_config=NO_TASK)]},
            "a",
            "The due date of task a counts from task x, which this flow does not have",
        ),
        ({"entity_sync": sync(task_template_id="p")}, "p", "entity_sync[1] speaks of p, which this flow does not have"),
        ({"entity_sync": sync(phase_template_id="a")}, "a", "entity_sync[1] speaks of a, which this flow does not have"),
    ],
)
def test_what_is_not_there_is_refused(fields: dict[str, Any], node: str, message: str) -> None:
    with pytest.raises(InvalidGraph) as refusal:
        check_references(template(**fields))
    assert (refusal.value.node, refusal.value.message) == (node, message)
