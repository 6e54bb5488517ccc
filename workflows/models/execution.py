"""An execution and its parts. Rows are narrow: what changes, decides, is filtered or is shown on a card.

What never changes after the start (descriptions, conditions, requirements as designed) stays in the execution's Definition;
`extra` of a row holds what was set by hand over it. Enumerations are the engine's.
"""

from typing import Any, ClassVar

from django.db import models

from workflows.engine.status import ExecutionStatus, PhaseStatus, TaskStatus, TaskType
from workflows.models.ids import ordered_uuid
from workflows.models.organisation import Organisation
from workflows.models.template import Definition, FlowTemplate


def choices(enumeration: Any) -> list[tuple[str, str]]:
    """Plain strings, so that migrations do not import the engine."""
    return [(member.value, member.value) for member in enumeration]


class Dated(models.Model):
    """A due date twice: the text exactly as it was given (it must round-trip), and the deadline it means, for order."""

    due_date = models.CharField(max_length=40, blank=True, default="")
    due_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class Tracked(models.Model):
    """Who moved it to its statuses and when. The `_by` columns hold user or token ids."""

    started_at = models.DateTimeField(null=True)
    in_progress_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    status_updated_at = models.DateTimeField(null=True)
    in_progress_by = models.CharField(max_length=128, blank=True, default="")
    completed_by = models.CharField(max_length=128, blank=True, default="")
    skipped_by = models.CharField(max_length=128, blank=True, default="")
    on_hold_by = models.CharField(max_length=128, blank=True, default="")

    class Meta:
        abstract = True


class Execution(Dated):
    """A running or finished process. `version` counts its changes and is its ETag; `next_seq` numbers its history."""

    id = models.UUIDField(primary_key=True, default=ordered_uuid, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, db_index=False)
    template = models.ForeignKey(FlowTemplate, on_delete=models.PROTECT)
    definition = models.ForeignKey(Definition, on_delete=models.PROTECT)
    name = models.CharField(max_length=255)
    status = models.CharField(max_length=10, choices=choices(ExecutionStatus))
    trigger = models.CharField(max_length=10, default="MANUAL")
    version = models.PositiveIntegerField(default=1)
    next_seq = models.PositiveIntegerField(default=1)
    tasks_done = models.PositiveIntegerField(default=0)
    tasks_total = models.PositiveIntegerField(default=0)
    next_due_at = models.DateTimeField(null=True)
    graph_edited = models.BooleanField(default=False)
    # A current task waits for a change of an entity: a decision without a branch, or a schedule by one of its dates.
    waits_for_entity = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    started_by = models.CharField(max_length=128, blank=True)
    closed_by = models.CharField(max_length=128, blank=True, default="")
    deleted_at = models.DateTimeField(null=True)
    extra = models.JSONField(default=dict)
    # Whether an endpoint is told what happens to flows: no column, but read along by whoever locks the row for a step.
    is_followed = False

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=["organisation", "-created_at", "-id"],
                name="execution_recent",
                condition=models.Q(deleted_at__isnull=True),
            ),
            models.Index(
                fields=["organisation", "status", "-created_at", "-id"],
                name="execution_by_status",
                condition=models.Q(deleted_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Phase(Dated, Tracked):
    """A stage of an execution. `template_id` is the phase's id in the template, stable over executions."""

    id = models.UUIDField(primary_key=True, default=ordered_uuid, editable=False)
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="phases", db_index=False)
    template_id = models.CharField(max_length=128)
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=255)
    status = models.CharField(max_length=12, choices=choices(PhaseStatus), default=PhaseStatus.OPEN.value)
    version = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField()
    extra = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["execution", "template_id"], name="phase_once")]

    def __str__(self) -> str:
        return self.name


