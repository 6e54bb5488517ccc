"""Queries over tasks: each kind of condition, order, groups, pages, and any filter against a plain reading of the records."""

import itertools
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.api.test_executions import statements
from workflows.models import Organisation, Role
from workflows.permissions import Actor, PermissionRefused
from workflows.services.errors import InvalidInput
from workflows.services.executions import delete_execution
from workflows.services.task_conditions import DYNAMIC_DATES, KEYS, Kind
from workflows.services.task_filters import Operator, parse_filter
from workflows.services.task_query import GroupBy, TaskQuery, find_tasks
from workflows.services.task_suggestions import suggest_values
from workflows.services.tasks import patch_task

BERLIN = ZoneInfo("Europe/Berlin")
# A Thursday, half an hour after midnight in Berlin: in UTC it is still Wednesday.
NOW = datetime(2026, 7, 9, 0, 30, tzinfo=BERLIN)


def condition(key: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"key": key, "operator": operator, **({} if value is None else {"value": value}), **more}


def every(*items: Any) -> dict[str, Any]:
    return {"combination": "AND", "items": list(items)}


def either(*items: Any) -> dict[str, Any]:
    return {"combination": "OR", "items": list(items)}


def find(actor: Actor, *filters: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    parsed = [parse_filter(data, "filters") for data in filters]
    return find_tasks(actor, TaskQuery(parsed, **{"size": 200} | options), NOW).records


def names(actor: Actor, *filters: dict[str, Any], **options: Any) -> list[str]:
    return [record["name"] for record in find(actor, *filters, **options)]


@pytest.fixture
def world(actor: Actor) -> list[dict[str, Any]]:
    """Three executions with tasks of many kinds; gives all records."""
    dates = ["2026-07-08", "2026-07-09T00:00:00.000", "2026-07-08T22:15:00.000Z", "2026-07-13", "2026-08-01", None]
    for number, due in enumerate(dates[:3]):
        data = factories.sequence(4, name=f"Flow {number}")
        for index, task in enumerate(data["tasks"]):
            task["due_date"] = dates[(number + index * 2) % len(dates)]
            task["assigned_to"] = [[actor.id], ["user_7", "group_1"], [], [{"variable": "{{entity.owner}}"}]][index]
        execution = factories.start(actor, data, now=NOW - timedelta(days=number), city=due, _title=f"Berg {number % 2}")
        patch_task(actor, execution.id, factories.task_of(execution, "t1").id, {"status": "COMPLETED"})
        patch_task(actor, execution.id, factories.task_of(execution, "t3").id, {"enabled": number == 0})
    factories.start(actor, {"name": "Bare", "tasks": [factories.task("alone")], "edges": []})
    return find(actor)


def test_a_record_is_flat_and_says_where_the_task_belongs(actor: Actor, world: list[dict[str, Any]]) -> None:
    (record,) = find(actor, every(condition("name", "EQUALS", "Task t2"), condition("execution_name", "EQUALS", "Flow 0")))
    assert record["assigned_to"] == ["user_7", "group_1"]
    assert record["phase_name"] == "First"
    assert record["status"] == "PENDING"
    assert record["execution_status"] == "STARTED"
    assert record["is_current"] is True
    assert record["org_id"] == "acme"
    assert record["context_entity"]["schema"] == "contact"
    assert record["context_entity"]["title"] == "Berg 0"
    assert record["contexts"] == [record["context_entity"]]
    assert record["due_date"] == "2026-07-08T22:15:00.000Z"


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        # Floating 9 July, and 22:15 UTC on the 8th, which is the 9th in Berlin.
        ("TODAY", {"2026-07-09T00:00:00.000", "2026-07-08T22:15:00.000Z"}),
        ("YESTERDAY", {"2026-07-08"}),
        ("TOMORROW", set()),
        ("IN_THE_PAST", {"2026-07-08"}),
        ("IN_THE_FUTURE", {"2026-07-13", "2026-08-01"}),
        ("TODAY_OR_EARLIER", {"2026-07-08", "2026-07-09T00:00:00.000", "2026-07-08T22:15:00.000Z"}),
        ("THIS_WEEK", {"2026-07-08", "2026-07-09T00:00:00.000", "2026-07-08T22:15:00.000Z"}),
        ("NEXT_WEEK", {"2026-07-13"}),
        ("LAST_WEEK", set()),
        ("THIS_MONTH", {"2026-07-08", "2026-07-09T00:00:00.000", "2026-07-08T22:15:00.000Z", "2026-07-13"}),
        ("NEXT_MONTH", {"2026-08-01"}),
        ("LAST_MONTH", set()),
        ("2026-08-01", {"2026-08-01"}),
        ("2026-07-08T22:15:00.000Z", {"2026-07-08T22:15:00.000Z"}),
    ],
)
def test_dates_are_days_of_the_organisations_zone(
    actor: Actor, world: list[dict[str, Any]], token: str, expected: set[str]
) -> None:
    found = find(actor, every(condition("due_date", "EQUALS", token, data_type="date")))
    assert {record["due_date"] for record in found} == expected


