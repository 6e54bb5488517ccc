"""What can be done to flow templates: create, change, duplicate, delete. Executions keep the definition that they began with."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.utils import timezone

from workflows.definitions import compile_definition
from workflows.documents import timestamp
from workflows.engine.references import check_references
from workflows.models import ClosingReason, Definition, FlowTemplate, TemplateTrigger, TemplateVersion
from workflows.permissions import Actor
from workflows.services.definitions import store_definition
from workflows.services.errors import InvalidInput, NotFound, StaleVersion
from workflows.services.transactions import in_transaction

# What the server says about a template; in a request it is not part of the definition.
ABOUT = frozenset({"id", "org_id", "created_at", "updated_at", "enabled", "limit_warnings"})

# Far more than people design; an integration that has gone wild ends here.
MAX_TEMPLATES = 10_000


def count_templates(actor: Actor) -> int:
    """Return how many templates the organisation has."""
    return FlowTemplate.objects.filter(organisation=actor.organisation, deleted_at=None).count()


@in_transaction
def create_template(actor: Actor, data: Mapping[str, Any], now: datetime | None = None) -> FlowTemplate:
    """Save a template document of the contract and return its row. Raises InvalidGraph for one that cannot be run."""
    actor.require("workflow:definition:create")
    if count_templates(actor) >= MAX_TEMPLATES:
        raise InvalidInput("name", f"an organisation has at most {MAX_TEMPLATES} flow templates; delete some first")
    at = now or timezone.now()
    template = FlowTemplate(
        organisation=actor.organisation,
        name=data["name"],
        enabled=data.get("enabled", True),
        definition=_save_definition(actor, data),
        created_at=at,
        updated_at=at,
    )
    template.save(force_insert=True)
    _save_version(actor, template, data)
    return template


@in_transaction
def update_template(actor: Actor, template_id: str, data: Mapping[str, Any], now: datetime | None = None) -> FlowTemplate:
    """Replace a template's document. StaleVersion when `updated_at` is given and is not that of the saved one."""
    actor.require("workflow:definition:edit")
    template = lock_template(actor, template_id)
    if data.get("updated_at") and data["updated_at"] != timestamp(template.updated_at):
        raise StaleVersion("The flow template was changed by someone else since it was loaded; load it again")
    template.name = data["name"]
    template.enabled = data.get("enabled", True)
    template.definition = _save_definition(actor, data)
    template.version += 1
    # Stamps are compared in milliseconds, so two changes never share one.
    template.updated_at = max(now or timezone.now(), template.updated_at + timedelta(milliseconds=1))
    template.save()
    _save_version(actor, template, data)
    return template


@in_transaction
def change_template(
    actor: Actor, template_id: str, change: Callable[[FlowTemplate], Mapping[str, Any]], now: datetime | None = None
) -> FlowTemplate:
    """Replace a template's document by what `change` makes of the saved one."""
    actor.require("workflow:definition:edit")
    lock_template(actor, template_id)
    return update_template(actor, template_id, change(find_template(actor, template_id)), now)


@in_transaction
def duplicate_template(actor: Actor, template_id: str, now: datetime | None = None) -> FlowTemplate:
    """Copy a template under new ids: of itself only, as ids inside a template are its own."""
    actor.require("workflow:definition:create")
    source = find_template(actor, template_id)
    data = orjson.loads(source.definition.body)
    name = f"{source.name[:248]} (copy)"
    return create_template(actor, data | {"name": name, "enabled": source.enabled}, now)


@in_transaction
def delete_template(actor: Actor, template_id: str, now: datetime | None = None) -> None:
    """Hide a template for good. Its executions go on."""
    actor.require("workflow:definition:delete")
    template = lock_template(actor, template_id)
    template.deleted_at = now or timezone.now()
    template.save(update_fields=["deleted_at"])


@in_transaction
def set_template_reasons(actor: Actor, template_id: str, reasons: list[str], now: datetime | None = None) -> FlowTemplate:
    """Replace the closing reasons that a template offers. Raises InvalidInput for one that the organisation does not have."""
    template = find_template(actor, template_id)
    known = set(ClosingReason.objects.filter(organisation=actor.organisation, id__in=reasons).values_list("id", flat=True))
    for index, reason in enumerate(reasons):
        if reason not in known:
            raise InvalidInput(f"reasons[{index}].id", f"there is no closing reason {reason}")
    data = orjson.loads(template.definition.body)
    changed = data | {"closing_reasons": [{"id": reason} for reason in reasons], "enabled": template.enabled}
    return update_template(actor, template_id, changed, now)


def find_template(actor: Actor, template_id: str) -> FlowTemplate:
    """Return a template of the actor's organisation with its definition. Raises NotFound."""
    rows = FlowTemplate.objects.filter(pk=template_id, organisation=actor.organisation, deleted_at=None)
    template = rows.select_related("definition").first()
    if template is None:
        raise NotFound
    return template


def lock_template(actor: Actor, template_id: str) -> FlowTemplate:
    rows = FlowTemplate.objects.filter(pk=template_id, organisation=actor.organisation, deleted_at=None)
    template = rows.select_for_update(no_key=True).first()
    if template is None:
        raise NotFound
    return template


def _save_definition(actor: Actor, data: Mapping[str, Any]) -> Definition:
    content = {key: value for key, value in data.items() if key not in ABOUT}
    compile_definition(content)
    check_references(content)
    return store_definition(actor.organisation, content)


def _save_version(actor: Actor, template: FlowTemplate, data: Mapping[str, Any]) -> None:
    TemplateVersion.objects.create(
        template=template,
        number=template.version,
        definition=template.definition,
        created_at=template.updated_at,
        created_by=actor.id,
    )
    TemplateTrigger.objects.filter(template=template).delete()
    triggers = [data.get("trigger") or {"type": "manual"}, *(data.get("additional_triggers") or [])]
    TemplateTrigger.objects.bulk_create(
        TemplateTrigger(
            template=template,
            type=trigger["type"],
            source_id=trigger.get("automation_id") or trigger.get("journey_id") or "",
            entity_schema=trigger.get("entity_schema") or "",
        )
        for trigger in triggers
    )
