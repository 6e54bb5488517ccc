"""Relative due dates in a step: written when their event happens, cleared when it is undone, replaced by hand.

The engine says when an event happened; here are the rows. Nothing is read that the step has not read already.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from workflows.engine.due_dates import Anchor, DueDateConfig, parse_due_date_config
from workflows.engine.due_events import DueEvents, Ends, Subject
from workflows.models import Execution, Phase, Task
from workflows.services.due import Row, config_of, put_config, write_due_date, zone_of
from workflows.services.errors import InvalidInput

if TYPE_CHECKING:
    from workflows.services.steps import Step

# Of an execution's `extra`: some phase was given a rule by hand, so its phases are to be looked at.
PHASE_RULES = "phase_rules"


def follow_due_events(step: "Step", *, silent: bool = False) -> None:
    """Bring all relative due dates up to what has happened. `silent`: the rows are new, so nothing is a change."""
    ruled = list(_ruled_rows(step))
    if not ruled:
        return
    events = due_events(step)
    for row, config, subject in ruled:
        rule = read_rule(step, config)
        if rule.anchor is Anchor.WORKFLOW_STARTED and row.due_date:
            continue
        text = events.due_date(rule, subject, zone_of(step.actor.organisation))
        if text == row.due_date:
            continue
        before = row.due_date
        write_due_date(row, text, step.actor.organisation)
        if not silent:
            record_due_date(step, row, before)


def patch_due_date(step: "Step", row: Row, patch: Mapping[str, Any]) -> None:
    """Apply `due_date` and `due_date_config` of a PATCH.

    A date wins over a rule and drops it, and so does clearing a date. A rule replaces the date by what it gives, if its event
    has happened. Values that are sent back as they are change nothing.
    """
    before, old = row.due_date, config_of(row, _design_of(step, row))
    date = patch["due_date"] or "" if "due_date" in patch else before
    config = patch["due_date_config"] or None if "due_date_config" in patch else old
    if (date, config) == (before, old):
        return
    if "due_date" in patch and (date or "due_date_config" not in patch):
        config = None
    if config is not None:
        check_rule(step, config)
        date = due_events(step).due_date(read_rule(step, config), _subject_of(row), zone_of(step.actor.organisation))
    write_due_date(row, date, step.actor.organisation)
    put_config(row, config)
    if isinstance(row, Phase) and config is not None:
        step.execution.extra = {**step.execution.extra, PHASE_RULES: True}
    record_due_date(step, row, before, rule=old if old != config else None)


def check_rule(step: "Step", config: Mapping[str, Any], path: str = "due_date_config") -> None:
    """Raise InvalidInput for a rule that counts from a task or phase that the execution does not have."""
    rule = read_rule(step, config)
    if rule.anchor is Anchor.TASK_FINISHED and rule.task_id not in step.tasks:
        raise InvalidInput(f"{path}.task_id", "the execution has no such task")
    if rule.anchor is Anchor.PHASE_FINISHED and rule.phase_id not in step.graph.phases:
        raise InvalidInput(f"{path}.phase_id", "the execution has no such phase")


def read_rule(step: "Step", config: Mapping[str, Any]) -> DueDateConfig:
    """Return a rule with the ids of the template, whichever ids it was given with."""
    rule = parse_due_date_config(config)
    if rule.anchor is Anchor.TASK_FINISHED and rule.task_id not in step.tasks:
        nodes = {str(task.id): node for node, task in step.tasks.items()}
        return replace(rule, task_id=nodes.get(rule.task_id or ""))
    if rule.anchor is Anchor.PHASE_FINISHED and rule.phase_id not in step.graph.phases:
        phases = {str(phase.id): key for key, phase in step.phases.items()}
        return replace(rule, phase_id=phases.get(rule.phase_id or ""))
    return rule


def due_events(step: "Step") -> DueEvents:
    ends = {node: task.completed_at for node, task in step.tasks.items() if task.completed_at is not None}
    return DueEvents(step.flow(), Ends(step.execution.created_at, ends))


def record_due_date(step: "Step", row: Row, before: str, rule: Mapping[str, Any] | None = None) -> None:
    """Note that a due date changed: in the history, and that its row is to be written. `rule`: the one that was given up."""
    values = {"due_date": before} | ({"due_date_config": rule} if rule else {}), {"due_date": row.due_date}
    if isinstance(row, Task):
        step.touch_task(row)
        step.record("task.due_date", *values, task=row)
    elif isinstance(row, Phase):
        step.touch_phase(row)
        step.record("phase.due_date", *values, phase_id=row.id)
    else:
        step.record("execution.due_date", *values)


def _ruled_rows(step: "Step") -> Iterator[tuple[Row, Mapping[str, Any], Subject]]:
    if config := config_of(step.execution, step.compiled.data):
        yield step.execution, config, Subject()
    if step.execution.extra.get(PHASE_RULES) or any(phase.get("due_date_config") for phase in step.compiled.phases.values()):
        for key, phase in step.phases.items():
            if config := config_of(phase, step.compiled.phase(key)):
                yield phase, config, Subject(phase=key)
    for key, task in step.tasks.items():
        if config := config_of(task, step.compiled.task(key)):
            yield task, config, Subject(task=key)


def _design_of(step: "Step", row: Row) -> Mapping[str, Any]:
    if isinstance(row, Execution):
        return step.compiled.data
    return step.compiled.task(row.template_id) if isinstance(row, Task) else step.compiled.phase(row.template_id)


def _subject_of(row: Row) -> Subject:
    if isinstance(row, Execution):
        return Subject()
    return Subject(task=row.template_id) if isinstance(row, Task) else Subject(phase=row.template_id)