def test_the_magic_user_is_who_asks(actor: Actor, world: list[dict[str, Any]]) -> None:
    mine = find(actor, every(condition("assigned_to", "IS_ONE_OF", ["logged_in_user"])))
    assert {record["name"] for record in mine} == {"Task t1"}
    more = names(actor, every(condition("assignee", "IS_ONE_OF", ["logged_in_user", "group_1"])))
    assert set(more) == {"Task t1", "Task t2"}


def test_asking_for_the_tasks_of_others_is_a_right(organisation: Organisation, actor: Actor, world: list[dict[str, Any]]) -> None:
    viewer = factories.actor_of(factories.make_user(organisation, "vera@acme.example", "Vera", Role.VIEWER), organisation)
    assert names(viewer, every(condition("assigned_to", "EQUALS", "logged_in_user"))) == []
    assert names(viewer, every(condition("assigned_to", "EMPTY")))
    with pytest.raises(PermissionRefused, match="kanban:all_assignee_filters"):
        names(viewer, every(condition("assigned_to", "NOT_EQUALS", "user_7")))
    assert suggest_values(viewer, "assigned_to", "", 0, 9) == (["logged_in_user"], 1)


def test_deleted_executions_and_other_organisations_are_out_of_sight(
    actor: Actor, other_organisation: Organisation, world: list[dict[str, Any]]
) -> None:
    stranger = factories.actor_of(
        factories.make_user(other_organisation, "otto@other.example", "Otto", Role.OWNER), other_organisation
    )
    assert find(stranger) == []
    assert suggest_values(stranger, "name", "", 0, 9) == ([], 0)
    delete_execution(actor, world[0]["execution_id"], soft=True)
    assert len(find(actor)) == len(world) - len([r for r in world if r["execution_id"] == world[0]["execution_id"]])


@pytest.mark.parametrize("group_by", list(GroupBy))
def test_equal_groups_stand_together_and_keep_the_order_inside(
    actor: Actor, world: list[dict[str, Any]], group_by: GroupBy
) -> None:
    found = find(actor, group_by=group_by, sort_field="due_date")
    keys = {
        GroupBy.CONTEXT_ENTITY: lambda record: record["context_entity"]["id"],
        GroupBy.PHASE: lambda record: record.get("phase_name"),
        GroupBy.TASK: lambda record: record["name"],
    }
    seen = [keys[group_by](record) for record in found]
    changes = 1 + sum(a != b for a, b in itertools.pairwise(seen))
    assert changes == len(set(seen)) > 1
    assert len(found) == len(world)


