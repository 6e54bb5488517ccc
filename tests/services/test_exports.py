"""A template as another system exports it loads as it is, and runs to its end along every path."""

from typing import Any

import pytest

from tests import exports, factories
from tests.api.client import Client
from tests.exports import AGAIN, ELSEWHERE, EXIT, OTHER, PURPOSE, WEST, key
from workflows.engine.errors import InvalidBranch
from workflows.engine.status import TaskStatus
from workflows.models import ActorKind, Execution
from workflows.permissions import Actor
from workflows.services.runs import record_run
from workflows.services.tasks import patch_task


class Work:
    """An execution of the export, worked by the names of its tasks."""

    def __init__(self, actor: Actor, execution: Execution) -> None:
        self.actor = actor
        self.execution = execution

    @property
    def current(self) -> list[str]:
        names = {key(task["name"]): task["name"] for task in exports.heat_pump()["tasks"]}
        return [names[node] for node in factories.current(self.execution)]

    @property
    def status(self) -> str:
        return Execution.objects.values_list("status", flat=True).get(pk=self.execution.pk)

    def run(self, name: str) -> "Work":
        system = Actor(self.actor.organisation, ActorKind.SYSTEM)
        task = factories.task_of(self.execution, key(name))
        record_run(system, self.execution.id, task.id, TaskStatus.COMPLETED)
        return self

    def complete(self, name: str, branch: str | None = None) -> "Work":
        patch: Any = {"status": "COMPLETED"} | ({"next_condition_id": branch} if branch else {})
        patch_task(self.actor, self.execution.id, factories.task_of(self.execution, key(name)).id, patch)
        return self


@pytest.fixture
def begin(actor: Actor) -> Any:
    def _begin(**attributes: Any) -> Work:
        return Work(actor, factories.start(actor, exports.heat_pump(), **attributes))

    return _begin


def test_it_is_stored_and_returned_as_it_was_sent(api: Client, actor: Actor) -> None:
    data = exports.heat_pump()
    answer = api.post("/v2/flows/templates", data)
    assert answer.status == 201
    returned = api.get(f"/v2/flows/templates/{answer.json['id']}").json
    assert {name: returned[name] for name in data if name != "closing_reasons"} == {
        name: value for name, value in data.items() if name != "closing_reasons"
    }


def test_the_west_with_a_rented_house_ends_without_the_map(begin: Any) -> None:
    work = begin(housing="rented")
    assert work.current == ["welcome"]
    work.run("welcome").complete("call").complete("where", WEST)
    assert work.current == ["visit"]
    work.complete("visit")
    assert work.current == ["mail"]
    work.run("mail")
    assert work.current == ["file"]
    assert work.complete("file").status == "DONE"


def test_elsewhere_with_a_house_of_ones_own_maps_its_data(begin: Any) -> None:
    work = begin(housing="owned").run("welcome").complete("call").complete("where", ELSEWHERE)
    assert work.current == ["offer"]
    work.complete("offer").run("mail")
    assert work.current == ["map"]
    work.run("map")
    assert work.current == ["file"]
    assert work.complete("file").status == "DONE"


def test_the_loop_is_left_after_three_calls_again(begin: Any) -> None:
    work = begin(housing="rented").run("welcome")
    for _ in range(3):
        work.complete("call").complete("where", AGAIN)
        assert work.current == ["call"]
    with pytest.raises(InvalidBranch):
        work.complete("call").complete("where", AGAIN)
    work.complete("where", EXIT)
    assert work.current == ["letter"]
    assert work.complete("letter").run("mail").complete("file").status == "DONE"


def test_cut_down_to_a_purpose_the_phase_check_is_bridged(api: Client, actor: Actor) -> None:
    entity = factories.make_entity(actor)
    template = factories.make_template(actor, exports.heat_pump())
    body = {
        "flow_template_id": template.id,
        "contexts": [{"entity_id": str(entity.id), "entity_schema": "contact"}],
        "purposes": [PURPOSE],
    }
    flow = api.post("/v2/flows/executions", body).json
    assert [phase["name"] for phase in flow["phases"]] == ["Clarify", "Close"]
    assert "housing" not in [task["name"] for task in flow["tasks"]]
    work = Work(actor, Execution.objects.get(pk=flow["id"]))
    work.run("welcome").complete("call").complete("where", WEST).complete("visit").run("mail")
    assert work.current == ["file"]
    assert work.complete("file").status == "DONE"
    assert api.get(f"/v2/flows/executions/{flow['id']}").json["status"] == "DONE"


def test_cut_down_to_the_other_purpose_it_begins_after_the_phase_clarify(actor: Actor, begin: Any) -> None:
    flow = factories.start(actor, exports.heat_pump(), purposes=[OTHER], housing="rented")
    work = Work(actor, flow).run("welcome")
    assert work.current == ["mail"]
    assert work.run("mail").complete("file").status == "DONE"
