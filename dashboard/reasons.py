"""Why: how the branches of a decision were judged, and when a task begins by itself or why it cannot, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from workflows.documents import read_refusal
from workflows.engine.schedules import Cause, Refusal
from workflows.models import Task

OPERATORS = {
    "equals": gettext_lazy("is"),
    "not_equals": gettext_lazy("is not"),
    "any_of": gettext_lazy("is one of"),
    "none_of": gettext_lazy("is none of"),
    "contains": gettext_lazy("contains"),
    "not_contains": gettext_lazy("does not contain"),
    "starts_with": gettext_lazy("begins with"),
    "ends_with": gettext_lazy("ends with"),
    "greater_than": gettext_lazy("is more than"),
    "less_than": gettext_lazy("is less than"),
    "greater_than_or_equals": gettext_lazy("is at least"),
    "less_than_or_equals": gettext_lazy("is at most"),
    "is_empty": gettext_lazy("is empty"),
    "is_not_empty": gettext_lazy("is not empty"),
}
# What is said differently of days.
DATE_OPERATORS = {
    "greater_than": gettext_lazy("is after"),
    "less_than": gettext_lazy("is before"),
    "greater_than_or_equals": gettext_lazy("is on or after"),
    "less_than_or_equals": gettext_lazy("is on or before"),
}
TOKENS = {
    "TODAY": gettext_lazy("today"),
    "TOMORROW": gettext_lazy("tomorrow"),
    "YESTERDAY": gettext_lazy("yesterday"),
    "IN_THE_FUTURE": gettext_lazy("in the future"),
    "IN_THE_PAST": gettext_lazy("in the past"),
    "TODAY_OR_EARLIER": gettext_lazy("today or earlier"),
    "THIS_WEEK": gettext_lazy("this week"),
    "NEXT_WEEK": gettext_lazy("next week"),
    "LAST_WEEK": gettext_lazy("last week"),
    "THIS_MONTH": gettext_lazy("this month"),
    "NEXT_MONTH": gettext_lazy("next month"),
    "LAST_MONTH": gettext_lazy("last month"),
}
UNITS = {"days": gettext_lazy("days"), "months": gettext_lazy("months"), "years": gettext_lazy("years")}
# By the kinds of `comparisons.PROBLEMS`.
PROBLEMS = {
    "number": gettext_lazy("is no number"),
    "number_value": gettext_lazy("holds “%s”, which is no number"),
    "number_wanted": gettext_lazy("is compared with “%s”, which is no number"),
    "boolean": gettext_lazy("holds “%s”, which is neither true nor false"),
    "boolean_operator": gettext_lazy("is true or false and cannot be asked like this"),
    "date": gettext_lazy("is no date"),
    "date_value": gettext_lazy("holds “%s”, which is no date"),
    "date_wanted": gettext_lazy("is compared with “%s”, which is no date"),
    "token": gettext_lazy("is compared with “%s”, which is no date that can be counted from today"),
    "offset": gettext_lazy("cannot be moved so far"),
    "journey": gettext_lazy("asks for an answer of a journey, and journeys are not known here"),
}
REFUSALS = {
    Cause.ATTRIBUTE_EMPTY: gettext_lazy("The date “%(attribute)s” is empty, so it is not known when this task is to begin."),
    Cause.ATTRIBUTE_UNREADABLE: gettext_lazy("The attribute “%(attribute)s” holds “%(value)s”, which is no date."),
    Cause.IN_THE_PAST: gettext_lazy("This task was to begin on %(time)s, and that has passed."),
    Cause.NOT_COMPLETED: gettext_lazy("This task begins after another one that is not completed yet."),
    Cause.GIVEN_UP: gettext_lazy("This task could not be begun at its time: %(error)s"),
}
ADVICE = {
    Cause.NOT_COMPLETED: gettext_lazy(
        "It is scheduled by itself when that task is completed. You can also run it now, or skip it."
    ),
    Cause.GIVEN_UP: gettext_lazy("Run it now, or skip it."),
}
CORRECT_IT = gettext_lazy("Correct the date, and it is scheduled by itself; or run it now, or skip it.")


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement in words, what was found, and what came of it; `is_met` None: not asked yet."""

    question: str
    found: str = ""
    problem: str = ""
    is_met: bool | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """A way out of a decision. `is_met`: what came of its evaluation, None before."""

    id: str
    name: str
    is_met: bool | None = None
    taken: bool = False
    joined: str = ""
    asked: Sequence[Asked] = ()


@dataclass(frozen=True, slots=True)
class Timing:
    """When a task begins by itself: the time, or why there is none and what to do about it."""

    iso: str = ""
    time: str = ""
    problem: str = ""
    advice: str = ""


def describe_moment(at: datetime) -> str:
    """Return day and time of day in the time zone that is active, the reader's."""
    local = timezone.localtime(at)
    return f"{date_format(local, pgettext('a day of another year', 'j M Y'))}, {local:%H:%M}"


