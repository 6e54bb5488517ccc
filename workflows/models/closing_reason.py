"""The catalogue of reasons for which an organisation closes executions."""

from django.db import models
from django.utils import timezone

from workflows.models.audit import Audited
from workflows.models.ids import short_id
from workflows.models.organisation import Organisation


class ClosingReasonStatus(models.TextChoices):
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class ClosingReason(Audited):
    """One reason. Deactivating is preferred to deleting: executions hold snapshots, templates hold ids."""

    id = models.CharField(max_length=8, primary_key=True, default=short_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="closing_reasons")
    title = models.CharField(max_length=255)
    status = models.CharField(max_length=10, choices=ClosingReasonStatus.choices, default=ClosingReasonStatus.ACTIVE)
    position = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["position", "created_at"]
        indexes = [models.Index(fields=["organisation", "position"], name="closing_reason_order")]

    def __str__(self) -> str:
        return self.title
