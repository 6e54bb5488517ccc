"""Runs of agents: one is asked for a task, its answer is kept, and then taken into the flow as far as it may be.

Lock order: the execution, then the run, then entities. An answer is kept in a transaction of its own, before anything follows
from it; asking again is not needed then, whatever happens in between.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from workflows.engine import advance
from workflows.engine.agents import (
    INVALID_OUTPUT,
    AgentAnswer,
    AgentStatus,
    InvalidAnswer,
    Judged,
    Offer,
    judge,
    read_answer,
)
from workflows.engine.errors import WorkflowError
from workflows.engine.results import correct_result
from workflows.engine.status import FINISHED, ExecutionStatus, TaskStatus, TaskType, TriggerMode
from workflows.models import ActorKind, Agent, AgentMode, AgentRun, AgentRunStatus, ContextRef, Job, Task
from workflows.permissions import UPDATE, Actor
from workflows.services import queue
from workflows.services.entities import patch_entity
from workflows.services.entity_triggers import Origin
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.steps import Step, lock_execution, parse_id
from workflows.services.task_notes import note_run
from workflows.services.transactions import in_transaction

NO_AGENT = "There is no agent with this id, so nothing was run; complete the task by hand, or skip it"
SWITCHED_OFF = "The agent {name} is switched off; switch it on, then run the task again"
BUDGET = "The agent {name} has been run {count} times within a day, which is its budget; run the task again later"
LISTENING = (TaskStatus.IN_PROGRESS, TaskStatus.WAITING_FOR_CONFIRMATION, TaskStatus.FAILED)
WAITING = (AgentRunStatus.PENDING, AgentRunStatus.RUNNING)
UNDER_WAY = (*WAITING, AgentRunStatus.WAITING_APPROVAL)
APPROVED = "approved"
PRELIMINARY = (AgentStatus.PENDING, AgentStatus.RUNNING)


def begin_run(step: Step, task: Task, caller: str) -> AgentRun:
    """Write a run of the task's agent, and the job that asks it. Raises InvalidInput when it cannot be asked."""
    config = {**(step.compiled.task(task.template_id).get("agent_config") or {}), **(task.extra.get("agent_config") or {})}
    agent = _find_agent(step, str(config.get("agent_id") or ""))
    contexts = list(ContextRef.objects.filter(execution_id=step.execution.id).order_by("position"))
    offered = {"branches": offered_branches(step, task), "fields": agent.fields}
    run = AgentRun(
        organisation_id=step.execution.organisation_id,
        agent=agent,
        workflow_execution_id=step.execution.id,
        workflow_task_id=task.id,
        mode=agent.mode,
        offered=offered,
        request=_request(step, task, agent, contexts, offered, config.get("parameters") or {}),
        actor_kind=step.actor.kind,
        actor_id=caller,
        created_at=step.now,
    )
    run.job_id = _ask(step, run)
    run.save(force_insert=True)
    return run


def _find_agent(step: Step, agent_id: str) -> Agent:
    try:
        agent = Agent.objects.filter(pk=parse_id(agent_id), organisation_id=step.execution.organisation_id).first()
    except NotFound:
        agent = None
    if agent is None:
        raise InvalidInput("agent_id", NO_AGENT)
    if not agent.enabled:
        raise InvalidInput("agent_id", SWITCHED_OFF.format(name=agent.name))
    recent = AgentRun.objects.filter(agent=agent, created_at__gt=step.now - timedelta(days=1))[: agent.runs_a_day].count()
    if recent >= agent.runs_a_day:
        raise InvalidInput("agent_id", BUDGET.format(name=agent.name, count=agent.runs_a_day))
    return agent


def offered_branches(step: Step, task: Task) -> dict[str, str]:
    """Return the branches that the agent may choose from: those of decisions right behind it that nobody else decides."""
    found: dict[str, str] = {}
    for edge in step.graph.outgoing.get(task.template_id, ()):
        node = step.graph.nodes.get(edge.target or "")
        if node is None or node.type is not TaskType.DECISION or node.trigger_mode is not TriggerMode.MANUAL:
            continue
        for condition in step.compiled.task(node.id).get("conditions") or []:
            found[condition["id"]] = condition.get("branch_name") or condition["id"]
    return found


