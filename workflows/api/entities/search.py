"""The query language of entity search, as far as plain attributes need it.

Terms are joined by AND: `_schema:contact`, `_id:…`, `attribute:value` or `attribute:"two words"`, and plain words, which are
looked for in all attributes. `*` alone finds everything.
"""

import re
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError

from workflows.models import Entity
from workflows.permissions import Actor

TERM = re.compile(r'(?:(?P<name>[A-Za-z_][\w.]{0,127}):)?(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s"]+))')
SORTABLE = {"_created_at": "created_at", "_updated_at": "updated_at", "_title": "title", "_schema": "schema", "_id": "id"}
MAX_TERMS = 20


def filter_entities(actor: Actor, query: str, sort: object) -> QuerySet[Entity]:
    """Return the organisation's entities that match, in order. Raises ValidationError for what is not understood."""
    rows: QuerySet[Entity] = Entity.objects.filter(organisation=actor.organisation, deleted_at=None)
    terms = [match for match in TERM.finditer(query) if match.group(0) not in ("AND", "*", "*:*")]
    if len(terms) > MAX_TERMS:
        raise ValidationError({"q": f"at most {MAX_TERMS} terms"})
    for match in terms:
        rows = _apply(rows, match["name"], match["quoted"] if match["quoted"] is not None else match["plain"])
    return rows.order_by(*_order(sort))


def _apply(rows: QuerySet[Entity], name: str | None, value: str) -> QuerySet[Entity]:
    if name is None:
        if value in ("OR", "NOT") or value.startswith(("(", "-", "!")):
            raise ValidationError({"q": "OR, NOT and groups are not supported; terms are joined by AND"})
        return rows.filter(search_text__contains=value.strip("*").lower())
    if name == "_schema":
        return rows.filter(schema=value)
    if name == "_title":
        return rows.filter(title__icontains=value.strip("*"))
    if name == "_id":
        try:
            return rows.filter(pk=UUID(value))
        except ValueError:
            return rows.none()
    # The words narrow the rows down by plain text; the value itself decides.
    attribute = f"attributes__{name.replace('.', '__')}"
    return rows.filter(search_text__contains=value.strip("*").lower()).filter(
        **{f"{attribute}__icontains" if "*" in value else attribute: value.strip("*")}
    )


def _order(sort: object) -> list[str]:
    orders = [sort] if isinstance(sort, str) else sort
    if orders is None:
        return ["-updated_at", "id"]
    result = []
    for item in orders if isinstance(orders, list) else [None]:
        name, _, direction = item.partition(":") if isinstance(item, str) else ("", "", "")
        if name not in SORTABLE or direction not in ("", "asc", "desc"):
            raise ValidationError({"sort": f"must be one of {', '.join(SORTABLE)}, with :asc or :desc"})
        result.append(("-" if direction == "desc" else "") + SORTABLE[name])
    return [*result, "id"]
