"""What can be done to automation flows: create, replace, delete, find. Runs keep the version with which they began."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db.models import QuerySet
from django.utils import timezone

from workflows.models import AutomationFlow, AutomationKey
from workflows.outbound import Refused, parse_url
from workflows.permissions import Actor
from workflows.sealing import new_signing_secret, seal
from workflows.services.automation_conditions import check_conditions, check_schedules
from workflows.services.durations import parse_duration
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.steps import parse_id
from workflows.services.transactions import in_transaction

# What the server says about a flow; in a request it is not part of the document.
ABOUT = frozenset(
    "id org_id created_at updated_at created_by last_updated_by version runs enabled flow_name entity_schema disable_details "
    "signing_secret".split()
)
MAX_ACTIONS = 100


@dataclass(frozen=True, slots=True)
class Search:
    """What flows are looked for by; empty: anything. Without `include_flows`, those that only tasks run are left out."""

    schema: str = ""
    trigger_source_id: str = ""
    trigger_event_name: str = ""
    target_workflow: str = ""
    include_flows: bool = False


@in_transaction
def create_automation(actor: Actor, data: Mapping[str, Any], now: datetime | None = None) -> tuple[AutomationFlow, str]:
    """Save a flow of the contract. Returns it with the secret that signs its calls, which is not shown again."""
    actor.require("automation:create")
    at = now or timezone.now()
    secret = new_signing_secret()
    flow = AutomationFlow(
        organisation=actor.organisation,
        signing_secret=seal(secret),
        created_at=at,
        created_by=actor.id,
    )
    _write(flow, actor, data, at)
    flow.save(force_insert=True)
    _write_keys(flow)
    return flow, secret


@in_transaction
def replace_automation(actor: Actor, flow_id: str | UUID, data: Mapping[str, Any], now: datetime | None = None) -> AutomationFlow:
    """Put a new document in the place of a flow's old one. Runs that have begun go on with the old one."""
    actor.require("automation:edit")
    flow = lock_automation(actor, flow_id)
    flow.version += 1
    _write(flow, actor, data, max(now or timezone.now(), flow.updated_at + timedelta(milliseconds=1)))
    flow.save()
    flow.keys.all().delete()
    _write_keys(flow)
    return flow


@in_transaction
def delete_automation(actor: Actor, flow_id: str | UUID, now: datetime | None = None) -> None:
    """Hide a flow for good. Its runs go on, and tasks that name it fail with the reason."""
    actor.require("automation:delete")
    flow = lock_automation(actor, flow_id)
    flow.deleted_at = now or timezone.now()
    flow.save(update_fields=["deleted_at"])


def find_automation(actor: Actor, flow_id: str | UUID) -> AutomationFlow:
    """Return a flow of the actor's organisation that is not deleted. Raises NotFound."""
    rows = AutomationFlow.objects.filter(pk=parse_id(flow_id), organisation=actor.organisation, deleted_at=None)
    flow = rows.first()
    if flow is None:
        raise NotFound
    return flow


def find_automations(actor: Actor, flow_ids: Iterable[str]) -> list[AutomationFlow]:
    """Return those of the flows that the organisation has, in the order in which they are named, each once."""
    keys: dict[UUID, None] = {}
    for flow_id in flow_ids:
        with suppress(NotFound):
            keys[parse_id(flow_id)] = None
    rows = AutomationFlow.objects.filter(pk__in=keys, organisation=actor.organisation, deleted_at=None)
    found = {flow.pk: flow for flow in rows.select_related("organisation")}
    return [found[key] for key in keys if key in found]


def lock_automation(actor: Actor, flow_id: str | UUID) -> AutomationFlow:
    rows = AutomationFlow.objects.filter(pk=parse_id(flow_id), organisation=actor.organisation, deleted_at=None)
    flow = rows.select_for_update(no_key=True).first()
    if flow is None:
        raise NotFound
    return flow


