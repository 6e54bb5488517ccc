"""`entity_sync`: what a template wants written to entities when something happens to its flows.

The step that makes it happen decides here what is written, and puts it into a job of its own transaction, in the order of the
rules, the primary entity first. `sync_writes` does the job.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from workflows.engine.flow_events import Happening, SyncSource, matches
from workflows.models import Assignment, ContextRef
from workflows.services.happenings import read_happenings

if TYPE_CHECKING:
    from workflows.services.steps import Step

KIND = "sync_entities"


def plan_entity_sync(
    step: "Step", contexts: Sequence[ContextRef] | None = None, assignments: Sequence[Assignment] | None = None
) -> None:
    """Add the job that writes what the template's rules say of this step. Rows that the caller has need not be read again."""
    rules = step.compiled.data.get("entity_sync") or []
    if not rules or not step.events:
        return
    wanted = {rule["trigger"]["event"] for rule in rules}
    happened = [h for h in read_happenings(step, wanted) if h.event in wanted]
    phase_of = {key: node.phase for key, node in step.graph.nodes.items()}
    found = [(rule, h) for rule in rules for h in happened if matches(rule, h, phase_of)]
    if not found:
        return
    if contexts is None:
        contexts = list(ContextRef.objects.filter(execution_id=step.execution.id))
    targets = sorted(contexts, key=lambda row: (not row.is_primary, row.position))
    values = _Values(step, phase_of, assignments)
    writes = [write for rule, h in found for write in _write(rule, values.read(rule, h), targets)]
    if writes:
        origin = {"workflow_exec_id": str(step.execution.id), "flow_template_id": step.execution.template_id}
        chain = step.execution.extra.get("execution_chain") or {}
        step.add_job(KIND, seq=step.execution.next_seq, writes=writes, execution_chain=chain, _workflow_origin=origin)


def _write(rule: Mapping[str, Any], value: Any, contexts: Iterable[ContextRef]) -> list[dict[str, Any]]:
    target = rule["target"]
    if value is None:
        return []
    return [
        {
            "entity_id": str(context.entity_id),
            "schema": context.entity_schema,
            "attribute": target["entityAttribute"],
            "value": value,
        }
        for context in contexts
        if context.entity_schema == target["entitySchema"]
    ]


class _Values:
    """The values that rules write, as they are at the end of a step."""

    def __init__(self, step: "Step", phase_of: Mapping[str, str | None], assignments: Sequence[Assignment] | None) -> None:
        self.step = step
        self.phase_of = phase_of
        self.assignments = assignments

    def read(self, rule: Mapping[str, Any], happening: Happening) -> Any:
        """Return a rule's value; None when it asks of a task or phase, and the event has none."""
        source = rule["value"]["source"]
        if source == SyncSource.CUSTOM_VALUE:
            return rule["value"].get("value") or ""
        kind, _, what = source.partition("_")
        filtered = rule["trigger"].get("filter") or {}
        task = happening.task or filtered.get("task_template_id")
        phase = happening.phase or filtered.get("phase_template_id") or self.phase_of.get(task or "")
        if kind == "workflow":
            return self.read_row(self.step.execution, what, None, None)
        if kind == "task":
            row = self.step.tasks.get(task) if task else None
            return self.read_row(row, what, row.id, None) if row else None
        place = self.step.phases.get(phase) if phase else None
        return self.read_row(place, what, None, place.id) if place else None

    def read_row(self, row: Any, what: str, task_id: UUID | None, phase_id: UUID | None) -> Any:
        if what != "assigned_to":
            return getattr(row, what)
        if self.assignments is None:
            self.assignments = list(Assignment.objects.filter(execution_id=self.step.execution.id).order_by("position", "id"))
        own = [a for a in self.assignments if (a.task_id, a.phase_id) == (task_id, phase_id)]
        return list(dict.fromkeys(a.assignee for a in own if a.assignee))
