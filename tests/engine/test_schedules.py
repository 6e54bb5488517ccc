"""Schedules: when a task is armed for, why it is not, and that it fires once and never early."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.engine.builders import NOW, Story, branch, decision, edge, graph, statement, task
from workflows.engine import advance, machines
from workflows.engine.conditions import Facts
from workflows.engine.errors import ActionNotAllowed, InvalidBranch, InvalidGraph, UnknownNode
from workflows.engine.flow import DispatchRequested, Moment, ScheduleArmed, ScheduleCancelled, ScheduleFired, ScheduleRefused
from workflows.engine.schedules import Cause, Events, Refusal, parse_schedule, resolve
from workflows.engine.status import ExecutionStatus, TaskStatus

BERLIN = ZoneInfo("Europe/Berlin")


def delayed(duration: int = 2, unit: str = "hours") -> dict[str, Any]:
    return {"mode": "delayed", "duration": duration, "unit": unit}


def relative(origin: str, direction: str = "after", duration: int = 2, unit: str = "hours", **reference: Any) -> dict[str, Any]:
    return {
        "mode": "relative",
        "direction": direction,
        "duration": duration,
        "unit": unit,
        "reference": {"id": "x", "origin": origin} | reference,
    }


def by_date(direction: str = "before", duration: int = 3, unit: str = "days") -> dict[str, Any]:
    return relative("trigger_entity_attribute", direction, duration, unit, attribute="ends")


def automation(key: str, schedule: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    return task(key, task_type="AUTOMATION", schedule=schedule or delayed()) | fields


def later(hours: float, **primary: object) -> Moment:
    return Moment(NOW + timedelta(hours=hours), BERLIN, Facts(primary=primary), started_at=NOW)


def scheduled(schedule: dict[str, Any] | None = None, **facts: object) -> Story:
    """A flow whose first task is scheduled and whose second is a person's."""
    return Story(graph([automation("a", schedule), "b"], [("a", "b")]), **facts)


def at(story: Story, key: str = "a") -> datetime | None:
    return story.flow.tasks[key].scheduled_at


def cause(story: Story, key: str = "a") -> Cause | None:
    refusal = story.flow.tasks[key].refusal
    return refusal.cause if refusal else None


