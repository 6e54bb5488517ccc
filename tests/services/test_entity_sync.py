"""entity_sync: what a step plans, and what its job writes."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from tests import factories
from workflows.jobs import run_job
from workflows.models import Entity, Event, Execution, Job, JobState, Phase
from workflows.permissions import Actor
from workflows.services.entities import create_entity, delete_entity
from workflows.services.executions import (
    Context,
    StartRequest,
    delete_execution,
    patch_execution,
    start_execution,
)
from workflows.services.phases import patch_phase
from workflows.services.sync_writes import write_entities
from workflows.services.tasks import patch_task

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)


def rule(event: str, source: str = "custom_value", attribute: str = "seen", schema: str = "contact", **fields: Any) -> Any:
    """A rule; `value` and `filter` as they are, a custom value by default names the event."""
    trigger = {"event": event} | ({"filter": fields["filter"]} if "filter" in fields else {})
    value = {"source": source} | ({"value": fields.get("value", event)} if source == "custom_value" else {})
    return {"trigger": trigger, "value": value, "target": {"entitySchema": schema, "entityAttribute": attribute}}


def begin(actor: Actor, *rules: Any, **fields: Any) -> Execution:
    return factories.start(actor, factories.sequence(4, entity_sync=list(rules), **fields))


def work() -> None:
    for job in Job.objects.filter(kind="sync_entities", state=JobState.READY).order_by("created_at", "id"):
        run_job(str(job.pk))


def change(actor: Actor, execution: Execution, key: str, **patch: Any) -> None:
    patch_task(actor, execution.id, factories.task_of(execution, key).id, patch)  # type: ignore[arg-type]


def seen() -> Any:
    work()
    return Entity.objects.filter(schema="contact").order_by("created_at").first().attributes.get("seen")


class TestEvents:
    def test_of_the_flow(self, actor: Actor) -> None:
        events = "FlowStarted FlowAssigned FlowDueDateChanged FlowContextsChanged FlowCancelled FlowReopened FlowCompleted"
        execution = begin(actor, *map(rule, events.split()))
        assert seen() == "FlowStarted"
        other = Entity.objects.get()
        second = factories.make_entity(actor)
        contexts = [Context(str(other.id), "contact", True), Context(str(second.id), "contact")]
        patches: list[tuple[dict[str, Any], str]] = [
            ({"assigned_to": ["u1"]}, "FlowAssigned"),
            ({"due_date": "2026-05-01"}, "FlowDueDateChanged"),
            ({"contexts": contexts}, "FlowContextsChanged"),
            ({"status": "CLOSED"}, "FlowCancelled"),
            ({"status": "STARTED"}, "FlowReopened"),
        ]
        for patch, event in patches:
            patch_execution(actor, execution.id, patch)  # type: ignore[arg-type]
            assert seen() == event
        for key in ("t1", "t2", "t3", "t4"):
            change(actor, execution, key, status="COMPLETED")
        assert seen() == "FlowCompleted"

    @pytest.mark.parametrize("soft", [True, False])
    def test_of_a_deleted_flow_what_came_before_is_written_too(self, actor: Actor, soft: bool) -> None:
        execution = begin(actor, rule("FlowDeleted"), rule("TaskCompleted", attribute="before"))
        change(actor, execution, "t1", status="COMPLETED")
        delete_execution(actor, execution.id, soft=soft)
        assert seen() == "FlowDeleted"
        assert Entity.objects.get().attributes["before"] == "TaskCompleted"
        assert not Job.objects.exclude(state=JobState.DONE).exists()

    @pytest.mark.parametrize(
        ("patch", "event"),
        [
            ({"name": "Renamed"}, "TaskUpdated"),
            ({"status": "COMPLETED"}, "TaskCompleted"),
            ({"status": "SKIPPED"}, "TaskSkipped"),
            ({"status": "IN_PROGRESS"}, "TaskMarkedInProgress"),
            ({"status": "ON_HOLD"}, "TaskMarkedOnHold"),
        ],
    )
    def test_of_a_task(self, actor: Actor, patch: dict[str, Any], event: str) -> None:
        execution = begin(actor, rule(event, filter={"task_template_id": "t1"}), rule(event, filter={"task_template_id": "t2"}))
        assert seen() is None
        change(actor, execution, "t1", **patch)
        assert seen() == event

    def test_of_a_phase(self, actor: Actor) -> None:
        rules = [
            rule("PhaseUpdated", attribute="updated", filter={"phase_template_id": "two"}),
            rule("PhaseMarkedInProgress", filter={"phase_template_id": "two"}),
            rule("PhaseCompleted", filter={"phase_template_id": "one"}),
            rule("PhaseSkipped", filter={"phase_template_id": "two"}),
        ]
        execution = begin(actor, *rules)
        patch_phase(actor, execution.id, Phase.objects.get(template_id="two").id, {"name": "Renamed"})
        work()
        assert Entity.objects.get().attributes["updated"] == "PhaseUpdated"
        change(actor, execution, "t1", status="COMPLETED")
        assert seen() is None
        change(actor, execution, "t2", status="SKIPPED")
        assert seen() == "PhaseCompleted"
        change(actor, execution, "t3", status="SKIPPED")
        change(actor, execution, "t4", status="SKIPPED")
        assert seen() == "PhaseSkipped"


class TestValues:
    @pytest.mark.parametrize(
        ("source", "value"),
        [
            ("workflow_name", "Sequence"),
            ("workflow_status", "STARTED"),
            ("workflow_assigned_to", ["u1"]),
            ("task_name", "Task t2"),
            ("task_status", "PENDING"),
            ("task_assigned_to", ["u3"]),
            ("phase_name", "First"),
            ("phase_status", "IN_PROGRESS"),
            ("phase_assigned_to", ["u2"]),
        ],
    )
    def test_come_from_the_flow_its_new_task_and_its_phase(self, actor: Actor, source: str, value: Any) -> None:
        data = factories.sequence(4, assigned_to=["u1"], entity_sync=[rule("CurrTaskChanged", source)])
        data["phases"][0]["assigned_to"] = ["u2"]
        data["tasks"][1]["assigned_to"] = ["u3"]
        execution = factories.start(actor, data)
        change(actor, execution, "t1", status="COMPLETED")
        assert seen() == value

    def test_without_a_task_a_rule_that_asks_for_one_writes_nothing(self, actor: Actor) -> None:
        begin(actor, rule("FlowStarted", "task_name"))
        assert not Job.objects.filter(kind="sync_entities").exists()

    def test_later_rules_win_and_every_context_of_the_schema_is_written(self, actor: Actor) -> None:
        rules = [rule("FlowStarted", value="one"), rule("FlowStarted", value="two")]
        template = factories.make_template(actor, factories.sequence(2, entity_sync=rules))
        people = [factories.make_entity(actor) for _ in range(2)]
        meter = create_entity(actor, "meter", {"name": "M"})
        contexts = [
            Context(str(people[0].id), "contact"),
            Context(str(meter.id), "meter"),
            Context(str(people[1].id), "contact", True),
        ]
        start_execution(actor, StartRequest(template.id, contexts))
        writes = Job.objects.get(kind="sync_entities").payload["writes"]
        first = [str(people[1].id), str(people[0].id)]
        assert [(w["entity_id"], w["value"]) for w in writes] == [(i, v) for v in ("one", "two") for i in first]
        work()
        assert [e.attributes.get("seen") for e in (Entity.objects.get(pk=e.pk) for e in (*people, meter))] == ["two", "two", None]


class TestWriting:
    def test_waits_for_the_job_and_says_where_it_comes_from(self, actor: Actor) -> None:
        execution = begin(actor, rule("FlowStarted"))
        job = Job.objects.get(kind="sync_entities")
        assert "seen" not in Entity.objects.get().attributes
        origin = {"workflow_exec_id": str(execution.id), "flow_template_id": execution.template_id}
        assert job.payload["_workflow_origin"] == origin

    def test_an_older_job_that_comes_late_does_not_replace_a_newer_value(self, actor: Actor) -> None:
        execution = begin(actor, rule("CurrTaskChanged", "task_name"))
        change(actor, execution, "t1", status="COMPLETED")
        first, second = Job.objects.filter(kind="sync_entities").order_by("id")
        for job in (second, first, second):
            write_entities(actor, str(execution.id), job.payload["seq"], job.payload["writes"], NOW)
        assert Entity.objects.get().attributes["seen"] == "Task t2"

    def test_a_value_that_is_there_already_touches_nothing(self, actor: Actor) -> None:
        begin(actor, rule("FlowStarted"), rule("TaskUpdated", value="FlowStarted"))
        work()
        version = Entity.objects.get().version
        change(actor, Execution.objects.get(), "t1", name="Renamed")
        work()
        assert Entity.objects.get().version == version

    def test_what_fails_is_in_the_history_and_the_rest_is_written(self, actor: Actor) -> None:
        rules = [rule("FlowStarted", attribute="_id"), rule("FlowStarted", schema="meter"), rule("FlowStarted")]
        template = factories.make_template(actor, factories.sequence(2, entity_sync=rules))
        person, meter = factories.make_entity(actor), create_entity(actor, "meter", {"name": "M"})
        contexts = [Context(str(person.id), "contact", True), Context(str(meter.id), "meter")]
        execution = start_execution(actor, StartRequest(template.id, contexts))
        delete_entity(actor, "meter", meter.id)
        assert seen() == "FlowStarted"
        failed = Event.objects.filter(action="execution.sync_failed").order_by("seq")
        assert [event.after["reason"] for event in failed] == ["_id cannot be written", "the entity is not there any more"]
        assert Job.objects.get(kind="sync_entities").state == JobState.DONE
        assert factories.current(execution) == ["t1"]

    def test_a_job_that_is_given_up_is_in_the_history(self, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
        execution = begin(actor, rule("FlowStarted"))

        def fail(*_: Any, **__: Any) -> None:
            raise RuntimeError("the disk is full")

        monkeypatch.setattr("workflows.services.sync_writes.patch_entity", fail)
        Job.objects.filter(kind="sync_entities").update(attempt=4)
        work()
        event = Event.objects.get(action="execution.sync_failed")
        assert "the disk is full" in event.after["reason"]
        assert Job.objects.get(kind="sync_entities").state == JobState.DEAD
        assert factories.current(execution) == ["t1"]

    def test_the_execution_of_another_organisation_is_out_of_reach(self, actor: Actor, other_organisation: Any) -> None:
        execution = begin(actor)
        stranger = Actor(other_organisation, actor.kind, "x", "owner")
        entity = Entity.objects.get()
        write = {"entity_id": str(entity.id), "schema": "contact", "attribute": "seen", "value": "stolen"}
        write_entities(stranger, str(execution.id), 99, [write, write | {"entity_id": str(uuid4())}], NOW)
        assert "seen" not in Entity.objects.get().attributes
