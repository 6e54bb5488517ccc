"""Entities: the contacts, opportunities and meters that executions are about."""

import uuid

from django.db import models
from django.utils import timezone

from workflows.models.audit import Audited
from workflows.models.organisation import Organisation


class Entity(Audited):
    """A thing in the organisation's world: a schema name and free attributes. `title` is what people see of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="entities")
    schema = models.CharField(max_length=128)
    title = models.CharField(max_length=500, blank=True)
    attributes = models.JSONField(default=dict)
    # Every text and number among the attributes in lower case, for searches by word.
    search_text = models.TextField(blank=True, default="")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["organisation", "schema", "-updated_at"],
                name="entity_recent",
                condition=models.Q(deleted_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return self.title or str(self.id)
