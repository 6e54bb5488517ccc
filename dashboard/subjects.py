"""What an execution is about: its entities, and of each what people know it by."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse
from django.utils.formats import date_format, number_format
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from dashboard.reasons import label
from workflows.models import ContextRef, Entity
from workflows.permissions import Actor

MOST_FACTS = 6
MOST_LETTERS = 120
DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class Subject:
    """An entity: its title, the name of its schema, some of its attributes, and where all tasks about it are."""

    title: str
    schema: str
    is_primary: bool
    is_gone: bool
    facts: list[tuple[str, str]]
    address: str


def load_subjects(actor: Actor, execution_id: UUID) -> list[Subject]:
    """Return what an execution is about; two statements."""
    refs = list(ContextRef.objects.filter(execution_id=execution_id).order_by("-is_primary", "position"))
    rows = Entity.objects.filter(organisation=actor.organisation, id__in=[ref.entity_id for ref in refs])
    found = {row.id: row for row in rows.defer("search_text")}
    may_read = actor.may("entity:view")
    return [describe_subject(ref, found.get(ref.entity_id), may_read=may_read) for ref in refs]


def describe_subject(ref: ContextRef, entity: Entity | None, *, may_read: bool = True) -> Subject:
    title = (entity.title if entity else "") or str(ref.entity_id)[:8]
    return Subject(
        title=title,
        schema=label(ref.entity_schema),
        is_primary=ref.is_primary,
        is_gone=entity is None or entity.deleted_at is not None,
        facts=list(read_facts(entity.attributes, title)) if entity and may_read else [],
        address=f"{reverse('work-board')}?{urlencode({'by': 'status', 'show': 'all', 'entity': str(ref.entity_id)})}",
    )


def read_facts(attributes: Mapping[str, Any], title: str) -> Iterator[tuple[str, str]]:
    """Yield the first attributes that say something besides the title, in the order of their names: jsonb keeps no other."""
    said = 0
    for name, value in sorted(attributes.items()):
        text = describe_value(value)
        if name.startswith("_") or not text or text == title:
            continue
        yield label(name), Truncator(text).chars(MOST_LETTERS)
        said += 1
        if said == MOST_FACTS:
            return


def describe_value(value: Any) -> str:
    """Return an attribute's value as a reader would write it; empty for what cannot be said in a few words."""
    match value:
        case bool():
            return _("yes") if value else _("no")
        case int() | float():
            return number_format(value)
        case str():
            return describe_text(value.strip())
        case list():
            return ", ".join(text for part in value if (text := describe_value(part)))
        case dict():
            return next((text for name, part in value.items() if name[:1] != "_" and (text := describe_value(part))), "")
    return ""


def describe_text(text: str) -> str:
    if not DAY.fullmatch(text):
        return text
    try:
        return date_format(date.fromisoformat(text), pgettext("a day of another year", "j M Y"))
    except ValueError:
        return text
