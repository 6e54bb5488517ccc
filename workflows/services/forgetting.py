"""Shortening the trail and the history on purpose: what is deleted for good, is old enough, or would name an erased person."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from workflows.models import AuditOpening


@contextmanager
def forgetting(reason: str) -> Iterator[None]:
    """Inside the block, and its transaction, the database lets rows of the trail and the history be deleted and changed."""
    with transaction.atomic():
        opening = AuditOpening.objects.create(reason=reason[:200])
        yield
        opening.delete()