class Task(Dated, Tracked):
    """A step of an execution, for a person or a machine.

    `template_id` is its node in the graph. `crt_since` set: the task is current. `left_at` set: the flow has moved past it, along
    the edges whose ids `taken` lists. `suspended_since` remembers `crt_since` while the execution is closed. `scheduled_at` and
    `schedule_id` set: it begins by itself then, through the one job that bears the schedule's id.
    """

    id = models.UUIDField(primary_key=True, default=ordered_uuid, editable=False)
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="tasks", db_index=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, db_index=False)
    phase = models.ForeignKey(
        Phase, null=True, on_delete=models.CASCADE, related_name="tasks", db_index=False, db_constraint=False
    )
    template_id = models.CharField(max_length=128)
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=255)
    task_type = models.CharField(max_length=12, choices=choices(TaskType))
    status = models.CharField(max_length=24, choices=choices(TaskStatus), default=TaskStatus.PENDING.value)
    enabled = models.BooleanField(default=True)
    crt_since = models.DateTimeField(null=True)
    left_at = models.DateTimeField(null=True)
    suspended_since = models.DateTimeField(null=True)
    taken = models.JSONField(default=list)
    iterations = models.PositiveSmallIntegerField(default=0)
    scheduled_at = models.DateTimeField(null=True)
    schedule_id = models.CharField(max_length=64, blank=True, default="")
    manually_created = models.BooleanField(default=False)
    # Whether partners with whom it is shared see it; written from what the template or a PATCH says of `partner`.
    for_partner = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    extra = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["execution", "template_id"], name="task_once")]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["organisation", "crt_since"], name="task_current", condition=models.Q(crt_since__isnull=False)),
            models.Index(fields=["organisation", "due_at"], name="task_due", condition=models.Q(crt_since__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.name


class Edge(models.Model):
    """A way from one task to the next. `key` is its id; no target: the path ends there."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="edges", db_index=False)
    key = models.CharField(max_length=128)
    # Without a constraint: an index for it would cost every start more than the check is worth, as both ends are
    # written and deleted with their execution only.
    source = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    target = models.ForeignKey(Task, null=True, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    condition_id = models.CharField(max_length=128, blank=True, default="")
    none_met = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["execution", "key"], name="edge_once")]

    def __str__(self) -> str:
        return self.key


class ContextRef(models.Model):
    """An entity that an execution is about, by the entity's id, so that an entity may be deleted and the fact remain."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="contexts", db_index=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, db_index=False)
    position = models.PositiveSmallIntegerField()
    entity_id = models.UUIDField()
    entity_schema = models.CharField(max_length=128)
    is_primary = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["execution", "position"], name="context_position_once"),
            models.UniqueConstraint(fields=["execution"], condition=models.Q(is_primary=True), name="context_one_primary"),
        ]
        indexes = [models.Index(fields=["organisation", "entity_id"], name="context_entity")]

    def __str__(self) -> str:
        return f"{self.entity_schema} {self.entity_id}"


class Assignment(models.Model):
    """An assignee of an execution (no task, no phase), a phase or a task: an opaque id, or a variable and what it stands for.

    A variable that nothing has filled yet is one row with an empty `assignee`.
    """

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="assignments", db_index=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, db_index=False)
    phase = models.ForeignKey(Phase, null=True, on_delete=models.CASCADE, related_name="assignments")
    task = models.ForeignKey(Task, null=True, on_delete=models.CASCADE, related_name="assignments")
    position = models.PositiveSmallIntegerField()
    assignee = models.CharField(max_length=128, blank=True)
    variable = models.CharField(max_length=255, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(phase__isnull=True) | models.Q(task__isnull=True), name="assignment_of_one"
            ),
        ]
        indexes = [
            models.Index(fields=["execution"], name="assignment_execution"),
            models.Index(fields=["organisation", "assignee"], name="assignment_assignee", condition=models.Q(task__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.assignee or self.variable


class ExecutionDocument(models.Model):
    """The API's JSON of an execution, rendered at `version`; older than the execution's version: to be rendered again."""

    execution = models.OneToOneField(Execution, on_delete=models.CASCADE, primary_key=True, related_name="document")
    version = models.PositiveIntegerField()
    body = models.TextField()

    def __str__(self) -> str:
        return f"version {self.version}"
