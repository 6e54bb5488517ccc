"""One change of one execution: lock it, ask the engine, write what changed. Everything that moves a flow goes through here.

Lock order: the execution's row first, always. A step writes in a fixed number of statements, whatever the size of the flow.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

from workflows.definitions import Compiled, load_definition
from workflows.documents import read_refusal, render_assignees
from workflows.engine import derive
from workflows.engine import flow as engine
from workflows.engine.automations import ENDED
from workflows.engine.conditions import Facts, Verdict
from workflows.engine.graph import Graph
from workflows.engine.status import FINISHED, ExecutionStatus, PhaseStatus, TaskStatus, TaskType
from workflows.models import ActorKind, Assignment, ContextRef, Entity, Event, Execution, Job, JobState, Phase, Task
from workflows.models.rows import insert_rows, select_rows, update_rows
from workflows.models.webhook import IS_FOLLOWED
from workflows.origin import present
from workflows.permissions import VIEW, Actor, PermissionRefused, may_on_execution, may_on_task
from workflows.services.due import zone_of
from workflows.services.due_rules import follow_due_events
from workflows.services.entity_sync import plan_entity_sync
from workflows.services.errors import NotFound, StaleVersion
from workflows.services.flow_followers import plan_deliveries
from workflows.services.graphs import edited_graph
from workflows.services.variables import fill_entered
from workflows.services.verdicts import describe_problems, is_same, keep_verdicts
from workflows.services.waking import waits_for_entity

TASK_COLUMNS = (
    "name for_partner due_date due_at status enabled crt_since left_at suspended_since taken iterations scheduled_at schedule_id "
    "started_at in_progress_at completed_at status_updated_at in_progress_by completed_by skipped_by on_hold_by version "
    "updated_at extra"
).split()
PHASE_COLUMNS = (
    "name due_date due_at status started_at in_progress_at completed_at status_updated_at version updated_at extra"
).split()
EXECUTION_COLUMNS = (
    "name status due_date due_at version next_seq tasks_done tasks_total next_due_at graph_edited waits_for_entity updated_at "
    "completed_at closed_at closed_by extra"
).split()

MACHINES = (TaskType.AUTOMATION, TaskType.AI_AGENT)
RUNNING = (TaskStatus.IN_PROGRESS, TaskStatus.WAITING_FOR_CONFIRMATION)
# The words of automations and of agents for a run that has ended.
OVER = frozenset({*ENDED, "completed"})
# What ends the run of a task, and by what name it knows the run.
CANCELS = {
    TaskType.AUTOMATION: ("cancel_run", "automation_id"),
    TaskType.AI_AGENT: ("cancel_agent", "agent_run_id"),
}
# What a run of a task leaves in `extra`: a decision's verdicts, an automation's run.
RUN_TRACES = ("verdicts", "run")


def parse_id(text: str | UUID) -> UUID:
    """Return the id; a malformed one names nothing that could be found."""
    if isinstance(text, UUID):
        return text
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound from error


class Step:
    """A change under way, inside the caller's transaction. Make it with `lock_execution`, end it with `save`."""

    def __init__(self, actor: Actor, execution: Execution, now: datetime, compiled: Compiled | None = None) -> None:
        self.actor = actor
        self.execution = execution
        self.now = now
        self.origin = present()
        self.compiled = compiled or load_definition(execution.definition_id)
        self.events: list[Event] = []
        self.jobs: list[Job] = []
        self.cancelled: list[str] = []
        self.changed_tasks: dict[UUID, Task] = {}
        self.changed_phases: dict[UUID, Phase] = {}

    @cached_property
    def tasks(self) -> dict[str, Task]:
        """The tasks by node."""
        return {task.template_id: task for task in select_rows(Task, "position", execution=self.execution.id)}

    @cached_property
    def phases(self) -> dict[str, Phase]:
        """The phases by their id in the template."""
        return {phase.template_id: phase for phase in select_rows(Phase, "position", execution=self.execution.id)}

    @cached_property
    def graph(self) -> Graph:
        if not self.execution.graph_edited:
            return self.compiled.graph
        return edited_graph(self.execution, self.compiled.graph, self.tasks, {p.id: p.template_id for p in self.phases.values()})

    @property
    def caller(self) -> str:
        """The person on whose behalf this happens; empty when it is none."""
        return self.actor.id if self.actor.kind is ActorKind.USER else ""

    def task(self, task_id: str | UUID) -> Task:
        """Raises NotFound unless the execution has this task and the actor may see it."""
        task = self.find_task(task_id)
        if task is None or not may_on_task(self.actor, VIEW, task.id):
            raise NotFound
        return task

    def require(self, action: str, task: Task | None = None) -> None:
        """Raise PermissionRefused unless the actor may do `action` to this task, or to the execution."""
        may = may_on_task(self.actor, action, task.id) if task else may_on_execution(self.actor, action, self.execution.id)
        if not may:
            raise PermissionRefused(action)

    def find_task(self, task_id: str | UUID) -> Task | None:
        """Return a task of the execution; None when it has no such one, or not any more."""
        wanted = parse_id(task_id)
        return next((task for task in self.tasks.values() if task.id == wanted), None)

    def flow(self) -> engine.Flow:
        """What the engine decides on, read from the rows."""
        return engine.Flow(
            self.graph, ExecutionStatus(self.execution.status), {node: task_state(task) for node, task in self.tasks.items()}
        )

    def moment(self) -> engine.Moment:
        facts = self.facts() if self.graph.needs_facts else Facts()
        return engine.Moment(self.now, zone_of(self.actor.organisation), facts, self.execution.created_at)

    def facts(self) -> Facts:
        """Read what conditions and schedules ask about.

        The entities stay locked until the end: whoever changes one afterwards finds this execution waiting for it, if it does.
        """
        contexts = list(ContextRef.objects.filter(execution_id=self.execution.id).order_by("position"))
        ids = [context.entity_id for context in contexts]
        found = Entity.objects.filter(organisation_id=self.execution.organisation_id, id__in=ids, deleted_at=None)
        return gather_facts(self.execution, contexts, list(found.select_for_update(no_key=True).order_by("id")))

    def record(
        self,
        action: str,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        *,
        task: Task | None = None,
        phase_id: UUID | None = None,
    ) -> None:
        """Add a row to the history."""
        self.events.append(
            Event(
                organisation_id=self.execution.organisation_id,
                execution_id=self.execution.id,
                seq=self.execution.next_seq,
                at=self.now,
                actor_kind=self.actor.kind,
                actor_id=self.actor.id,
                action=action,
                request_id=self.origin.request_id,
                address=self.origin.address,
                task_id=task.id if task else None,
                phase_id=phase_id,
                before=before,
                after=after,
            )
        )
        self.execution.next_seq += 1

    def touch_task(self, task: Task) -> None:
        """Note that a task is to be written."""
        if task.id not in self.changed_tasks:
            task.version += 1
            task.updated_at = self.now
            self.changed_tasks[task.id] = task

    def touch_phase(self, phase: Phase) -> None:
        if phase.id not in self.changed_phases:
            phase.version += 1
            phase.updated_at = self.now
            self.changed_phases[phase.id] = phase

    def apply(self, outcome: engine.Outcome) -> None:
        """Take an outcome of the engine into the rows and the history."""
        for node, state in outcome.flow.tasks.items():
            task = self.tasks[node]
            if task_state(task) != state:
                self.touch_task(task)
                write_state(task, state, self.now)
        for change in outcome.changes:
            self._apply_change(change)
        if outcome.changes:
            self.count(outcome.flow)

    def count(self, flow: engine.Flow) -> None:
        """Write how many tasks count and how many of them are finished."""
        self.execution.tasks_done, self.execution.tasks_total = derive.progress(flow)

    def _apply_change(self, change: engine.Change) -> None:
        match change:
            case engine.StatusChanged():
                self._apply_status(change)
            case engine.TaskReset(node, before):
                task = self.tasks[node]
                self.cancel_run(task)
                clear_stamps(task, self.now)
                self.record("task.reset", {"status": before}, {"status": TaskStatus.PENDING}, task=task)
            case engine.BecameCurrent(node):
                self.record("task.current", task=self.tasks[node])
            case engine.EnabledChanged(node, enabled):
                self.record("task.enabled", {"enabled": not enabled}, {"enabled": enabled}, task=self.tasks[node])
            case engine.BranchesTaken():
                self._apply_branches(change)
            case engine.DecisionWaits(node, verdicts):
                self._apply_verdicts(node, verdicts, ())
            case engine.ScheduleArmed() | engine.ScheduleCancelled() | engine.ScheduleFired() | engine.ScheduleRefused():
                self._apply_schedule(change)
            case engine.DispatchRequested(node):
                task_id = self.tasks[node].id
                self.add_job("run_task", task_id, task_id=str(task_id), caller=self.caller)
            case engine.ContinueRequested():
                self.add_job("continue_execution")
            case engine.PhaseStatusChanged(phase, status_before, status_after):
                self._apply_phase(phase, status_before, status_after)
            case engine.ExecutionStatusChanged(old, new):
                self._apply_execution_status(old, new)

    def _apply_status(self, change: engine.StatusChanged) -> None:
        task = self.tasks[change.node]
        if change.by_person and change.after in (*FINISHED, TaskStatus.PENDING):
            self.cancel_run(task)
        stamp_status(task, change.after, self.actor.id, self.now)
        self.record("task.status", {"status": change.before}, {"status": change.after}, task=task)

    def _apply_branches(self, change: engine.BranchesTaken) -> None:
        conditions = {c["id"]: c for c in self.compiled.task(change.node).get("conditions") or []}
        verdicts = change.verdicts or tuple(Verdict(c, c in change.branches) for c in conditions)
        problems = self._apply_verdicts(change.node, verdicts, change.branches)
        names = [conditions[b].get("branch_name", "") for b in change.branches if b in conditions]
        after = {"branches": list(change.branches), "names": names} | problems
        self.record("task.branch", None, after, task=self.tasks[change.node])

    def _apply_verdicts(self, node: str, verdicts: Sequence[Verdict], taken: Sequence[str]) -> dict[str, Any]:
        """Keep on the task how its branches were judged; return what could not be compared, for the history."""
        task = self.tasks[node]
        defaults = {e.condition for e in self.compiled.graph.default_edges(node)} if node in self.compiled.graph.nodes else set()
        before = task.extra.get("verdicts") or {}
        kept = keep_verdicts(verdicts, taken, defaults, self.now)
        task.extra = {**task.extra, "verdicts": kept}
        self.touch_task(task)
        problems = describe_problems(verdicts)
        if not taken and not is_same(before, kept):
            self.record("task.evaluated", None, problems or None, task=task)
        return problems

    def _apply_schedule(
        self, change: engine.ScheduleArmed | engine.ScheduleCancelled | engine.ScheduleFired | engine.ScheduleRefused
    ) -> None:
        """Arming writes the job that fires, in the same transaction; cancelling takes it away."""
        task = self.tasks[change.node]
        self.touch_task(task)
        if isinstance(change, engine.ScheduleRefused):
            about = {"cause": change.refusal.cause, "reason": change.refusal.reason, **dict(change.refusal.about)}
            self.record("task.schedule_refused", None, about, task=task)
            return
        at = {"scheduled_at": change.at.isoformat()}
        if isinstance(change, engine.ScheduleArmed):
            task.schedule_id = str(uuid4())
            self.add_job(
                "fire_schedule",
                run_at=change.at,
                dedup_key=f"schedule:{task.schedule_id}",
                task_id=str(task.id),
                schedule_id=task.schedule_id,
            )
            self.record("task.scheduled", None, at, task=task)
            return
        if isinstance(change, engine.ScheduleCancelled):
            self.forget_schedule(task)
        task.schedule_id = ""
        fired = isinstance(change, engine.ScheduleFired)
        self.record("task.schedule_fired" if fired else "task.schedule_cancelled", at, None, task=task)

    def forget_schedule(self, task: Task) -> None:
        """Take away the job that would fire a task's schedule; one that runs already finds out by itself."""
        self.cancelled.append(f"schedule:{task.schedule_id}")

    def _apply_phase(self, node: str, before: PhaseStatus, after: PhaseStatus) -> None:
        phase = self.phases[node]
        self.touch_phase(phase)
        phase.status = after.value
        phase.status_updated_at = self.now
        if after is not PhaseStatus.OPEN:
            phase.started_at = phase.started_at or self.now
        phase.completed_at = self.now if after is PhaseStatus.COMPLETED else None
        self.record("phase.status", {"status": before}, {"status": after}, phase_id=phase.id)

    def _apply_execution_status(self, before: ExecutionStatus, after: ExecutionStatus) -> None:
        execution = self.execution
        execution.status = after.value
        execution.completed_at = self.now if after is ExecutionStatus.DONE else None
        execution.closed_at = self.now if after is ExecutionStatus.CLOSED else None
        execution.closed_by = self.actor.id if after is ExecutionStatus.CLOSED else ""
        self.record("execution.status", {"status": before}, {"status": after})
        for task in self.tasks.values():
            if after is not ExecutionStatus.STARTED:
                self.cancel_run(task)
            elif task.crt_since and task.task_type in MACHINES and task.status in RUNNING:
                self.add_job("run_task", task.id, task_id=str(task.id), caller=self.caller)

    def cancel_run(self, task: Task) -> None:
        """End the run of a task that does not wait for it any more, and forget it; the history keeps what it did."""
        run = task.extra.get("run") or {}
        if run.get("execution_id") and run.get("execution_status") not in OVER:
            kind, name = CANCELS[TaskType(task.task_type)]
            self.add_job(kind, UUID(run["execution_id"]), **{name: run["execution_id"]})
            task.extra = {name: value for name, value in task.extra.items() if name != "run"}
            self.touch_task(task)

    def add_job(
        self,
        kind: str,
        subject: UUID | None = None,
        *,
        run_at: datetime | None = None,
        dedup_key: str | None = None,
        **payload: Any,
    ) -> None:
        """Add background work to the transaction; without `run_at` it is due at once.

        `subject`: what it is about, besides the execution.
        """
        self.jobs.append(
            Job(
                organisation_id=self.execution.organisation_id,
                kind=kind,
                subject=subject,
                payload={"execution_id": str(self.execution.id), **payload},
                dedup_key=dedup_key,
                run_at=run_at or self.now,
                created_at=self.now,
            )
        )

    def save(self) -> bool:
        """Write everything; False when there was nothing to write, and the execution's version stays."""
        if "tasks" in self.__dict__:
            follow_due_events(self)
            fill_entered(self)
        if not (self.events or self.changed_tasks or self.changed_phases):
            return False
        version = self.execution.version
        self.execution.version += 1
        self.execution.updated_at = self.now
        if "tasks" in self.__dict__:
            due = [t.due_at for t in self.tasks.values() if t.crt_since and t.due_at]
            self.execution.next_due_at = min(due, default=None)
            self.execution.waits_for_entity = waits_for_entity(self.compiled, self.tasks.values())
        update_rows(list(self.changed_tasks.values()), TASK_COLUMNS)
        update_rows(list(self.changed_phases.values()), PHASE_COLUMNS)
        # The lock makes this certain on PostgreSQL, the write transaction on SQLite; the condition would show it if not.
        values = {name: getattr(self.execution, name) for name in EXECUTION_COLUMNS}
        if not Execution.objects.filter(pk=self.execution.pk, version=version).update(**values):
            raise StaleVersion(f"Execution {self.execution.pk} was changed by someone else")
        insert_rows(self.events)
        plan_entity_sync(self)
        plan_deliveries(self)
        if self.cancelled:
            self.jobs = [job for job in self.jobs if job.dedup_key not in self.cancelled]
            Job.objects.filter(dedup_key__in=self.cancelled, state=JobState.READY)._raw_delete(using="default")
        insert_rows(self.jobs)
        return True


