"""Taking back: what was so before is so again, and nothing is taken back on which others have built."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests import factories
from tests.dump import dump
from workflows.models import Event, Execution, Organisation, Role, Task
from workflows.permissions import Actor, PermissionRefused
from workflows.services import undo
from workflows.services.comments import add_comment
from workflows.services.errors import NotFound, UndoRefused
from workflows.services.tasks import TaskPatch, add_task, patch_task, take_task
from workflows.services.undo import find_act_on, find_last_act


def do(actor: Actor, execution: Execution, key: str, **patch: Any) -> int:
    """Do something to a task, and return the row of the history by which it can be taken back."""
    task = patch_task(actor, execution.id, factories.task_of(execution, key).id, TaskPatch(**patch))
    act = find_act_on(actor, task)
    assert act is not None
    return act.seq


def take_back(actor: Actor, execution: Execution, seq: int) -> Task:
    return undo.undo(actor, execution.id, seq)


def refused(actor: Actor, execution: Execution, seq: int) -> str:
    """Why undoing is refused; that it leaves everything as it was."""
    before = dump()
    with pytest.raises(UndoRefused) as error:
        take_back(actor, execution, seq)
    assert dump() == before
    return error.value.reason


@pytest.fixture
def colleague(organisation: Organisation) -> Actor:
    return factories.actor_of(factories.make_user(organisation, "jan@acme.example", "Jan"), organisation)


class TestStatus:
    def test_what_was_completed_is_current_again_and_the_next_task_is_not(self, actor: Actor) -> None:
        execution = factories.start(actor, factories.sequence(3))
        seq = do(actor, execution, "t1", status="COMPLETED")
        assert factories.current(execution) == ["t2"]
        take_back(actor, execution, seq)
        assert factories.current(execution) == ["t1"]
        assert factories.task_of(execution, "t1").status == "PENDING"
        assert factories.task_of(execution, "t1").completed_at is None

    def test_what_was_in_progress_before_it_was_completed_is_so_again(self, actor: Actor) -> None:
        execution = factories.start(actor, factories.sequence(2))
        do(actor, execution, "t1", status="IN_PROGRESS")
        take_back(actor, execution, do(actor, execution, "t1", status="COMPLETED"))
        assert factories.task_of(execution, "t1").status == "IN_PROGRESS"

    def test_the_last_task_reopens_an_execution_that_was_done(self, actor: Actor) -> None:
        execution = factories.start(actor, factories.sequence(1))
        seq = do(actor, execution, "t1", status="COMPLETED")
        assert Execution.objects.get(pk=execution.pk).status == "DONE"
        take_back(actor, execution, seq)
        assert Execution.objects.get(pk=execution.pk).status == "STARTED"

    def test_starting_is_taken_back_with_the_assignment_that_came_with_it(self, actor: Actor) -> None:
        execution = factories.start(actor, factories.sequence(2))
        take_back(actor, execution, do(actor, execution, "t1", status="IN_PROGRESS"))
        task = factories.task_of(execution, "t1")
        assert (task.status, task.started_at, list(task.assignments.all())) == ("PENDING", None, [])

    @pytest.mark.parametrize("status", ["ON_HOLD", "SKIPPED"])
    def test_holding_and_skipping_are_taken_back(self, actor: Actor, status: str) -> None:
        execution = factories.start(actor, factories.sequence(2))
        take_back(actor, execution, do(actor, execution, "t1", status=status))
        assert factories.task_of(execution, "t1").status == "PENDING"
        assert factories.current(execution) == ["t1"]

    def test_a_branch_that_was_chosen_is_taken_back(self, actor: Actor) -> None:
        execution = factories.start(actor, factories.choice())
        do(actor, execution, "ask", status="COMPLETED")
        seq = do(actor, execution, "decide", status="COMPLETED", next_condition_id="c-yes")
        take_back(actor, execution, seq)
        assert factories.current(execution) == ["decide"]
        assert factories.task_of(execution, "decide").taken == []

    def test_reopening_where_the_flow_stays_is_taken_back(self, actor: Actor) -> None:
        execution = factories.start(actor, factories.sequence(2))
        do(actor, execution, "t1", status="COMPLETED")
        take_back(actor, execution, do(actor, execution, "t1", status="PENDING"))
        assert factories.task_of(execution, "t1").status == "COMPLETED"
        assert factories.current(execution) == ["t2"]

    def test_going_back_is_not_taken_back_as_what_it_reset_is_gone(self, actor: Actor) -> None:
        execution = factories.start(actor, factories.sequence(3))
        do(actor, execution, "t1", status="COMPLETED")
        do(actor, execution, "t2", status="COMPLETED")
        seq = do(actor, execution, "t1", status="PENDING", revert_execution=True)
        assert refused(actor, execution, seq) == undo.WENT_BACK

    def test_it_is_refused_when_somebody_works_on_what_came_next(self, actor: Actor, colleague: Actor) -> None:
        execution = factories.start(actor, factories.sequence(3))
        seq = do(actor, execution, "t1", status="COMPLETED")
        do(colleague, execution, "t2", status="IN_PROGRESS")
        assert refused(actor, execution, seq) == undo.WENT_ON

    def test_it_is_refused_when_the_status_was_changed_since(self, actor: Actor, colleague: Actor) -> None:
        execution = factories.start(actor, factories.sequence(2))
        seq = do(actor, execution, "t1", status="ON_HOLD")
        do(colleague, execution, "t1", status="IN_PROGRESS")
        assert refused(actor, execution, seq) == undo.CHANGED

    def test_it_is_refused_once_an_automation_has_begun(self, actor: Actor) -> None:
        data = factories.sequence(3)
        data["tasks"][1] |= {"task_type": "AUTOMATION", "automation_config": {"flow_id": "gone"}}
        execution = factories.start(actor, data)
        seq = do(actor, execution, "t1", status="COMPLETED")
        Event.objects.create(
            organisation=actor.organisation,
            execution=execution,
            seq=Event.objects.filter(execution=execution).latest("seq").seq + 1,
            at=timezone.now(),
            actor_kind="system",
            action="task.run_started",
            task_id=factories.task_of(execution, "t2").id,
            after={"automation": "Send the contract"},
        )
        assert refused(actor, execution, seq) == undo.BEGUN

    def test_an_automation_that_has_not_begun_is_kept_from_beginning(self, actor: Actor) -> None:
        data = factories.sequence(3)
        data["tasks"][1] |= {"task_type": "AUTOMATION", "automation_config": {"flow_id": "gone"}}
        execution = factories.start(actor, data)
        take_back(actor, execution, do(actor, execution, "t1", status="COMPLETED"))
        factories.run_jobs()
        assert factories.task_of(execution, "t2").status == "PENDING"


class TestOneAfterTheOther:
    def test_what_was_done_before_what_was_taken_back_is_taken_back_next(self, actor: Actor) -> None:
        execution = factories.start(actor, factories.sequence(3))
        one = do(actor, execution, "t1", status="IN_PROGRESS")
        take_back(actor, execution, do(actor, execution, "t1", status="COMPLETED"))
        take_back(actor, execution, one)
        assert factories.task_of(execution, "t1").status == "PENDING"
        assert list(factories.task_of(execution, "t1").assignments.all()) == []

    def test_work_on_the_next_task_that_was_taken_back_does_not_stand_in_the_way(self, actor: Actor) -> None:
        execution = factories.start(actor, factories.sequence(3))
        one = do(actor, execution, "t1", status="COMPLETED")
        take_back(actor, execution, do(actor, execution, "t2", status="COMPLETED"))
        take_back(actor, execution, one)
        assert factories.current(execution) == ["t1"]


class TestFields:
    def test_assignees_are_as_before(self, actor: Actor, colleague: Actor) -> None:
        execution = factories.start(actor, factories.sequence(2))
        do(actor, execution, "t1", assigned_to=[colleague.id])
        take_back(actor, execution, do(actor, execution, "t1", assigned_to=[actor.id]))
        assert [row.assignee for row in factories.task_of(execution, "t1").assignments.all()] == [colleague.id]

    def test_a_due_date_is_as_before(self, actor: Actor) -> None:
        execution = factories.start(actor, factories.sequence(2))
        do(actor, execution, "t1", due_date="2031-01-01T00:00:00.000")
        take_back(actor, execution, do(actor, execution, "t1", due_date="2031-02-02T00:00:00.000"))
        assert factories.task_of(execution, "t1").due_date == "2031-01-01T00:00:00.000"

    def test_a_rule_that_a_date_has_replaced_counts_again(self, actor: Actor) -> None:
        data = factories.sequence(2)
        rule = {"type": "WORKFLOW_STARTED", "duration": 3, "unit": "days"}
        data["tasks"][0]["due_date_config"] = rule
        execution = factories.start(actor, data)
        before = factories.task_of(execution, "t1").due_date
        take_back(actor, execution, do(actor, execution, "t1", due_date="2031-02-02T00:00:00.000"))
        assert factories.task_of(execution, "t1").due_date == before != ""

    def test_a_change_of_another_field_does_not_stand_in_the_way(self, actor: Actor, colleague: Actor) -> None:
        execution = factories.start(actor, factories.sequence(2))
        seq = do(actor, execution, "t1", due_date="2031-02-02T00:00:00.000")
        do(colleague, execution, "t1", assigned_to=[colleague.id])
        take_back(actor, execution, seq)
        assert factories.task_of(execution, "t1").due_date == ""


class TestWhose:
    def test_the_history_says_what_was_taken_back_and_it_is_taken_back_once(self, actor: Actor) -> None:
        execution = factories.start(actor, factories.sequence(2))
        seq = do(actor, execution, "t1", status="COMPLETED")
        take_back(actor, execution, seq)
        last = Event.objects.filter(execution=execution, action="task.status").latest("seq")
        assert last.after == {"status": "PENDING", "undoes": seq}
        assert refused(actor, execution, seq) == undo.CHANGED
        with pytest.raises(NotFound):
            take_back(actor, execution, last.seq)

    def test_what_others_did_is_not_ones_own_to_take_back(
        self, actor: Actor, colleague: Actor, other_organisation: Organisation
    ) -> None:
        execution = factories.start(actor, factories.sequence(2))
        seq = do(colleague, execution, "t1", status="COMPLETED")
        stranger = factories.actor_of(factories.make_user(other_organisation, "o@other.example", "O"), other_organisation)
        before = dump()
        for person in (actor, stranger):
            with pytest.raises(NotFound):
                take_back(person, execution, seq)
        assert dump() == before

    def test_who_may_no_longer_change_a_field_may_not_take_it_back(self, actor: Actor, colleague: Actor) -> None:
        execution = factories.start(actor, factories.sequence(2))
        seq = do(colleague, execution, "t1", status="COMPLETED")
        with pytest.raises(PermissionRefused):
            take_back(Actor(colleague.organisation, colleague.kind, colleague.id, Role.VIEWER), execution, seq)

    def test_the_last_act_is_the_latest_that_was_not_taken_back(self, actor: Actor, colleague: Actor) -> None:
        execution = factories.start(actor, factories.sequence(3))
        one = do(actor, execution, "t1", due_date="2031-02-02T00:00:00.000")
        two = do(actor, execution, "t1", status="IN_PROGRESS")
        do(colleague, execution, "t3", due_date="2031-02-02T00:00:00.000")
        found = []
        while (act := find_last_act(actor)) is not None:
            found.append(act.seq)
            take_back(actor, execution, act.seq)
        assert found == [two, one]

    def test_what_lies_long_behind_is_not_the_last_act(self, actor: Actor) -> None:
        execution = factories.start(actor, factories.sequence(3))
        do(actor, execution, "t1", status="COMPLETED")
        assert find_last_act(actor, timezone.now() + timedelta(hours=2)) is None


def test_who_takes_a_task_is_added_to_those_who_have_it(actor: Actor, colleague: Actor) -> None:
    execution = factories.start(actor, factories.sequence(2))
    do(colleague, execution, "t1", assigned_to=[colleague.id])
    task = factories.task_of(execution, "t1")
    assert take_task(actor, execution.id, task.id) is not None
    assert take_task(actor, execution.id, task.id) is None
    assert [row.assignee for row in task.assignments.order_by("position")] == [colleague.id, actor.id]


class TestAddedTasks:
    @pytest.fixture
    def execution(self, actor: Actor) -> Execution:
        return factories.start(actor, factories.sequence(3))

    @pytest.fixture
    def added(self, actor: Actor, execution: Execution) -> Task:
        before, behind = (factories.task_of(execution, key) for key in ("t1", "t2"))
        return add_task(actor, execution.id, before.id, behind.id, {"name": "Extra"})

    def seq_of(self, actor: Actor, task: Task) -> int:
        act = find_act_on(actor, task)
        assert act is not None
        return act.seq

    def test_it_is_gone_and_the_flow_goes_on_as_it_was(self, actor: Actor, execution: Execution, added: Task) -> None:
        take_back(actor, execution, self.seq_of(actor, added))
        assert not Task.objects.filter(pk=added.pk).exists()
        patch_task(actor, execution.id, factories.task_of(execution, "t1").id, {"status": "COMPLETED"})
        assert factories.current(execution) == ["t2"]
        assert find_last_act(actor) is not None

    def test_it_is_also_taken_back_when_the_flow_has_come_to_it(self, actor: Actor, execution: Execution, added: Task) -> None:
        seq = self.seq_of(actor, added)
        patch_task(actor, execution.id, factories.task_of(execution, "t1").id, {"status": "COMPLETED"})
        take_back(actor, execution, seq)
        assert factories.current(execution) == ["t2"]

    def test_the_last_act_is_then_the_one_before_it(self, actor: Actor, execution: Execution) -> None:
        first = do(actor, execution, "t1", due_date="2031-05-28T00:00:00.000")
        before, behind = (factories.task_of(execution, key) for key in ("t1", "t2"))
        added = add_task(actor, execution.id, before.id, behind.id, {"name": "Extra"})
        take_back(actor, execution, self.seq_of(actor, added))
        last = find_last_act(actor)
        assert last is not None
        assert last.seq == first

    @pytest.mark.parametrize("patch", [{"status": "IN_PROGRESS"}, {"name": "Other"}, {"due_date": "2031-05-28T00:00:00.000"}])
    def test_it_stays_once_something_was_done_to_it(
        self, actor: Actor, execution: Execution, added: Task, patch: dict[str, str]
    ) -> None:
        seq = self.seq_of(actor, added)
        patch_task(actor, execution.id, factories.task_of(execution, "t1").id, {"status": "COMPLETED"})
        patch_task(actor, execution.id, added.id, TaskPatch(**patch))  # type: ignore[typeddict-item]
        assert refused(actor, execution, seq) == undo.CHANGED

    def test_it_stays_once_somebody_has_commented_on_it(self, actor: Actor, execution: Execution, added: Task) -> None:
        seq = self.seq_of(actor, added)
        add_comment(actor, execution.id, "Is this needed?", added.id)
        assert refused(actor, execution, seq) == undo.CHANGED

    def test_what_was_changed_and_taken_back_is_no_reason(self, actor: Actor, execution: Execution, added: Task) -> None:
        seq = self.seq_of(actor, added)
        changed = patch_task(actor, execution.id, added.id, {"due_date": "2031-05-28T00:00:00.000"})
        take_back(actor, execution, self.seq_of(actor, changed))
        take_back(actor, execution, seq)
        assert not Task.objects.filter(pk=added.pk).exists()

    def test_nobody_takes_back_what_somebody_else_added(self, actor: Actor, execution: Execution, added: Task) -> None:
        seq = self.seq_of(actor, added)
        other = factories.actor_of(
            factories.make_user(actor.organisation, "jan@acme.example", "Jan", Role.OWNER), actor.organisation
        )
        before = dump()
        with pytest.raises(NotFound):
            take_back(other, execution, seq)
        assert dump() == before
