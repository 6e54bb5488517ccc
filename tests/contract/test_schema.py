"""Our own OpenAPI document against the public ones: every operation and property of workflow.json and workflow-definition.json, with
its type and its words.

What differs stands with its reason in differences.json; a difference without a reason fails, and so does a reason without a difference.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from drf_spectacular.generators import SchemaGenerator

HERE = Path(__file__).parent
DEFINITIONS = HERE / "node_modules" / "@epilot" / "sdk" / "definitions"
REASONS: dict[str, str] = json.loads((HERE / "differences.json").read_text())
METHODS = ("get", "post", "put", "patch", "delete")

Json = dict[str, Any]


class Fact:
    """What a document says of one place: which types and which words it may have."""

    def __init__(self) -> None:
        self.types: set[str] = set()
        self.words: set[str] = set()
        self.has_words = True

    def add(self, schema: Json) -> None:
        if schema.get("type"):
            self.types.add(schema["type"])
        elif schema.get("enum"):
            self.types.add("string")
        if schema.get("enum"):
            self.words |= {str(word) for word in schema["enum"] if word not in (None, "")}
        elif schema.get("type"):
            self.has_words = False

    def says(self) -> str:
        words = f" of {', '.join(sorted(self.words))}" if self.words and self.has_words else ""
        return "/".join(sorted(self.types)) + words


def facts(document: Json, schema: Json) -> dict[str, Fact]:
    """Return what is said of each property, by its path; what may be one of several shapes is all of them."""
    found: dict[str, Fact] = {}
    _collect(document, schema, "", found, ())
    return found


def _collect(document: Json, schema: Json, path: str, found: dict[str, Fact], seen: tuple[str, ...]) -> None:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        if name.endswith(("NullEnum", "BlankEnum")):
            return
        if seen.count(name) < 2:
            _collect(document, document["components"]["schemas"][name], path, found, (*seen, name))
        return
    parts = [part for kind in ("allOf", "anyOf", "oneOf") for part in schema.get(kind, ())]
    for part in parts:
        _collect(document, part, path, found, seen)
    if schema.get("type") or schema.get("enum"):
        found.setdefault(path, Fact()).add(schema)
    for name, inner in schema.get("properties", {}).items():
        _collect(document, inner, f"{path}.{name}" if path else name, found, seen)
    if "items" in schema:
        _collect(document, schema["items"], f"{path}[]", found, seen)


@cache
def public(name: str) -> Json:
    document: Json = json.loads((DEFINITIONS / f"{name}.json").read_text())
    return document


@cache
def ours() -> Json:
    document: Json = SchemaGenerator().get_schema(request=None, public=True)
    return document


def operations(document: Json) -> dict[str, tuple[str, str, Json]]:
    """Return the operations by their ids, each with its method and address, and with the parameters of its address."""
    result = {}
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                shared = item.get("parameters", [])
                merged = item[method] | {"parameters": [*shared, *item[method].get("parameters", [])]}
                result[merged["operationId"]] = (method, path, merged)
    return result


def body_of(content: Json) -> Json | None:
    found: Json | None = content.get("content", {}).get("application/json", {}).get("schema")
    return found


def parameter_facts(document: Json, operation: Json) -> dict[str, str]:
    result = {}
    named = document["components"].get("parameters", {})
    for given in operation["parameters"]:
        parameter = named[given["$ref"].rsplit("/", 1)[-1]] if "$ref" in given else given
        schema = parameter["schema"]
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
        result[f"{parameter['in']} {parameter['name']}"] = schema.get("type", "")
    return result


def differences(name: str) -> Iterator[tuple[str, str]]:
    """Yield where our document says less or something else than the public one: the place, and what the two say."""
    theirs, own = public(name), ours()
    here = operations(own)
    for key, (method, path, operation) in operations(theirs).items():
        if key not in here:
            yield key, f"{method} {path} is not served"
            continue
        our_method, our_path, mine = here[key]
        if (method, path) != (our_method, our_path):
            yield f"{key} address", f"{method} {path}, ours {our_method} {our_path}"
        known = parameter_facts(own, mine)
        for parameter, kind in parameter_facts(theirs, operation).items():
            if known.get(parameter) != kind:
                yield f"{key} {parameter}", f"{kind}, ours {known.get(parameter)}"
        yield from _compare(theirs, own, f"{key} request", operation.get("requestBody", {}), mine.get("requestBody", {}))
        for status, response in operation["responses"].items():
            if status not in mine["responses"]:
                yield f"{key} {status}", "is not documented by us"
                continue
            yield from _compare(theirs, own, f"{key} {status}", response, mine["responses"][status])


def _compare(theirs: Json, own: Json, place: str, wanted: Json, given: Json) -> Iterator[tuple[str, str]]:
    schema = body_of(wanted)
    if schema is None:
        return
    mine = facts(own, body_of(given) or {})
    for path, fact in facts(theirs, schema).items():
        found = mine.get(path)
        if found is None:
            yield f"{place} {path}", f"{fact.says()}, ours missing"
        elif found.says() != fact.says():
            yield f"{place} {path}", f"{fact.says()}, ours {found.says()}"


def reason_for(place: str) -> str | None:
    """A reason is kept under the place itself, or under a property when it is the same wherever that occurs, with all that it holds."""
    return next((key for key in REASONS if re.search(rf"(?:^|[ .]){re.escape(key)}(?:$|[.\[])", place)), None)


def test_each_operation_and_property_is_described_as_the_contract_has_it() -> None:
    found = dict(differences("workflow")) | dict(differences("workflow-definition"))
    for place, what in found.items():
        print(f"{place}: {what}" + (f"  [{REASONS[reason]}]" if (reason := reason_for(place)) else ""))
    assert {place: what for place, what in found.items() if reason_for(place) is None} == {}
    used = {reason_for(place) for place in found}
    assert set(REASONS) - used == set()


def test_the_comparison_can_fail() -> None:
    theirs = {
        "type": "object",
        "properties": {"a": {"type": "string", "enum": ["x", "y"]}, "b": {"type": "array", "items": {"type": "number"}}},
    }
    same = facts({}, theirs)
    assert {path: fact.says() for path, fact in same.items()} == {
        "": "object",
        "a": "string of x, y",
        "b": "array",
        "b[]": "number",
    }
    narrower = {
        "type": "object",
        "properties": {"a": {"type": "string", "enum": ["x"]}, "b": {"type": "array", "items": {"type": "string"}}},
    }
    wrong = dict(
        _compare(
            {},
            {},
            "op",
            {"content": {"application/json": {"schema": theirs}}},
            {"content": {"application/json": {"schema": narrower}}},
        )
    )
    assert set(wrong) == {"op a", "op b[]"}


def test_the_document_counts_all_operations_of_the_contract() -> None:
    assert len(operations(public("workflow"))) == 25
