"""assign-entity: write assignees into an attribute of the entity, all of them, or one after another from run to run."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from workflows.automations.situation import ActionType, CannotDo, Situation
from workflows.models import Rotation
from workflows.services.automation_run import Outcome, done, skipped
from workflows.services.entities import lock_entity, patch_entity

CODE = "BAD_CONFIG"
# What tells two assignees of a kind apart.
IDENTIFYING = {"user": "user_id", "partner_user": "user_id", "group": "group_id", "partner_organization": "partner_id"}


def assign_entity(situation: Situation) -> Outcome:
    attribute = situation.text("attribute")
    if not attribute or attribute.startswith("_"):
        raise CannotDo("BAD_CONFIG", "attribute must name an attribute of the entity")
    source = situation.config.get("source") or {}
    if source.get("origin") == "action":
        raise CannotDo("BAD_CONFIG", "source: only the triggering entity can be assigned")
    kind = situation.config.get("assignment_type") or "direct"
    listed = read_assignees(situation, "assignees")
    if kind == "direct":
        chosen = listed
        if situation.config.get("write_mode") == "append":
            now = lock_entity(situation.actor, str(situation.entity["_schema"]), str(situation.entity["_id"]))
            chosen = union(now.attributes.get(attribute), listed)
    elif kind == "sequential":
        chosen = take_turn(situation, listed)
    else:
        return skipped(f"The assignment type {kind} is not supported")
    if not chosen and situation.config.get("fallback") == "assign_to_fallback":
        chosen = read_assignees(situation, "fallback_assignees")
    if not chosen:
        return skipped("Nobody can be assigned; the attribute stays as it was")
    entity = situation.entity
    patch_entity(situation.actor, str(entity["_schema"]), str(entity["_id"]), {attribute: chosen}, origin=situation.origin)
    return done(entity_id=str(entity["_id"]), attribute=attribute, assignees=chosen)


def read_assignees(situation: Situation, name: str) -> list[dict[str, Any]]:
    found = situation.config.get(name) or []
    if not isinstance(found, list):
        raise CannotDo("BAD_CONFIG", f"{name} must be a list")
    for number, assignee in enumerate(found):
        if not isinstance(assignee, dict) or assignee.get("type") not in IDENTIFYING:
            raise CannotDo("BAD_CONFIG", f"{name}[{number}].type must be one of {', '.join(IDENTIFYING)}")
    return found


def union(old: Any, new: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return those that are there and those that are new, each once."""
    result: dict[tuple[Any, ...], dict[str, Any]] = {}
    for assignee in [*(old if isinstance(old, list) else []), *new]:
        if isinstance(assignee, dict):
            kind = assignee.get("type")
            key = (kind, assignee.get("org_id"), assignee.get(IDENTIFYING.get(str(kind), "user_id")))
            result.setdefault(key, dict(assignee))
    return list(result.values())


def take_turn(situation: Situation, listed: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return whose turn it is among the users who are listed. Groups have no members here that could take turns."""
    people = [assignee for assignee in listed if assignee["type"] == "user"]
    if not people:
        return []
    now = timezone.now()
    key = str(situation.action.design.get("flow_action_id"))
    Rotation.objects.get_or_create(flow_id=situation.execution.flow_id, action=key, defaults={"at": now})
    rotation = Rotation.objects.select_for_update(no_key=True).get(flow_id=situation.execution.flow_id, action=key)
    if _begins_anew(situation.config.get("reset_interval"), rotation.at, now):
        rotation.turn = 0
    chosen = people[rotation.turn % len(people)]
    rotation.turn += 1
    rotation.at = now
    rotation.save(update_fields=["turn", "at"])
    return [chosen]


def _begins_anew(interval: Any, last: datetime, now: datetime) -> bool:
    """Whether a day, week or month, as UTC counts them, has begun since the last turn."""
    forms = {"daily": "%Y-%m-%d", "weekly": "%G-%V", "monthly": "%Y-%m"}
    form = forms.get(interval)
    return form is not None and last.astimezone(UTC).strftime(form) != now.astimezone(UTC).strftime(form)


ACTION = ActionType(CODE, apply=assign_entity)
