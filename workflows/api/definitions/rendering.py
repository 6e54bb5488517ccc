"""The wire form of templates and closing reasons."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from workflows.documents import timestamp
from workflows.models import ClosingReason, FlowTemplate

Json = dict[str, Any]


def render_template(template: FlowTemplate, org_id: str, reasons: Mapping[str, ClosingReason]) -> Json:
    """Return a template's document; its row comes with the definition, `reasons` with what the catalogue says today."""
    data: Json = orjson.loads(template.definition.body)
    data |= {
        "id": template.id,
        "org_id": org_id,
        "name": template.name,
        "enabled": template.enabled,
        "version": data.get("version") or "v3",
        "created_at": timestamp(template.created_at),
        "updated_at": timestamp(template.updated_at),
    }
    # The contract has no null here, only in the parts of conditions and edges.
    data = {name: value for name, value in data.items() if value is not None}
    if data.get("closing_reasons"):
        ids = [reason["id"] for reason in data["closing_reasons"]]
        data["closing_reasons"] = [render_reason(reasons[i]) if i in reasons else {"id": i} for i in ids]
    return data


def render_templates(templates: Iterable[FlowTemplate], org_id: str) -> list[Json]:
    """Return the documents of many templates of one organisation; one query for all closing reasons."""
    rows = list(templates)
    ids: set[str] = set()
    for row in rows:
        ids |= {reason["id"] for reason in orjson.loads(row.definition.body).get("closing_reasons") or ()}
    reasons = ClosingReason.objects.filter(organisation__slug=org_id, id__in=ids) if ids else ClosingReason.objects.none()
    known = {reason.id: reason for reason in reasons}
    return [render_template(row, org_id, known) for row in rows]


def render_reason(reason: ClosingReason) -> Json:
    return {
        "id": reason.id,
        "title": reason.title,
        "status": reason.status,
        "creationTime": timestamp(reason.created_at),
        "lastUpdateTime": timestamp(reason.updated_at),
    }
