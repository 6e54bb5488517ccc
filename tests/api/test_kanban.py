"""Saved boards and task queries over REST."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.api.client import Client
from tests.api.test_executions import statements
from tests.dump import dump
from workflows.models import Organisation, Role
from workflows.permissions import Actor
from workflows.services.tokens import create_token

BOARD = {
    "title": "Sales",
    "config": {
        "dataset": "workflow_tasks_overview_v2",
        "swimlanes": [
            {
                "id": "lane-1",
                "title": "Open",
                "position": 1,
                "title_chip_variant": "success",
                "filter": {"combination": "AND", "items": [{"key": "status", "operator": "EQUALS", "value": "PENDING"}]},
            }
        ],
        "card_config": {"fields": ["assignee", "due_date"]},
        "sorting": {"field": "due_date", "direction": "asc"},
        "group_by": {"field": "phase"},
        "not_in_the_contract": {"kept": True},
    },
}
QUERY = "/v1/kanban/query/flows:execute"


def test_a_board_comes_back_as_it_was_saved_and_is_changed_listed_and_deleted(api: Client) -> None:
    board = api.post("/v1/kanban/board", BOARD).json
    path = f"/v1/kanban/board/{board['id']}"
    assert (board["title"], board["config"], board["org_id"]) == ("Sales", BOARD["config"], "acme")
    assert api.get(path).json == board
    assert board["owners"] == [board["created_by"]]
    patched = api.patch(path, {"shared_with": ["7", "7", "9"], "description": "Ours"}).json
    assert (patched["shared_with"], patched["description"], patched["title"]) == (["7", "9"], "Ours", "Sales")
    assert patched["updated_at"] > board["updated_at"]
    replaced = api.put(path, {"title": "Service", "config": {}}).json
    assert (replaced["title"], replaced["description"], replaced["config"]) == ("Service", "", {})
    assert replaced["shared_with"] == ["7", "9"]
    assert [row["title"] for row in api.get("/v1/kanban/boards?filter=owned").json] == ["Service"]
    assert "config" not in api.get("/v1/kanban/boards").json[0]
    assert api.get("/v1/kanban/boards?filter=shared").json == []
    assert (api.delete(path).status, api.delete(path).status, api.get(path).status) == (200, 404, 404)


def test_the_default_board(api: Client) -> None:
    board = api.post("/v1/kanban/board", BOARD).json
    assert api.get("/v1/kanban/board/default").status == 404
    assert api.put(f"/v1/kanban/org/default-board?boardId={board['id']}").json["default_board_id"] == board["id"]
    assert api.get("/v1/kanban/board/default").json == board
    assert api.delete("/v1/kanban/org/default-board").json["default_board_id"] is None
    assert api.get("/v1/kanban/board/default").status == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("POST", "/v1/kanban/board", {"config": {}}, 400, "title: This field is required."),
        ("POST", "/v1/kanban/board", {"title": " ", "config": {}}, 400, "title: must not be blank"),
        (
            "POST",
            "/v1/kanban/board",
            {"title": "x", "config": []},
            400,
            "config: Invalid data. Expected a dictionary, but got list.",
        ),
        ("POST", "/v1/kanban/board", {"title": "x", "config": {"swimlanes": [7]}}, 400, "config.swimlanes[0]: Invalid data"),
        ("POST", "/v1/kanban/board", {"title": "x", "config": {}, "owners": "me"}, 400, "owners: Expected a list"),
        ("GET", "/v1/kanban/boards?filter=all", None, 400, "filter: must be owned or shared"),
        ("GET", "/v1/kanban/board/unknown", None, 404, "Not found"),
        ("PUT", "/v1/kanban/org/default-board", None, 400, "boardId: is required"),
        ("PUT", "/v1/kanban/org/default-board?boardId=unknown", None, 404, "Not found"),
        ("PUT", "/v1/kanban/org/default-board?boardId=%00", None, 400, "boardId: NUL characters are not allowed"),
        ("GET", "/v1/kanban/query/flows:autocomplete", None, 400, "attribute: This field is required."),
        ("GET", "/v1/kanban/query/flows:autocomplete?attribute=colour", None, 400, "attribute: there is no key 'colour'"),
        ("GET", "/v1/kanban/query/flows:autocomplete?attribute=name&size=251", None, 400, "size: "),
        ("GET", "/v1/kanban/query/flows:autocomplete?attribute=name&input=%00", None, 400, "input: "),
        ("POST", QUERY, {"filters": {"combination": "AND"}}, 400, "filters.items: must be a list"),
        ("POST", QUERY, {"sorting": {"field": "colour"}}, 400, "sorting.field: there is no key 'colour'"),
        ("POST", QUERY, {"group_by": {"field": "status"}}, 400, "group_by.field: must be one of context_entity, phase, task"),
        ("POST", QUERY, {"size": 0}, 400, "size: "),
        ("POST", QUERY, {"from": -1}, 400, "from: "),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(
    api: Client, method: str, path: str, body: Any, status: int, message: str
) -> None:
    before = dump()
    answer = api.request(method, path, body)
    assert answer.status == status
    assert answer.message.startswith(message)
    assert dump() == before


def test_a_viewer_reads_boards_and_saves_none(api: Client, organisation: Organisation) -> None:
    viewer = Client(create_token(organisation, "viewer", Role.VIEWER)[1])
    board = api.post("/v1/kanban/board", BOARD | {"shared_with_org": True}).json
    path = f"/v1/kanban/board/{board['id']}"
    before = dump()
    assert viewer.get(path).json == board
    refused = [
        viewer.post("/v1/kanban/board", BOARD),
        viewer.put(path, BOARD),
        viewer.patch(path, {}),
        viewer.delete(path),
        viewer.put(f"/v1/kanban/org/default-board?boardId={board['id']}"),
        viewer.delete("/v1/kanban/org/default-board"),
    ]
    assert [answer.status for answer in refused] == [403] * 6
    assert dump() == before


def test_boards_of_another_organisation_are_not_found(api: Client, other_api: Client) -> None:
    board = api.post("/v1/kanban/board", BOARD | {"shared_with_org": True}).json
    path = f"/v1/kanban/board/{board['id']}"
    before = dump()
    answers = [other_api.get(path), other_api.put(path, BOARD), other_api.patch(path, {}), other_api.delete(path)]
    assert [answer.status for answer in answers] == [404] * 4
    assert other_api.put(f"/v1/kanban/org/default-board?boardId={board['id']}").status == 404
    assert other_api.get("/v1/kanban/boards").json == []
    assert dump() == before


def test_a_query_says_where_its_page_stands(api: Client, actor: Actor) -> None:
    factories.start(actor, factories.sequence(5))
    answer = api.post(QUERY, {"sorting": {"field": "name", "direction": "desc"}, "from": 2, "size": 2}).json
    assert [record["name"] for record in answer.pop("results")] == ["Task t3", "Task t2"]
    assert answer == {"hits": 5, "page_number": 2, "page_size": 2, "total_pages": 3}
    assert api.post(QUERY, {"filters": None, "from": 9}).json == {
        "results": [],
        "hits": 5,
        "page_number": 1,
        "page_size": 10,
        "total_pages": 1,
    }


def test_a_list_of_thirty_boards_takes_no_more_statements_than_one(api: Client) -> None:
    counts = []
    for number in (1, 29):
        for _ in range(number):
            api.post("/v1/kanban/board", BOARD | {"shared_with": ["7"]})
        with CaptureQueriesContext(connection) as captured:
            assert len(api.get("/v1/kanban/boards").json) in (1, 30)
        counts.append(len(statements(captured)))
    assert counts == [3, 3]


@pytest.mark.parametrize(
    "path", ["/v1/webhooks/configs?eventName=", "/v1/automation/flows?schema=", "/v2/flows/templates?trigger_schema="]
)
def test_a_nul_character_in_an_address_is_no_fault(api: Client, path: str) -> None:
    # SQLite looks for it and finds nothing, PostgreSQL takes none.
    assert api.get(f"{path}%00").status in (200, 400)


def test_an_address_with_a_line_break_is_no_operation(api: Client, organisation: Organisation) -> None:
    answers = [api.get("/v1/entity/contact/a%0Ab"), Client("").get("/v1/entity/contact/a%0Ab")]
    assert [(answer.status, list(answer.json)) for answer in answers] == [(404, ["message"]), (401, ["message"])]
