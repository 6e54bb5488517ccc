"""What is the server's to say, nobody says by sending it along: whose a thing is, who made it when, which version it is, who may what.

Every request of the table that changes something is sent once more with all of TRAPS in it, on top and in every object inside; it
must be refused, or leave nothing of them in a column or in the answer.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pytest
from django.apps import apps
from django.db import models, transaction

from tests.security.callers import caller_of
from tests.security.routes import SAFE, Route, walk
from tests.security.rows import Rows, read_rows, tables
from tests.security.table import ROWS, Act
from tests.security.world import World, fill

pytestmark = pytest.mark.django_db

TEXT, NUMBER, MOMENT = "trapzq77", 987654, "2001-02-03T04:05:06.000Z"
KEY = "01234567-89ab-4cde-8f01-23456789abcd"
# Of the other organisation; filled in when it is known.
OTHER, OTHER_SLUG, SOMEBODY = "{organisation}", "other", "{owner}"
TRAPS: dict[str, Any] = {
    **dict.fromkeys(("id", "_id", "pk", "uuid", "execution_id", "message_id", "webhook_id"), KEY),
    **dict.fromkeys(("organisation", "organisation_id", "organization", "organization_id", "tenant_id"), OTHER),
    **dict.fromkeys(("org", "org_id", "_org", "_org_id", "orgId"), OTHER_SLUG),
    **dict.fromkeys(("user", "user_id", "author", "author_id", "person", "person_id", "actor_id", "owner_id"), SOMEBODY),
    **dict.fromkeys(("created_at", "_created_at", "createdAt", "creationTime", "started_at", "startedTime"), MOMENT),
    **dict.fromkeys(("completed_at", "closed_at", "finished_at", "deleted_at", "revoked_at", "last_login", "edited_at"), MOMENT),
    **dict.fromkeys(("_updated_at", "status_updated_at", "crt_since", "left_at", "scheduled_at", "disabled_at"), MOMENT),
    **dict.fromkeys(("created_by", "createdBy", "updated_by", "started_by", "triggered_by", "completed_by"), TEXT),
    **dict.fromkeys(("skipped_by", "disabled_by", "actor_kind", "schedule_id_", "secret_hash", "previous_hash"), TEXT),
    **dict.fromkeys(("signing_secret", "signingSecret", "previous_secret", "secret", "definition", "sha256"), TEXT),
    **dict.fromkeys(("version", "_version", "next_seq", "seq", "runs", "attempt", "tries_from", "tasks_done"), NUMBER),
    **dict.fromkeys(("is_staff", "is_superuser", "is_admin", "graph_edited", "manually_created", "for_partner"), True),
    "role": "owner",
    "last_used_on": "2001-02-03",
    "default_board": TEXT,
}
# Here it is what the request is about, or the same as its maker's.
ASKED_FOR: dict[str, tuple[str, ...]] = {
    "organisation/members/<str:user_id>": ("role",),
    "organisation/tokens/create": ("role",),
    "v1/access-tokens": ("role",),
}
CHANGES = [route for route in walk() if any(method not in SAFE for method in route.methods)]
# Documents that are kept as they were sent; what is in them decides nothing by these names.
DOCUMENTS = {"workflows_executiondocument.body", "workflows_definition.body", "workflows_entity.search_text"}
DOCUMENTS |= {"workflows_idempotencykey.body", "workflows_idempotencykey.path"}


def trapped(body: Any, traps: Mapping[str, Any], *, is_top: bool = True) -> Any:
    """Put the traps into every object of a body that does not say the same itself; ids of parts are their author's."""
    if isinstance(body, Mapping):
        inside = {name: trapped(value, traps, is_top=False) for name, value in body.items()}
        return {name: value for name, value in traps.items() if is_top or name not in ("id", "version")} | inside
    return [trapped(item, traps, is_top=False) for item in body] if isinstance(body, list) else body


def columns_to_look_at() -> dict[str, list[int]]:
    """Return the places of the columns that are no documents, by table."""
    found = {}
    kinds = {
        model._meta.db_table: model._meta for label in ("workflows", "auth") for model in apps.get_app_config(label).get_models()
    }
    for table, columns in tables().items():
        fields = {field.column: field for field in kinds[table].concrete_fields}
        found[table] = [
            place
            for place, column in enumerate(columns)
            if f"{table}.{column}" not in DOCUMENTS and (column == "extra" or not isinstance(fields[column], models.JSONField))
        ]
    return found


