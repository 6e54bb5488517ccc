"""Reading many rows in one prepared statement gives what the ORM would."""

import pytest
from django.db import models

from tests import factories
from workflows.models import Assignment, ContextRef, Execution, Phase, Task
from workflows.models.rows import select_rows
from workflows.permissions import Actor

pytestmark = pytest.mark.django_db


def values(rows: list[models.Model]) -> list[dict[str, object]]:
    return [{field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields} for row in rows]


@pytest.mark.parametrize("model", [Assignment, ContextRef, Phase, Task])
def test_rows_are_as_the_orm_reads_them(actor: Actor, model: type[models.Model]) -> None:
    flow = factories.sequence(4)
    flow["tasks"][0] |= {"assigned_to": [actor.id], "due_date": "2026-12-24"}
    execution = factories.start(actor, flow)

    found = select_rows(model, "position", execution=execution.id)

    assert found
    assert values(found) == values(list(model._default_manager.filter(execution=execution).order_by("position")))


def test_nothing_else_is_found(actor: Actor) -> None:
    execution = factories.start(actor)
    factories.start(actor)

    assert select_rows(Execution, lock=True, id=execution.id, deleted_at=None) == [execution]
    assert select_rows(Execution, lock=True, id=execution.id, organisation=actor.organisation.pk + 1) == []
