"""What tests of automations share: an entity, a way to run a list of actions, and an outside that answers."""

from collections.abc import Callable
from typing import Any

import pytest

from tests import factories
from workflows.models import AutomationExecution, Entity
from workflows.permissions import Actor
from workflows.services.automation_flows import create_automation
from workflows.services.automation_starts import RunRequest, start_automation

Runner = Callable[..., AutomationExecution]


@pytest.fixture
def entity(actor: Actor) -> Entity:
    return factories.make_entity(actor, email="ada@mail.example", city="Köln", steps=[{"price": 7}])


@pytest.fixture
def run(actor: Actor, entity: Entity) -> Runner:
    """Start a flow of these actions about the entity, and do its jobs."""

    def start(*actions: dict[str, Any], work: bool = True, **fields: Any) -> AutomationExecution:
        flow, _ = create_automation(actor, factories.automation(*actions, **fields))
        execution = start_automation(actor, RunRequest(flow.id, entity.id))
        if work:
            factories.run_jobs()
            execution.refresh_from_db()
        return execution

    return start


def statuses(execution: AutomationExecution) -> list[str]:
    return list(execution.actions.order_by("position").values_list("status", flat=True))


def errors(execution: AutomationExecution) -> list[str]:
    """What failed actions say, as `CODE: reason`."""
    found = execution.actions.order_by("position").values_list("error", flat=True)
    return [f"{error['error_code']}: {error['error_reason']}" for error in found if error]