class TestResolve:
    EVENTS = Events(NOW, NOW - timedelta(days=1), NOW - timedelta(hours=1), NOW - timedelta(hours=2))

    def resolve(self, data: dict[str, Any], **primary: object) -> datetime | Refusal:
        schedule = parse_schedule(data)
        assert schedule is not None
        return resolve(schedule, self.EVENTS, Facts(primary=primary, by_schema={"contract": {"ends": "2026-05-01"}}), BERLIN)

    @pytest.mark.parametrize(
        ("data", "expected"),
        [
            (delayed(30, "minutes"), "2026-03-04T10:30:00+00:00"),
            (delayed(2, "hours"), "2026-03-04T12:00:00+00:00"),
            (delayed(1, "days"), "2026-03-05T10:00:00+00:00"),
            (delayed(1, "weeks"), "2026-03-11T10:00:00+00:00"),
            # Summer time begins on 29 March: the time of day stays, the hours do not.
            (delayed(25, "days"), "2026-03-29T09:00:00+00:00"),
            (delayed(600, "hours"), "2026-03-29T10:00:00+00:00"),
            (delayed(1, "months"), "2026-04-04T09:00:00+00:00"),
            (delayed(1, "years"), "2027-03-04T10:00:00+00:00"),
            (relative("flow_started"), "2026-03-03T12:00:00+00:00"),
            (relative("flow_started", "before", 1, "days"), "2026-03-02T10:00:00+00:00"),
            (relative("task_completed"), "2026-03-04T11:00:00+00:00"),
            (relative("all_preceding_tasks_completed"), "2026-03-04T10:00:00+00:00"),
            (
                by_date("after", 1, "months")
                | {"reference": {"id": "", "origin": "trigger_entity_attribute", "schema": "contract", "attribute": "ends"}},
                "2026-05-31T22:00:00+00:00",
            ),
        ],
    )
    def test_counts_from_what_it_refers_to(self, data: dict[str, Any], expected: str) -> None:
        assert self.resolve(data) == datetime.fromisoformat(expected)

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            # The 10th begins in Berlin when it is 22 o'clock UTC in summer.
            ("2026-04-10", "2026-04-06T22:00:00+00:00"),
            ("2026-04-10T00:00:00.000", "2026-04-06T22:00:00+00:00"),
            ("2026-04-10T08:30", "2026-04-07T06:30:00+00:00"),
            ("2026-04-10T08:30:00Z", "2026-04-07T08:30:00+00:00"),
            (["2026-04-10"], "2026-04-06T22:00:00+00:00"),
        ],
    )
    def test_reads_days_in_the_organisations_zone(self, value: object, expected: str) -> None:
        assert self.resolve(by_date(), ends=value) == datetime.fromisoformat(expected)

    def test_the_last_of_a_month_stays_the_last(self) -> None:
        assert self.resolve(by_date("after", 1, "months"), ends="2026-01-31") == datetime(2026, 2, 27, 23, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (None, Cause.ATTRIBUTE_EMPTY),
            ("", Cause.ATTRIBUTE_EMPTY),
            ([], Cause.ATTRIBUTE_EMPTY),
            ("soon", Cause.ATTRIBUTE_UNREADABLE),
            (5, Cause.ATTRIBUTE_UNREADABLE),
            (["2026-04-10", "2026-05-10"], Cause.ATTRIBUTE_UNREADABLE),
        ],
    )
    def test_says_why_a_date_cannot_be_used(self, value: object, expected: Cause) -> None:
        found = self.resolve(by_date(), ends=value)
        assert isinstance(found, Refusal)
        assert found.cause is expected
        assert "ends" in found.reason

    def test_the_longest_schedule_stays_in_the_calendar(self) -> None:
        assert self.resolve(by_date("before", 100, "years"), ends="1001-01-01") == datetime(900, 12, 31, 23, 6, 32, tzinfo=UTC)
        assert self.resolve(by_date("after", 100, "years"), ends="8999-12-31") == datetime(9099, 12, 30, 23, tzinfo=UTC)


