"""What agents did, as the history tells it."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

OUTCOMES = {
    "assigned": gettext_lazy("assigned"),
    "recommended": gettext_lazy("recommended"),
    "no_eligible_partner": gettext_lazy("no suitable partner was found"),
    "missing_input": gettext_lazy("information is missing"),
}


def describe_agent(event: Mapping[str, Any]) -> str:
    """Return what a history row says of an agent; nothing for one that is about something else."""
    after = event["after"]
    match event["action"]:
        case "task.run_started":
            return _("asked the agent “%s”") % after.get("agent", "")
        case "task.agent":
            return describe_answer(after)
        case "task.agent_again":
            return _("had the agent asked again")
        case "task.agent_answered":
            words = _("approved what the agent proposes") if after.get("approved") else _("rejected what the agent proposes")
            return f"{words}: {after['reason']}" if after.get("reason") else words
    return ""


def describe_answer(said: Mapping[str, Any]) -> str:
    """Return what came of an agent's run: its outcome and message, what it filled, and what of its answer was refused."""
    words = [_("the agent waits for an approval") if said.get("status") == "waiting_approval" else _("the agent answered")]
    if said.get("outcome"):
        words.append(str(OUTCOMES.get(said["outcome"], said["outcome"])))
    if said.get("message"):
        words.append(f"“{said['message']}”")
    if said.get("fields"):
        words.append(_("filled: %s") % ", ".join(said["fields"]))
    if said.get("refused"):
        words.append(_("refused: %s") % "; ".join(said["refused"]))
    return " – ".join(words)
