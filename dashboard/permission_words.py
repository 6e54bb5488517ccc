"""What roles and tokens may do, in words: each action under the things that it is about."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext_lazy

GROUPS = {
    "workflow:definition": gettext_lazy("Templates"),
    "workflow:execution": gettext_lazy("Flows"),
    "workflow:execution:task": gettext_lazy("Tasks"),
    "automation": gettext_lazy("Automations and agents"),
    "webhook": gettext_lazy("Webhooks"),
    "kanban": gettext_lazy("Boards"),
    "entity": gettext_lazy("Entities"),
    "token": gettext_lazy("API tokens"),
    "audit": gettext_lazy("Audit trail"),
    "role": gettext_lazy("Roles"),
    "member": gettext_lazy("Members"),
    "share": gettext_lazy("Shares"),
}
VERBS = {
    "view": gettext_lazy("see them"),
    "create": gettext_lazy("create"),
    "edit": gettext_lazy("change"),
    "delete": gettext_lazy("delete"),
    "trigger": gettext_lazy("start"),
    "cancel": gettext_lazy("close and reopen"),
    "update_details": gettext_lazy("change name, date and assignees"),
    "view_assigned": gettext_lazy("see those assigned to oneself"),
    "update": gettext_lazy("work on all"),
    "update_assigned": gettext_lazy("work on those assigned to oneself"),
    "assign": gettext_lazy("assign"),
    "update_date": gettext_lazy("set due dates"),
    "add": gettext_lazy("add"),
    "notes": gettext_lazy("comment"),
    "all_assignee_filters": gettext_lazy("filter by other people"),
    "set_org_default_board": gettext_lazy("choose everybody's default board"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """An action to choose: its public name, what it allows, and whether it is chosen."""

    action: str
    words: str
    is_chosen: bool


def group_actions(actions: Iterable[str], chosen: Iterable[str] = ()) -> list[tuple[str, list[Choice]]]:
    """Return actions in words, in their order, under what they are about."""
    picked = frozenset(chosen)
    groups: dict[str, list[Choice]] = {}
    for action in actions:
        about, _colon, verb = action.rpartition(":")
        groups.setdefault(about, []).append(Choice(action, str(VERBS[verb]), action in picked))
    return [(str(GROUPS[about]), choices) for about, choices in groups.items()]