class TestArming:
    def test_a_scheduled_task_that_becomes_current_is_armed(self) -> None:
        story = scheduled()
        assert (story.of("a"), at(story), story.current) == ("SCHEDULED", NOW + timedelta(hours=2), ["a"])
        assert story.changed(ScheduleArmed) == [ScheduleArmed("a", NOW + timedelta(hours=2))]
        assert not story.changed(DispatchRequested)

    def test_an_immediate_one_begins_at_once(self) -> None:
        story = scheduled({"mode": "immediate"})
        assert (story.of("a"), at(story)) == ("IN_PROGRESS", None)

    def test_one_that_a_person_starts_waits(self) -> None:
        story = Story(graph([automation("a", trigger_mode="manual"), "b"], [("a", "b")]))
        assert (story.of("a"), at(story)) == ("PENDING", None)

    def test_a_task_for_a_person_has_no_schedule(self) -> None:
        story = Story(graph([task("a", schedule=delayed()), "b"], [("a", "b")]))
        assert (story.of("a"), at(story)) == ("PENDING", None)

    def test_a_time_that_has_passed_is_refused_and_the_task_waits(self) -> None:
        story = scheduled(by_date(), ends="2026-03-06")
        assert (story.of("a"), at(story), cause(story)) == ("PENDING", None, Cause.IN_THE_PAST)
        assert story.current == ["a"]
        assert [c.refusal.cause for c in story.changed(ScheduleRefused)] == [Cause.IN_THE_PAST]

    def test_is_armed_when_the_attribute_comes(self) -> None:
        story = scheduled(by_date())
        assert cause(story) is Cause.ATTRIBUTE_EMPTY
        story.take(machines.reconsider(story.flow, later(1, ends="2026-03-20")))
        assert (story.of("a"), cause(story)) == ("SCHEDULED", None)
        assert at(story) == datetime(2026, 3, 16, 23, tzinfo=UTC)

    def test_is_armed_anew_when_the_attribute_changes(self) -> None:
        story = scheduled(by_date(), ends="2026-03-20")
        first = at(story)
        story.take(machines.reconsider(story.flow, later(1, ends="2026-03-27")))
        assert at(story) == datetime(2026, 3, 23, 23, tzinfo=UTC)
        assert [c.at for c in story.changed(ScheduleCancelled)] == [first]
        story.take(machines.reconsider(story.flow, later(2)))
        assert (story.of("a"), at(story), cause(story)) == ("PENDING", None, Cause.ATTRIBUTE_EMPTY)

    def test_looking_again_at_the_same_changes_nothing(self) -> None:
        for facts in ({"ends": "2026-03-20"}, {}):
            story = scheduled(by_date(), **facts)
            assert machines.reconsider(story.flow, later(1, **facts)).changes == ()

    def test_counts_from_the_completion_of_a_task_once_it_is_completed(self) -> None:
        after = relative("task_completed", id="c")
        story = Story(graph(["s", automation("a", after), "c", "b"], [("s", "a"), ("s", "c"), ("a", "b"), ("c", "b")])).complete(
            "s"
        )
        assert (story.of("a"), cause(story)) == ("PENDING", Cause.NOT_COMPLETED)
        story.moment = later(5)
        story.complete("c")
        assert (story.of("a"), at(story)) == ("SCHEDULED", NOW + timedelta(hours=7))

    def test_counts_from_the_last_of_all_preceding_tasks(self) -> None:
        after = relative("all_preceding_tasks_completed", duration=1, unit="days")
        story = Story(graph(["s", "x", "y", automation("a", after)], [("s", "x"), ("s", "y"), ("x", "a"), ("y", "a")])).complete(
            "s", "x"
        )
        story.moment = later(5)
        story.complete("y")
        assert at(story) == NOW + timedelta(hours=29)

    def test_a_disabled_task_is_armed_when_it_is_enabled(self) -> None:
        needs = [{"when": "TASK_FINISHED", "task_id": "c"}]
        story = Story(graph([automation("a", requirements=needs), "c"], []))
        assert (story.of("a"), at(story)) == ("PENDING", None)
        story.complete("c")
        assert story.of("a") == "SCHEDULED"
        story.take(advance.set_enabled(story.flow, "a", False, story.moment))
        assert (story.of("a"), at(story)) == ("PENDING", None)


class TestFiring:
    def test_what_is_due_at_a_time_is_told(self) -> None:
        flow = graph([automation("a", delayed(3)), automation("b", delayed(1)), automation("c", delayed(9)), "d"], [])
        story = Story(flow)
        assert machines.due_schedules(story.flow, NOW) == []
        assert machines.due_schedules(story.flow, NOW + timedelta(hours=1)) == ["b"]
        assert machines.due_schedules(story.flow, NOW + timedelta(hours=3)) == ["b", "a"]

    def test_never_fires_early(self) -> None:
        story = scheduled()
        with pytest.raises(ActionNotAllowed, match="not due before"):
            machines.fire(story.flow, "a", Moment(NOW + timedelta(hours=2) - timedelta(microseconds=1), BERLIN))

    def test_fires_once(self) -> None:
        story = scheduled()
        story.take(machines.fire(story.flow, "a", later(2)))
        assert (story.of("a"), at(story)) == ("IN_PROGRESS", None)
        assert [c.node for c in story.changed(ScheduleFired)] == ["a"]
        assert not story.changed(ScheduleCancelled)
        assert [c.node for c in story.changed(DispatchRequested)] == ["a"]
        assert machines.fire(story.flow, "a", later(3)).changes == ()

    def test_a_decision_is_evaluated_when_its_time_comes(self) -> None:
        yes = branch("yes", statement("city", "equals", "Bonn"))
        flow = graph(
            [decision("d", yes, "no", mode="automatic", schedule=delayed()), "b", "c"],
            [("d", "b", "yes"), edge("d", "c", "no", none_met=True)],
        )
        story = Story(flow, city="Köln")
        assert story.of("d") == "SCHEDULED"
        story.take(machines.fire(story.flow, "d", later(2, city="Bonn")))
        assert story.current == ["b"]

    def test_an_unknown_task_is_refused(self) -> None:
        with pytest.raises(UnknownNode):
            machines.fire(scheduled().flow, "zzz", later(9))

    def test_what_is_given_up_says_so_and_can_be_run(self) -> None:
        story = scheduled()
        story.take(machines.give_up_schedule(story.flow, "a", "boom", later(2)))
        assert (story.of("a"), at(story), cause(story)) == ("PENDING", None, Cause.GIVEN_UP)
        story.take(machines.execute(story.flow, "a", later(3)))
        assert (story.of("a"), cause(story)) == ("IN_PROGRESS", None)
        assert machines.give_up_schedule(story.flow, "a", "boom", later(4)).changes == ()


