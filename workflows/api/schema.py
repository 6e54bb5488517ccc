"""What the schema of `GET /api/schema` cannot read from the code by itself."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension

from workflows.engine.due_dates import Anchor, Unit


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """API tokens."""

    target_class = "workflows.api.auth.TokenAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A token of `manage.py createtoken ORG --name NAME`"}


class AssigneeSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """A plain id, or a variable with what it stands for."""

    target_class = "workflows.api.fields.Assignee"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        variable = {
            "type": "object",
            "properties": {"variable": {"type": "string"}, "value": {"type": "array", "items": {"type": "string"}}},
            "required": ["variable"],
        }
        return {"anyOf": [{"type": "string"}, variable]}


class DueDateRuleSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """A due date that counts from an event."""

    target_class = "workflows.api.fields.DueDateRule"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        properties: dict[str, Any] = {
            "duration": {"type": "number"},
            "unit": {"type": "string", "enum": [str(unit) for unit in Unit]},
            "type": {"type": "string", "enum": [str(anchor) for anchor in Anchor]},
            "task_id": {"type": "string"},
            "phase_id": {"type": "string"},
        }
        return {"type": "object", "properties": properties, "required": ["duration", "unit", "type"]}


class FlowItemSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """A section or a step of a definition."""

    target_class = "workflows.api.definitions.serializers.FlowItem"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        from workflows.api.definitions.serializers import LinearSection, LinearStep  # noqa: PLC0415 - models are not loaded yet

        return {"anyOf": [auto_schema.resolve_serializer(item, direction).ref for item in (LinearSection, LinearStep)]}


# Names of parts of addresses: ours say what a thing is, the contract's are its own.
CONTRACT_NAMES = {
    "/v1/workflows/executions": {"execution_id": "executionId", "task_id": "stepId"},
    "/v1/workflows/definitions": {"template_id": "definitionId"},
    "/v2/flows/templates": {"template_id": "flowId"},
    "/v1/workflows/closing-reasons": {"reason_id": "reasonId"},
    "/v2/workflows/closing-reasons": {"reason_id": "reasonId"},
    "/v1/entity": {"schema": "slug", "entity_id": "id"},
    "/v2/entity": {"schema": "slug", "entity_id": "id"},
    "/v1/kanban": {"board_id": "boardId"},
}


def use_contract_names(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Give the parts of addresses the contract's names."""
    paths: dict[str, Any] = {}
    for path, item in result["paths"].items():
        names = next((names for prefix, names in CONTRACT_NAMES.items() if path.startswith(prefix)), {})
        for operation in item.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path":
                    parameter["name"] = names.get(parameter["name"], parameter["name"])
        paths[_rename(path, names)] = item
    result["paths"] = paths
    return result


def _rename(path: str, names: Mapping[str, str]) -> str:
    for old, new in names.items():
        path = path.replace(f"{{{old}}}", f"{{{new}}}")
    return path


def allow_overlap(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Say "any of" for parts of several shapes: without a field that tells them apart, one value may fit two."""
    for schema in result["components"]["schemas"].values():
        if "oneOf" in schema and "discriminator" not in schema:
            schema["anyOf"] = schema.pop("oneOf")
    return result
