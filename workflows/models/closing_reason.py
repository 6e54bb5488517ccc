"""The catalogue of reasons for which an organisation closes executions."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from workflows.models.audit import Audited
from workflows.models.ids import short_id
from workflows.models.organisation import Organisation


class ClosingReasonStatus(models.TextChoices):
    ACTIVE = "ACTIVE", _("Active")
    INACTIVE = "INACTIVE", _("Inactive")


class ClosingReason(Audited):
    """One reason. Deactivating is preferred to deleting: executions hold snapshots, templates hold ids."""

    id = models.CharField(max_length=8, primary_key=True, default=short_id, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="closing_reasons", verbose_name=_("Organisation")
    )
    title = models.CharField(max_length=255, verbose_name=_("Title"))
    status = models.CharField(
        max_length=10, choices=ClosingReasonStatus.choices, default=ClosingReasonStatus.ACTIVE, verbose_name=_("Status")
    )
    position = models.PositiveIntegerField(default=0, verbose_name=_("Position"))
    created_at = models.DateTimeField(default=timezone.now, editable=False, verbose_name=_("Created"))
    updated_at = models.DateTimeField(default=timezone.now, editable=False, verbose_name=_("Changed"))

    class Meta:
        verbose_name = _("closing reason")
        verbose_name_plural = _("closing reasons")
        ordering = ["position", "created_at"]
        indexes = [models.Index(fields=["organisation", "position"], name="closing_reason_order")]

    def __str__(self) -> str:
        return self.title