@pytest.mark.parametrize("descending", [False, True])
def test_what_has_no_date_comes_last_in_both_directions(actor: Actor, world: list[dict[str, Any]], descending: bool) -> None:
    dues = [record.get("due_date") for record in find(actor, sort_field="due_date", descending=descending)]
    with_date = [due for due in dues if due]
    assert dues == with_date + [None] * (len(dues) - len(with_date))
    assert (with_date[0][:10], with_date[-1][:10]) == (
        ("2026-08-01", "2026-07-08") if descending else ("2026-07-08", "2026-08-01")
    )


def test_pages_make_up_the_whole(actor: Actor, world: list[dict[str, Any]]) -> None:
    pages = [find_tasks(actor, TaskQuery(sort_field="status", start=start, size=4), NOW) for start in range(0, 16, 4)]
    assert [page.hits for page in pages] == [13] * 4
    assert [len(page.records) for page in pages] == [4, 4, 4, 1]
    assert len({record["id"] for page in pages for record in page.records}) == 13


def test_a_page_of_thirty_takes_no_more_statements_than_one_of_one(actor: Actor) -> None:
    counts = []
    for start in (1, 30):
        for number in range(start):
            factories.start(actor, factories.sequence(2, name=f"Flow {start} {number}"))
        with CaptureQueriesContext(
            connection,
        ) as captured:
            page = find_tasks(actor, TaskQuery(group_by=GroupBy.CONTEXT_ENTITY, size=start), NOW)
        assert len(page.records) == start
        counts.append(len(statements(captured)))
    assert counts == [6, 6]


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (condition("colour", "EQUALS", "red"), r"filters\.items\[0\]\.key: there is no key 'colour'; use one of id, "),
        (condition("status", "GREATER_THAN", "PENDING"), r"items\[0\]\.operator: GREATER_THAN cannot be asked of status"),
        (condition("status", "EQUALS"), r"items\[0\]\.value: EQUALS needs a value"),
        (condition("due_date", "EQUALS", "someday"), r"items\[0\]\.value: must be a date or one of TODAY, "),
        (condition("due_date", "LESS_THAN", ["TODAY", "TOMORROW"]), r"items\[0\]\.value: LESS_THAN needs one value"),
        (condition("due_date", "EQUALS", 7), r"items\[0\]\.value: must be a date"),
        (condition("enabled", "EQUALS", "yes"), r"items\[0\]\.value: must be true or false"),
        (condition("position", "EQUALS", "many"), r"items\[0\]\.value: must be a whole number"),
        (condition("position", "EQUALS", 2.5), r"items\[0\]\.value: must be a whole number"),
        (condition("position", "LESS_THAN", 10**18), r"items\[0\]\.value: must be a whole number"),
        (condition("due_date", "EQUALS", "TODAY", data_type="string"), r"items\[0\]\.data_type: due_date is a date"),
        (condition("status", "IS_ONE_OF", [None]), r"items\[0\]\.value: must be a text"),
        (every(every(every(every(every(every()))))), "groups may be nested 5 levels deep"),
        (every(*[condition("enabled", "EQUALS", True)] * 100), "100 conditions at most"),
    ],
)
def test_what_is_not_understood_is_named(actor: Actor, item: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        find(actor, every(item))


def test_sorting_needs_a_column(actor: Actor) -> None:
    with pytest.raises(InvalidInput, match=r"sorting\.field: tasks cannot be sorted by assigned_to"):
        find(actor, sort_field="assigned_to")
    with pytest.raises(InvalidInput, match=r"sorting\.field: there is no key 'colour'"):
        find(actor, sort_field="colour")


@pytest.mark.parametrize(
    ("attribute", "typed", "expected"),
    [
        ("name", "task T1", ["Task t1"]),
        ("status", "con", ["CONDITION_PENDING"]),
        ("assignee", "mar", ["{mara}"]),
        ("assigned_to", "", ["logged_in_user", "{mara}", "group_1", "user_7"]),
        ("context_entity_schema", "", ["contact"]),
        ("context_entity_title", "berg", ["Ada Berg", "Berg 0", "Berg 1"]),
        ("due_date", "today", ["TODAY", "TODAY_OR_EARLIER"]),
        ("enabled", "", [True, False]),
        ("phase_name", "s", ["Second"]),
        ("position", "10", ["1024"]),
    ],
)
def test_suggestions_are_what_occurs(
    actor: Actor, world: list[dict[str, Any]], attribute: str, typed: str, expected: list[Any]
) -> None:
    wanted = [actor.id if value == "{mara}" else value for value in expected]
    found, hits = suggest_values(actor, attribute, typed, 0, 25)
    assert (sorted(map(str, found)), hits) == (sorted(map(str, wanted)), len(wanted))
    assert suggest_values(actor, attribute, typed, 1, 1) == (found[1:2], hits)


def test_suggested_entities_come_with_their_titles(actor: Actor, world: list[dict[str, Any]]) -> None:
    found, hits = suggest_values(actor, "context_entity", "berg", 0, 2)
    assert hits == 4
    assert [(set(entity), entity["title"]) for entity in found] == [
        ({"id", "schema", "title"}, name) for name in ("Ada Berg", "Berg 0")
    ]
    assert len(suggest_values(actor, "execution_id", "", 0, 25)[0]) == 4


# Any filter, against a plain reading of the same records.


def plain_values(record: dict[str, Any], key: str) -> list[Any]:
    match key:
        case "assigned_to":
            flat = [entry if isinstance(entry, str) else entry["value"] for entry in record["assigned_to"]]
            return [value for value in flat if value]
        case "context_entity":
            return [context["id"] for context in record["contexts"]]
        case "context_entity_schema":
            return [context["schema"] for context in record["contexts"]]
        case "context_entity_title":
            return [context["title"] for context in record["contexts"] if context["title"]]
    value = record.get(key)
    return [] if value in (None, "") else [value]


def plain_instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else datetime.combine(moment.date(), datetime.max.time(), BERLIN)


def plain_range(value: str) -> tuple[datetime, datetime]:
    """The days of a word, written down by hand for NOW."""
    ranges = {
        "TODAY": ("2026-07-09", "2026-07-09"),
        "TOMORROW": ("2026-07-10", "2026-07-10"),
        "YESTERDAY": ("2026-07-08", "2026-07-08"),
        "IN_THE_FUTURE": ("2026-07-10", "9000-01-01"),
        "IN_THE_PAST": ("1000-01-01", "2026-07-08"),
        "TODAY_OR_EARLIER": ("1000-01-01", "2026-07-09"),
        "THIS_WEEK": ("2026-07-06", "2026-07-12"),
        "NEXT_WEEK": ("2026-07-13", "2026-07-19"),
        "LAST_WEEK": ("2026-06-29", "2026-07-05"),
        "THIS_MONTH": ("2026-07-01", "2026-07-31"),
        "NEXT_MONTH": ("2026-08-01", "2026-08-31"),
        "LAST_MONTH": ("2026-06-01", "2026-06-30"),
    }
    first, last = ranges.get(value, (value, value))
    begin = datetime.fromisoformat(first).replace(tzinfo=BERLIN).astimezone(UTC)
    return begin, (datetime.fromisoformat(last).replace(tzinfo=BERLIN) + timedelta(days=1)).astimezone(UTC)


def plain_match(record: dict[str, Any], item: dict[str, Any]) -> bool:
    if "items" in item:
        parts = [plain_match(record, part) for part in item["items"]]
        return not parts or (all(parts) if item["combination"] == "AND" else any(parts))
    operator = item["operator"]
    opposites = {"NOT_EQUALS": "EQUALS", "NOT_EMPTY": "EMPTY", "NOT_CONTAINS": "CONTAINS", "IS_NONE_OF": "IS_ONE_OF"}
    if operator in opposites:
        return not plain_match(record, item | {"operator": opposites[operator]})
    values = plain_values(record, item["key"])
    wanted = item.get("value")
    wanted = wanted if isinstance(wanted, list) else [wanted]
    if operator == "EMPTY":
        return not values
    if KEYS[item["key"]].kind == Kind.DATE:
        return any(plain_date(plain_instant(value), operator, wanted) for value in values)
    return any(plain_compare(value, operator, each) for value in values for each in wanted)


def plain_date(moment: datetime, operator: str, wanted: list[str]) -> bool:
    spans = [plain_range(each) for each in wanted]
    match operator:
        case "GREATER_THAN":
            return moment >= spans[0][1]
        case "LESS_THAN":
            return moment < spans[0][0]
        case "GREATER_THAN_OR_EQUAL":
            return moment >= spans[0][0]
        case "LESS_THAN_OR_EQUAL":
            return moment < spans[0][1]
    return any(begin <= moment < end for begin, end in spans)


def plain_compare(value: Any, operator: str, wanted: Any) -> bool:
    match operator:
        case "CONTAINS":
            return wanted.lower() in value.lower()
        case "GREATER_THAN":
            return bool(value > wanted)
        case "LESS_THAN":
            return bool(value < wanted)
        case "GREATER_THAN_OR_EQUAL":
            return bool(value >= wanted)
        case "LESS_THAN_OR_EQUAL":
            return bool(value <= wanted)
    return bool(value == wanted)


EQUAL = ["EQUALS", "NOT_EQUALS", "IS_ONE_OF", "IS_NONE_OF", "EMPTY", "NOT_EMPTY"]
CONTAIN = [*EQUAL, "CONTAINS", "NOT_CONTAINS"]
COMPARE = [*EQUAL, "GREATER_THAN", "LESS_THAN", "GREATER_THAN_OR_EQUAL", "LESS_THAN_OR_EQUAL"]
OPERATORS = {
    Kind.TEXT: CONTAIN,
    Kind.PERSON: CONTAIN,
    Kind.ID: EQUAL,
    Kind.NUMBER: COMPARE,
    Kind.FLAG: EQUAL,
    Kind.CURRENT: EQUAL,
    Kind.DATE: COMPARE,
    Kind.ASSIGNEES: CONTAIN,
    Kind.CONTEXT: EQUAL,
    Kind.CONTEXT_SCHEMA: CONTAIN,
    Kind.CONTEXT_TITLE: CONTAIN,
}


def random_item(choose: random.Random, records: list[dict[str, Any]], depth: int) -> dict[str, Any]:
    if depth and choose.random() < 0.3:
        parts = [random_item(choose, records, depth - 1) for _ in range(choose.randint(1, 3))]
        return choose.choice([every, either])(*parts)
    name = choose.choice(list(KEYS))
    kind = KEYS[name].kind
    operator = choose.choice(OPERATORS[kind])
    if operator.endswith("EMPTY"):
        return condition(name, operator)
    occurring = [value for record in records for value in plain_values(record, name)]
    if kind == Kind.DATE:
        occurring = [*DYNAMIC_DATES, "2026-07-08", "2026-07-09"]
    values = occurring or ["nobody"]
    if "CONTAINS" in operator:
        text = choose.choice(values)
        return condition(name, operator, text[1:4].upper())
    if "ONE_OF" in operator:
        return condition(name, operator, choose.choices(values, k=choose.randint(0, 3)))
    return condition(name, operator, choose.choice(values))


def test_every_operator_is_tried() -> None:
    assert {operator for known in OPERATORS.values() for operator in known} == set(Operator)
    assert set(OPERATORS) == {key.kind for key in KEYS.values()}


@pytest.mark.parametrize("seed", range(8))
def test_any_filter_finds_what_a_plain_reading_finds(actor: Actor, world: list[dict[str, Any]], seed: int) -> None:
    choose = random.Random(seed)
    hits = 0
    for _ in range(60):
        data = choose.choice([every, either])(*[random_item(choose, world, 2) for _ in range(choose.randint(1, 3))])
        expected = {record["id"] for record in world if plain_match(record, data)}
        assert {record["id"] for record in find(actor, data)} == expected, data
        hits += bool(expected)
    assert hits > 10
