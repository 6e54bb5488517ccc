"""Automations that begin when an entity changes: which do, with what, and where circles end."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.dump import dump
from workflows import jobs
from workflows.models import AutomationExecution, AutomationFlow, Entity, Job, JobState, Organisation
from workflows.permissions import Actor
from workflows.services.automation_flows import create_automation, delete_automation
from workflows.services.automation_starts import HOT_RUNS_OF_ENTITY
from workflows.services.entities import create_entity, delete_entity, patch_entity, replace_entity
from workflows.services.errors import InvalidInput
from workflows.services.templates import create_template

START = "start_automation"


def design(*actions: dict[str, Any], **configuration: Any) -> dict[str, Any]:
    trigger = {"type": "entity_operation", "configuration": {"schema": "contact"} | configuration}
    return factories.automation(*(actions or [factories.set_city()]), triggers=[trigger])


def listen(actor: Actor, *actions: dict[str, Any], **configuration: Any) -> AutomationFlow:
    return create_automation(actor, design(*actions, **configuration))[0]


def waiting() -> list[dict[str, Any]]:
    return [job.payload for job in Job.objects.filter(kind=START, state=JobState.READY).order_by("id")]


def work_all() -> None:
    """Do what is due, and what comes of it, until nothing is left."""
    while ids := list(Job.objects.filter(state=JobState.READY).order_by("id").values_list("id", flat=True)):
        for job_id in ids:
            jobs.run_job(str(job_id))


@pytest.fixture
def contact(actor: Actor) -> Entity:
    return create_entity(actor, "contact", {"name": "Ada", "status": "open"})


class TestOperations:
    def test_each_starts_the_flows_that_ask_for_it(self, actor: Actor) -> None:
        flows = {name: str(listen(actor, operations=[name]).id) for name in ("createEntity", "updateEntity", "softDeleteEntity")}
        entity = create_entity(actor, "contact", {"name": "Ada"})
        patch_entity(actor, "contact", entity.id, {"name": "Berta"})
        replace_entity(actor, "contact", entity.id, {"name": "Carla"})
        delete_entity(actor, "contact", entity.id)
        told = [(job["flow_id"], job["event"]["operation_type"], job["entity_id"]) for job in waiting()]
        operations = ["createEntity", "updateEntity", "updateEntity", "softDeleteEntity"]
        assert told == [(flows[name], name, str(entity.id)) for name in operations]

    def test_the_run_is_about_the_entity_and_does_its_actions(self, actor: Actor) -> None:
        flow = listen(actor, operations=["createEntity"])
        entity = create_entity(actor, "contact", {"name": "Ada"})
        work_all()
        run = AutomationExecution.objects.get()
        assert (run.flow_id, run.entity_id, run.status) == (flow.id, entity.id, "success")
        assert run.trigger_event["type"] == "entity_operation"
        assert run.trigger_event["operation_type"] == "createEntity"
        entity.refresh_from_db()
        assert entity.attributes["city"] == "Bonn"

    def test_a_run_begun_by_a_deletion_may_read_what_was_deleted(self, actor: Actor, contact: Entity) -> None:
        copy = [{"target": "name", "operation": {"_copy": "name"}}]
        action = {"type": "map-entity", "config": {"target_schema": "farewell", "mapping_attributes": copy}}
        listen(actor, action, operations=["softDeleteEntity"])
        delete_entity(actor, "contact", contact.id)
        work_all()
        assert AutomationExecution.objects.get().status == "success"
        assert Entity.objects.get(schema="farewell").attributes == {"name": "Ada"}

    def test_what_is_removed_for_good_starts_nothing(self, actor: Actor, contact: Entity) -> None:
        listen(actor)
        delete_entity(actor, "contact", contact.id, purge=True)
        assert waiting() == []

    def test_a_patch_that_changes_nothing_starts_nothing(self, actor: Actor, contact: Entity) -> None:
        listen(actor)
        patch_entity(actor, "contact", contact.id, {"status": "open"})
        assert waiting() == []

    def test_a_change_that_is_refused_leaves_no_job(self, actor: Actor, contact: Entity) -> None:
        listen(actor)
        before = dump()
        with pytest.raises(InvalidInput):
            patch_entity(actor, "contact", contact.id, {"status": "done", "_title": 3})
        assert dump() == before


class TestFilters:
    @pytest.mark.parametrize(
        "configuration",
        [
            {"filter_config": {"operation": {"payload": {"_schema": ["contact"], "status": ["placed"]}}}},
            {"filter_config": {"operation": {"diff": {"updated": {"status": ["open"]}}}}},
            {"filter_config": {"operation": {"diff": {"$or": [{"updated.x": [1]}, {"updated.status": [{"exists": True}]}]}}}},
            {"filter_config": {"operation": {"diff": {"added": {"place": ["here"]}, "deleted": {"name": ["Ada"]}}}}},
            {"filter_config": {"activity": {"type": ["EntityUpdated"]}}},
            {"include_activities": ["EntityUpdated"]},
            {"exclude_activities": ["SyncEntity"]},
            {"operations": ["createEntity", "updateEntity"]},
            {"schema": None},
        ],
    )
    def test_what_they_ask_for_starts_the_flow(self, actor: Actor, contact: Entity, configuration: Any) -> None:
        listen(actor, **configuration)
        replace_entity(actor, "contact", contact.id, {"status": "placed", "place": "here"})
        assert len(waiting()) == 1

    @pytest.mark.parametrize(
        "configuration",
        [
            {"schema": "account"},
            {"operations": ["createEntity"]},
            {"operations": "updateEntity"},
            {"filter_config": {"operation": {"operation": ["createEntity"]}}},
            {"filter_config": {"operation": {"payload": {"status": ["open"]}}}},
            {"filter_config": {"operation": {"diff": {"updated": {"name": [{"exists": True}]}}}}},
            {"filter_config": {"activity": {"type": ["EntityUpdatedFromPortal"]}}},
            {"filter_config": {"something": ["else"]}},
            {"filter_config": ["no", "filter"]},
            {"include_activities": ["SyncEntity"]},
            {"exclude_activities": ["EntityUpdated"]},
            {"ecp_config": {"origin": "END_CUSTOMER_PORTAL"}},
        ],
    )
    def test_what_they_do_not_ask_for_does_not(self, actor: Actor, contact: Entity, configuration: Any) -> None:
        listen(actor, **configuration)
        replace_entity(actor, "contact", contact.id, {"status": "placed", "place": "here"})
        assert waiting() == []

    def test_neither_do_disabled_and_deleted_flows_nor_those_of_others(self, actor: Actor, contact: Entity) -> None:
        create_automation(actor, design() | {"enabled": False})
        delete_automation(actor, listen(actor).id)
        other = Organisation.objects.create(slug="elsewhere", name="Elsewhere")
        listen(Actor(other, actor.kind, actor.id, actor.role))
        patch_entity(actor, "contact", contact.id, {"status": "placed"})
        assert waiting() == []

    def test_a_flow_that_is_deleted_before_its_job_is_done_starts_no_run(self, actor: Actor, contact: Entity) -> None:
        flow = listen(actor)
        patch_entity(actor, "contact", contact.id, {"status": "placed"})
        delete_automation(actor, flow.id)
        work_all()
        assert not AutomationExecution.objects.exists()
        assert Job.objects.get(kind=START).state == JobState.DONE


class TestCircles:
    def test_a_flow_is_not_started_by_its_own_changes(self, actor: Actor, contact: Entity) -> None:
        append = {"target": "notes", "operation": {"_append": "seen"}}
        note = {"type": "map-entity", "config": {"target_schema": "contact", "mapping_attributes": [append]}}
        listen(actor, note)
        listen(actor, note)
        patch_entity(actor, "contact", contact.id, {"status": "placed"})
        work_all()
        # Either starts the other once: two chains of two.
        assert AutomationExecution.objects.count() == 4
        assert Entity.objects.get().attributes["notes"] == ["seen"] * 4

    def test_nor_by_what_a_flow_writes_that_it_has_started(self, actor: Actor, contact: Entity) -> None:
        rule = {
            "trigger": {"event": "FlowStarted"},
            "value": {"source": "custom_value", "value": "yes"},
            "target": {"entitySchema": "contact", "entityAttribute": "started"},
        }
        template = create_template(actor, factories.sequence(2, entity_sync=[rule]))
        listen(actor, {"type": "trigger-workflow", "config": {"target_workflow": template.id}})
        patch_entity(actor, "contact", contact.id, {"status": "placed"})
        work_all()
        assert Entity.objects.get().attributes["started"] == "yes"
        assert AutomationExecution.objects.count() == 1

    def test_a_flow_that_runs_hot_is_switched_off(self, actor: Actor, contact: Entity) -> None:
        flow = listen(actor)
        for number in range(HOT_RUNS_OF_ENTITY + 2):
            patch_entity(actor, "contact", contact.id, {"status": str(number)})
        work_all()
        flow.refresh_from_db()
        assert not flow.enabled
        assert AutomationExecution.objects.filter(status="hot").count() == 1


def test_a_change_asks_as_much_of_the_database_for_thirty_flows_as_for_one(actor: Actor, contact: Entity) -> None:
    counts = []
    for number in range(30):
        listen(actor)
        if number in (0, 29):
            with CaptureQueriesContext(connection) as asked:
                patch_entity(actor, "contact", contact.id, {"status": str(number)})
            counts.append(len(asked))
    assert counts[0] == counts[1]
    assert len(waiting()) == 31
