"""Schedules as rows and jobs: armed once, fired once, cancelled with their execution; and who wakes what waits for entities."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests import factories
from tests.dump import dump
from workflows import jobs
from workflows.engine.errors import ActionNotAllowed
from workflows.models import ActorKind, ContextRef, Entity, Event, Execution, Job, JobState, Organisation, Role, Task
from workflows.permissions import Actor
from workflows.services import queue, schedules
from workflows.services.entities import delete_entity, patch_entity, replace_entity
from workflows.services.errors import NotFound
from workflows.services.executions import Context, delete_execution, patch_execution
from workflows.services.tasks import patch_task

AT = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
TWO_HOURS = {"mode": "delayed", "duration": 2, "unit": "hours"}
BEFORE_THE_END = {
    "mode": "relative",
    "direction": "before",
    "duration": 3,
    "unit": "days",
    "reference": {"id": "e", "origin": "trigger_entity_attribute", "attribute": "ends"},
}


def scheduled(schedule: dict[str, Any]) -> dict[str, Any]:
    data = factories.sequence(2)
    data["tasks"][0] |= {"task_type": "AUTOMATION", "automation_config": {"flow_id": "f"}, "schedule": schedule}
    return data


def waiting() -> dict[str, Any]:
    """A decision that goes on only when the contact lives in Bonn or has answered."""

    def ask(key: str, attribute: str, value: str, kind: str = "string") -> dict[str, Any]:
        source = {"attribute": attribute, "attribute_type": kind}
        statements = [{"id": "s", "source": source, "operator": "equals", "values": [value]}]
        return {"id": key, "branch_name": key.title(), "logical_operator": "AND", "statements": statements}

    return {
        "name": "Waiting",
        "tasks": [
            factories.task(
                "d",
                task_type="DECISION",
                trigger_mode="automatic",
                conditions=[ask("bonn", "city", "Bonn"), ask("count", "meters", "2", "number")],
            ),
            factories.task("yes"),
            factories.task("no"),
        ],
        "edges": [factories.edge("d", "yes", condition_id="bonn"), factories.edge("d", "no", condition_id="count")],
    }


def entity_of(execution: Execution) -> Entity:
    return Entity.objects.get(pk=ContextRef.objects.get(execution_id=execution.id).entity_id)


def fire_job() -> Job:
    return Job.objects.get(kind="fire_schedule")


def run_jobs(kind: str) -> int:
    found = list(Job.objects.filter(kind=kind, state=JobState.READY).values_list("id", flat=True))
    for job_id in found:
        jobs.run_job(str(job_id))
    return len(found)


class TestArming:
    def test_writes_the_schedule_and_the_one_job_that_fires_it(self, actor: Actor) -> None:
        execution = factories.start(actor, scheduled(TWO_HOURS), now=AT)
        task, job = factories.task_of(execution, "t1"), fire_job()
        assert (task.status, task.scheduled_at) == ("SCHEDULED", AT + timedelta(hours=2))
        assert (job.run_at, job.dedup_key) == (task.scheduled_at, f"schedule:{task.schedule_id}")
        assert Event.objects.filter(task_id=task.id, action="task.scheduled").count() == 1

    def test_says_on_the_task_why_it_could_not(self, actor: Actor) -> None:
        execution = factories.start(actor, scheduled(BEFORE_THE_END), now=AT, ends="soon")
        task = factories.task_of(execution, "t1")
        assert (task.status, task.scheduled_at, task.schedule_id) == ("PENDING", None, "")
        event = Event.objects.get(task_id=task.id, action="task.schedule_refused")
        assert event.after is not None
        assert event.after["cause"] == "attribute_unreadable"
        assert "soon" in event.after["reason"]
        assert not Job.objects.exists()

    def test_a_changed_date_of_the_entity_arms_it_anew(self, actor: Actor) -> None:
        execution = factories.start(actor, scheduled(BEFORE_THE_END), now=AT)
        entity = entity_of(execution)
        for ends, expected in (
            ("2027-03-20", datetime(2027, 3, 16, 23, tzinfo=UTC)),
            ("2027-04-20", datetime(2027, 4, 16, 22, tzinfo=UTC)),
        ):
            patch_entity(actor, "contact", entity.id, {"ends": ends})
            assert run_jobs("reconsider_execution") == 1
            task = factories.task_of(execution, "t1")
            assert (task.scheduled_at, fire_job().run_at) == (expected, expected)
            assert fire_job().dedup_key == f"schedule:{task.schedule_id}"
        patch_entity(actor, "contact", entity.id, {"ends": None})
        run_jobs("reconsider_execution")
        assert factories.task_of(execution, "t1").status == "PENDING"
        assert not Job.objects.filter(kind="fire_schedule").exists()


class TestFiring:
    def test_the_job_begins_the_task_when_its_time_has_come(self, actor: Actor) -> None:
        execution = factories.start(actor, scheduled(TWO_HOURS))
        job = fire_job()
        assert job.id not in queue.due_jobs(10)
        jobs.run_job(str(job.id))
        assert factories.task_of(execution, "t1").status == "SCHEDULED"
        assert queue.due_jobs(10, job.run_at) == [job.id]
        Task.objects.update(scheduled_at=timezone.now())
        Job.objects.update(run_at=timezone.now())
        jobs.run_job(str(job.id))
        assert factories.task_of(execution, "t1").status == "IN_PROGRESS"
        assert Job.objects.filter(kind="run_task").count() == 1

    def test_what_else_is_due_in_the_execution_fires_with_it(self, actor: Actor) -> None:
        late = {"mode": "delayed", "duration": 3, "unit": "hours"}
        tasks = [
            scheduled(one)["tasks"][0] | {"id": key, "phase_id": None}
            for key, one in (("a", TWO_HOURS), ("b", TWO_HOURS), ("c", late))
        ]
        execution = factories.start(actor, {"name": "Three", "tasks": tasks, "edges": []}, now=AT)
        due = AT + timedelta(hours=2)
        task = factories.task_of(execution, "b")
        other = Job.objects.get(dedup_key=f"schedule:{factories.task_of(execution, 'a').schedule_id}")
        assert schedules.fire_schedule(actor, execution.id, task.id, task.schedule_id, due)
        assert [factories.task_of(execution, key).status for key in "abc"] == ["IN_PROGRESS", "IN_PROGRESS", "SCHEDULED"]
        assert Event.objects.filter(action="task.schedule_fired").count() == 2
        assert Job.objects.filter(kind="run_task").count() == 2
        assert not Job.objects.filter(pk=other.pk).exists()
        left = Job.objects.filter(kind="fire_schedule").values_list("payload__task_id", flat=True)
        assert set(left) == {str(task.id), str(factories.task_of(execution, "c").id)}

    def test_what_was_cancelled_by_the_first_does_not_fire(self, actor: Actor) -> None:
        tasks = [scheduled(TWO_HOURS)["tasks"][0] | {"id": key, "phase_id": None} for key in "ab"]
        execution = factories.start(actor, {"name": "Two", "tasks": tasks, "edges": []}, now=AT)
        first, second = (factories.task_of(execution, key) for key in "ab")
        schedules.cancel_schedule(actor, execution.id, first.id, AT)
        assert schedules.fire_schedule(actor, execution.id, second.id, second.schedule_id, AT + timedelta(hours=2))
        assert factories.task_of(execution, "a").status == "SKIPPED"

    def test_never_early_and_only_once(self, actor: Actor) -> None:
        execution = factories.start(actor, scheduled(TWO_HOURS), now=AT)
        task = factories.task_of(execution, "t1")
        due = AT + timedelta(hours=2)
        before = dump()
        with pytest.raises(ActionNotAllowed):
            schedules.fire_schedule(actor, execution.id, task.id, task.schedule_id, due - timedelta(microseconds=1))
        assert dump() == before
        assert schedules.fire_schedule(actor, execution.id, task.id, task.schedule_id, due)
        after = dump()
        assert not schedules.fire_schedule(actor, execution.id, task.id, task.schedule_id, due)
        assert dump() == after

    def test_a_job_of_an_earlier_arming_does_nothing(self, actor: Actor) -> None:
        execution = factories.start(actor, scheduled(TWO_HOURS), now=AT)
        task = factories.task_of(execution, "t1")
        patch_task(actor, execution.id, task.id, {"status": "ON_HOLD"}, now=AT)
        patch_task(actor, execution.id, task.id, {"status": "PENDING"}, now=AT)
        assert factories.task_of(execution, "t1").schedule_id != task.schedule_id
        before = dump()
        assert not schedules.fire_schedule(actor, execution.id, task.id, task.schedule_id, AT + timedelta(hours=9))
        assert dump() == before

    def test_one_that_cannot_be_carried_out_is_given_up_and_says_so(self, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
        execution = factories.start(actor, scheduled(TWO_HOURS), now=AT)

        def fail(*_: object) -> None:
            raise RuntimeError("broken")

        monkeypatch.setitem(jobs.WORK, "fire_schedule", replace(jobs.WORK["fire_schedule"], record=fail))
        Job.objects.update(attempt=queue.MAX_ATTEMPTS - 1)
        jobs.run_job(str(fire_job().id))
        task = factories.task_of(execution, "t1")
        assert (task.status, task.scheduled_at) == ("PENDING", None)
        assert task.extra["refusal"]["cause"] == "given_up"


class TestCancelling:
    @pytest.mark.parametrize("how", ["cancel", "by id", "run now", "close", "skip", "delete"])
    def test_takes_the_schedule_and_its_job_away(self, actor: Actor, how: str) -> None:
        execution = factories.start(actor, scheduled(TWO_HOURS), now=AT)
        task = factories.task_of(execution, "t1")
        match how:
            case "cancel":
                schedules.cancel_schedule(actor, execution.id, task.id, AT)
            case "by id":
                schedules.cancel_schedule_by_id(actor, execution.id, task.schedule_id, AT)
            case "run now":
                schedules.run_schedule_now(actor, execution.id, task.id, AT)
            case "close":
                patch_execution(actor, execution.id, {"status": "CLOSED"}, AT)
            case "skip":
                patch_task(actor, execution.id, task.id, {"status": "SKIPPED"}, now=AT)
            case "delete":
                delete_execution(actor, execution.id, soft=True, now=AT)
        found = factories.task_of(execution, "t1")
        status = {"run now": "IN_PROGRESS", "close": "PENDING", "delete": "PENDING"}.get(how, "SKIPPED")
        assert (found.status, found.scheduled_at, found.schedule_id) == (status, None, "")
        assert not Job.objects.filter(kind="fire_schedule").exists()
        assert Event.objects.filter(task_id=task.id, action="task.schedule_cancelled").count() == 1

    def test_reopening_arms_again_with_another_id(self, actor: Actor) -> None:
        execution = factories.start(actor, scheduled(TWO_HOURS), now=AT)
        first = factories.task_of(execution, "t1").schedule_id
        patch_execution(actor, execution.id, {"status": "CLOSED"}, AT)
        patch_execution(actor, execution.id, {"status": "STARTED"}, AT)
        task = factories.task_of(execution, "t1")
        assert (task.status, task.scheduled_at) == ("SCHEDULED", AT + timedelta(hours=2))
        assert task.schedule_id not in ("", first)
        assert fire_job().dedup_key == f"schedule:{task.schedule_id}"

    def test_an_unknown_schedule_is_not_found(self, actor: Actor) -> None:
        execution = factories.start(actor, factories.sequence(2))
        for unknown in ("nothing", ""):
            with pytest.raises(NotFound):
                schedules.cancel_schedule_by_id(actor, execution.id, unknown)


class TestWaitingForEntities:
    def test_a_decision_that_waits_goes_on_when_the_entity_changes(self, actor: Actor) -> None:
        execution = factories.start(actor, waiting(), city="Köln")
        entity = entity_of(execution)
        assert factories.task_of(execution, "d").status == "CONDITION_PENDING"
        patch_entity(actor, "contact", entity.id, {"note": "nothing to do with it"})
        assert run_jobs("reconsider_execution") == 1
        assert factories.current(execution) == ["d"]
        replace_entity(actor, "contact", entity.id, {"city": "Bonn"})
        run_jobs("reconsider_execution")
        assert factories.current(execution) == ["yes"]
        patch_entity(actor, "contact", entity.id, {"city": "Ulm"})
        assert run_jobs("reconsider_execution") == 0

    def test_many_changes_before_it_has_looked_are_one_look(self, actor: Actor) -> None:
        execution = factories.start(actor, waiting(), city="Köln")
        for city in ("Ulm", "Trier", "Bonn"):
            patch_entity(actor, "contact", entity_of(execution).id, {"city": city})
        assert run_jobs("reconsider_execution") == 1
        assert factories.current(execution) == ["yes"]

    def test_a_change_while_it_looks_is_looked_at_too(self, actor: Actor) -> None:
        execution = factories.start(actor, waiting(), city="Köln")
        patch_entity(actor, "contact", entity_of(execution).id, {"city": "Ulm"})
        looking = Job.objects.get(kind="reconsider_execution")
        assert queue.claim(looking.pk, "worker")
        patch_entity(actor, "contact", entity_of(execution).id, {"city": "Bonn"})
        assert Job.objects.filter(kind="reconsider_execution", state=JobState.READY).count() == 1

    def test_how_its_branches_were_judged_is_kept(self, actor: Actor) -> None:
        execution = factories.start(actor, waiting(), now=AT, city="Köln", meters="many")
        verdicts = factories.task_of(execution, "d").extra["verdicts"]
        assert verdicts["bonn"] == {
            "evaluated_at": "2026-03-04T10:00:00.000Z",
            "is_met": False,
            "taken": False,
            "statements": [{"is_met": False, "found": ["Köln"]}],
        }
        mismatch = {"attribute": "meters", "kind": "number_value", "value": "many"}
        assert verdicts["count"]["statements"] == [{"is_met": False, "found": ["many"], "problem": mismatch}]
        event = Event.objects.get(action="task.evaluated")
        assert event.after == {"problems": ["meters holds 'many', which is no number"], "mismatches": [mismatch]}

    def test_looking_again_in_vain_writes_no_history(self, actor: Actor) -> None:
        execution = factories.start(actor, waiting(), city="Köln")
        schedules.reconsider_execution(actor, execution.id)
        assert Event.objects.filter(action="task.evaluated").count() == 1

    def test_another_entity_wakes_it_when_the_contexts_change(self, actor: Actor) -> None:
        execution = factories.start(actor, waiting(), city="Köln")
        other = factories.make_entity(actor, city="Bonn")
        patch_execution(actor, execution.id, {"contexts": [Context(str(other.id), "contact")]})
        assert factories.current(execution) == ["yes"]

    @pytest.mark.parametrize("purge", [True, False])
    def test_a_deleted_entity_wakes_it_too(self, actor: Actor, purge: bool) -> None:
        execution = factories.start(actor, waiting(), city="Köln", meters="many")
        delete_entity(actor, "contact", entity_of(execution).id, purge=purge)
        assert run_jobs("reconsider_execution") == 1
        assert factories.task_of(execution, "d").extra["verdicts"]["bonn"]["statements"] == [{"is_met": False, "found": []}]

    def test_executions_that_do_not_wait_or_are_of_others_are_left_alone(
        self, actor: Actor, other_organisation: Organisation
    ) -> None:
        stranger = Actor(other_organisation, ActorKind.SYSTEM, "", Role.OWNER)
        first = factories.start(actor, factories.sequence(2))
        closed = factories.start(actor, waiting())
        patch_execution(actor, closed.id, {"status": "CLOSED"})
        factories.start(stranger, waiting())
        for execution in (first, closed):
            patch_entity(actor, "contact", entity_of(execution).id, {"city": "Bonn"})
        assert not Job.objects.filter(kind="reconsider_execution").exists()
