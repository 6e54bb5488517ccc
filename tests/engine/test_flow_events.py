"""The events that others are told of, read from the history, and the rules that are about them."""

from typing import Any

import pytest

from workflows.engine.flow_events import FlowEvent, Happening, Recorded, happenings, matches


def test_there_are_eighteen() -> None:
    assert len(FlowEvent) == 18


@pytest.mark.parametrize(
    ("entry", "events"),
    [
        (Recorded("execution.started"), ["FlowStarted"]),
        (Recorded("execution.status", status="DONE"), ["FlowCompleted"]),
        (Recorded("execution.status", status="CLOSED"), ["FlowCancelled"]),
        (Recorded("execution.status", status="STARTED"), ["FlowReopened"]),
        (Recorded("execution.deleted"), ["FlowDeleted"]),
        (Recorded("execution.assigned"), ["FlowAssigned"]),
        (Recorded("execution.due_date"), ["FlowDueDateChanged"]),
        (Recorded("execution.contexts"), ["FlowContextsChanged"]),
        (Recorded("execution.closing_reason"), []),
        (Recorded("task.name", "t"), ["TaskUpdated"]),
        (Recorded("task.current", "t"), ["CurrTaskChanged"]),
        (Recorded("task.status", "t", status="COMPLETED"), ["TaskCompleted", "TaskUpdated"]),
        (Recorded("task.status", "t", status="SKIPPED"), ["TaskSkipped", "TaskUpdated"]),
        (Recorded("task.status", "t", status="IN_PROGRESS"), ["TaskMarkedInProgress", "TaskUpdated"]),
        (Recorded("task.status", "t", status="ON_HOLD"), ["TaskMarkedOnHold", "TaskUpdated"]),
        (Recorded("task.status", "t", status="PENDING"), ["TaskUpdated"]),
        (Recorded("phase.name", phase="p"), ["PhaseUpdated"]),
        (Recorded("phase.status", phase="p", status="IN_PROGRESS"), ["PhaseMarkedInProgress", "PhaseUpdated"]),
        (Recorded("phase.status", phase="p", status="COMPLETED"), ["PhaseCompleted", "PhaseUpdated"]),
        (Recorded("phase.status", phase="s", status="COMPLETED"), ["PhaseSkipped", "PhaseUpdated"]),
        (Recorded("phase.status", phase="p", status="OPEN"), ["PhaseUpdated"]),
    ],
)
def test_are_read_from_the_history(entry: Recorded, events: list[str]) -> None:
    assert [h.event for h in happenings([entry], skipped_phases=["s"])] == events


def test_the_same_happens_once_in_a_step() -> None:
    entries = [Recorded("task.name", "t"), Recorded("task.details", "t"), Recorded("task.name", "u")]
    assert [h.task for h in happenings(entries)] == ["t", "u"]


@pytest.mark.parametrize(
    ("event", "wanted", "happening", "expected"),
    [
        ("TaskCompleted", None, Happening(FlowEvent.TASK_COMPLETED, task="t"), True),
        ("TaskSkipped", None, Happening(FlowEvent.TASK_COMPLETED, task="t"), False),
        ("TaskCompleted", {"task_template_id": "t"}, Happening(FlowEvent.TASK_COMPLETED, task="t"), True),
        ("TaskCompleted", {"task_template_id": "u"}, Happening(FlowEvent.TASK_COMPLETED, task="t"), False),
        ("TaskCompleted", {"phase_template_id": "p"}, Happening(FlowEvent.TASK_COMPLETED, task="t"), True),
        ("TaskCompleted", {"phase_template_id": "q"}, Happening(FlowEvent.TASK_COMPLETED, task="t"), False),
        ("PhaseCompleted", {"phase_template_id": "p"}, Happening(FlowEvent.PHASE_COMPLETED, phase="p"), True),
        ("PhaseCompleted", {"phase_template_id": "q"}, Happening(FlowEvent.PHASE_COMPLETED, phase="p"), False),
        ("PhaseCompleted", {"task_template_id": "t"}, Happening(FlowEvent.PHASE_COMPLETED, phase="p"), False),
        ("FlowStarted", {"task_template_id": "t"}, Happening(FlowEvent.FLOW_STARTED), True),
    ],
)
def test_a_rule_is_about_an_event_and_one_task_or_phase(event: str, wanted: Any, happening: Happening, expected: bool) -> None:
    rule = {"trigger": {"event": event, "filter": wanted}}
    assert matches(rule, happening, {"t": "p", "u": None}) is expected


@pytest.mark.parametrize(
    "entry",
    [
        *(
            Recorded("task.status", "t", status=status)
            for status in ("COMPLETED", "SKIPPED", "IN_PROGRESS", "ON_HOLD", "PENDING")
        ),
        *(Recorded("phase.status", phase="p", status=status) for status in ("IN_PROGRESS", "COMPLETED", "OPEN")),
        Recorded("task.current", "t"),
        Recorded("phase.name", phase="p"),
    ],
)
def test_each_names_what_it_happened_to(entry: Recorded) -> None:
    found = happenings([entry])
    assert found
    assert all((event.task, event.phase) == (entry.task, entry.phase) for event in found)