def lock_execution(actor: Actor, execution_id: str | UUID, now: datetime) -> Step:
    """Lock an execution of the actor's organisation for a change. Raises NotFound unless they may see it; needs a transaction."""
    where: dict[str, Any] = {"id": parse_id(execution_id), "organisation": actor.organisation.pk, "deleted_at": None}
    rows = select_rows(Execution, lock=True, also=("is_followed", IS_FOLLOWED), **where)
    if not rows or not may_on_execution(actor, VIEW, rows[0].id):
        raise NotFound
    return Step(actor, rows[0], now)


def task_state(task: Task) -> engine.TaskState:
    """Read the engine's view of a task from its row."""
    return engine.TaskState(
        status=TaskStatus(task.status),
        enabled=task.enabled,
        since=task.crt_since,
        passed=task.left_at is not None,
        taken=frozenset(task.taken),
        suspended=task.suspended_since,
        iterations=task.iterations,
        finished_at=task.completed_at,
        scheduled_at=task.scheduled_at,
        refusal=read_refusal(task),
    )


def write_state(task: Task, state: engine.TaskState, now: datetime) -> None:
    """Write the engine's view of a task into its row."""
    task.status = state.status.value
    task.enabled = state.enabled
    task.crt_since = state.since
    task.left_at = (task.left_at or now) if state.passed else None
    task.taken = sorted(state.taken)
    task.suspended_since = state.suspended
    task.iterations = state.iterations
    task.completed_at = state.finished_at
    task.scheduled_at = state.scheduled_at
    task.extra = {name: value for name, value in task.extra.items() if name != "refusal"}
    if state.refusal is not None:
        task.extra["refusal"] = {"cause": state.refusal.cause.value, "about": [list(pair) for pair in state.refusal.about]}


