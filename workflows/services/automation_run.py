"""A run of an automation under way: what an action came to, what is next, what is waited for, and when it is over.

A run is changed under the lock of its row. Lock order: the run, then the flow execution that it belongs to, then entities; so the
service of a flow execution never locks a run, but leaves a job that does. What the actions do is not known here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import uuid4

from workflows.engine.automations import UNDER_WAY, ActionState, RunStatus, end_status, next_action
from workflows.engine.conditions import Facts
from workflows.models import (
    ActorKind,
    AutomationAction,
    AutomationExecution,
    Entity,
    Execution,
    Job,
)
from workflows.models.rows import insert_rows, update_rows
from workflows.permissions import Actor
from workflows.services import queue
from workflows.services.automation_conditions import Unservable, is_met, moment_of
from workflows.services.due import zone_of
from workflows.services.entity_triggers import DELETE
from workflows.services.errors import NotFound
from workflows.services.steps import parse_id

ACTION_COLUMNS = "status started_at updated_at outputs error reason retry_strategy job_id design".split()
RUN_COLUMNS = "status conditions schedules progress updated_at finished_at".split()

MAX_REASON = 2000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an action came to. `awaits`: what a paused one waits for, `confirmation` by a person or a `callback`."""

    status: RunStatus
    outputs: Mapping[str, Any] | None = None
    error_code: str = ""
    reason: str = ""
    info: Mapping[str, Any] = field(default_factory=dict)
    awaits: str = ""


def done(**outputs: Any) -> Outcome:
    return Outcome(RunStatus.SUCCESS, outputs=outputs)


def skipped(reason: str, **info: Any) -> Outcome:
    return Outcome(RunStatus.SKIPPED, reason=reason, info=info)


def failed(code: str, reason: str, **info: Any) -> Outcome:
    return Outcome(RunStatus.FAILED, error_code=code, reason=reason, info=info)


def paused(awaits: str, **outputs: Any) -> Outcome:
    return Outcome(RunStatus.PAUSED, outputs=outputs, awaits=awaits)


