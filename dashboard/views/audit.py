"""The page of the audit trail: who changed what, looked for and taken out."""

import csv
import io
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

import orjson
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard.areas import list_settings
from dashboard.audit_words import KINDS, describe_act, name_kind, name_tasks
from dashboard.people import People
from dashboard.requests import Request, wants_fragment
from workflows.services.audit_trail import Act, Question, export_trail, read_trail, rows_of
from workflows.services.due import zone_of

PAGE = 50
# What a spreadsheet would take for a formula when a cell begins with it.
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


@require_GET
def show_audit(request: Request) -> HttpResponse:
    question = read_question(request)
    acts = read_trail(request.actor, question, PAGE + 1, read_place(request.GET.get("after", "")))
    people, zone = People(request.actor.organisation), zone_of(request.actor.organisation)
    names = people.actors({"actor_kind": act.actor_kind, "actor_id": act.actor_id} for act in acts)
    tasks = name_tasks(request.actor.organisation, acts[:PAGE])
    last = acts[PAGE - 1] if len(acts) > PAGE else None
    asked = {name: request.GET.get(name, "") for name in ("q", "kind", "actor", "since", "until", "request")}
    query = urlencode({name: value for name, value in asked.items() if value})
    place = f"{last.at.isoformat()}~{last.place[0]}~{last.place[1]}" if last else ""
    context = {
        "areas": list_settings(request.actor, "audit"),
        "rows": [
            {
                "act": act,
                "kind": name_kind(act),
                "task": tasks.get(act.subject_id, ""),
                "who": names[act.actor_kind, act.actor_id],
                "what": describe_act(act, people.member_names, zone),
                "changed": list(changes(act)),
            }
            for act in acts[:PAGE]
        ],
        "asked": asked,
        "query": query,
        "next": urlencode({**{n: v for n, v in asked.items() if v}, "after": place}) if place else "",
        "kinds": KINDS.items(),
        "members": people.members,
    }
    template = "dashboard/audit.html"
    return render(request, template + "#results" if wants_fragment(request) else template, context)


def changes(act: Act) -> Iterable[tuple[str, str, str]]:
    """Yield what an act changed: the name, before, after."""
    before, after = act.before or {}, act.after or {}
    for name in dict.fromkeys([*before, *after]):
        yield name, text_of(before.get(name)), text_of(after.get(name))


def text_of(value: Any) -> str:
    if value is None or value == "":
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def read_question(request: Request) -> Question:
    """Read the address; what makes no sense is left out, as an address may be old or cut."""

    def text(name: str) -> str:
        return request.GET.get(name, "").replace("\0", "").strip()[:128]

    zone = zone_of(request.actor.organisation)
    since, until = read_day(text("since")), read_day(text("until"))
    return Question(
        action=text("kind") + "." if text("kind") in KINDS else "",
        actor_id=text("actor"),
        subject=text("q"),
        request_id=text("request"),
        since=datetime.combine(since, time(), zone) if since else None,
        until=datetime.combine(until, time(), zone) + timedelta(days=1) if until and until < date(9999, 1, 1) else None,
    )


def read_day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if found.year > 1 else None


def read_place(text: str) -> tuple[datetime, int, int] | None:
    moment, _sign, rest = text.partition("~")
    kind, _sign, key = rest.partition("~")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return None
    if not (at.tzinfo and kind in ("0", "1") and key.isascii() and key.isdecimal() and len(key) < 19):
        return None
    return at, int(kind), int(key)


@require_GET
def export_audit(request: Request, form: str) -> HttpResponse:
    """The whole answer to the same question, as CSV or JSON."""
    rows = list(rows_of(export_trail(request.actor, read_question(request))))
    if form == "json":
        response = HttpResponse(orjson.dumps(rows), content_type="application/json")
    else:
        response = HttpResponse(as_csv(rows), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="audit.{form}"'
    return response


def as_csv(rows: list[dict[str, Any]]) -> str:
    out = io.StringIO()
    names = list(rows[0]) if rows else ["at"]
    table = csv.writer(out)
    table.writerow(names)
    for row in rows:
        table.writerow([harmless(text_of(row[name])) for name in names])
    return out.getvalue()


def harmless(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return "'" + text if text.startswith(FORMULAS) else text
