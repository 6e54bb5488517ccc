"""Background work as rows: written with its cause, executed by whoever claims it, never lost with a message."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from workflows.models.ids import ordered_uuid
from workflows.models.organisation import Organisation


class JobState(models.TextChoices):
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"


class Job(models.Model):
    """One unit of work. `attempt` is counted at the claim and is the fencing token of everything that the attempt writes.

    It only ever grows: `tries_from` is where the present budget of tries began, so that a job can be given a new one.
    `subject` is the id of what the job is about (a task, a run of an automation), to find the jobs of a thing.
    """

    id = models.UUIDField(primary_key=True, default=ordered_uuid, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE)
    kind = models.CharField(max_length=40)
    subject = models.UUIDField(null=True)
    # The endpoint that it tells something, if that is what it does.
    webhook_id = models.UUIDField(null=True)
    dedup_key = models.CharField(max_length=200, null=True, unique=True)  # noqa: DJ001 - NULL: may be repeated
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.READY)
    run_at = models.DateTimeField(default=timezone.now)
    attempt = models.PositiveIntegerField(default=0)
    tries_from = models.PositiveIntegerField(default=0)
    crashes = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    worker = models.CharField(max_length=100, blank=True)
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["organisation", "run_at", "id"], name="job_ready", condition=models.Q(state="ready")),
            models.Index(fields=["organisation", "id"], name="job_running", condition=models.Q(state="running")),
            models.Index(fields=["organisation", "-finished_at"], name="job_dead", condition=models.Q(state="dead")),
            models.Index(fields=["subject"], name="job_subject", condition=models.Q(subject__isnull=False)),
            models.Index(
                fields=["webhook_id", "-created_at", "-id"], name="job_webhook", condition=models.Q(webhook_id__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def effect_id(self) -> str:
        """The name under which the outside world knows the effect of this job, the same in every attempt."""
        return f"msg_{self.id}"

    @property
    def tries(self) -> int:
        """How many attempts of the present budget are used."""
        return self.attempt - self.tries_from


class Delivery(models.Model):
    """One call to the outside, written before it is made: without `finished_at` nobody knows whether it arrived."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    attempt = models.PositiveIntegerField()
    target = models.CharField(max_length=500)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=20, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True)
    answer = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "attempt"], name="delivery_once")]

    def __str__(self) -> str:
        return f"{self.target} {self.attempt}"