class Run:
    """A change of a run under way, inside the caller's transaction. End it with `save`."""

    def __init__(self, execution: AutomationExecution, now: datetime, actions: Sequence[AutomationAction] | None = None) -> None:
        self.execution = execution
        self.now = now
        self.jobs: list[Job] = []
        self.before = execution.status
        if actions is not None:
            self.__dict__["actions"] = list(actions)

    @cached_property
    def actions(self) -> list[AutomationAction]:
        return list(AutomationAction.objects.filter(execution_id=self.execution.id).order_by("position"))

    @property
    def status(self) -> RunStatus:
        return RunStatus(self.execution.status)

    def action(self, key: str) -> AutomationAction:
        """Return an action by its own id or that of its design. Raises NotFound."""
        for action in self.actions:
            if key in (action.key, action.design.get("flow_action_id")):
                return action
        raise NotFound

    def states(self) -> list[ActionState]:
        return [ActionState(RunStatus(action.status), action.allow_failure) for action in self.actions]

    def put(self, action: AutomationAction, outcome: Outcome) -> None:
        """Write what an action came to."""
        action.status = outcome.status.value
        action.updated_at = self.now
        if outcome.outputs is not None:
            action.outputs = {**(action.outputs or {}), **outcome.outputs}
        action.error = action.reason = None
        if outcome.status is RunStatus.FAILED:
            action.error = {"error_code": outcome.error_code, "error_reason": outcome.reason[:MAX_REASON]}
            if outcome.info:
                action.error["error_info"] = dict(outcome.info)
        elif outcome.reason:
            action.reason = {"message": outcome.reason[:MAX_REASON]} | ({"payload": dict(outcome.info)} if outcome.info else {})

    def record(self, action: AutomationAction, outcome: Outcome) -> None:
        """Take the result of an action into the run, and go on as far as it lets."""
        if outcome.status is RunStatus.PAUSED and self.progress("resumed") == str(action.job_id):
            outcome = done(**(outcome.outputs or {}))
        self.put(action, outcome)
        if outcome.status is RunStatus.PAUSED:
            self.execution.status = RunStatus.PAUSED.value
            self.note(pause={"action": action.key, "awaits": outcome.awaits})
            return
        self.note(pause=None)
        self.go_on()

    def go_on(self) -> None:
        """Begin the next action, wait for its schedule, or end the run."""
        if self.progress("stop_after"):
            self.end()
            return
        while True:
            place = next_action(self.states())
            if place is None:
                break
            if not self.hold_back(self.actions[place]):
                self.dispatch(self.actions[place])
                self.execution.status = RunStatus.IN_PROGRESS.value
                return
        left = [RunStatus(action.status) for action in self.actions if action.status in UNDER_WAY]
        waiting = [status for status in left if status is not RunStatus.PENDING]
        if not waiting:
            self.end()
        elif RunStatus.SCHEDULED in waiting:
            self.execution.status = RunStatus.SCHEDULED.value

    def end(self) -> None:
        """Nothing more is done. A run that was to stop after one action has not succeeded while others are left."""
        stopped = self.progress("stop_after")
        self.note(stop_after=None)
        if stopped and any(action.status == RunStatus.PENDING for action in self.actions):
            self.execution.status = RunStatus.FAILED.value
        else:
            self.execution.status = end_status(self.states()).value
        self.execution.finished_at = self.now

    def hold_back(self, action: AutomationAction) -> bool:
        """Whether an action is not to be done now: its condition is not met, or its time has not come."""
        condition = self.find(self.execution.conditions, action.design.get("condition_id"))
        schedule_id = action.design.get("schedule_id") or (condition or {}).get("schedule_id")
        schedule = self.find(self.execution.schedules, schedule_id)
        fired = schedule_id in (self.progress("fired") or [])
        first = condition is not None and (not schedule or condition.get("evaluation_order") == "BEFORE_SCHEDULE")
        if condition is not None and first and not self.check(condition):
            return True
        if schedule and not fired:
            self.arm(schedule, condition, action)
            return True
        return condition is not None and not first and not self.check(condition)

    def check(self, condition: dict[str, Any]) -> bool:
        """Evaluate a condition once, and skip its actions when it is not met."""
        if "evaluationResult" in condition:
            return bool(condition["evaluationResult"]) or self.pass_over(condition, skipped("The condition is not met"))
        zone = zone_of(self.execution.organisation)
        try:
            met, problems = is_met(condition, self.facts, self.now, zone)
        except Unservable as error:
            return self.refuse(condition, failed("BAD_CONFIG", str(error)))
        condition["evaluationResult"] = met
        return met or self.pass_over(condition, skipped("The condition is not met", problems=list(problems)))

    def refuse(self, condition: dict[str, Any], outcome: Outcome) -> bool:
        """A condition or its schedule cannot be processed: its actions fail, or are cancelled when that is allowed."""
        condition["error_output"] = {"error_code": outcome.error_code, "error_reason": outcome.reason}
        if condition.get("allow_failure"):
            return self.pass_over(condition, Outcome(RunStatus.CANCELLED, reason=outcome.reason))
        return self.pass_over(condition, outcome)

    def pass_over(self, condition: Mapping[str, Any], outcome: Outcome) -> bool:
        for action in self.actions:
            if action.design.get("condition_id") == condition["id"] and action.status == RunStatus.PENDING:
                self.put(action, outcome)
        return False

    def arm(self, schedule: dict[str, Any], condition: dict[str, Any] | None, action: AutomationAction) -> None:
        """Leave the job that wakes the run when a schedule is due."""
        zone = zone_of(self.execution.organisation)
        try:
            due = moment_of(schedule, self.facts.primary, self.execution.created_at, self.now, zone)
        except Unservable as error:
            outcome = failed("INVALID_SCHEDULE_CONFIG", str(error))
            if condition is None:
                self.put(action, outcome)
            else:
                self.refuse(condition, outcome)
            return
        job = self.add_job("wake_automation", due, schedule_id=schedule["id"])
        schedule["scheduleApiId"] = str(job.id)
        for each in self.of_schedule(schedule["id"]):
            if each.status == RunStatus.PENDING:
                self.put(each, Outcome(RunStatus.SCHEDULED))

    def of_schedule(self, schedule_id: str) -> list[AutomationAction]:
        conditions = {c["id"] for c in self.execution.conditions if c.get("schedule_id") == schedule_id}
        return [
            action
            for action in self.actions
            if action.design.get("schedule_id") == schedule_id or action.design.get("condition_id") in conditions
        ]

    def find(self, entries: list[dict[str, Any]], key: str | None) -> dict[str, Any] | None:
        return next((entry for entry in entries if entry["id"] == key), None) if key else None

    def dispatch(self, action: AutomationAction) -> None:
        """Leave the job that does an action; one that is tried again keeps its job, and so the name of its effect."""
        if action.job_id is None or not queue.rearm(action.job_id, self.now):
            action.job_id = self.add_job("run_action", self.now, action=action.key).id
        self.put(action, Outcome(RunStatus.STARTING))
        action.started_at = None

    def add_job(self, kind: str, run_at: datetime, **payload: str) -> Job:
        job = Job(
            organisation_id=self.execution.organisation_id,
            kind=kind,
            subject=self.execution.id,
            payload={"automation_id": str(self.execution.id), **payload},
            run_at=run_at,
            created_at=self.now,
        )
        self.jobs.append(job)
        return job

    def progress(self, name: str) -> Any:
        return self.execution.progress.get(name)

    def note(self, **values: Any) -> None:
        """Remember something for later; None forgets it."""
        merged = {**self.execution.progress, **values}
        self.execution.progress = {name: value for name, value in merged.items() if value is not None}

    @cached_property
    def facts(self) -> Facts:
        return gather_run_facts(self.execution)

    def save(self) -> None:
        """Write the run, its actions and its jobs."""
        self.stamp()
        update_rows(self.actions, ACTION_COLUMNS)
        update_rows([self.execution], RUN_COLUMNS)
        insert_rows(self.jobs)

    def create(self) -> None:
        """Write a run that is new."""
        self.stamp()
        insert_rows([self.execution])
        insert_rows(self.actions)
        insert_rows(self.jobs)

    def stamp(self) -> None:
        """Note when the run changed and ended; when it is a task's and its status is news, leave a job that tells the task."""
        execution = self.execution
        execution.updated_at = self.now
        execution.finished_at = None if self.status in UNDER_WAY else execution.finished_at or self.now
        if execution.workflow_task_id and self.status != self.before and self.status is not RunStatus.SCHEDULED:
            task = {"execution_id": str(execution.workflow_execution_id), "task_id": str(execution.workflow_task_id)}
            self.add_job("report_run", self.now, **task)


