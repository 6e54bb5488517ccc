"""Entities over REST."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.client import Client
from tests.api.test_executions import statements
from tests.dump import dump


def create(api: Client, **attributes: Any) -> Any:
    return api.post("/v1/entity/contact", {"first_name": "Ada", "last_name": "Berg"} | attributes).json


def test_attributes_are_merged_replaced_and_deleted(api: Client, organisation: Any) -> None:
    entity = create(api, city="Bonn")
    path = f"/v1/entity/contact/{entity['_id']}"
    assert (entity["_schema"], entity["_org"], entity["_title"]) == ("contact", "acme", "Ada Berg")
    merged = api.patch(path, {"city": "Köln", "first_name": "Eva", "_id": "other", "_org": "other"}).json
    assert (merged["city"], merged["last_name"], merged["_title"], merged["_id"]) == ("Köln", "Berg", "Eva Berg", entity["_id"])
    replaced = api.put(path, {"name": "Berg GmbH"}).json
    assert ("city" in replaced, replaced["_title"]) == (False, "Berg GmbH")
    assert api.get(path).json == {"entity": replaced, "relations": []}
    assert api.delete(path).status == 200
    assert (api.get(path).status, api.patch(path, {}).status, api.delete(path).status) == (404, 404, 404)


def test_a_title_that_was_given_stays(api: Client, organisation: Any) -> None:
    entity = create(api, _title="The Bergs")
    assert api.patch(f"/v1/entity/contact/{entity['_id']}", {"first_name": "Eva"}).json["_title"] == "The Bergs"


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("*", ["Eva Stein", "Ada Berg"]),
        ("_schema:contact", ["Eva Stein", "Ada Berg"]),
        ("_schema:order", []),
        ("berg", ["Ada Berg"]),
        ("_schema:contact AND ada", ["Ada Berg"]),
        ("city:Bonn", ["Ada Berg"]),
        ("city:Bo*", ["Ada Berg"]),
        ('city:"Bad Ems"', ["Eva Stein"]),
        ("kwp:9", ["Ada Berg"]),
        ("_id:nonsense", []),
        ("nobody", []),
    ],
)
def test_search_finds_by_schema_word_and_attribute(api: Client, organisation: Any, query: str, titles: list[str]) -> None:
    create(api, city="Bonn", kwp="9")
    create(api, first_name="Eva", last_name="Stein", city="Bad Ems")
    found = api.post("/v1/entity:search", {"q": query}).json
    assert [entity["_title"] for entity in found["results"]] == titles
    assert found["hits"] == len(titles)


@pytest.mark.parametrize(
    "body", [{}, {"q": 5}, {"q": "a OR b"}, {"q": "(a)"}, {"q": "*", "size": 5000}, {"q": "*", "sort": "shoe_size"}]
)
def test_a_search_that_is_not_understood_is_refused(api: Client, organisation: Any, body: dict[str, Any]) -> None:
    assert api.post("/v1/entity:search", body).status == 400


def test_a_search_needs_the_same_statements_for_1_and_30(api: Client, organisation: Any) -> None:
    counts = []
    for start, end in ((0, 1), (1, 30)):
        for _ in range(start, end):
            create(api)
        with CaptureQueriesContext(connection) as captured:
            assert len(api.post("/v1/entity:search", {"q": "*", "size": 50}).json["results"]) == end
        counts.append(len(statements(captured)))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("body", [[], "text", 5, {"_title": 7}])
def test_a_body_that_is_no_object_of_attributes_is_refused(api: Client, organisation: Any, body: Any) -> None:
    before = dump()
    assert api.post("/v1/entity/contact", body).status == 400
    assert dump() == before


def test_other_organisations_see_nothing(api: Client, other_api: Client) -> None:
    entity = create(api)
    path = f"/v1/entity/contact/{entity['_id']}"
    before = dump()
    answers = [other_api.get(path), other_api.patch(path, {"a": 1}), other_api.put(path, {}), other_api.delete(path)]
    assert [answer.status for answer in answers] == [404] * 4
    assert other_api.get(f"/v2/entity/contact/{entity['_id']}").status == 404
    assert other_api.post("/v1/entity:search", {"q": "*"}).json["hits"] == 0
    assert api.get(f"/v1/entity/order/{entity['_id']}").status == 404
    assert api.get(f"/v1/entity/contact/{uuid4()}").status == 404
    assert dump() == before