def search_automations(actor: Actor, search: Search) -> QuerySet[AutomationFlow]:
    """Return the organisation's flows that match, the latest change first."""
    rows = AutomationFlow.objects.filter(organisation=actor.organisation, deleted_at=None)
    if search.schema:
        rows = rows.filter(entity_schema=search.schema)
    for kind, value in (
        (AutomationKey.Kind.SOURCE, search.trigger_source_id),
        (AutomationKey.Kind.EVENT, search.trigger_event_name),
        (AutomationKey.Kind.WORKFLOW, search.target_workflow),
    ):
        if value:
            rows = rows.filter(id__in=AutomationKey.objects.filter(kind=kind, value=value).values("flow_id"))
    if not search.include_flows:
        by_tasks = AutomationKey.objects.filter(kind=AutomationKey.Kind.TRIGGER, value="flows_trigger")
        rows = rows.exclude(id__in=by_tasks.values("flow_id"))
    return rows.order_by("-updated_at", "-id")


def _write(flow: AutomationFlow, actor: Actor, data: Mapping[str, Any], at: datetime) -> None:
    document = {key: value for key, value in data.items() if key not in ABOUT}
    document["actions"] = [_with_id(action) for action in data.get("actions") or []]
    check_document(document)
    enabled = data.get("enabled", True)
    flow.name = data["flow_name"]
    flow.entity_schema = data.get("entity_schema") or ""
    flow.document = document
    flow.updated_at, flow.updated_by = at, actor.id
    if enabled:
        flow.disabled_at, flow.disabled_by = None, ""
    elif flow.enabled or flow.disabled_at is None:
        flow.disabled_at, flow.disabled_by = at, "user"
    flow.enabled = enabled


def _with_id(action: Mapping[str, Any]) -> dict[str, Any]:
    """Actions are named by an id of their own, which stays when the flow is saved again."""
    return {**action, "id": action.get("id") or str(uuid4())}


def check_document(document: Mapping[str, Any]) -> None:
    """Raise InvalidInput, naming the field, for a flow that could never be run as it says."""
    actions: Sequence[Mapping[str, Any]] = document["actions"]
    if len(actions) > MAX_ACTIONS:
        raise InvalidInput("actions", f"a flow may have {MAX_ACTIONS} actions at most")
    conditions = check_conditions(document.get("conditions") or [])
    schedules = check_schedules(document.get("schedules") or [])
    for number, condition in enumerate(document.get("conditions") or []):
        if condition.get("schedule_id") and condition["schedule_id"] not in schedules:
            raise InvalidInput(f"conditions[{number}].schedule_id", "the flow has no such schedule")
    seen: set[str] = set()
    for number, action in enumerate(actions):
        field = f"actions[{number}]"
        if action["id"] in seen:
            raise InvalidInput(f"{field}.id", "this id is used twice")
        seen.add(action["id"])
        if action.get("condition_id") and action["condition_id"] not in conditions:
            raise InvalidInput(f"{field}.condition_id", "the flow has no such condition")
        if action.get("schedule_id") and action["schedule_id"] not in schedules:
            raise InvalidInput(f"{field}.schedule_id", "the flow has no such schedule")
        _check_url(f"{field}.config.url", (action.get("config") or {}).get("url"))
    window = (document.get("max_executions") or {}).get("window")
    if window is not None:
        try:
            parse_duration(window)
        except ValueError as error:
            raise InvalidInput("max_executions.window", str(error)) from error


def _check_url(field: str, url: Any) -> None:
    if url is None:
        return
    if not isinstance(url, str):
        raise InvalidInput(field, "must be a text")
    try:
        parse_url(url)
    except Refused as error:
        raise InvalidInput(field, str(error)) from error


def _write_keys(flow: AutomationFlow) -> None:
    Kind = AutomationKey.Kind  # noqa: N806 - a class
    found: list[tuple[str, Any]] = []
    for trigger in flow.document.get("triggers") or []:
        settings = trigger.get("configuration") or {}
        found.append((Kind.TRIGGER, trigger.get("type")))
        found += [(Kind.SOURCE, settings.get(name)) for name in ("source_id", "journey_id")]
        found.append((Kind.EVENT, settings.get("event_name")))
    for action in flow.document["actions"]:
        if action.get("type") == "trigger-workflow":
            found.append((Kind.WORKFLOW, (action.get("config") or {}).get("target_workflow")))
    unique = dict.fromkeys((kind, value) for kind, value in found if isinstance(value, str) and 0 < len(value) <= 200)
    AutomationKey.objects.bulk_create(AutomationKey(flow=flow, kind=kind, value=value) for kind, value in unique)
