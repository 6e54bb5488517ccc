"""Requests made from our own schema, and what an answer may be, whoever asks. A case is done with each of three credentials.

Ids that exist and the schema's own examples are put into half of the cases, so that they get further than "not found".
What an owner's request does is undone, so that every case meets the same world; those of others must have done nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode

from config.wsgi import application
from tests import factories
from tests.dump import dump
from workflows.api.examples import EXAMPLES
from workflows.models import Organisation, Role, Task
from workflows.permissions import Actor
from workflows.services.boards import create_board
from workflows.services.closing_reasons import create_closing_reason
from workflows.services.tokens import create_token

NONE, VIEWER, OWNER = "", "viewer", "owner"


@cache
def load() -> Any:
    """Return our schema as schemathesis sees it, on the application in this process."""
    schema = schemathesis.openapi.from_dict(SchemaGenerator().get_schema(request=None, public=True))
    schema.app = application
    return schema


def operation_ids() -> list[str]:
    return sorted(found.ok().definition.raw["operationId"] for found in load().get_all_operations())


@dataclass(frozen=True, slots=True)
class World:
    """Tokens by role, and ids that exist by the names that paths and bodies have for them."""

    tokens: dict[str, str]
    ids: dict[str, str]


def build_world(organisation: Organisation, actor: Actor) -> World:
    reason = create_closing_reason(actor, "Moved away")
    data = factories.choice(closing_reasons=[{"id": reason.id}], phases=[{"id": "one", "name": "First"}])
    data["tasks"][0]["phase_id"] = "one"
    execution = factories.start(actor, data)
    board = create_board(actor, {"title": "Shared", "config": {}, "shared_with_org": True})
    entity = execution.contexts.get()
    tasks = Task.objects.filter(execution=execution).order_by("position")
    phase = execution.phases.get()
    ids = {
        "execution_id": str(execution.id),
        "task_id": str(tasks[0].id),
        "phase_id": str(phase.id),
        "definition_id": execution.template_id,
        "flow_template_id": execution.template_id,
        "definitionId": execution.template_id,
        "flowId": execution.template_id,
        "executionId": str(execution.id),
        "stepId": str(tasks[0].id),
        "sectionId": str(phase.id),
        "reasonId": reason.id,
        "boardId": board.id,
        "id": str(entity.entity_id),
        "slug": "contact",
        "entity_schema": "contact",
        "entity_id": str(entity.entity_id),
        "previous_task_id": str(tasks[0].id),
        "next_task_id": str(tasks[1].id),
        "next_condition_id": "c-yes",
        "attribute": "name",
    }
    tokens = {role: create_token(organisation, role, role)[1] for role in (Role.OWNER, Role.VIEWER)}
    return World({NONE: "", VIEWER: tokens[Role.VIEWER], OWNER: tokens[Role.OWNER]}, ids)


def name_what_exists(value: Any, ids: dict[str, str]) -> Any:
    """Put ids that exist into a body, wherever it names such a thing by a text."""
    if isinstance(value, dict):
        return {
            key: ids[key] if key in ids and isinstance(item, str) else name_what_exists(item, ids) for key, item in value.items()
        }
    return [name_what_exists(item, ids) for item in value] if isinstance(value, list) else value


def examples_of(operation_id: str) -> list[Any]:
    return [example.value for example in EXAMPLES.get(operation_id, ())]


def run_cases(operation_id: str, world: World, number: int) -> int:
    """Do `number` generated cases of an operation with every credential; return how many requests that were."""
    operation = load().find_operation_by_id(operation_id)
    done = 0
    cases = st.one_of(operation.as_strategy(generation_mode=mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE))

    # A number makes each case another one, also where a request has nothing that could differ.
    @given(case=cases, existing=st.booleans(), example=st.sampled_from([None, *examples_of(operation_id)]), number=st.integers())
    @settings(
        max_examples=number,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def run(case: Any, existing: bool, example: Any, number: int) -> None:
        nonlocal done
        if example is not None:
            case.body = example
        if existing:
            case.path_parameters = {name: world.ids.get(name, value) for name, value in (case.path_parameters or {}).items()}
            case.query = {name: world.ids.get(name, value) for name, value in (case.query or {}).items()}
            case.body = name_what_exists(case.body, world.ids)
        for role, token in world.tokens.items():
            check(operation_id, case, role, token)
            done += 1

    before = what_is_kept()
    run()
    assert what_is_kept() == before, f"{operation_id} was done without a right to it"
    return done


def what_is_kept() -> dict[str, Any]:
    """Everything but the answers that are kept for those who ask the same again."""
    return {label: rows for label, rows in dump().items() if label != "workflows.IdempotencyKey"}


def check(operation_id: str, case: Any, role: str, token: str) -> None:
    """Send a case."""
    headers = {name: value for name, value in (case.headers or {}).items() if name.lower() != "authorization"}
    case.headers = headers | ({"Authorization": f"Bearer {token}"} if token else {})
    with transaction.atomic(), kept_connection():
        answer = case.call()
        transaction.set_rollback(role == OWNER)
    told = f"{operation_id} as {role or 'nobody'}: {answer.status_code} {answer.content[:300]!r}\n{case.as_curl_command()}"
    assert answer.status_code < 500, told
    assert str(answer.status_code) in case.operation.definition.raw["responses"], told
    if role == NONE and case.operation.definition.raw.get("security"):
        assert answer.status_code == 401, told
    if answer.status_code >= 400:
        assert list(answer.json()) == ["message"], told
    # The contract has 200 with an empty body for executions of the older dialect that are not found.
    if answer.content:
        case.validate_response(answer, checks=[matches_schema])


@contextmanager
def kept_connection() -> Iterator[None]:
    """The end of a request would close the connection whose transaction the test holds."""
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    try:
        yield
    finally:
        request_started.connect(close_old_connections)
        request_finished.connect(close_old_connections)


def matches_schema(context: Any, response: Any, case: Any) -> bool | None:
    from schemathesis.specs.openapi.checks import response_schema_conformance

    return response_schema_conformance(context, response, case)
