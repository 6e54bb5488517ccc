"""The wire form of entities."""

from typing import Any

from workflows.documents import timestamp
from workflows.models import Entity


def render_entity(entity: Entity) -> dict[str, Any]:
    """Return an entity with what is said about it under names that begin with _."""
    return {
        **entity.attributes,
        "_id": str(entity.id),
        "_org": entity.organisation.slug,
        "_owners": [{"org_id": entity.organisation.slug}],
        "_schema": entity.schema,
        "_title": entity.title,
        "_created_at": timestamp(entity.created_at),
        "_updated_at": timestamp(entity.updated_at),
    }
