"""The catalogue of webhooks: where events and automations may send to."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from workflows.models.audit import Audited
from workflows.models.ids import ordered_uuid
from workflows.models.organisation import Organisation

# Those that are told when something happens to a flow.
FOLLOWING = models.Q(follows_flows=True, enabled=True) & ~models.Q(url="")
# The same as a question about the row of an execution.
IS_FOLLOWED = (
    "EXISTS (SELECT 1 FROM workflows_webhook AS hook WHERE hook.organisation_id = workflows_execution.organisation_id "
    "AND hook.follows_flows AND hook.enabled AND hook.url <> '')"
)


class Webhook(Audited):
    """An endpoint. Its secrets and `credentials` are sealed; `document` is the rest of what was saved.

    `events` are the events of flows that it is told of; with `template_id` only those of one template's flows.
    """

    MASKED: ClassVar[frozenset[str]] = frozenset({"signing_secret", "previous_secret", "credentials"})

    id = models.UUIDField(primary_key=True, default=ordered_uuid, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, db_index=False, verbose_name=_("Organisation"))
    name = models.CharField(max_length=255, verbose_name=_("Name"))
    event_name = models.CharField(max_length=200, verbose_name=_("Event"))
    url = models.CharField(max_length=2000, blank=True)
    http_method = models.CharField(max_length=7, default="POST", verbose_name=_("Method"))
    enabled = models.BooleanField(default=True, verbose_name=_("Enabled"))
    events = models.JSONField(default=list, verbose_name=_("Events of flows"))
    # Whether there are any: what a step asks about.
    follows_flows = models.BooleanField(default=False, verbose_name=_("Follows flows"))
    template_id = models.CharField(max_length=128, blank=True)
    signing_secret = models.TextField()
    # The one before, which signs beside the new one for a while.
    previous_secret = models.TextField(blank=True)
    previous_secret_until = models.DateTimeField(null=True)
    credentials = models.TextField(blank=True)
    document = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, verbose_name=_("Created"))
    updated_at = models.DateTimeField(default=timezone.now, verbose_name=_("Changed"))

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["organisation", "event_name"], name="webhook_event"),
            models.Index(fields=["organisation"], name="webhook_follower", condition=FOLLOWING),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        """Whether messages are sent to it."""
        return self.enabled and bool(self.url)
