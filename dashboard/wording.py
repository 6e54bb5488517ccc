"""Dates, statuses and history in words, in the reader's language."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from dashboard.agent_words import describe_agent
from dashboard.reasons import describe_reasons
from dashboard.text_words import describe_text
from workflows.engine import due_dates
from workflows.engine.status import FINISHED, TaskStatus

STATUS = {
    "PENDING": gettext_lazy("To do"),
    "IN_PROGRESS": gettext_lazy("In progress"),
    "COMPLETED": gettext_lazy("Completed"),
    "SKIPPED": gettext_lazy("Skipped"),
    "ON_HOLD": gettext_lazy("On hold"),
    "FAILED": gettext_lazy("Failed"),
    "SCHEDULED": gettext_lazy("Scheduled"),
    "CONDITION_PENDING": gettext_lazy("Waits for conditions"),
    "WAITING_FOR_CONFIRMATION": gettext_lazy("Waits for confirmation"),
    "STARTED": gettext_lazy("Running"),
    "DONE": gettext_lazy("Done"),
    "CLOSED": gettext_lazy("Closed"),
    "OPEN": gettext_lazy("Open"),
}
TYPES = {
    "MANUAL": gettext_lazy("Task"),
    "AUTOMATION": gettext_lazy("Automation"),
    "DECISION": gettext_lazy("Decision"),
    "AI_AGENT": gettext_lazy("Agent"),
}
# What a person does to bring a task to a status.
VERBS = {
    TaskStatus.PENDING: gettext_lazy("Back to to do"),
    TaskStatus.IN_PROGRESS: gettext_lazy("Start"),
    TaskStatus.COMPLETED: gettext_lazy("Complete"),
    TaskStatus.SKIPPED: gettext_lazy("Skip"),
    TaskStatus.ON_HOLD: gettext_lazy("Put on hold"),
}


@dataclass(frozen=True, slots=True)
class Due:
    """A due date to show: its machine form, the day, how urgent it is (late, today, soon, later, met) and that in words."""

    iso: str
    day: str
    urgency: str
    words: str
    date_input: str


def describe_day(day: date, today: date) -> str:
    """Return a day as people write it; the year only when it is another one."""
    same, other = pgettext("a day of this year", "j M"), pgettext("a day of another year", "j M Y")
    return date_format(day, same if day.year == today.year else other)


def describe_moment(moment: datetime, now: datetime | None = None) -> str:
    """Return day and time of the day where the reader is: in the time zone that is active."""
    local, today = timezone.localtime(moment), timezone.localtime(now or timezone.now()).date()
    return f"{describe_day(local.date(), today)}, {local:%H:%M}"


def describe_due(text: str, status: str, zone: tzinfo, now: datetime | None = None) -> Due | None:
    """Return a due date as it looks to a reader in `zone`; of finished work it is only told, not counted."""
    if not text:
        return None
    due = due_dates.parse(text)
    today = (now or timezone.now()).astimezone(zone).date()
    day = due.day(zone)
    label = describe_day(day, today)
    if status in FINISHED or status in ("DONE", "CLOSED"):
        return Due(text, label, "met", label, day.isoformat())
    late = (today - day).days
    is_late = (now or timezone.now()) > due.deadline(zone)
    if is_late:
        words = ngettext("%d day late", "%d days late", late) % late if late else _("late since today")
        return Due(text, label, "late", words, day.isoformat())
    if late == 0:
        return Due(text, label, "today", _("due today"), day.isoformat())
    if late == -1:
        return Due(text, label, "soon", _("due tomorrow"), day.isoformat())
    return Due(text, label, "later", _("due %s") % label, day.isoformat())


def describe_age(moment: datetime, now: datetime | None = None) -> str:
    """Return how long ago something was, in the largest whole unit."""
    past = max((now or timezone.now()) - moment, timedelta())
    if past < timedelta(minutes=1):
        return _("just now")
    if past < timedelta(hours=1):
        minutes = past.seconds // 60
        return ngettext("%d minute ago", "%d minutes ago", minutes) % minutes
    if past < timedelta(days=1):
        hours = past.seconds // 3600
        return ngettext("%d hour ago", "%d hours ago", hours) % hours
    return ngettext("%d day ago", "%d days ago", past.days) % past.days


def _status(values: Mapping[str, Any] | None) -> str:
    name = str((values or {}).get("status", ""))
    return str(STATUS.get(name, name))


def _names(values: Mapping[str, Any] | None, names: Mapping[str, str]) -> str:
    entries = (values or {}).get("assigned_to") or []
    flat = [entry if isinstance(entry, str) else ", ".join(entry.get("value") or []) or entry["variable"] for entry in entries]
    return ", ".join(names.get(key, key) for key in flat) or _("nobody")


def _date(values: Mapping[str, Any] | None, zone: tzinfo) -> str:
    text = (values or {}).get("due_date")
    return describe_day(due_dates.parse(text).day(zone), timezone.now().astimezone(zone).date()) if text else _("none")


def _describe_name(before: str, after: str | None) -> str:
    """Return what became of a name; with none after it the task is gone."""
    if after is None:
        return _("took out the task “%s”") % before
    return _("renamed it to “%(after)s”, it was “%(before)s”") % {"after": after, "before": before}


def describe_event(event: Mapping[str, Any], names: Mapping[str, str], zone: tzinfo) -> str:
    """Return what a history row says happened, without who did it and when; `names` are people by id."""
    before, after = event["before"], event["after"]
    match event["action"]:
        case "task.status" if after.get("via") == "journey":
            return _("completed it by submitting its form")
        case "task.status" | "execution.status" | "phase.status":
            return _("set the status to %(after)s, it was %(before)s") % {"after": _status(after), "before": _status(before)}
        case "task.assigned" | "execution.assigned" | "phase.assigned":
            return _("set the assignees to %(after)s, before: %(before)s") % {
                "after": _names(after, names),
                "before": _names(before, names),
            }
        case "task.due_date" | "execution.due_date" | "phase.due_date":
            return _("set the due date to %(after)s, it was %(before)s") % {
                "after": _date(after, zone),
                "before": _date(before, zone),
            }
        case "task.name" | "phase.name" | "task.deleted":
            return _describe_name(before["name"], (after or {}).get("name"))
        case "task.enabled":
            return _("enabled it") if after["enabled"] else _("disabled it")
        case "execution.started":
            return _("started the flow")
        case "execution.closing_reason":
            reasons = [reason.get("title") or reason["id"] for reason in after.get("selected_reasons") or []]
            return _("noted the closing reasons: %s") % (", ".join(reasons) or _("none"))
        case "execution.sync_failed":
            return _("could not write to an entity: %s") % after.get("reason", "")
        case "task.run" | "task.failure" | "execution.failure":
            return _("reported: %s") % after.get("reason", "")
        case "task.run_started" if "automation" in after:
            return _("began the automation “%s”") % after.get("automation", "")
    return (
        describe_reasons(event)
        or describe_agent(event)
        or describe_text(event)
        or str(SIMPLE.get(event["action"], event["action"]))
    )


SIMPLE = {
    "task.current": gettext_lazy("brought the flow to this task"),
    "task.reset": gettext_lazy("reset it to To do"),
    "task.details": gettext_lazy("changed the details"),
    "task.moved": gettext_lazy("moved it to another place"),
    "task.added": gettext_lazy("added the task"),
    "task.run_healed": gettext_lazy("began the automation again, as its run was lost"),
    "execution.contexts": gettext_lazy("changed what the flow is about"),
    "execution.deleted": gettext_lazy("deleted the flow"),
}