def gather_run_facts(execution: AutomationExecution) -> Facts:
    """Return what conditions and texts of a run may ask about: its entities, the triggering one first, and the flow execution."""
    others = [parse_id(entry["entity_id"]) for entry in execution.context.get("entity_contexts") or []]
    ids = list(dict.fromkeys([execution.entity_id, *others]))
    rows = Entity.objects.filter(organisation_id=execution.organisation_id, id__in=ids)
    may_be_gone = {execution.entity_id} if is_about_deleted(execution.trigger_event) else set()
    found = {entity.id: entity for entity in rows if entity.deleted_at is None or entity.id in may_be_gone}
    by_schema: dict[str, Mapping[str, object]] = {}
    for entity in (found[key] for key in ids if key in found):
        by_schema.setdefault(entity.schema, describe_entity(entity))
    primary = found.get(execution.entity_id)
    workflow: Mapping[str, object] = {}
    if execution.workflow_execution_id:
        owner = Execution.objects.filter(pk=execution.workflow_execution_id, organisation_id=execution.organisation_id)
        workflow = owner.values("name", "status").first() or {}
    return Facts(primary=describe_entity(primary) if primary else {}, by_schema=by_schema, workflow=workflow)


def is_about_deleted(trigger_event: Mapping[str, Any]) -> bool:
    """Whether a run was begun by the deletion of its entity, which it may read all the same."""
    return trigger_event.get("operation_type") == DELETE


def describe_entity(entity: Entity) -> dict[str, Any]:
    """Return an entity's attributes with what is said about it."""
    return {**entity.attributes, "_id": str(entity.id), "_schema": entity.schema, "_title": entity.title}


def new_actions(designs: Sequence[Mapping[str, Any]], execution: AutomationExecution, now: datetime) -> list[AutomationAction]:
    """Return unsaved rows for the actions of a flow, as they are designed now."""
    return [
        AutomationAction(
            execution_id=execution.id,
            organisation_id=execution.organisation_id,
            position=position,
            key=str(uuid4()),
            type=str(design.get("type") or "")[:60],
            design={**design, "flow_action_id": design["id"]},
            allow_failure=bool(design.get("allow_failure")),
            updated_at=now,
        )
        for position, design in enumerate(designs)
    ]


def actor_of_run(execution: AutomationExecution) -> Actor:
    """Return who a run acts as: the system, in the run's organisation."""
    return Actor(execution.organisation, ActorKind.SYSTEM)