class TestCancelling:
    def test_cancelling_skips_the_task_and_the_flow_goes_on(self) -> None:
        story = scheduled()
        story.take(machines.cancel_schedule(story.flow, "a", story.moment))
        assert (story.of("a"), at(story), story.current) == ("SKIPPED", None, ["b"])
        assert len(story.changed(ScheduleCancelled)) == 1
        with pytest.raises(ActionNotAllowed, match="no pending schedule"):
            machines.cancel_schedule(story.flow, "a", story.moment)

    def test_running_now_cancels_and_begins(self) -> None:
        story = scheduled()
        story.take(machines.run_schedule_now(story.flow, "a", story.moment))
        assert (story.of("a"), at(story)) == ("IN_PROGRESS", None)
        assert len(story.changed(ScheduleCancelled)) == 1
        with pytest.raises(ActionNotAllowed, match="no pending schedule"):
            machines.run_schedule_now(story.flow, "a", story.moment)

    @pytest.mark.parametrize("status", ["COMPLETED", "SKIPPED", "ON_HOLD"])
    def test_a_person_who_goes_ahead_cancels_it(self, status: str) -> None:
        story = scheduled().set("a", status)
        assert (at(story), len(story.changed(ScheduleCancelled))) == (None, 1)

    def test_taking_it_off_hold_arms_it_again(self) -> None:
        story = scheduled().set("a", "ON_HOLD").set("a", "PENDING")
        assert (story.of("a"), at(story)) == ("SCHEDULED", NOW + timedelta(hours=2))

    def test_closing_cancels_and_reopening_arms_again(self) -> None:
        story = scheduled()
        story.take(advance.set_execution_status(story.flow, ExecutionStatus.CLOSED, later(1)))
        assert (story.of("a"), at(story), machines.due_schedules(story.flow, NOW + timedelta(days=9))) == ("PENDING", None, [])
        assert machines.fire(story.flow, "a", later(3)).changes == ()
        closed = story.flow
        story.take(advance.set_execution_status(closed, ExecutionStatus.STARTED, later(1)))
        assert (story.of("a"), at(story)) == ("SCHEDULED", NOW + timedelta(hours=2))
        story.take(advance.set_execution_status(closed, ExecutionStatus.STARTED, later(5)))
        assert (story.of("a"), cause(story)) == ("PENDING", Cause.IN_THE_PAST)

    def test_reverting_to_what_was_before_cancels(self) -> None:
        story = Story(graph(["s", automation("a"), "b"], [("s", "a"), ("a", "b")])).complete("s")
        assert story.of("a") == "SCHEDULED"
        story.set("s", "PENDING", revert=True)
        assert (story.of("a"), at(story), len(story.changed(ScheduleCancelled))) == ("PENDING", None, 1)

    def test_reverting_to_the_task_itself_arms_it_from_then_on(self) -> None:
        story = scheduled().set("a", "SKIPPED")
        story.moment = later(10)
        story.set("a", "PENDING", revert=True)
        assert (story.of("a"), at(story)) == ("SCHEDULED", NOW + timedelta(hours=12))

    def test_a_loop_arms_its_members_anew(self) -> None:
        loop = {"loop_branch_id": "again", "exit_branch_id": "out", "max_iterations": 2}
        flow = graph(
            [automation("a"), decision("d", "again", "out", loop_config=loop), "e"],
            [("a", "d"), ("d", "a", "again"), ("d", "e", "out")],
        )
        story = Story(flow).set("a", "COMPLETED")
        story.moment = later(4)
        story.complete("d", branch="again")
        assert (story.of("a"), at(story)) == ("SCHEDULED", NOW + timedelta(hours=6))

    def test_deleting_cancels_all(self) -> None:
        story = Story(graph([automation("a"), automation("b")], []))
        story.take(machines.cancel_all(story.flow, story.moment))
        assert (at(story), at(story, "b"), len(story.changed(ScheduleCancelled))) == (None, None, 2)


