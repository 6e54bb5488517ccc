"""The same change of many tasks: each on its own, written down with what it did, and never twice."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from tests import factories
from tests.dump import dump
from workflows import jobs
from workflows.jobs import change_now, run_job, undo_now
from workflows.models import BulkChange, BulkItem, Event, Execution, Job, JobState, Membership, Organisation, Role, User
from workflows.permissions import Actor, PermissionRefused
from workflows.services import bulk, queue
from workflows.services.bulk import begin_bulk, count_states, find_bulk
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.tasks import TaskPatch, patch_task


def first_tasks(actor: Actor, count: int) -> list[Any]:
    template = factories.make_template(actor, factories.sequence(2))
    return [factories.task_of(factories.start(actor, template=template), "t1") for _ in range(count)]


def ids(tasks: list[Any]) -> list[UUID]:
    return [task.id for task in tasks]


def reasons(change: BulkChange) -> dict[str, str]:
    return dict(change.items.filter(state="refused").values_list("name", "reason"))


def statuses(tasks: list[Any]) -> list[str]:
    return [type(task).objects.get(pk=task.pk).status for task in tasks]


class TestAtOnce:
    def test_what_can_be_done_is_done_and_the_rest_is_told_with_reasons(
        self, actor: Actor, other_organisation: Organisation
    ) -> None:
        tasks = first_tasks(actor, 3)
        decision = factories.start(actor, factories.choice())
        patch_task(actor, decision.id, factories.task_of(decision, "ask").id, {"status": "COMPLETED"})
        locked = factories.task_of(factories.start(actor, factories.sequence(2)), "t2")
        type(locked).objects.filter(pk=locked.pk).update(enabled=False, name="Locked")
        stranger = factories.actor_of(
            factories.make_user(other_organisation, "o@other.example", "O", Role.OWNER), other_organisation
        )
        theirs = first_tasks(stranger, 1)[0]
        wanted = [*ids(tasks), factories.task_of(decision, "decide").id, locked.id, theirs.id, uuid4()]
        change = change_now(actor, wanted, {"status": "COMPLETED"})
        assert count_states(change) == {"done": 3, "refused": 4}
        assert statuses(tasks) == ["COMPLETED"] * 3
        assert reasons(change) == {"Task decide": bulk.DECISION, "Locked": bulk.LOCKED, "": bulk.GONE}
        assert type(theirs).objects.get(pk=theirs.pk).status == "PENDING"
        assert change.finished_at is not None

    def test_what_was_so_already_is_counted_apart(self, actor: Actor) -> None:
        tasks = first_tasks(actor, 2)
        patch_task(actor, tasks[0].execution_id, tasks[0].id, {"assigned_to": [actor.id]})
        assert count_states(change_now(actor, ids(tasks), {"assigned_to": [actor.id]})) == {"same": 1, "done": 1}

    def test_two_tasks_of_one_execution_are_changed_one_after_the_other(self, actor: Actor) -> None:
        execution = factories.start(actor, factories.sequence(2))
        both = [factories.task_of(execution, key).id for key in ("t1", "t2")]
        assert count_states(change_now(actor, both, {"status": "COMPLETED"})) == {"done": 2}
        assert Execution.objects.get(pk=execution.pk).status == "DONE"

    def test_machines_are_not_begun_by_hand(self, actor: Actor) -> None:
        data = factories.sequence(2)
        data["tasks"][1] |= {"task_type": "AUTOMATION", "automation_config": {"flow_id": "gone"}}
        task = factories.task_of(factories.start(actor, data), "t2")
        change = change_now(actor, [task.id], {"status": "IN_PROGRESS"})
        assert reasons(change) == {task.name: bulk.MACHINE}
        assert statuses([task]) == ["PENDING"]

    def test_it_is_taken_back_for_all_that_it_has_changed(self, actor: Actor) -> None:
        tasks = first_tasks(actor, 3)
        change = change_now(actor, ids(tasks), {"status": "COMPLETED"})
        execution = Execution.objects.get(pk=tasks[0].execution_id)
        patch_task(actor, execution.id, factories.task_of(execution, "t2").id, {"status": "IN_PROGRESS"})
        back = undo_now(actor, change.id)
        assert count_states(back) == {"done": 2, "refused": 1}
        assert statuses(tasks) == ["COMPLETED", "PENDING", "PENDING"]
        with pytest.raises(InvalidInput):
            undo_now(actor, back.id)

    @pytest.mark.parametrize(
        "patch",
        [{}, {"name": "x"}, {"status": "FAILED"}, {"due_date": "soon"}, {"status": "COMPLETED", "due_date": ""}],
    )
    def test_what_cannot_be_given_to_many_is_refused(self, actor: Actor, patch: TaskPatch) -> None:
        tasks = first_tasks(actor, 1)
        before = dump()
        with pytest.raises(InvalidInput):
            change_now(actor, ids(tasks), patch)
        assert dump() == before

    def test_none_and_too_many_are_refused(self, actor: Actor) -> None:
        for wanted in ([], [uuid4() for _ in range(bulk.MOST + 1)]):
            with pytest.raises(InvalidInput):
                change_now(actor, wanted, {"status": "COMPLETED"})
        assert not BulkChange.objects.exists()

    def test_a_viewer_may_not_begin_one(self, actor: Actor) -> None:
        tasks = first_tasks(actor, 1)
        viewer = factories.actor_of(
            factories.make_user(actor.organisation, "v@acme.example", "V", Role.VIEWER), actor.organisation
        )
        before = dump()
        with pytest.raises(PermissionRefused):
            change_now(viewer, ids(tasks), {"status": "COMPLETED"})
        assert dump() == before

    def test_it_is_seen_by_whom_it_is_of(self, actor: Actor, organisation: Organisation) -> None:
        change = change_now(actor, ids(first_tasks(actor, 1)), {"status": "COMPLETED"})
        other = factories.actor_of(factories.make_user(organisation, "jan@acme.example", "Jan", Role.OWNER), organisation)
        assert find_bulk(actor, change.id) == change
        with pytest.raises(NotFound):
            find_bulk(other, change.id)


class TestByWorkers:
    @pytest.fixture(autouse=True)
    def _small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bulk, "MOST_AT_ONCE", 2)
        monkeypatch.setattr(bulk, "CHUNK", 2)

    def test_many_are_left_to_jobs_each_of_which_does_a_part(self, actor: Actor) -> None:
        tasks = first_tasks(actor, 5)
        change = change_now(actor, ids(tasks), {"status": "COMPLETED"})
        assert (change.finished_at, count_states(change)) == (None, {"waiting": 5})
        factories.run_jobs()
        change.refresh_from_db()
        assert count_states(change) == {"done": 5}
        assert change.finished_at is not None
        assert Job.objects.filter(kind=bulk.KIND, state=JobState.DONE).count() == 3

    def test_a_part_that_was_broken_off_goes_on_and_does_nothing_twice(
        self, actor: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tasks = first_tasks(actor, 4)
        change, job = begin_bulk(actor, ids(tasks), {"status": "COMPLETED"})
        held = queue.claim(job.id, "dies")
        assert held is not None
        monkeypatch.setattr(bulk, "CHUNK", 1)
        bulk.work_on_items(held)
        # Its worker dies here: the lease runs out, and another takes the job.
        Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - queue.LEASE)
        jobs.sweep()
        factories.run_jobs()
        assert count_states(change) == {"done": 4}
        completed = Event.objects.filter(action="task.status", task_id__in=ids(tasks), after={"status": "COMPLETED"})
        assert completed.count() == 4

    def test_a_worker_that_lost_its_lease_changes_nothing_more(self, actor: Actor) -> None:
        tasks = first_tasks(actor, 3)
        _change, job = begin_bulk(actor, ids(tasks), {"status": "COMPLETED"})
        held = queue.claim(job.id, "slow")
        assert held is not None
        Job.objects.filter(pk=job.pk).update(attempt=2)
        before = dump()
        with pytest.raises(queue.LeaseLost):
            bulk.work_on_items(held)
        assert dump() == before

    def test_a_job_that_is_run_again_after_its_end_changes_nothing(self, actor: Actor) -> None:
        tasks = first_tasks(actor, 3)
        change, job = begin_bulk(actor, ids(tasks), {"due_date": "2031-02-02T00:00:00.000"})
        factories.run_jobs()
        events = Event.objects.count()
        assert queue.rearm(job.id)
        run_job(str(job.id))
        assert (Event.objects.count(), count_states(change)) == (events, {"done": 3})

    def test_who_has_left_or_lost_the_right_changes_nothing(self, actor: Actor, organisation: Organisation) -> None:
        member = factories.make_user(organisation, "m@acme.example", "M", Role.MEMBER)
        tasks = first_tasks(actor, 3)
        who = factories.actor_of(member, organisation)
        one, _ = begin_bulk(who, ids(tasks), {"status": "COMPLETED"})
        Membership.objects.filter(user=member).update(role=Role.VIEWER)
        factories.run_jobs()
        assert (count_states(one), set(reasons(one).values())) == ({"refused": 3}, {bulk.RIGHT})
        Membership.objects.filter(user=member).update(role=Role.MEMBER)
        two, _ = begin_bulk(who, ids(tasks), {"status": "COMPLETED"})
        User.objects.filter(pk=member.pk).update(is_active=False)
        factories.run_jobs()
        assert count_states(two) == {"refused": 3}
        assert statuses(tasks) == ["PENDING"] * 3

    def test_what_a_dead_job_left_is_told(self, actor: Actor) -> None:
        change, job = begin_bulk(actor, ids(first_tasks(actor, 3)), {"status": "COMPLETED"})
        bulk.give_up_bulk(job)
        change.refresh_from_db()
        assert (count_states(change), change.finished_at is not None) == ({"refused": 3}, True)
        assert set(BulkItem.objects.values_list("reason", flat=True)) == {bulk.FAULT}