def _request(
    step: Step, task: Task, agent: Agent, contexts: list[ContextRef], offered: Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    primary = next((context for context in contexts if context.is_primary), None)
    about = {"entity_id": str(primary.entity_id), "entity_schema": primary.entity_schema} if primary else {}
    branches = [{"id": key, "name": name} for key, name in offered["branches"].items()]
    return {
        "agent_id": str(agent.id),
        "input": {
            **about,
            "workflow_id": step.execution.template_id,
            "workflow_execution_id": str(step.execution.id),
            "task_id": str(task.id),
            "flow_context": [{"entity_id": str(c.entity_id), "entity_schema": c.entity_schema} for c in contexts],
            "custom_data": {"task_name": task.name, "branches": branches, "fields": list(offered["fields"])},
        },
        "parameters": dict(parameters),
        "execution_mode_override": agent.mode,
        "execution_context": "flows",
        "timeout_ms": agent.seconds * 1000,
    }


def _ask(step: Step, run: AgentRun) -> UUID:
    """Add the job that asks the agent, and return its id."""
    step.add_job("call_agent", run.id, agent_run_id=str(run.id), task_id=str(run.workflow_task_id))
    return step.jobs[-1].id


@in_transaction
def begin_call(job: Job, now: datetime | None = None) -> AgentRun | None:
    """Note that a run is under way; None when it does not wait for this job any more."""
    rows = AgentRun.objects.filter(pk=job.payload["agent_run_id"], job_id=job.pk, status__in=WAITING)
    if not rows.update(status=AgentRunStatus.RUNNING, started_at=now or timezone.now()):
        return None
    return rows.select_related("agent", "organisation").get()


@in_transaction
def keep_answer(run_id: str | UUID, job_id: UUID, answer: Any) -> bool:
    """Keep what an agent has answered; False when nobody waits for it any more, or it has answered already."""
    rows = AgentRun.objects.filter(pk=run_id, job_id=job_id, status__in=WAITING, answer__isnull=True)
    return bool(rows.update(answer=answer))


@in_transaction
def keep_late_answer(run_id: UUID, job_id: UUID, answer: Any, now: datetime | None = None) -> None:
    """Keep what an agent says at the address that it was given, and leave a job that takes it into the flow.

    Raises NotFound for a run that is not there, InvalidInput for one that does not wait for it, or an answer that is none.
    """
    run = AgentRun.objects.select_for_update(no_key=True).filter(pk=run_id).first()
    if run is None:
        raise NotFound
    try:
        status = read_answer(answer).status
    except InvalidAnswer as error:
        raise InvalidInput("status", str(error)) from error
    if run.job_id != job_id or run.status not in WAITING or not _is_preliminary(run.answer):
        raise InvalidInput("token", "the run does not wait for this any more")
    if status in PRELIMINARY:
        return
    run.answer = answer
    run.save(update_fields=["answer"])
    Job.objects.create(
        organisation_id=run.organisation_id,
        kind="settle_agent",
        subject=run.id,
        payload={
            "agent_run_id": str(run.id),
            "execution_id": str(run.workflow_execution_id),
            "task_id": str(run.workflow_task_id),
        },
        run_at=now or timezone.now(),
    )


def _is_preliminary(answer: Any) -> bool:
    """Whether an agent has said nothing yet, or only that it is at work."""
    try:
        return answer is None or read_answer(answer).status in PRELIMINARY
    except InvalidAnswer:
        return False


@in_transaction
def settle_run(actor: Actor, execution_id: str | UUID, run_id: str | UUID, now: datetime | None = None) -> None:
    """Take the answer that is kept into the flow. One that its task does not wait for any more changes nothing."""
    step = lock_execution(actor, execution_id, now or timezone.now())
    run = _lock_run(step, run_id)
    task = step.find_task(run.workflow_task_id)
    if task is not None and run.answer is not None and run.status in WAITING and _listens(step, task, run):
        settle(step, task, run)
        step.save()


def settle(step: Step, task: Task, run: AgentRun) -> None:
    """Do what an answer comes to; the caller holds the locks and saves the step."""
    try:
        answer = read_answer(run.answer)
    except InvalidAnswer as error:
        _fail(step, task, run, INVALID_OUTPUT, str(error))
        return
    match answer.status:
        case AgentStatus.PENDING | AgentStatus.RUNNING:
            _wait_for_callback(step, task, run)
        case AgentStatus.WAITING_APPROVAL:
            _wait_for_person(step, task, run, answer)
        case AgentStatus.COMPLETED:
            judged = judge(answer, _offer(run))
            if run.mode != AgentMode.AUTOMATIC and run.approval != APPROVED and not judged.holds:
                _wait_for_person(step, task, run, answer)
            else:
                _complete(step, task, run, answer, judged)
        case AgentStatus.CANCELLED:
            _fail(step, task, run, "CANCELLED", answer.message or "The agent has cancelled its run")
        case AgentStatus.FAILED:
            _fail(step, task, run, answer.error_code or "INTERNAL_ERROR", answer.message or "The agent has failed")


def _offer(run: AgentRun) -> Offer:
    return Offer(run.offered.get("branches") or {}, tuple(run.offered.get("fields") or ()))


def _listens(step: Step, task: Task, run: AgentRun) -> bool:
    """Whether a task waits for this run: not while it is on hold, nor after it was done otherwise."""
    own = (task.extra.get("run") or {}).get("execution_id") == str(run.id)
    return own and task.status in LISTENING and step.execution.status == ExecutionStatus.STARTED


def _wait_for_callback(step: Step, task: Task, run: AgentRun) -> None:
    """The agent goes on by itself, and has the rest of its time to say what came of it."""
    run.answer = None
    run.save(update_fields=["answer"])
    at = (run.started_at or step.now) + timedelta(seconds=run.agent.seconds)
    step.add_job("expire_agent", run.id, run_at=at, agent_run_id=str(run.id), job_id=str(run.job_id))
    _show(step, task, run)


def _wait_for_person(step: Step, task: Task, run: AgentRun, answer: AgentAnswer) -> None:
    run.status = AgentRunStatus.WAITING_APPROVAL
    run.message = answer.message
    run.save(update_fields=["status", "message"])
    step.apply(correct_result(step.flow(), task.template_id, TaskStatus.WAITING_FOR_CONFIRMATION, step.moment()))
    _show(step, task, run)
    step.record("task.agent", None, {"status": run.status, "message": run.message}, task=task)


def _complete(step: Step, task: Task, run: AgentRun, answer: AgentAnswer, judged: Judged) -> None:
    refused = list(judged.refused)
    if judged.fields:
        refused += _fill(step, judged.fields)
    run.status = AgentRunStatus.COMPLETED
    run.finished_at = step.now
    run.outcome, run.message = judged.outcome, answer.message
    status = TaskStatus.IN_PROGRESS if judged.holds else TaskStatus.COMPLETED
    step.apply(correct_result(step.flow(), task.template_id, status, step.moment()))
    if judged.branch:
        refused += _choose(step, task, judged.branch)
    run.refused = refused
    run.save(update_fields=["status", "finished_at", "outcome", "message", "refused"])
    _show(step, task, run)
    said: dict[str, Any] = {"status": run.status, "outcome": run.outcome, "message": run.message, "refused": refused}
    said |= {"fields": list(judged.fields)} if judged.fields else {}
    step.record("task.agent", None, {name: value for name, value in said.items() if value}, task=task)


def _fill(step: Step, fields: Mapping[str, Any]) -> list[str]:
    """Write the fields to the primary entity, before the flow goes on and decides by them; return what could not be."""
    primary = ContextRef.objects.filter(execution_id=step.execution.id, is_primary=True).first()
    if primary is None:
        return ["there is no primary entity whose fields could be filled"]
    try:
        with transaction.atomic():
            origin = Origin.of_execution(step.execution.extra.get("execution_chain"))
            agent = Actor(step.actor.organisation, ActorKind.SYSTEM)
            patch_entity(agent, primary.entity_schema, primary.entity_id, dict(fields), step.now, origin=origin)
    except NotFound:
        return ["the entity is not there any more"]
    except InvalidInput as error:
        return [str(error)]
    return []


def _choose(step: Step, task: Task, branch: str) -> list[str]:
    """Take a branch of the decision that follows; return why not, when the flow does not allow it."""
    for edge in step.graph.outgoing.get(task.template_id, ()):
        decision = step.tasks.get(edge.target or "")
        conditions = step.compiled.task(decision.template_id).get("conditions") or [] if decision else []
        if decision is None or branch not in [condition["id"] for condition in conditions]:
            continue
        if decision.status in FINISHED:
            return ["the branch was chosen by somebody else meanwhile"]
        try:
            step.apply(advance.set_status(step.flow(), decision.template_id, TaskStatus.COMPLETED, step.moment(), branch=branch))
        except WorkflowError as error:
            return [f"the branch cannot be taken: {error}"]
        return []
    return ["the decision is not there any more"]


def _fail(step: Step, task: Task, run: AgentRun, code: str, reason: str) -> None:
    run.status = AgentRunStatus.FAILED
    run.finished_at = step.now
    run.error_code, run.message = code, reason
    run.save(update_fields=["status", "finished_at", "error_code", "message"])
    step.apply(correct_result(step.flow(), task.template_id, TaskStatus.FAILED, step.moment()))
    _show(step, task, run)
    step.record("task.run", None, {"status": TaskStatus.FAILED, "reason": reason}, task=task)


def _show(step: Step, task: Task, run: AgentRun) -> None:
    """Have the task say how its run stands."""
    is_failed = run.status == AgentRunStatus.FAILED
    note_run(
        task,
        {
            "execution_id": str(run.id),
            "execution_status": str(run.status),
            "outcome": run.outcome or None,
            "error_reason": run.message if is_failed else None,
        },
    )
    step.touch_task(task)


def _lock_run(step: Step, run_id: str | UUID) -> AgentRun:
    rows = AgentRun.objects.filter(pk=parse_id(run_id), workflow_execution_id=step.execution.id).select_related("agent")
    run = rows.select_for_update(no_key=True, of=("self",)).first()
    if run is None:
        raise NotFound
    return run


def untold_run(task: Task) -> AgentRun | None:
    """Return the run of a task unless it has ended, as far as the task knows."""
    known = task.extra.get("run") or {}
    if not known.get("execution_id"):
        return None
    return AgentRun.objects.select_related("agent").filter(pk=parse_id(known["execution_id"]), status__in=UNDER_WAY).first()


def heal(step: Step, task: Task) -> None:
    """Do again what a task's run is in the middle of when no work is left that does it; the caller saves the step."""
    run = untold_run(task)
    if run is None:
        step.add_job("run_task", task.id, task_id=str(task.id), caller="")
    elif run.answer is not None:
        step.add_job("settle_agent", run.id, agent_run_id=str(run.id), task_id=str(task.id))
    elif run.job_id is None or not queue.rearm(run.job_id, step.now):
        # Asked under the same name where the question's own job is still known.
        run.job_id = _ask(step, run)
        run.save(update_fields=["job_id"])


@in_transaction
def fail_run(
    actor: Actor,
    execution_id: str | UUID,
    run_id: str | UUID,
    job_id: UUID,
    code: str,
    reason: str,
    now: datetime | None = None,
) -> None:
    """Fail a run that still waits for an answer to the question of this job."""
    step = lock_execution(actor, execution_id, now or timezone.now())
    run = _lock_run(step, run_id)
    if run.job_id != job_id or run.status not in WAITING or run.answer is not None:
        return
    task = step.find_task(run.workflow_task_id)
    if task is not None and _listens(step, task, run):
        _fail(step, task, run, code, reason)
        step.save()
    else:
        AgentRun.objects.filter(pk=run.pk).update(
            status=AgentRunStatus.FAILED, error_code=code, message=reason, finished_at=step.now
        )


@in_transaction
def answer_agent(
    actor: Actor,
    execution_id: str | UUID,
    task_id: str | UUID,
    *,
    approved: bool,
    reason: str = "",
    now: datetime | None = None,
) -> Task:
    """Say yes or no to what an agent proposes or wants to do. Yes: the proposal is taken, or the agent is asked to go on.

    Raises InvalidInput unless the task's agent waits for it.
    """
    actor.require_some(UPDATE)
    step = lock_execution(actor, execution_id, now or timezone.now())
    task = step.task(task_id)
    step.require(UPDATE, task)
    known = task.extra.get("run") or {}
    run = _lock_run(step, known["execution_id"]) if task.task_type == TaskType.AI_AGENT and known.get("execution_id") else None
    if run is None or run.status != AgentRunStatus.WAITING_APPROVAL or not _listens(step, task, run):
        raise InvalidInput("task_id", "no agent waits for an approval here")
    step.record("task.agent_answered", None, {"approved": approved, "reason": reason[:2000]}, task=task)
    if not approved:
        _fail(step, task, run, "REJECTED", reason[:2000] or "What the agent proposed was rejected")
    elif read_answer(run.answer).status is AgentStatus.COMPLETED:
        run.approval = APPROVED
        run.save(update_fields=["approval"])
        settle(step, task, run)
    else:
        _go_on(step, task, run, reason)
    step.save()
    task.execution = step.execution
    return task


def _go_on(step: Step, task: Task, run: AgentRun, reason: str) -> None:
    """Ask the agent once more, with the approval; what it answers then is taken."""
    run.approval, run.status, run.answer = APPROVED, AgentRunStatus.PENDING, None
    run.request = {**run.request, "approval": {"approved": True, "reason": reason[:2000]}}
    run.job_id = _ask(step, run)
    run.save(update_fields=["approval", "status", "answer", "request", "job_id"])
    step.apply(correct_result(step.flow(), task.template_id, TaskStatus.IN_PROGRESS, step.moment()))
    _show(step, task, run)


@in_transaction
def cancel_agent_run(actor: Actor, run_id: str | UUID, now: datetime | None = None) -> None:
    """End a run that nobody waits for any more. What its agent answers later does not count."""
    rows = AgentRun.objects.filter(pk=parse_id(run_id), organisation=actor.organisation, status__in=UNDER_WAY)
    rows.update(status=AgentRunStatus.CANCELLED, finished_at=now or timezone.now())
