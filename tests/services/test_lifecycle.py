"""Closing, reopening and going back, and steps that are too long for one transaction."""

from typing import Any

import pytest

from tests import factories
from tests.dump import dump
from workflows.engine.advance import MAX_ENTRIES
from workflows.engine.errors import ActionNotAllowed
from workflows.jobs import run_job
from workflows.models import Execution, Job, Task
from workflows.permissions import Actor
from workflows.services.executions import patch_execution
from workflows.services.tasks import patch_task


def change(actor: Actor, execution: Execution, key: str, **patch: Any) -> None:
    patch_task(actor, execution.id, factories.task_of(execution, key).id, patch)  # type: ignore[arg-type]


def split() -> dict[str, Any]:
    data = factories.sequence(1, name="Split", phases=[])
    data["tasks"] = [factories.task(key) for key in "abcd"]
    data["edges"] = [factories.edge(*pair) for pair in ("ab", "ac", "bd", "cd")]
    return data


def status_of(execution: Execution) -> str:
    return Execution.objects.values_list("status", flat=True).get(pk=execution.pk)


class TestClosing:
    def test_leaves_the_tasks_as_they_are_and_reopening_brings_back_the_current_ones(self, actor: Actor) -> None:
        execution = factories.start(actor, split())
        change(actor, execution, "a", status="COMPLETED")
        change(actor, execution, "b", status="IN_PROGRESS", due_date="2026-05-01")
        since = dict(Task.objects.filter(crt_since__isnull=False).values_list("template_id", "crt_since"))
        patch_execution(actor, execution.id, {"status": "CLOSED"})
        assert factories.current(execution) == []
        closed = Execution.objects.get(pk=execution.pk)
        assert (closed.closed_by, closed.next_due_at) == (actor.id, None)
        before = dump()
        with pytest.raises(ActionNotAllowed):
            change(actor, execution, "b", status="COMPLETED")
        assert dump() == before
        patch_execution(actor, execution.id, {"status": "STARTED"})
        assert dict(Task.objects.filter(crt_since__isnull=False).values_list("template_id", "crt_since")) == since
        opened = Execution.objects.get(pk=execution.pk)
        assert (opened.closed_at, opened.closed_by, opened.next_due_at is None) == (None, "", False)
        for key in "bcd":
            change(actor, execution, key, status="COMPLETED")
        assert status_of(execution) == "DONE"

    def test_of_a_flow_that_was_done_is_undone_to_done(self, actor: Actor) -> None:
        execution = factories.start(actor, factories.sequence(1))
        change(actor, execution, "t1", status="COMPLETED")
        patch_execution(actor, execution.id, {"status": "CLOSED"})
        patch_execution(actor, execution.id, {"status": "STARTED"})
        assert status_of(execution) == "DONE"

    def test_a_flow_ended_by_hand_is_continued_where_it_was(self, actor: Actor) -> None:
        execution = factories.start(actor, factories.sequence(2))
        patch_execution(actor, execution.id, {"status": "DONE"})
        assert factories.current(execution) == []
        patch_execution(actor, execution.id, {"status": "STARTED"})
        assert factories.current(execution) == ["t1"]

    @pytest.mark.parametrize(("first", "second"), [("CLOSED", "DONE"), (None, "STARTED")])
    def test_what_makes_no_sense_is_refused(self, actor: Actor, first: str | None, second: str) -> None:
        execution = factories.start(actor, factories.sequence(1))
        if first:
            patch_execution(actor, execution.id, {"status": first})
        else:
            change(actor, execution, "t1", status="COMPLETED")
        before = dump()
        with pytest.raises(ActionNotAllowed):
            patch_execution(actor, execution.id, {"status": second})
        assert dump() == before


def test_going_back_in_a_done_flow_starts_it_again_and_leaves_other_branches_alone(actor: Actor) -> None:
    execution = factories.start(actor, split())
    for key in "abcd":
        change(actor, execution, key, status="COMPLETED")
    change(actor, execution, "b", status="PENDING", revert_execution=True)
    assert (status_of(execution), factories.current(execution)) == ("STARTED", ["b"])
    assert [factories.task_of(execution, key).status for key in "abcd"] == ["COMPLETED", "PENDING", "COMPLETED", "PENDING"]
    change(actor, execution, "b", status="COMPLETED")
    assert factories.current(execution) == ["d"]


def test_a_step_enters_a_limited_number_of_tasks_and_leaves_the_rest_to_jobs(actor: Actor) -> None:
    count = 2 * MAX_ENTRIES + 50
    execution = factories.start(actor, factories.sequence(count))
    Task.objects.filter(execution_id=execution.id).exclude(template_id__in=["t1", f"t{count}"]).update(status="COMPLETED")
    change(actor, execution, "t1", status="COMPLETED")
    passed = Task.objects.filter(execution_id=execution.id, left_at__isnull=False)
    assert passed.count() == MAX_ENTRIES + 1
    for round_ in (1, 2):
        job = Job.objects.get(kind="continue_execution", state="ready")
        run_job(str(job.pk))
        assert passed.count() == min((round_ + 1) * MAX_ENTRIES + 1, count - 1)
    assert factories.current(execution) == [f"t{count}"]
    assert not Job.objects.filter(state="ready").exists()


class TestEnabling:
    def test_a_current_task_that_is_disabled_waits(self, actor: Actor) -> None:
        execution = factories.start(actor, factories.sequence(2))
        change(actor, execution, "t1", enabled=False)
        before = dump()
        with pytest.raises(ActionNotAllowed):
            change(actor, execution, "t1", status="COMPLETED")
        assert dump() == before
        change(actor, execution, "t1", enabled=True, status="COMPLETED")
        assert factories.current(execution) == ["t2"]

    def test_what_was_set_by_hand_holds_until_the_requirements_change(self, actor: Actor) -> None:
        data = factories.sequence(4)
        data["tasks"][3]["requirements"] = [{"when": "PHASE_FINISHED", "phase_id": "one"}]
        execution = factories.start(actor, data)
        change(actor, execution, "t4", enabled=True)
        change(actor, execution, "t1", status="COMPLETED")
        assert factories.task_of(execution, "t4").enabled
        change(actor, execution, "t2", status="COMPLETED")
        change(actor, execution, "t4", enabled=False)
        change(actor, execution, "t3", status="IN_PROGRESS")
        assert not factories.task_of(execution, "t4").enabled
        change(actor, execution, "t2", status="PENDING", revert_execution=True)
        change(actor, execution, "t2", status="COMPLETED")
        assert factories.task_of(execution, "t4").enabled
