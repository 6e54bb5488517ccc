"""Variable assignees over REST: filled at the start, and again on entry while they are empty."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.api.client import Client
from tests.api.test_executions import PATH, statements
from tests.api.test_tasks import path_of
from workflows.models import ContextRef, Entity, Event, Execution, Phase
from workflows.permissions import Actor
from workflows.services.entities import patch_entity

OWNER = {"variable": "{{entity.owner}}"}


def assigned() -> dict[str, Any]:
    """Variables on the execution, on the second phase and on its first task."""
    data = factories.sequence(4, assigned_to=[OWNER])
    data["phases"][1]["assigned_to"] = ["u1", OWNER]
    data["tasks"][2]["assigned_to"] = [OWNER, "u2"]
    return data


def set_owner(actor: Actor, execution: Execution, owner: Any) -> None:
    entity = Entity.objects.get(pk=ContextRef.objects.get(execution_id=execution.id).entity_id)
    patch_entity(actor, "contact", entity.id, {"owner": owner})


def shown(api: Client, execution: Execution) -> tuple[Any, Any, Any]:
    flow = api.get(f"{PATH}/{execution.id}").json
    return flow["assigned_to"], flow["phases"][1]["assigned_to"], flow["tasks"][2]["assigned_to"]


def filled(*values: str) -> dict[str, Any]:
    return OWNER | {"value": list(values)}


def test_are_filled_at_the_start(api: Client, actor: Actor) -> None:
    execution = factories.start(actor, assigned(), owner=["7", "8"])
    both = filled("7", "8")
    assert shown(api, execution) == ([both], ["u1", both], [both, "u2"])


def test_stay_with_nobody_while_the_entity_has_none(api: Client, actor: Actor) -> None:
    execution = factories.start(actor, assigned())
    assert shown(api, execution) == ([filled()], ["u1", filled()], [filled(), "u2"])


def test_are_filled_when_the_flow_comes_to_the_task(api: Client, actor: Actor) -> None:
    execution = factories.start(actor, assigned())
    set_owner(actor, execution, "7")
    api.patch(path_of(execution, "t1"), {"status": "COMPLETED"})
    assert shown(api, execution) == ([filled("7")], ["u1", filled()], [filled(), "u2"])
    with CaptureQueriesContext(connection) as captured:
        api.patch(path_of(execution, "t2"), {"status": "COMPLETED"})
    assert shown(api, execution) == ([filled("7")], ["u1", filled("7")], [filled("7"), "u2"])
    assert len([sql for sql in statements(captured) if "apitoken" not in sql]) - 1 <= 12  # one of them finds the path
    actions = Event.objects.filter(action__endswith="assigned").order_by("seq").values_list("action", flat=True)
    assert sorted(actions) == ["execution.assigned", "phase.assigned", "task.assigned"]


def test_once_filled_they_stay_whatever_becomes_of_the_entity(api: Client, actor: Actor) -> None:
    execution = factories.start(actor, assigned(), owner="7")
    set_owner(actor, execution, "8")
    for key in ("t1", "t2"):
        api.patch(path_of(execution, key), {"status": "COMPLETED"})
    assert shown(api, execution) == ([filled("7")], ["u1", filled("7")], [filled("7"), "u2"])


def test_set_by_hand_they_are_filled_at_once(api: Client, actor: Actor) -> None:
    execution = factories.start(actor, owner="7")
    phase = Phase.objects.get(execution_id=execution.id, template_id="two")
    for path in (path_of(execution, "t3"), f"{PATH}/{execution.id}/phases/{phase.id}", f"{PATH}/{execution.id}"):
        assert api.patch(path, {"assigned_to": [OWNER, "u3"]}).json["assigned_to"] == [filled("7"), "u3"]


def test_sent_back_as_they_are_they_change_nothing(api: Client, actor: Actor) -> None:
    execution = factories.start(actor, assigned())
    version = Execution.objects.get().version
    stored = api.get(f"{PATH}/{execution.id}").json["tasks"][2]["assigned_to"]
    assert api.patch(path_of(execution, "t3"), {"assigned_to": stored}).json["assigned_to"] == stored
    assert Execution.objects.get().version == version


@pytest.mark.parametrize("entry", [{"variable": 7}, {"value": ["u"]}, {"variable": "{{entity.owner}}", "value": "u"}, 7])
def test_what_is_none_is_refused(api: Client, actor: Actor, entry: Any) -> None:
    execution = factories.start(actor)
    answer = api.patch(path_of(execution, "t1"), {"assigned_to": [entry]})
    assert answer.status == 400
    assert answer.message.startswith("assigned_to")