def stamp_status(task: Task, status: TaskStatus, actor_id: str, now: datetime) -> None:
    """Record who brought a task to a status, and when."""
    task.status_updated_at = now
    if status is TaskStatus.IN_PROGRESS:
        task.started_at = task.started_at or now
        task.in_progress_at, task.in_progress_by = now, actor_id
    elif status is TaskStatus.ON_HOLD:
        task.on_hold_by = actor_id
    elif status is TaskStatus.COMPLETED:
        task.completed_at, task.completed_by = now, actor_id
    elif status is TaskStatus.SKIPPED:
        task.completed_at, task.skipped_by = now, actor_id
    elif status is TaskStatus.PENDING:
        clear_stamps(task, now)


def clear_stamps(task: Task, now: datetime) -> None:
    """Forget how a task was worked on; the history keeps it."""
    task.started_at = task.in_progress_at = task.completed_at = None
    task.in_progress_by = task.completed_by = task.skipped_by = task.on_hold_by = ""
    task.status_updated_at = now
    task.extra = {name: value for name, value in task.extra.items() if name not in RUN_TRACES}


def gather_facts(execution: Execution, contexts: Sequence[ContextRef], found: Sequence[Entity]) -> Facts:
    """Return what conditions may ask about: the entities of the execution, the primary one first, and the flow itself."""
    entities = {entity.id: entity for entity in found}
    primary: Mapping[str, object] = {}
    by_schema: dict[str, Mapping[str, object]] = {}
    for context in sorted(contexts, key=lambda c: not c.is_primary):
        entity = entities.get(context.entity_id)
        if entity is None:
            continue
        by_schema.setdefault(context.entity_schema, entity.attributes)
        if context.is_primary:
            primary = entity.attributes
    workflow = {"name": execution.name, "status": execution.status}
    return Facts(primary=primary, by_schema=by_schema, workflow=workflow)


def add_assignee(step: Step, task: Task, assignee: str) -> None:
    """Make sure that who works on a task is among its assignees."""
    rows = list(Assignment.objects.filter(task_id=task.id).order_by("position"))
    if any(row.assignee == assignee for row in rows):
        return
    position = max((row.position for row in rows), default=-1) + 1
    Assignment.objects.create(
        execution_id=step.execution.id,
        organisation_id=step.execution.organisation_id,
        task_id=task.id,
        position=position,
        assignee=assignee,
    )
    before = render_assignees(rows)
    step.record("task.assigned", {"assigned_to": before}, {"assigned_to": [*before, assignee]}, task=task)
