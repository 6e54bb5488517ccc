"""Agents: outside services that do tasks, and what each was asked and answered."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from workflows.models.audit import Audited
from workflows.models.history import ActorKind
from workflows.models.ids import ordered_uuid
from workflows.models.organisation import Organisation


class AgentMode(models.TextChoices):
    """Whether a person looks at it first. Approval: the agent may ask too, before it acts; draft: it only proposes."""

    AUTOMATIC = "automatic"
    APPROVAL = "approval"
    DRAFT = "draft"


class Agent(Audited):
    """An endpoint that does tasks. `secret` is sealed. `fields` are the attributes of the primary entity that it may fill."""

    MASKED: ClassVar[frozenset[str]] = frozenset({"secret"})

    id = models.UUIDField(primary_key=True, default=ordered_uuid, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE)
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=1000, blank=True)
    url = models.CharField(max_length=2000)
    secret = models.TextField()
    mode = models.CharField(max_length=10, choices=AgentMode.choices, default=AgentMode.AUTOMATIC)
    enabled = models.BooleanField(default=True)
    fields = models.JSONField(default=list)
    # The budget: the time for one run, and the runs of one day.
    seconds = models.PositiveIntegerField(default=30)
    runs_a_day = models.PositiveIntegerField(default=1000)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class AgentRunStatus(models.TextChoices):
    """How a run of an agent stands, in the contract's words."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING_APPROVAL = "waiting_approval"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class AgentRun(models.Model):
    """What an agent was asked for a task, and what it answered.

    `answer` is kept before anything follows from it. `offered` is what it may choose from and fill: all else is refused.
    """

    id = models.UUIDField(primary_key=True, default=ordered_uuid, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, db_index=False)
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="runs", db_index=False)
    workflow_execution_id = models.UUIDField()
    workflow_task_id = models.UUIDField()
    # The job that asks. Another one is that of an earlier question, whose answer does not count any more.
    job_id = models.UUIDField(null=True)
    status = models.CharField(max_length=16, choices=AgentRunStatus.choices, default=AgentRunStatus.PENDING)
    mode = models.CharField(max_length=10, choices=AgentMode.choices)
    request = models.JSONField(default=dict)
    offered = models.JSONField(default=dict)
    answer = models.JSONField(null=True)
    # What a person has said to it: nothing yet, yes (to the agent's question), or yes to its proposal.
    approval = models.CharField(max_length=10, blank=True)
    outcome = models.CharField(max_length=40, blank=True)
    message = models.TextField(blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    refused = models.JSONField(default=list)
    actor_kind = models.CharField(max_length=10, choices=ActorKind.choices)
    actor_id = models.CharField(max_length=128, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["agent", "-created_at"], name="agent_run_recent"),
            models.Index(fields=["workflow_task_id", "-created_at"], name="agent_run_task"),
            models.Index(fields=["workflow_execution_id"], name="agent_run_execution"),
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} {self.status}"
