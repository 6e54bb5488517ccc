"""Automations: flows of actions as their designers keep them, and the runs of them, action by action."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from workflows.engine.automations import RunStatus
from workflows.models.audit import Audited
from workflows.models.execution import choices
from workflows.models.history import ActorKind
from workflows.models.ids import ordered_uuid
from workflows.models.organisation import Organisation


class AutomationFlow(Audited):
    """A list of actions. `document` is what was saved; `signing_secret` (sealed) signs what its actions send to plain URLs."""

    MASKED: ClassVar[frozenset[str]] = frozenset({"signing_secret"})

    id = models.UUIDField(primary_key=True, default=ordered_uuid, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, db_index=False, verbose_name=_("Organisation"))
    name = models.CharField(max_length=255, verbose_name=_("Name"))
    enabled = models.BooleanField(default=True, verbose_name=_("Enabled"))
    entity_schema = models.CharField(max_length=128, blank=True, verbose_name=_("Schema"))
    document = models.JSONField(default=dict)
    signing_secret = models.TextField()
    version = models.PositiveIntegerField(default=1, verbose_name=_("Version"))
    runs = models.PositiveIntegerField(default=0, verbose_name=_("Runs"))
    disabled_at = models.DateTimeField(null=True, verbose_name=_("Switched off"))
    disabled_by = models.CharField(max_length=10, blank=True, verbose_name=_("Switched off by"))
    created_at = models.DateTimeField(default=timezone.now, verbose_name=_("Created"))
    updated_at = models.DateTimeField(default=timezone.now, verbose_name=_("Changed"))
    created_by = models.CharField(max_length=128, blank=True)
    updated_by = models.CharField(max_length=128, blank=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("automation")
        verbose_name_plural = _("automations")
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=["organisation", "-updated_at"], name="automation_recent", condition=models.Q(deleted_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return self.name


class AutomationKey(models.Model):
    """Something by which automation flows are found: what triggers them, what they start."""

    class Kind(models.TextChoices):
        TRIGGER = "trigger"
        SOURCE = "source"
        EVENT = "event"
        WORKFLOW = "workflow"

    flow = models.ForeignKey(AutomationFlow, on_delete=models.CASCADE, related_name="keys")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    value = models.CharField(max_length=200)

    class Meta:
        indexes: ClassVar[list[Any]] = [models.Index(fields=["kind", "value"], name="automation_key")]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


class AutomationExecution(models.Model):
    """One run. It keeps the actions, conditions and schedules of the version with which it began.

    `context` says for whom it runs: the entities besides the triggering one, the person, the chains. `progress` is what the run
    remembers between its actions.
    """

    id = models.UUIDField(primary_key=True, default=ordered_uuid, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, db_index=False)
    flow = models.ForeignKey(AutomationFlow, on_delete=models.PROTECT, db_index=False)
    flow_name = models.CharField(max_length=255)
    version = models.PositiveIntegerField()
    status = models.CharField(max_length=12, choices=choices(RunStatus), default=RunStatus.PENDING.value)
    entity_id = models.UUIDField()
    entity_schema = models.CharField(max_length=128)
    workflow_execution_id = models.UUIDField(null=True)
    workflow_task_id = models.UUIDField(null=True)
    conditions = models.JSONField(default=list)
    schedules = models.JSONField(default=list)
    trigger_event = models.JSONField(default=dict)
    context = models.JSONField(default=dict)
    progress = models.JSONField(default=dict)
    actor_kind = models.CharField(max_length=10, choices=ActorKind.choices)
    actor_id = models.CharField(max_length=128, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["organisation", "-created_at", "-id"], name="run_recent"),
            models.Index(fields=["organisation", "entity_id", "-created_at", "-id"], name="run_of_entity"),
            models.Index(fields=["flow", "-created_at"], name="run_of_flow"),
            models.Index(
                fields=["workflow_task_id", "-created_at"], name="run_of_task", condition=models.Q(workflow_task_id__isnull=False)
            ),
            models.Index(
                fields=["workflow_execution_id"],
                name="run_of_execution",
                condition=models.Q(workflow_execution_id__isnull=False, finished_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.flow_name} {self.id}"


class AutomationAction(models.Model):
    """One action of a run. `job_id` is the job that does it, whose effect id stays the same when the action is tried again."""

    id = models.UUIDField(primary_key=True, default=ordered_uuid, editable=False)
    execution = models.ForeignKey(AutomationExecution, on_delete=models.CASCADE, related_name="actions", db_index=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, db_index=False)
    position = models.PositiveSmallIntegerField()
    key = models.CharField(max_length=128)
    type = models.CharField(max_length=60)
    design = models.JSONField(default=dict)
    status = models.CharField(max_length=12, choices=choices(RunStatus), default=RunStatus.PENDING.value)
    allow_failure = models.BooleanField(default=False)
    started_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField()
    outputs = models.JSONField(null=True)
    error = models.JSONField(null=True)
    reason = models.JSONField(null=True)
    retry_strategy = models.CharField(max_length=40, blank=True)
    job_id = models.UUIDField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["execution", "position"], name="action_once")]

    def __str__(self) -> str:
        return f"{self.position} {self.type}"


class Rotation(models.Model):
    """Whose turn it is in an action that assigns one after another."""

    flow = models.ForeignKey(AutomationFlow, on_delete=models.CASCADE, related_name="rotations", db_index=False)
    action = models.CharField(max_length=128)
    turn = models.PositiveIntegerField(default=0)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["flow", "action"], name="rotation_once")]

    def __str__(self) -> str:
        return f"{self.action} {self.turn}"
