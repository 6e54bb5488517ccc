"""The same nouns as the product's, with the columns that its answers show."""

import secrets
import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone


def new_key() -> str:
    return secrets.token_hex(20)


class Organisation(models.Model):
    name = models.CharField(max_length=200)


class Membership(models.Model):
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="membership")
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE)


class Token(models.Model):
    key = models.CharField(max_length=40, primary_key=True, default=new_key)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE)


class Template(models.Model):
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE)
    name = models.CharField(max_length=255)
    definition = models.JSONField()


class Execution(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE)
    template = models.ForeignKey(Template, on_delete=models.PROTECT)
    name = models.CharField(max_length=255)
    status = models.CharField(max_length=10, default="STARTED")
    due_date = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    completed_at = models.DateTimeField(null=True)
    started_by = models.CharField(max_length=128)

    class Meta:
        indexes = [models.Index(fields=["organisation", "-created_at"])]


class Context(models.Model):
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="contexts")
    entity_id = models.UUIDField(db_index=True)
    entity_schema = models.CharField(max_length=128)
    is_primary = models.BooleanField(default=False)


class Phase(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="phases")
    template_id = models.CharField(max_length=128)
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=255)
    status = models.CharField(max_length=12, default="OPEN")
    due_date = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["position"]


class Task(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="tasks")
    phase = models.ForeignKey(Phase, on_delete=models.CASCADE, related_name="tasks")
    template_id = models.CharField(max_length=128)
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=255)
    task_type = models.CharField(max_length=12)
    status = models.CharField(max_length=24, default="PENDING")
    enabled = models.BooleanField(default=True)
    description = models.JSONField(null=True)
    requirements = models.JSONField(default=list)
    manually_created = models.BooleanField(default=False)
    due_date = models.DateTimeField(null=True)
    crt_since = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    completed_by = models.CharField(max_length=128, blank=True)
    status_updated_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["position"]


class Assignment(models.Model):
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="assignments")
    assignee = models.CharField(max_length=128)


class Edge(models.Model):
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="edges")
    key = models.CharField(max_length=128)
    source = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="outgoing")
    target = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="incoming")


class Event(models.Model):
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="events")
    task = models.ForeignKey(Task, null=True, on_delete=models.CASCADE)
    at = models.DateTimeField(default=timezone.now)
    actor = models.CharField(max_length=128)
    action = models.CharField(max_length=40)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