def caught(world: World, before: Rows, after: Rows, given: Mapping[str, Any]) -> Iterator[str]:
    """Yield the columns of new and changed rows in which a trap has caught something."""
    places, other = columns_to_look_at(), int(world.rival.ids["organisation"])
    for table, rows in after.items():
        known = {str(row) for row in before[table]}
        names = tables()[table]
        for row in rows:
            if str(row) in known:
                continue
            for place in places[table]:
                value, name = row[place], names[place]
                if is_trap(without_rules(value) if name == "extra" else value) or (
                    name in ("organisation_id", "partner_id") and value == other
                ):
                    yield f"{table}.{name}: {value!r}"
                if name == "role" and "role" in given and value == "owner" and not has(before[table], row, place):
                    yield f"{table}.role: owner"
                if name in ("is_staff", "is_superuser") and value and not has(before[table], row, place):
                    yield f"{table}.{name}"


def without_rules(text: str) -> Any:
    """Rules of due dates are documents, too."""
    found = text if isinstance(text, dict) else json.loads(text)
    return {name: value for name, value in found.items() if name != "due_date_config"}


def has(rows: list[tuple[Any, ...]], row: tuple[Any, ...], place: int) -> bool:
    """Whether the row with the same key had the same value before."""
    return any(old[0] == row[0] and old[place] == row[place] for old in rows)


def is_trap(value: Any) -> bool:
    if isinstance(value, datetime):
        return value.year == 2001
    if isinstance(value, int):
        return value == NUMBER
    text = str(value)
    return TEXT in text or KEY.replace("-", "") in text.replace("-", "") or text.startswith("2001-02-03") or str(NUMBER) in text


def send(world: World, route: Route, method: str, act: Act, body: Any) -> tuple[Any, Rows]:
    ids, row = world.victim.ids, ROWS[route.pattern]
    with transaction.atomic():
        caller = caller_of(world, route, act.who)
        answer = caller.send(route, method, fill(row.path + act.query, ids), body, fill(act.headers, ids))
        after = read_rows()
        transaction.set_rollback(True)
    return answer, after


def told(answer: Any) -> dict[str, Any]:
    if not answer.headers.get("Content-Type", "").startswith("application/json") or not answer.content:
        return {}
    found = json.loads(answer.content)
    return found if isinstance(found, dict) else {}


@pytest.mark.parametrize("route", CHANGES, ids=str)
def test_what_is_the_servers_to_say_is_not_taken_from_a_body(route: Route, world: World) -> None:
    ids = world.victim.ids
    left_out = ASKED_FOR.get(route.pattern, ())
    traps = {name: fill(value, world.rival.ids) for name, value in TRAPS.items() if name not in left_out}
    if not route.is_api:
        traps = {name: "on" if value is True else str(value) for name, value in traps.items()}
    for method, act in ROWS[route.pattern].acts.items():
        for body in [{} if body is None else fill(body, ids) for body in act.bodies if method not in SAFE]:
            usual = told(send(world, route, method, act, body)[0]) if route.is_api else {}
            answer, after = send(world, route, method, act, trapped(body, traps))
            tries = [(traps, answer, after)]
            if answer.status_code >= 400 and 200 in act.ok:
                # One that is refused for some of them must not hide what the others do.
                tries = [(some, *send(world, route, method, act, trapped(body, some))) for some in parts(traps)]
            for given, got, rows in tries:
                assert got.status_code < 500, f"{method} {list(given)}: {got.status_code}"
                assert list(caught(world, world.before, rows, given)) == [], f"{method} with {list(given)}"
                said = told(got)
                own = [name for name in usual if name in given and name not in body and usual[name] != given[name]]
                assert [name for name in own if said.get(name) == given[name]] == []


def parts(traps: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the traps by what they hold."""
    kinds = {str(value): value for value in traps.values()}
    return [{name: value for name, value in traps.items() if str(value) == kind} for kind in kinds]


def test_there_is_much_to_try() -> None:
    assert len(TRAPS) > 50
    assert len(CHANGES) > 100