class TestExecute:
    def test_completes_what_a_person_does(self) -> None:
        story = Story(graph(["a", "b"], [("a", "b")]))
        assert story.take(machines.execute(story.flow, "a", story.moment)).current() == ["b"]

    def test_dispatches_a_machines_task_that_waits_for_a_start(self) -> None:
        story = Story(graph([task("a", task_type="AUTOMATION", trigger_mode="manual")], []))
        story.take(machines.execute(story.flow, "a", story.moment))
        assert story.of("a") == "IN_PROGRESS"
        assert len(story.changed(DispatchRequested)) == 1
        with pytest.raises(ActionNotAllowed, match="running already"):
            machines.execute(story.flow, "a", story.moment)

    def test_runs_a_failed_one_again(self) -> None:
        story = Story(graph([task("a", task_type="AUTOMATION")], []))
        story.take(advance.record_result(story.flow, "a", TaskStatus.FAILED, story.moment))
        story.take(machines.execute(story.flow, "a", story.moment))
        assert story.of("a") == "IN_PROGRESS"

    def test_refuses_what_is_finished_disabled_a_choice_or_not_reached(self) -> None:
        needs = [{"when": "TASK_FINISHED", "task_id": "s"}]
        yes = branch("yes", statement("city", "equals", "Bonn"))
        story = Story(
            graph(
                [
                    "s",
                    automation("off", requirements=needs),
                    automation("over"),
                    decision("manual", "x", "y"),
                    decision("auto", yes, "no", mode="automatic"),
                ],
                [("s", "auto")],
            )
        ).set("over", "SKIPPED")
        for key, said in (("off", "disabled"), ("over", "SKIPPED"), ("auto", "not come")):
            with pytest.raises(ActionNotAllowed, match=said):
                machines.execute(story.flow, key, story.moment)
        with pytest.raises(InvalidBranch, match="next_condition_id"):
            machines.execute(story.flow, "manual", story.moment)


class TestTemplates:
    def test_a_task_that_is_not_there_cannot_be_counted_from(self) -> None:
        with pytest.raises(InvalidGraph, match="counts from task ghost") as caught:
            graph([automation("a", relative("task_completed", id="ghost"))], [])
        assert caught.value.node == "a"

    @pytest.mark.parametrize(
        "broken",
        [delayed(2000, "years"), relative("trigger_entity_attribute"), relative("trigger_entity_attribute", attribute="")],
    )
    def test_what_cannot_be_resolved_is_refused_with_its_task(self, broken: dict[str, Any]) -> None:
        with pytest.raises(InvalidGraph, match=r"schedule\.") as caught:
            graph([automation("a", broken)], [])
        assert caught.value.node == "a"
