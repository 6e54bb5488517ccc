"""Saved boards: a view of tasks that somebody keeps, and the people whom it is shared with."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from workflows.models.audit import Audited
from workflows.models.ids import short_id
from workflows.models.organisation import Organisation


class SavedBoard(Audited):
    """A board as its owners keep it. `config` is the contract's document: lanes, filters, sorting, what cards show."""

    id = models.CharField(max_length=8, primary_key=True, default=short_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="boards")
    title = models.CharField(max_length=255)
    description = models.TextField(blank=True, default="")
    config = models.JSONField(default=dict)
    shared_with_org = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.CharField(max_length=128, blank=True, editable=False)
    updated_by = models.CharField(max_length=128, blank=True, editable=False)

    def __str__(self) -> str:
        return self.title


class ShareKind(models.TextChoices):
    OWNER = "owner"
    READER = "reader"


class BoardShare(models.Model):
    """A person's or token's part in a board, as a row because boards are listed by it. `person` is an id of the wire."""

    board = models.ForeignKey(SavedBoard, on_delete=models.CASCADE, related_name="shares", db_index=False)
    person = models.CharField(max_length=128)
    kind = models.CharField(max_length=10, choices=ShareKind.choices)
    position = models.PositiveSmallIntegerField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["board", "kind", "person"], name="board_share_once")
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["person", "kind"], name="board_share_person")]

    def __str__(self) -> str:
        return f"{self.person} ({self.kind})"
