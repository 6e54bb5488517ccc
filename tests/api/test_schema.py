"""The schema that the API publishes of itself, and the page that shows it."""

import json
from typing import Any

import pytest
from django.test import Client as Browser
from openapi_schema_validator import OAS30Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

from tests.api.client import Client
from workflows.api.examples import EXAMPLES

# What needs no access token: a token of its own is in the body.
PUBLIC = {"resumeExecutionWithToken", "reportAgentExecution"}
METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture
def schema(db: None) -> Any:
    return Client("").get("/api/schema").json


def operations(schema: Any) -> dict[str, Any]:
    return {
        path[method]["operationId"]: path[method] for path in schema["paths"].values() for method in METHODS if method in path
    }


def test_every_operation_says_who_may_call_it_and_how_it_refuses(schema: Any) -> None:
    assert schema["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for name, operation in operations(schema).items():
        known = {"401", "403"} if operation.get("security") == [{"bearer": []}] else set()
        assert bool(known) != (name in PUBLIC), name
        assert {*known, "503"} <= set(operation["responses"]), name
        for status, response in operation["responses"].items():
            if status >= "400":
                assert response["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ErrorResp"}, name


def test_what_an_operation_takes_decides_how_it_may_refuse(schema: Any) -> None:
    found = operations(schema)
    assert {"400", "404", "413", "415"} <= set(found["patchTask"]["responses"])
    assert not {"400", "404"} & set(found["clearDefaultKanbanBoard"]["responses"])
    assert "404" in found["getFlowExecution"]["responses"]
    assert "409" in found["updateFlowTemplate"]["responses"]


def test_operations_are_named_for_people(schema: Any) -> None:
    start = operations(schema)["startFlowExecution"]
    assert (start["summary"], start["tags"]) == ("Start flow execution", ["Flow executions"])
    assert {tag for operation in operations(schema).values() for tag in operation["tags"]} >= {"Saved boards", "Entities"}


@pytest.mark.parametrize("operation_id", sorted(EXAMPLES))
def test_examples_are_what_the_schema_asks_for(schema: Any, operation_id: str) -> None:
    body = operations(schema)[operation_id]["requestBody"]["content"]["application/json"]
    # References are made absolute, so that they can be followed from any part of the schema.
    whole, part = (json.loads(json.dumps(each).replace('"#/', '"urn:api#/')) for each in (schema, body["schema"]))
    validator = OAS30Validator(part, registry=Registry().with_resource("urn:api", DRAFT4.create_resource(whole)))
    examples = body["examples"].values()
    assert len(examples) == len(EXAMPLES[operation_id])
    for example in examples:
        assert [error.message for error in validator.iter_errors(example["value"])] == []


@pytest.mark.parametrize(
    ("operation_id", "path", "status"),
    [
        ("createEntity", "/v1/entity/contact", 201),
        ("searchEntities", "/v1/entity:search", 200),
        ("createFlowTemplate", "/v2/flows/templates", 201),
        ("searchFlowTemplates", "/v2/flows/templates:search", 200),
        ("createClosingReason", "/v1/workflows/closing-reasons", 201),
        ("createKanbanBoard", "/v1/kanban/board", 200),
        ("executeFlowsQuery", "/v1/kanban/query/flows:execute", 200),
    ],
)
def test_examples_are_accepted(api: Client, operation_id: str, path: str, status: int) -> None:
    for example in EXAMPLES[operation_id]:
        assert api.post(path, example.value).status == status


def test_the_page_for_people_has_nothing_inline_and_nothing_foreign(db: None) -> None:
    answer = Browser().get("/api/docs")
    assert answer.status_code == 200
    html = answer.content.decode()
    assert 'data-schema="/api/schema"' in html
    assert "://" not in html
    assert "'unsafe-inline'" not in answer.headers["Content-Security-Policy"]


def test_what_automations_and_entities_answer_is_described(schema: Any) -> None:
    """Not as any object: each by the properties that it has."""
    bare = []
    for path, item in schema["paths"].items():
        for method in METHODS:
            for status, response in item.get(method, {}).get("responses", {}).items():
                body = response.get("content", {}).get("application/json", {}).get("schema")
                if path.startswith(("/v1/automation", "/v1/entity", "/v2/entity")) and body and "$ref" not in body:
                    bare.append((method, path, status))
    assert bare == []
    parts = schema["components"]["schemas"]
    assert {"_id", "_schema", "_title", "workflows"} <= set(parts["EntityAnswer"]["properties"])
    assert {"progress", "phases_in_progress", "task_status"} <= set(parts["WorkflowInEntity"]["properties"])
    assert {"execution_status", "actions", "resume_token"} <= set(parts["AutomationRunAnswer"]["properties"])
