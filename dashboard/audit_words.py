"""The audit trail in words: what an act was about, and what was done to it."""

from collections.abc import Iterable, Mapping
from datetime import tzinfo

from django.utils.translation import gettext_lazy

from dashboard.wording import describe_event
from workflows.models import Organisation, Task
from workflows.services.audit_trail import Act

# What the first part of an action stands for; in the order in which the trail offers them to choose from.
KINDS = {
    "execution": gettext_lazy("Flow"),
    "phase": gettext_lazy("Phase"),
    "task": gettext_lazy("Task"),
    "comment": gettext_lazy("Comment"),
    "flowtemplate": gettext_lazy("Template"),
    "automationflow": gettext_lazy("Automation"),
    "agent": gettext_lazy("Agent"),
    "webhook": gettext_lazy("Webhook"),
    "entity": gettext_lazy("Entity"),
    "savedboard": gettext_lazy("View"),
    "closingreason": gettext_lazy("Closing reason"),
    "share": gettext_lazy("Sharing"),
    "apitoken": gettext_lazy("API token"),
    "user": gettext_lazy("Account"),
    "preferences": gettext_lazy("Preferences"),
    "membership": gettext_lazy("Membership"),
    "customrole": gettext_lazy("Role"),
    "organisation": gettext_lazy("Organisation"),
    "sign_in": gettext_lazy("Sign-in"),
    "session": gettext_lazy("Session"),
    "password": gettext_lazy("Password"),
    "second_factor": gettext_lazy("Second factor"),
    "secondfactor": gettext_lazy("Device of the second factor"),
    "privacy": gettext_lazy("Personal data"),
    "retention": gettext_lazy("Retention"),
    "audit": gettext_lazy("Audit trail"),
}
DONE = {
    "created": gettext_lazy("created"),
    "changed": gettext_lazy("changed"),
    "deleted": gettext_lazy("deleted"),
    "succeeded": gettext_lazy("succeeded"),
    "failed": gettext_lazy("failed"),
    "locked_out": gettext_lazy("locked for a while"),
    "ended": gettext_lazy("ended"),
    "reset": gettext_lazy("reset"),
    "reset_asked": gettext_lazy("reset asked for"),
    "exported": gettext_lazy("taken out"),
    "shortened": gettext_lazy("shortened"),
    "erased": gettext_lazy("erased"),
    "deliveries": gettext_lazy("old messages deleted"),
    "recovery_code_used": gettext_lazy("recovery code used"),
    "recovery_codes_made": gettext_lazy("new recovery codes made"),
}
# What happens to flows is told as in their history.
HISTORY = frozenset({"execution", "phase", "task", "comment"})


def name_kind(act: Act) -> str:
    """Return what an act was about."""
    kind = act.action.partition(".")[0]
    return str(KINDS.get(kind, kind))


def name_tasks(organisation: Organisation, acts: Iterable[Act]) -> dict[str, str]:
    """Return the names that the tasks have now, by id: history names a flow, and people want to know which task of it."""
    ids = {act.subject_id for act in acts if act.action.startswith(("task.", "comment."))}
    rows = Task.objects.filter(organisation=organisation, pk__in=ids)
    return {str(key): name for key, name in rows.values_list("pk", "name")}


def describe_act(act: Act, people: Mapping[str, str], zone: tzinfo) -> str:
    """Return what was done, to be read after a name: a sentence about flows, a word about others; without words as exported."""
    kind, _dot, what = act.action.partition(".")
    if kind in HISTORY:
        return " " + describe_event({"action": act.action, "before": act.before, "after": act.after}, people, zone)
    return ": " + str(DONE.get(what, act.action))
