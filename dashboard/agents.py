"""What agents did for a task, ready to show, and what they propose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.agent_words import OUTCOMES
from dashboard.runs import Attempt, load_attempts
from dashboard.wording import describe_moment
from workflows.engine.agents import HOLDING, AgentStatus, Offer, judge, read_answer
from workflows.models import AgentMode, AgentRun, AgentRunStatus, Job, JobState, Task

# The words for a run's status, and the task's status whose colours and sign it has.
RUN_STATUS = {
    "pending": (gettext_lazy("Waits"), "PENDING"),
    "running": (gettext_lazy("In progress"), "IN_PROGRESS"),
    "waiting_approval": (gettext_lazy("Waits for an approval"), "WAITING_FOR_CONFIRMATION"),
    "completed": (gettext_lazy("Done"), "COMPLETED"),
    "failed": (gettext_lazy("Failed"), "FAILED"),
    "cancelled": (gettext_lazy("Cancelled"), "SKIPPED"),
}
MODES = {
    AgentMode.AUTOMATIC: gettext_lazy("its answer is taken at once"),
    AgentMode.APPROVAL: gettext_lazy("a person approves what it wants to do"),
    AgentMode.DRAFT: gettext_lazy("it only proposes, a person takes it"),
}


@dataclass(frozen=True, slots=True)
class AgentRunView:
    """A run of an agent in words. `proposed`: what an approval will do, when it waits for one."""

    name: str
    status: str
    colour: str
    at: datetime
    when: str
    outcome: str
    holds: bool
    message: str
    refused: list[str]
    waits: bool
    proposed: list[str]
    next_try: str
    attempts: list[Attempt]


def load_agent_runs(task: Task) -> list[AgentRunView]:
    """Return the latest runs of a task's agent; three queries."""
    rows = AgentRun.objects.filter(workflow_task_id=task.id).select_related("agent").order_by("-created_at", "-id")
    runs = list(rows[:3])
    jobs = list(Job.objects.filter(subject__in=[run.id for run in runs], kind="call_agent"))
    attempts = load_attempts(jobs)
    return [build_run(run, [job for job in jobs if job.subject == run.id], attempts) for run in runs]


def build_run(run: AgentRun, jobs: Sequence[Job], attempts: Mapping[UUID, list[Attempt]]) -> AgentRunView:
    status, colour = RUN_STATUS[run.status]
    waits = run.status == AgentRunStatus.WAITING_APPROVAL
    later = next((job for job in jobs if job.state == JobState.READY and job.attempt and job.last_error), None)
    return AgentRunView(
        name=run.agent.name,
        status=str(status),
        colour=colour,
        at=run.created_at,
        when=describe_moment(run.created_at),
        outcome=str(OUTCOMES.get(run.outcome, run.outcome)),
        holds=run.outcome in HOLDING,
        message=run.message,
        refused=run.refused,
        waits=waits,
        proposed=describe_proposal(run) if waits else [],
        next_try=describe_moment(later.run_at) if later else "",
        attempts=[attempt for job in jobs for attempt in attempts[job.pk]],
    )


def describe_proposal(run: AgentRun) -> list[str]:
    """Return what an approval will do: the branch, the fields, and what will be left out."""
    answer = read_answer(run.answer)
    if answer.status is not AgentStatus.COMPLETED:
        return [_("The agent will go on")]
    branches = run.offered.get("branches") or {}
    judged = judge(answer, Offer(branches, tuple(run.offered.get("fields") or ())))
    words = [_("The task will be completed")]
    if judged.branch:
        words.append(_("The flow will go on with “%s”") % branches[judged.branch])
    words += [_("%(field)s will be “%(value)s”") % {"field": name, "value": value} for name, value in judged.fields.items()]
    words += [_("Left out: %s") % text for text in judged.refused]
    return words
