"""How an execution comes into being: the template's definition copied into rows, and the engine's first step.

Twelve statements whatever the size of the flow; its document is written with it, so that the first reader finds it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from workflows.documents import ExecutionRows, render_execution
from workflows.engine import advance
from workflows.engine.conditions import Facts
from workflows.engine.flow import Moment
from workflows.engine.status import ExecutionStatus, PhaseStatus
from workflows.models import (
    Assignment,
    ClosingReason,
    ContextRef,
    Edge,
    Entity,
    Execution,
    ExecutionDocument,
    FlowTemplate,
    Phase,
    Task,
)
from workflows.models.rows import insert_rows
from workflows.permissions import Actor
from workflows.services.assignments import build_assignments
from workflows.services.definitions import narrow_definition
from workflows.services.due import write_designed_date, zone_of
from workflows.services.due_rules import follow_due_events
from workflows.services.entity_sync import plan_entity_sync
from workflows.services.flow_followers import plan_deliveries
from workflows.services.steps import Step, gather_facts
from workflows.services.variables import fill_entries, note_open_variables
from workflows.services.waking import waits_for_entity


class Start:
    """One start: make it, then `run` it inside a transaction."""

    def __init__(
        self, actor: Actor, template: FlowTemplate, trigger: str, now: datetime, *, purposes: Sequence[str] = ()
    ) -> None:
        self.actor = actor
        self.template = template
        self.now = now
        self.purposes = list(purposes)
        definition_id, self.compiled = narrow_definition(actor.organisation, template.definition_id, purposes)
        # In place of the template's assignees, when somebody named others.
        self.assigned_to: Sequence[Any] | None = None
        self.is_followed = False
        self.execution = Execution(
            organisation_id=actor.organisation.id,
            template_id=template.id,
            definition_id=definition_id,
            name=template.name,
            status=ExecutionStatus.STARTED.value,
            trigger=trigger,
            created_at=now,
            updated_at=now,
            started_by=actor.id,
        )

    def run(
        self,
        contexts: Sequence[ContextRef],
        entities: Sequence[Entity],
        automation_config: dict[str, Any] | None,
        chain: dict[str, Any] | None = None,
    ) -> Execution:
        """Write all rows and return the execution. `chain`: its place among executions that have started each other."""
        for context in contexts:
            context.execution_id = self.execution.id
        self.execution.extra = {"configured_reasons": self.snapshot_reasons()}
        if automation_config:
            self.execution.extra["automation_config"] = automation_config
        if chain:
            self.execution.extra["execution_chain"] = chain
        facts = gather_facts(self.execution, contexts, entities)
        step = self.first_step(facts)
        self.date(step)
        self.write(step, contexts, self.assignments(facts))
        return self.execution

    def snapshot_reasons(self) -> list[dict[str, str]]:
        """Copy the template's closing reasons with their titles of today; later changes do not touch the execution."""
        ids = [reason["id"] for reason in self.compiled.data.get("closing_reasons") or []]
        if not ids:
            return []
        titles = dict(ClosingReason.objects.filter(organisation=self.actor.organisation, id__in=ids).values_list("id", "title"))
        return [{"id": reason, "title": titles.get(reason, reason)} for reason in ids]

    def date(self, step: Step) -> None:
        """Give the execution, its phases and tasks the due dates that are designed, or count from what has happened already."""
        write_designed_date(self.execution, self.compiled.data, self.actor.organisation)
        for key, phase in self.phases.items():
            write_designed_date(phase, self.compiled.phases[key], self.actor.organisation)
        for key, task in self.tasks.items():
            write_designed_date(task, self.compiled.tasks[key], self.actor.organisation)
        follow_due_events(step, silent=True)
        due = [task.due_at for task in self.tasks.values() if task.crt_since and task.due_at]
        self.execution.next_due_at = min(due, default=None)

    @cached_property
    def phases(self) -> dict[str, Phase]:
        return {
            template_id: Phase(
                execution_id=self.execution.id,
                template_id=template_id,
                position=position,
                name=design["name"],
                status=PhaseStatus.OPEN.value,
                updated_at=self.now,
            )
            for position, (template_id, design) in enumerate(self.compiled.phases.items())
        }

    @cached_property
    def tasks(self) -> dict[str, Task]:
        rows = {}
        for position, (template_id, design) in enumerate(self.compiled.tasks.items()):
            phase = self.phases.get(design.get("phase_id") or "")
            rows[template_id] = Task(
                execution_id=self.execution.id,
                organisation_id=self.execution.organisation_id,
                phase_id=phase.id if phase else None,
                template_id=template_id,
                # Steps of 1024 leave room for tasks that are put between two others.
                position=(position + 1) * 1024,
                name=design["name"],
                task_type=design["task_type"],
                for_partner=bool((design.get("partner") or {}).get("enabled")),
                created_at=self.now,
                updated_at=self.now,
            )
        return rows

    def first_step(self, facts: Facts) -> Step:
        """Let the engine begin, and take what it says into the rows."""
        graph = self.compiled.graph
        step = Step(self.actor, self.execution, self.now, self.compiled)
        step.tasks = self.tasks
        step.phases = self.phases
        self.execution.is_followed = self.is_followed
        narrowed = {"purposes": self.purposes} if self.purposes else {}
        step.record("execution.started", None, {"name": self.execution.name, "template": self.template.id, **narrowed})
        step.apply(advance.start(graph, Moment(self.now, zone_of(self.actor.organisation), facts)))
        return step

    def write(self, step: Step, contexts: Sequence[ContextRef], assignments: list[Assignment]) -> None:
        for task in self.tasks.values():
            task.version = 1
        for phase in self.phases.values():
            phase.version = 1
        self.execution.waits_for_entity = waits_for_entity(self.compiled, self.tasks.values())
        rows = ExecutionRows(
            self.execution,
            list(self.phases.values()),
            list(self.tasks.values()),
            self.edges(),
            contexts,
            assignments,
        )
        plan_entity_sync(step, contexts, assignments)
        plan_deliveries(step, contexts, assignments)
        self.execution.save(force_insert=True)
        for group in (rows.phases, rows.tasks, rows.edges, rows.contexts, rows.assignments, step.events, step.jobs):
            insert_rows(list(group))
        body = render_execution(rows, self.compiled, self.actor.organisation.slug).decode()
        self.execution.document = ExecutionDocument(execution=self.execution, version=self.execution.version, body=body)
        insert_rows([self.execution.document])

    def edges(self) -> list[Edge]:
        return [
            Edge(
                execution_id=self.execution.id,
                key=edge.id,
                source_id=self.tasks[edge.source].id,
                target_id=self.tasks[edge.target].id if edge.target is not None else None,
                condition_id=edge.condition or "",
                none_met=edge.none_met,
            )
            for edge in self.compiled.graph.edges
        ]

    def assignments(self, facts: Facts) -> list[Assignment]:
        own = self.compiled.data if self.assigned_to is None else {"assigned_to": self.assigned_to}
        rows = self.assign(own, facts)
        for key, phase in self.phases.items():
            rows += self.assign(self.compiled.phases[key], facts, phase=phase)
        for key, task in self.tasks.items():
            rows += self.assign(self.compiled.tasks[key], facts, task=task)
        note_open_variables(self.execution, rows)
        return rows

    def assign(
        self, design: Mapping[str, Any], facts: Facts, *, task: Task | None = None, phase: Phase | None = None
    ) -> list[Assignment]:
        entries = fill_entries(design.get("assigned_to") or [], facts)
        return build_assignments(self.execution, entries, task=task, phase=phase)
