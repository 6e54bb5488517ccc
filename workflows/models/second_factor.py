"""A second factor of signing in: a secret that a device of the person holds too, and codes for when the device is lost."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from workflows import origin
from workflows.models.audit import Audited
from workflows.models.organisation import User


class SecondFactor(Audited):
    """The secret of one person's device (RFC 6238), sealed. It is asked for once `confirmed_at` is set.

    `last_step` is the time step of the last code that was taken: none before it is taken again.
    """

    MASKED = frozenset({"secret"})

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="second_factor")
    secret = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    confirmed_at = models.DateTimeField(null=True)
    last_step = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"Second factor of {self.user}"

    def audited_organisation(self) -> int | None:
        """Told of where the account is."""
        return origin.present().organisation_id or self.user.audited_organisation()


class RecoveryCode(models.Model):
    """A code that stands in for the device, once. Only its keyed hash is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    code_hash = models.CharField(max_length=80)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["user", "code_hash"], name="recovery_code_once")
        ]

    def __str__(self) -> str:
        return f"Recovery code of {self.user}"
