"""What an organisation shows to others: to partners who work on it, to customers and installers by a link."""

import uuid
from datetime import datetime
from typing import ClassVar

from django.db import models
from django.utils import timezone

from workflows.models.audit import Audited
from workflows.models.execution import Execution
from workflows.models.organisation import Organisation, User


class Audience(models.TextChoices):
    """Whose view it is. Partners sign in; the others hold a signed link."""

    PARTNER = "partner"
    ECP = "ecp"
    INSTALLER = "installer"


class Share(Audited):
    """One execution, or all executions about one entity, shown to somebody until it is revoked or has expired.

    A partner is an organisation of this installation, or a person by e-mail, who becomes `user` by accepting the invitation.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="shares")
    audience = models.CharField(max_length=10, choices=Audience.choices, default=Audience.PARTNER)
    execution = models.ForeignKey(Execution, null=True, on_delete=models.CASCADE, related_name="shares")
    entity_id = models.UUIDField(null=True)
    partner = models.ForeignKey(Organisation, null=True, on_delete=models.CASCADE, related_name="shared_with")
    email = models.EmailField(blank=True)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="shares")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.CharField(max_length=128, blank=True, editable=False)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(execution__isnull=True, entity_id__isnull=False)
                | models.Q(execution__isnull=False, entity_id__isnull=True),
                name="share_of_one_thing",
            )
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["organisation", "entity_id"], name="share_entity")]

    def __str__(self) -> str:
        return f"{self.audience} {self.email or self.partner_id}"


def is_live(now: datetime) -> models.Q:
    """Return the condition over shares for those that are neither revoked nor expired."""
    return models.Q(revoked_at=None) & (models.Q(expires_at=None) | models.Q(expires_at__gt=now))
