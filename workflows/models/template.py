"""Flow templates, their versions, and the frozen definitions that executions are started from."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from workflows.models.audit import Audited
from workflows.models.ids import short_id
from workflows.models.organisation import Organisation


class Definition(models.Model):
    """What never changes after a start: phases, tasks and edges as designed, as one JSON text keyed by its hash.

    Rows are immutable, so whatever is compiled from one may be kept by its id for as long as a process lives.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE)
    sha256 = models.CharField(max_length=64)
    body = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "sha256"], name="definition_once")]

    def __str__(self) -> str:
        return self.sha256[:12]


class FlowTemplate(Audited):
    """A process as its designers keep it. Deleting hides it; executions and their history keep pointing at it."""

    id = models.CharField(max_length=8, primary_key=True, default=short_id, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="templates", verbose_name=_("Organisation")
    )
    name = models.CharField(max_length=255, verbose_name=_("Name"))
    enabled = models.BooleanField(default=True, verbose_name=_("Enabled"))
    version = models.PositiveIntegerField(default=1, editable=False, verbose_name=_("Version"))
    definition = models.ForeignKey(Definition, on_delete=models.PROTECT, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False, verbose_name=_("Created"))
    updated_at = models.DateTimeField(default=timezone.now, editable=False, verbose_name=_("Changed"))
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("template")
        verbose_name_plural = _("templates")
        indexes = [
            models.Index(
                fields=["organisation", "-updated_at"], name="template_recent", condition=models.Q(deleted_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return self.name


class TemplateVersion(models.Model):
    """One saved state of a template, kept for good."""

    template = models.ForeignKey(FlowTemplate, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    definition = models.ForeignKey(Definition, on_delete=models.PROTECT)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.CharField(max_length=128, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["template", "number"], name="template_version_once")]

    def __str__(self) -> str:
        return f"{self.template_id} version {self.number}"


class TemplateTrigger(models.Model):
    """A way in which a template may be started, as a row because templates are listed by it."""

    template = models.ForeignKey(FlowTemplate, on_delete=models.CASCADE, related_name="triggers")
    type = models.CharField(max_length=40)
    source_id = models.CharField(max_length=128, blank=True)
    entity_schema = models.CharField(max_length=128, blank=True)

    class Meta:
        indexes = [models.Index(fields=["type", "source_id"], name="trigger_source")]

    def __str__(self) -> str:
        return self.type
