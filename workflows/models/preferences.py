"""How a person likes the browser's pages."""

from django.db import models

from workflows import origin
from workflows.models.audit import Audited
from workflows.models.organisation import User


class Density(models.TextChoices):
    COMFORTABLE = "comfortable"
    COMPACT = "compact"


class Theme(models.TextChoices):
    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Preferences(Audited):
    """What one person has chosen; nobody has to have such a row. `single_keys`: letters act as shortcuts (WCAG 2.1.4).

    `tour_seen`: the tour of the pages has been taken or waved away.
    """

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="preferences")
    single_keys = models.BooleanField(default=True)
    density = models.CharField(max_length=12, choices=Density.choices, default=Density.COMFORTABLE)
    theme = models.CharField(max_length=8, choices=Theme.choices, default=Theme.SYSTEM)
    tour_seen = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"Preferences of {self.user}"

    def audited_organisation(self) -> int | None:
        """Told of where the account is."""
        return origin.present().organisation_id or self.user.audited_organisation()

    def note_creation(self) -> None:
        """Who has no row has the usual: the first choice is a change of that."""
        self.note_change(Preferences(pk=self.pk, user_id=self.user_id).audited_values())