def describe_timing(task: Task) -> Timing | None:
    """Return when a task is to begin by itself; None for one without a schedule that matters now."""
    if task.scheduled_at is not None:
        return Timing(task.scheduled_at.isoformat(), describe_moment(task.scheduled_at))
    refusal = read_refusal(task)
    if refusal is None or task.crt_since is None:
        return None
    return Timing(problem=describe_refusal(refusal), advice=str(ADVICE.get(refusal.cause, CORRECT_IT)))


def describe_refusal(refusal: Refusal) -> str:
    """Return why a schedule could not be armed."""
    about = dict(refusal.about)
    if "attribute" in about:
        about["attribute"] = label(about["attribute"])
    if "scheduled_at" in about:
        about["time"] = describe_moment(datetime.fromisoformat(about["scheduled_at"]))
    return str(REFUSALS[refusal.cause]) % about


def describe_problem(problem: Mapping[str, str]) -> str:
    """Return what could not be compared, as a sentence that begins with the attribute."""
    text = str(PROBLEMS.get(problem["kind"], problem["kind"]))
    return f"{label(problem['attribute'])} {text % problem['value'] if '%s' in text else text}"


def describe_reasons(event: Mapping[str, Any]) -> str:
    """Return what a history row about a decision or a schedule says; empty for one about something else."""
    before, after = event["before"] or {}, event["after"] or {}
    match event["action"]:
        case "task.branch":
            taken = _("took the branch %s") % (", ".join(after.get("names") or after.get("branches") or []) or "–")
            return taken + _describe_problems(after)
        case "task.evaluated":
            return _("found no branch that is met") + _describe_problems(after)
        case "task.scheduled":
            return _("scheduled it for %s") % _describe_time(after)
        case "task.schedule_cancelled":
            return _("cancelled the schedule for %s") % _describe_time(before)
        case "task.schedule_fired":
            return _("began it as scheduled for %s") % _describe_time(before)
        case "task.schedule_refused":
            about = {name: text for name, text in after.items() if name not in ("cause", "reason")}
            return _("could not schedule it: %s") % describe_refusal(Refusal(Cause(after["cause"]), tuple(about.items())))
    return ""


def _describe_time(values: Mapping[str, Any]) -> str:
    return describe_moment(datetime.fromisoformat(values["scheduled_at"]))


def _describe_problems(values: Mapping[str, Any]) -> str:
    """Return what could not be compared, to be added to a sentence."""
    problems = [describe_problem(problem) for problem in values.get("mismatches") or []]
    return _(" – could not be compared: %s") % "; ".join(problems) if problems else ""


def describe_branches(task: Task, design: Mapping[str, Any]) -> list[Branch]:
    """Return the branches of a decision, and how they were judged last."""
    verdicts = task.extra.get("verdicts") or {}
    return [describe_branch(condition, verdicts.get(condition["id"]) or {}) for condition in design.get("conditions") or []]


def describe_branch(condition: Mapping[str, Any], verdict: Mapping[str, Any]) -> Branch:
    statements = condition.get("statements") or []
    findings = verdict.get("statements") or [None] * len(statements)
    return Branch(
        id=condition["id"],
        name=condition.get("branch_name") or condition["id"],
        is_met=verdict.get("is_met"),
        taken=bool(verdict.get("taken")),
        joined=_("one of these is enough") if condition.get("logical_operator") == "OR" and len(statements) > 1 else "",
        asked=[describe_statement(*pair) for pair in zip(statements, findings, strict=False)],
    )


def describe_statement(statement: Mapping[str, Any], finding: Mapping[str, Any] | None) -> Asked:
    """Return a statement as a sentence, and what was found when it was asked."""
    operator = statement["operator"]
    values = statement.get("values") or []
    if statement.get("value_type") == "relative_date":
        values = [str(TOKENS.get(value.strip().upper(), value)) for value in values]
    else:
        values = [f"“{value}”" for value in values]
    source = statement.get("source") or {}
    names = OPERATORS | DATE_OPERATORS if source.get("attribute_type") in ("date", "datetime") else OPERATORS
    words = [subject(source), str(names.get(operator, operator))]
    if operator not in ("is_empty", "is_not_empty"):
        words.append(", ".join(values))
    question = " ".join(words)
    if finding is None:
        return Asked(question)
    found = ", ".join(f"“{value}”" for value in finding["found"])
    problem = describe_problem(finding["problem"]) if finding.get("problem") else ""
    return Asked(question, _("found: %s") % found if found else _("found: nothing"), problem, finding["is_met"])


def subject(source: Mapping[str, Any]) -> str:
    """Return what a statement asks about."""
    names = source.get("attributes") or [source.get("attribute") or ""]
    joint = _(" and ") if source.get("attributes_match") == "all" else _(" or ")
    text = joint.join(label(name) for name in names)
    if source.get("attribute_sub_field"):
        text += f" ({label(source['attribute_sub_field'])})"
    offset = source.get("date_offset")
    if offset:
        text += f" {offset['amount']:+d} {UNITS.get(offset['unit'], offset['unit'])}"
    return text


def label(name: str) -> str:
    """Return an attribute's name as people would write it."""
    return name.strip("_").replace("_", " ")
