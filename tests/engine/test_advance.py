"""What becomes current, and when a flow ends."""

from itertools import pairwise

import pytest

from tests.engine.builders import NOW, Story, branch, decision, edge, graph, moment, statement, task
from workflows.engine import advance, derive, machines
from workflows.engine.errors import ActionNotAllowed, InvalidBranch, UnknownNode
from workflows.engine.flow import (
    BecameCurrent,
    ContinueRequested,
    DecisionWaits,
    DispatchRequested,
    EnabledChanged,
    PhaseStatusChanged,
    StatusChanged,
    TaskReset,
)
from workflows.engine.graph import Graph, Requirement
from workflows.engine.reach import live_nodes
from workflows.engine.status import ExecutionStatus, TaskStatus

LOOP = {"loop_branch_id": "again", "exit_branch_id": "out", "max_iterations": 2}
DIAMOND = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]


class TestPaths:
    def test_a_sequence_goes_on_one_by_one(self) -> None:
        story = Story(graph(["a", "b"], [("a", "b")]))
        assert story.current == ["a"]
        assert story.complete("a").current == ["b"]
        assert story.complete("b").status == "DONE"

    def test_skipping_goes_on_too(self) -> None:
        assert Story(graph(["a", "b"], [("a", "b")])).set("a", "SKIPPED").current == ["b"]

    def test_a_split_makes_all_successors_current(self) -> None:
        assert Story(graph(list("abcd"), DIAMOND)).complete("a").current == ["b", "c"]

    def test_a_join_waits_for_every_branch_and_fires_once(self) -> None:
        story = Story(graph(list("abcd"), DIAMOND)).complete("a", "c")
        assert story.current == ["b"]
        story.complete("b")
        assert story.current == ["d"]
        assert len(story.changed(BecameCurrent)) == 1

    def test_a_merge_does_not_wait_for_a_branch_not_taken(self) -> None:
        flow = graph(
            [decision("d", "x", "y"), "b", "c", "z"],
            [("d", "b", "x"), ("d", "c", "y"), ("b", "z"), ("c", "z")],
        )
        story = Story(flow).complete("d", branch="y").complete("c")
        assert story.current == ["z"]
        assert story.complete("z").status == "DONE"
        assert story.of("b") == "PENDING"
        assert derive.progress(story.flow) == (3, 3)

    def test_a_join_of_branches_of_different_length_waits_for_the_longer(self) -> None:
        story = Story(graph(list("abcde"), [("a", "b"), ("a", "c"), ("c", "d"), ("b", "e"), ("d", "e")]))
        assert story.complete("a", "b").current == ["c"]
        assert story.complete("c").current == ["d"]
        assert story.complete("d").current == ["e"]

    def test_a_future_task_finished_early_is_passed_through(self) -> None:
        story = Story(graph(list("abc"), [("a", "b"), ("b", "c")])).complete("b")
        assert story.current == ["a"]
        assert story.complete("a").current == ["c"]

    def test_a_decision_taken_early_keeps_its_choice(self) -> None:
        flow = graph(["a", decision("d", "x", "y"), "b", "c"], [("a", "d"), ("d", "b", "x"), ("d", "c", "y")])
        story = Story(flow).complete("d", branch="y")
        assert story.current == ["a"]
        assert story.complete("a").current == ["c"]

    def test_unknown_tasks_are_refused(self) -> None:
        with pytest.raises(UnknownNode):
            Story(graph(["a"], [])).complete("ghost")

    def test_a_long_way_through_finished_tasks_is_cut_and_resumed(self) -> None:
        keys = [f"n{number}" for number in range(250)]
        story = Story(graph(keys, list(pairwise(keys))))
        story.complete(*keys[1:]).complete(keys[0])
        assert story.changed(ContinueRequested)
        assert story.status == "STARTED"
        assert story.take(advance.resume(story.flow, story.moment)).status is ExecutionStatus.DONE


class TestMachines:
    def test_an_automation_is_dispatched_on_entry(self) -> None:
        story = Story(graph(["a", task("m", task_type="AUTOMATION")], [("a", "m")])).complete("a")
        assert story.of("m") == "IN_PROGRESS"
        assert story.changed(DispatchRequested) == [DispatchRequested("m")]

    def test_one_for_a_person_to_start_waits(self) -> None:
        story = Story(graph([task("m", task_type="AUTOMATION", trigger_mode="manual")], []))
        assert (story.of("m"), story.changed(DispatchRequested)) == ("PENDING", [])

    @pytest.mark.parametrize(
        ("result", "status", "execution"), [("COMPLETED", "COMPLETED", "DONE"), ("FAILED", "FAILED", "STARTED")]
    )
    def test_its_result_moves_the_flow_or_stays(self, result: str, status: str, execution: str) -> None:
        story = Story(graph([task("m", task_type="AUTOMATION")], []))
        story.take(advance.record_result(story.flow, "m", TaskStatus(result), story.moment))
        assert (story.of("m"), story.status) == (status, execution)

    def test_a_late_result_changes_nothing(self) -> None:
        story = Story(graph([task("m", task_type="AUTOMATION")], [])).set("m", "SKIPPED")
        assert advance.record_result(story.flow, "m", TaskStatus.FAILED, story.moment).changes == ()

    def test_running_a_failed_one_again_dispatches_it_again(self) -> None:
        story = Story(graph([task("m", task_type="AUTOMATION")], []))
        story.take(advance.record_result(story.flow, "m", TaskStatus.FAILED, story.moment))
        assert story.set("m", "IN_PROGRESS").changed(DispatchRequested)


class TestDecisions:
    EDGES = (edge("d", "b", "x"), edge("d", "c", "y"))

    def build(self, *, default: bool = True, parallel: bool = True) -> Graph:
        x, y = (
            branch("x", statement("kwp", "greater_than", "10", kind="number")),
            branch("y", statement("city", "equals", "Bonn")),
        )
        tasks = [decision("d", x, y, mode="automatic", allow_parallel_execution=parallel), "b", "c", *(["n"] if default else [])]
        return graph(tasks, [*self.EDGES, *([edge("d", "n", none_met=True)] if default else [])])

    def test_all_branches_that_are_met_are_taken(self) -> None:
        story = Story(self.build(), kwp=12, city="Bonn")
        assert (story.current, story.of("d")) == (["b", "c"], "COMPLETED")

    def test_only_the_first_one_when_they_exclude_each_other(self) -> None:
        assert Story(self.build(parallel=False), kwp=12, city="Bonn").current == ["b"]

    def test_the_default_when_none_is_met(self) -> None:
        assert Story(self.build(), kwp=3).current == ["n"]

    def test_without_a_default_it_waits_and_can_be_evaluated_by_hand(self) -> None:
        story = Story(self.build(default=False), kwp=3)
        assert (story.current, story.of("d")) == (["d"], "CONDITION_PENDING")
        assert story.complete("d", branch="y").current == ["c"]

    def test_by_hand_exactly_one_known_branch(self) -> None:
        story = Story(graph([decision("d", "x", "y"), "b", "c"], list(self.EDGES)))
        for wrong in (None, "ghost"):
            with pytest.raises(InvalidBranch):
                story.complete("d", branch=wrong)
        assert story.complete("d", branch="x").current == ["b"]

    def test_skipping_takes_the_default_or_is_refused(self) -> None:
        flow = [decision("d", "x", "y"), "b", "c"]
        with pytest.raises(InvalidBranch):
            Story(graph(flow, list(self.EDGES))).set("d", "SKIPPED")
        with_default = graph(flow, [edge("d", "b", "x"), edge("d", "c", "y", none_met=True)])
        assert Story(with_default).set("d", "SKIPPED").current == ["c"]


class TestLoops:
    def build(self) -> Story:
        tasks = ["a", decision("d", "again", "out", loop_config=LOOP), "fix", "z"]
        return Story(graph(tasks, [("trigger", "a"), ("a", "d"), ("d", "fix", "again"), ("fix", "a"), ("d", "z", "out")]))

    def test_going_back_resets_the_members(self) -> None:
        story = self.build().complete("a").complete("d", branch="again")
        assert story.current == ["fix"]
        assert {change.node for change in story.changed(TaskReset)} == {"a", "d"}
        assert story.flow.tasks["d"].iterations == 1
        assert story.complete("fix").current == ["a"]

    def test_a_way_back_of_two_parts_is_joined_where_it_returns(self) -> None:
        tasks = ["a", decision("d", "again", "out", loop_config=LOOP), "x", "y", "z"]
        edges = [
            ("trigger", "a"),
            ("a", "d"),
            ("d", "x", "again"),
            edge("d", "y", "again"),
            ("x", "a"),
            ("y", "a"),
            ("d", "z", "out"),
        ]
        story = Story(graph(tasks, edges)).complete("a").complete("d", branch="again")
        assert story.current == ["x", "y"]
        assert story.complete("x").current == ["y"]
        assert story.complete("y").current == ["a"]

    def test_after_the_exit_nothing_of_the_loop_comes_back(self) -> None:
        story = self.build().complete("a").complete("d", branch="again").complete("fix", "a").complete("d", branch="out")
        assert story.current == ["z"]
        assert story.complete("z").status == "DONE"

    def test_at_the_maximum_only_the_exit_is_left(self) -> None:
        story = self.build()
        for _ in range(2):
            story.complete("a").complete("d", branch="again").complete("fix")
        story.complete("a")
        with pytest.raises(InvalidBranch, match="2 times"):
            story.complete("d", branch="again")
        assert story.complete("d", branch="out").current == ["z"]

    def test_by_itself_it_leaves_at_the_maximum_whatever_the_conditions_say(self) -> None:
        more = branch("again", statement("more", "equals", "true", kind="boolean"))
        tasks = [decision("d", more, "out", mode="automatic", loop_config=LOOP), "z"]
        story = Story(graph(tasks, [("d", "d", "again"), ("d", "z", "out")]), more=True)
        assert story.current == ["z"]
        assert story.flow.tasks["d"].iterations == 2

    def test_an_inner_loop_starts_again_at_nought(self) -> None:
        tasks = ["a", decision("i", "again", "out", loop_config=LOOP), decision("o", "again", "out", loop_config=LOOP), "z"]
        edges = [("a", "i"), ("i", "a", "again"), ("i", "o", "out"), ("o", "a", "again"), ("o", "z", "out")]
        story = Story(graph(tasks, edges)).complete("a").complete("i", branch="again").complete("a")
        story.complete("i", branch="out").complete("o", branch="again")
        assert (story.current, story.flow.tasks["i"].iterations, story.flow.tasks["o"].iterations) == (["a"], 0, 1)


class TestRevert:
    def test_to_before_a_loop_resets_its_own_tasks_too(self) -> None:
        tasks = ["s", "a", decision("d", "again", "out", loop_config=LOOP), "fix", "z"]
        edges = [("s", "a"), ("a", "d"), ("d", "fix", "again"), ("fix", "a"), ("d", "z", "out")]
        story = Story(graph(tasks, edges)).complete("s", "a").complete("d", branch="again")
        assert story.set("s", "PENDING", revert=True).current == ["s"]
        assert story.complete("s").current == ["a"]

    def test_goes_back_and_resets_what_follows(self) -> None:
        story = Story(graph(list("abc"), [("a", "b"), ("b", "c")])).complete("a", "b").set("a", "PENDING", revert=True)
        assert (story.current, story.of("b")) == (["a"], "PENDING")
        assert story.complete("a").current == ["b"]

    def test_leaves_other_branches_alone(self) -> None:
        story = Story(graph(list("abcd"), DIAMOND)).complete("a", "b", "c").set("b", "PENDING", revert=True)
        assert (story.current, story.of("c")) == (["b"], "COMPLETED")
        assert story.complete("b").current == ["d"]

    def test_continues_a_flow_that_was_done(self) -> None:
        story = Story(graph(["a", "b"], [("a", "b")])).complete("a", "b").set("b", "PENDING", revert=True)
        assert (story.status, story.current) == ("STARTED", ["b"])

    def test_is_ignored_on_a_future_task(self) -> None:
        story = Story(graph(["a", "b"], [("a", "b")])).complete("b").set("b", "PENDING", revert=True)
        assert (story.current, story.of("b")) == (["a"], "PENDING")

    def test_without_it_only_the_status_changes(self) -> None:
        story = Story(graph(["a", "b"], [("a", "b")])).complete("a").set("a", "PENDING")
        assert (story.current, story.of("a")) == (["b"], "PENDING")


class TestClosing:
    def test_remembers_the_current_tasks_and_brings_them_back(self) -> None:
        story = Story(graph(list("abcd"), DIAMOND)).complete("a")
        story.take(advance.set_execution_status(story.flow, ExecutionStatus.CLOSED, story.moment))
        assert story.current == []
        with pytest.raises(ActionNotAllowed):
            story.complete("b")
        story.take(advance.set_execution_status(story.flow, ExecutionStatus.STARTED, story.moment))
        assert story.current == ["b", "c"]

    def test_a_flow_that_is_done_cannot_simply_be_reopened(self) -> None:
        story = Story(graph(["a"], [])).complete("a")
        with pytest.raises(ActionNotAllowed):
            advance.set_execution_status(story.flow, ExecutionStatus.STARTED, story.moment)


class TestEnabling:
    def test_requirements_enable_and_disable(self) -> None:
        needs = [{"when": "TASK_FINISHED", "task_id": "b"}]
        story = Story(graph(["a", "b", task("c", requirements=needs)], [("a", "c"), ("a", "b")])).complete("a")
        assert not story.flow.tasks["c"].enabled
        assert story.complete("b").flow.tasks["c"].enabled

    def test_a_phase_as_requirement(self) -> None:
        needs = [{"when": "PHASE_FINISHED", "phase_id": "p"}]
        tasks = [task("a", phase_id="p"), task("b", phase_id="p"), task("c", requirements=needs)]
        story = Story(graph(tasks, [("a", "b")], phases=[{"id": "p"}])).complete("a")
        assert not story.flow.tasks["c"].enabled
        assert story.complete("b").flow.tasks["c"].enabled

    def test_linear_asks_for_all_predecessors(self) -> None:
        story = Story(graph(["a", "b"], [("a", "b")], linear=True))
        assert not story.flow.tasks["b"].enabled
        assert story.complete("a").flow.tasks["b"].enabled

    def test_a_machine_waits_until_it_is_enabled(self) -> None:
        needs = [{"when": "TASK_FINISHED", "task_id": "b"}]
        story = Story(graph([task("m", task_type="AUTOMATION", requirements=needs), "b"], []))
        assert story.of("m") == "PENDING"
        assert story.complete("b").of("m") == "IN_PROGRESS"

    def test_by_hand(self) -> None:
        story = Story(graph(["a"], []))
        story.take(advance.set_enabled(story.flow, "a", False, story.moment))
        with pytest.raises(ActionNotAllowed):
            story.complete("a")


class TestPhases:
    def test_follow_their_tasks(self) -> None:
        tasks = [task("a", phase_id="p"), task("b", phase_id="q")]
        story = Story(graph(tasks, [("a", "b")], phases=[{"id": "p"}, {"id": "q"}]))
        assert [(c.phase, c.after) for c in story.changed(PhaseStatusChanged)] == [("p", "IN_PROGRESS")]
        story.complete("a")
        assert [(c.phase, c.after) for c in story.changed(PhaseStatusChanged)] == [("p", "COMPLETED"), ("q", "IN_PROGRESS")]

    def test_tasks_on_branches_not_taken_count_for_nothing(self) -> None:
        tasks = [decision("d", "x", "y"), task("b", phase_id="p"), task("c", phase_id="p")]
        flow = graph(tasks, [("d", "b", "x"), ("d", "c", "y")], phases=[{"id": "p"}])
        story = Story(flow).complete("d", branch="x").complete("b")
        assert [c.after for c in story.changed(PhaseStatusChanged)] == ["COMPLETED"]
        assert story.status == "DONE"


def test_an_added_task_is_done_before_the_one_that_was_current() -> None:
    story = Story(graph(["a", "b"], [("a", "b")])).complete("a")
    wider = graph(["a", "new", "b"], [edge("a", "new") | {"id": "a>b:None"}, ("new", "b")])
    story.take(advance.add_task(story.flow, wider, "new", TaskStatus.PENDING, moment()))
    assert story.current == ["new"]
    assert story.complete("new").current == ["b"]
    assert story.flow.tasks["b"].since == NOW


class TestAddedTasks:
    def widen(self, story: Story, wider: Graph, node: str, **fields: bool) -> Story:
        story.take(advance.add_task(story.flow, wider, node, TaskStatus.PENDING, moment(), **fields))
        return story

    def test_in_a_linear_flow_the_next_one_waits_for_it(self) -> None:
        story = Story(graph(["a", "b"], [("a", "b")], linear=True)).complete("a")
        assert story.flow.tasks["b"].enabled
        self.widen(story, graph(["a", "new", "b"], [edge("a", "new") | {"id": "a>b:None"}, ("new", "b")], linear=True), "new")
        assert (story.flow.tasks["new"].enabled, story.flow.tasks["b"].enabled) == (True, False)
        assert story.complete("new", "b").status == "DONE"

    def test_a_completed_phase_is_in_progress_again(self) -> None:
        phases = [{"id": "p"}, {"id": "q"}]
        rows = [task("a", phase_id="p"), task("b", phase_id="q")]
        story = Story(graph(rows, [("a", "b")], phases=phases)).complete("a")
        ways = [edge("a", "new") | {"id": "a>b:None"}, ("new", "b")]
        self.widen(story, graph([*rows, task("new", phase_id="p")], ways, phases=phases), "new")
        assert [(c.phase, c.after) for c in story.changed(PhaseStatusChanged)] == [("p", "IN_PROGRESS"), ("q", "OPEN")]

    def test_on_a_way_back_it_is_done_with_the_loop(self) -> None:
        tasks = ["a", decision("d", "again", "out", loop_config=LOOP), "z"]
        story = Story(graph(tasks, [("a", "d"), ("d", "a", "again"), ("d", "z", "out")])).complete("a")
        ways = [("a", "d"), edge("d", "new", "again") | {"id": "d>a:again"}, ("new", "a"), ("d", "z", "out")]
        self.widen(story, graph([*tasks, "new"], [("trigger", "a"), *ways]), "new")
        assert story.current == ["d"]
        assert story.complete("d", branch="again").current == ["new"]
        assert story.complete("new").current == ["a"]
        assert story.complete("a").complete("d", branch="again").current == ["new"]

    def test_disabled_it_waits(self) -> None:
        story = Story(graph(["a", "b"], [("a", "b")])).complete("a")
        self.widen(story, graph(["a", "new", "b"], [edge("a", "new") | {"id": "a>b:None"}, ("new", "b")]), "new", enabled=False)
        assert (story.current, story.flow.tasks["new"].enabled) == (["new"], False)
        with pytest.raises(ActionNotAllowed):
            story.complete("new")


def test_what_a_long_step_fulfilled_last_is_enabled_before_it_is_cut() -> None:
    keys = [f"n{number}" for number in range(250)]
    late = task("late", requirements=[{"when": "PHASE_FINISHED", "phase_id": "p"}])
    rows = [task(key, phase_id="p") if number < advance.MAX_ENTRIES else key for number, key in enumerate(keys)]
    story = Story(graph([*rows, late], [*pairwise(keys), (keys[-1], "late")], phases=[{"id": "p"}]))
    story.complete(*keys[1:]).complete(keys[0])
    story.take(advance.resume(story.flow, story.moment))
    assert (story.current, story.flow.tasks["late"].enabled) == (["late"], True)


class TestDecisionsThatWait:
    def waiting(self, **facts: object) -> Story:
        bonn, ulm = (branch(k, statement("city", "equals", k)) for k in ("bonn", "ulm"))
        return Story(
            graph([decision("d", bonn, ulm, mode="automatic"), "b", "u"], [("d", "b", "bonn"), ("d", "u", "ulm")]), **facts
        )

    def test_one_without_a_met_branch_waits_and_says_how_it_was_judged(self) -> None:
        story = self.waiting(city="köln")
        assert (story.of("d"), story.current) == ("CONDITION_PENDING", ["d"])
        assert [(v.condition_id, v.is_met) for v in story.changed(DecisionWaits)[0].verdicts] == [("bonn", False), ("ulm", False)]

    def test_goes_on_when_what_it_asks_for_has_changed(self) -> None:
        story = self.waiting(city="köln")
        story.take(machines.reconsider(story.flow, moment(city="köln")))
        assert story.current == ["d"]
        story.take(machines.reconsider(story.flow, moment(city="ulm")))
        assert (story.of("d"), story.current) == ("COMPLETED", ["u"])

    def test_looks_again_when_it_is_enabled(self) -> None:
        story = self.waiting(city="köln")
        story.take(advance.set_enabled(story.flow, "d", False, story.moment))
        story.take(machines.reconsider(story.flow, moment(city="ulm")))
        assert story.current == ["d"]
        story.take(advance.set_enabled(story.flow, "d", True, moment(city="ulm")))
        assert story.current == ["u"]

    def test_a_closed_one_does_not_look(self) -> None:
        story = self.waiting(city="köln")
        closed = advance.set_execution_status(story.flow, ExecutionStatus.CLOSED, story.moment).flow
        assert machines.reconsider(closed, moment(city="ulm")).changes == ()


class TestDefaultThatLoops:
    def flow(self) -> Graph:
        done = branch("out", statement("done", "equals", "yes"))
        return graph(
            ["a", decision("d", "again", done, mode="automatic", loop_config=LOOP), "e"],
            [("a", "d"), edge("d", "a", "again", none_met=True), ("d", "e", "out")],
        )

    def test_counts_and_leaves_at_the_maximum(self) -> None:
        story = Story(self.flow(), done="no").complete("a", "a")
        assert (story.current, story.flow.tasks["d"].iterations) == (["a"], 2)
        assert story.complete("a").current == ["e"]

    def test_skipping_it_counts_too(self) -> None:
        waits = Story(
            graph(
                ["a", decision("d", "again", "out", loop_config=LOOP), "e"],
                [("a", "d"), edge("d", "a", "again", none_met=True), ("d", "e", "out")],
            )
        )
        for _ in range(2):
            waits.complete("a").set("d", "SKIPPED")
        assert (waits.current, waits.flow.tasks["d"].iterations) == (["a"], 2)
        assert waits.complete("a").set("d", "SKIPPED").current == ["e"]


class TestWhatTheOracleFound:
    """Flows in which engine and oracle once disagreed; each name says what holds now."""

    def test_a_held_machine_begins_when_it_is_resumed(self) -> None:
        story = Story(graph(["a", task("m", task_type="AUTOMATION")], [("a", "m")])).set("m", "ON_HOLD").complete("a")
        assert story.of("m") == "ON_HOLD"
        assert story.set("m", "PENDING").of("m") == "IN_PROGRESS"
        assert story.changed(DispatchRequested) == [DispatchRequested("m")]

    def test_a_machine_that_is_gone_back_to_begins_again(self) -> None:
        story = Story(graph([task("m", task_type="AUTOMATION"), "b"], [("m", "b")])).set("m", "SKIPPED")
        assert story.set("m", "PENDING", revert=True).of("m") == "IN_PROGRESS"

    def test_a_task_finished_while_the_execution_was_ended_by_hand_is_passed_through(self) -> None:
        story = Story(graph(["a", "b"], [("a", "b")]))
        story.take(advance.set_execution_status(story.flow, ExecutionStatus.DONE, story.moment))
        story.complete("a")
        story.take(advance.set_execution_status(story.flow, ExecutionStatus.STARTED, story.moment))
        assert story.current == ["b"]

    def test_going_back_in_an_execution_ended_by_hand_brings_its_current_tasks_back(self) -> None:
        story = Story(graph(list("abcd"), DIAMOND)).complete("a", "b")
        story.take(advance.set_execution_status(story.flow, ExecutionStatus.DONE, story.moment))
        assert story.set("b", "PENDING", revert=True).current == ["b", "c"]

    def test_a_requirement_unmet_and_met_in_one_step_leaves_the_task_enabled(self) -> None:
        first, second = (decision(k, branch(f"{k}x", statement("n", "equals", "1")), f"{k}y", mode="automatic") for k in "ij")
        needs = [{"when": "TASK_FINISHED", "task_id": "j"}]
        tasks = [first, second, decision("d", "again", "out", loop_config=LOOP), task("t", requirements=needs)]
        edges = [("trigger", "i"), ("i", "j", "ix"), ("j", "d", "jx"), ("d", "i", "again"), ("d", "t", "out")]
        story = Story(graph(tasks, edges), n="1").complete("d", branch="again")
        assert (story.of("j"), story.flow.tasks["t"].enabled) == ("COMPLETED", True)

    def test_a_loop_chosen_early_and_taken_back_counts_no_round(self) -> None:
        tasks = ["a", decision("d", "again", "out", loop_config=LOOP), "z"]
        story = Story(graph(tasks, [("trigger", "a"), ("a", "d"), ("d", "a", "again"), ("d", "z", "out")]))
        for _ in range(3):
            story.complete("d", branch="again").set("d", "PENDING")
        assert story.flow.tasks["d"].iterations == 0
        assert story.complete("d", branch="again").complete("a").flow.tasks["d"].iterations == 1

    def test_at_the_maximum_the_exit_is_taken_though_nothing_is_met(self) -> None:
        again, out = (branch(key, statement("x", "equals", key)) for key in ("again", "out"))
        tasks = ["a", decision("d", again, out, mode="automatic", loop_config=LOOP | {"max_iterations": 1}), "z"]
        story = Story(graph(tasks, [("trigger", "a"), ("a", "d"), ("d", "a", "again"), ("d", "z", "out")]), x="again")
        story.complete("a").moment = moment(x="neither")
        assert story.complete("a").current == ["z"]

    def test_going_round_excludes_the_other_branches_that_are_met(self) -> None:
        again, other, out = (branch(key, statement("x", "equals", "1")) for key in ("again", "other", "out"))
        tasks = ["a", decision("d", again, other, out, mode="automatic", loop_config=LOOP), "o", "z"]
        edges = [("trigger", "a"), ("a", "d"), ("d", "a", "again"), ("d", "o", "other"), ("d", "z", "out")]
        story = Story(graph(tasks, edges), x="1").complete("a", "a")
        assert (story.current, story.flow.tasks["d"].iterations) == (["a"], 2)
        assert story.complete("a").current == ["z"]

    def test_the_first_branch_that_is_met_is_taken_be_it_the_exit(self) -> None:
        out, again = (branch(key, statement("x", "equals", "1")) for key in ("out", "again"))
        tasks = ["a", decision("d", out, again, mode="automatic", loop_config=LOOP, allow_parallel_execution=False), "z"]
        story = Story(graph(tasks, [("trigger", "a"), ("a", "d"), ("d", "a", "again"), ("d", "z", "out")]), x="1")
        assert story.complete("a").current == ["z"]

    def test_a_new_round_does_not_remember_what_led_into_the_loop_before(self) -> None:
        tasks = ["s", decision("r", "left", "right"), "a", "b", decision("d", "again", "out", loop_config=LOOP), "z"]
        edges = [
            ("s", "a"),
            ("a", "b"),
            ("b", "d"),
            ("d", "r", "again"),
            ("r", "a", "left"),
            ("r", "b", "right"),
            ("d", "z", "out"),
        ]
        story = Story(graph(tasks, edges)).complete("s", "a", "b").complete("d", branch="again").complete("r", branch="right")
        assert story.current == ["b"]

    def test_going_back_inside_a_loop_leaves_branches_beside_and_the_round_alone(self) -> None:
        tasks = ["h", "b", "c", decision("d", "again", "out", loop_config=LOOP), "z"]
        edges = [("trigger", "h"), ("h", "b"), ("h", "c"), ("b", "d"), ("c", "d"), ("d", "h", "again"), ("d", "z", "out")]
        story = Story(graph(tasks, edges)).complete("h", "b", "c").complete("d", branch="again").complete("h", "b", "c")
        story.set("b", "PENDING", revert=True)
        assert (story.current, story.of("c"), story.flow.tasks["d"].iterations) == (["b"], "COMPLETED", 1)

    def test_what_a_used_up_loop_leads_to_does_not_count(self) -> None:
        tasks = ["h", decision("d", "again", "out", loop_config=LOOP | {"max_iterations": 1}), decision("r", "x", "y"), "w"]
        edges = [
            ("trigger", "h"),
            ("h", "d"),
            ("d", "r", "again"),
            ("r", "w", "x"),
            ("r", "h", "y"),
            ("w", "h"),
            ("d", None, "out"),
        ]
        story = Story(graph(tasks, edges)).complete("h")
        assert "w" in live_nodes(story.flow.graph, story.flow.tasks)
        story.complete("d", branch="again").complete("r", branch="y")
        assert live_nodes(story.flow.graph, story.flow.tasks) == {"h", "d", "r"}

    def test_a_branch_without_an_edge_chosen_early_leaves_nothing_ahead(self) -> None:
        tasks = ["a", decision("d", "x", "end"), "b"]
        story = Story(graph(tasks, [("a", "d"), ("d", "b", "x")])).complete("d", branch="end")
        assert live_nodes(story.flow.graph, story.flow.tasks) == {"a", "d"}

    def test_skipping_at_the_maximum_may_end_the_path(self) -> None:
        tasks = ["a", decision("d", "again", "out", loop_config=LOOP | {"max_iterations": 1})]
        flow = graph(tasks, [("trigger", "a"), ("a", "d"), edge("d", "a", "again", none_met=True)])
        story = Story(flow).complete("a").set("d", "SKIPPED").complete("a").set("d", "SKIPPED")
        assert (story.status, story.flow.tasks["d"].iterations) == ("DONE", 1)

    def test_a_loop_beside_another_start_begins_too(self) -> None:
        tasks = ["s", "a", decision("d", "again", "out", loop_config=LOOP), "z"]
        assert Story(graph(tasks, [("a", "d"), ("d", "a", "again"), ("d", "z", "out")])).current == ["s", "a"]

    def test_rounds_of_machines_are_bounded_in_one_step(self) -> None:
        again = branch("again", statement("x", "equals", "1"))
        loop = LOOP | {"max_iterations": 100}
        tasks = [decision(key, again, "out", mode="automatic", loop_config=loop) for key in "io"]
        edges = [("trigger", "i"), ("i", "i", "again"), ("i", "o", "out"), ("o", "i", "again"), edge("o", None, "out")]
        story = Story(graph(tasks, edges), x="1")
        assert story.changed(ContinueRequested)
        assert story.flow.tasks["o"].iterations == 1

    def test_a_waiting_decision_is_looked_at_again_when_it_is_enabled_or_reopened(self) -> None:
        x, y = (branch(key, statement("x", "equals", key)) for key in "xy")
        story = Story(graph([decision("d", x, y, mode="automatic"), "b"], [("d", "b", "x")]), x="?")
        story.take(advance.set_enabled(story.flow, "d", False, story.moment))
        story.moment = moment(x="x")
        story.take(advance.set_enabled(story.flow, "d", True, story.moment))
        assert story.current == ["b"]

        story = Story(graph([decision("d", x, y, mode="automatic"), "b"], [("d", "b", "x")]), x="?")
        story.take(advance.set_execution_status(story.flow, ExecutionStatus.CLOSED, story.moment))
        story.take(advance.set_execution_status(story.flow, ExecutionStatus.STARTED, moment(x="x")))
        assert story.current == ["b"]


class TestWhatIsTold:
    """Outcomes say what happened, for the history and for those who are told."""

    def test_a_late_result_leaves_the_flow_itself(self) -> None:
        story = Story(graph([task("m", task_type="AUTOMATION")], [])).set("m", "SKIPPED")
        assert advance.record_result(story.flow, "m", TaskStatus.FAILED, story.moment).flow is story.flow

    def test_enabling_and_disabling(self) -> None:
        needs = [{"when": "TASK_FINISHED", "task_id": "a"}]
        story = Story(graph(["a", task("b", requirements=needs)], [("a", "b")])).complete("a")
        assert story.changed(EnabledChanged) == [EnabledChanged("b", True)]
        assert story.set("a", "PENDING").changed(EnabledChanged) == [EnabledChanged("b", False)]

    def test_going_back_is_done_by_a_person_and_resets_in_the_order_of_the_flow(self) -> None:
        story = Story(graph(list("azbc"), [("a", "z"), ("z", "b"), ("b", "c")])).complete("a", "z", "b", "c")
        story.set("a", "PENDING", revert=True)
        assert [change.node for change in story.changed(TaskReset)] == ["z", "b", "c"]
        assert story.changed(StatusChanged) == [StatusChanged("a", TaskStatus.COMPLETED, TaskStatus.PENDING, by_person=True)]
        assert story.changed(BecameCurrent) == [BecameCurrent("a")]
        assert (story.flow.tasks["a"].passed, story.flow.tasks["a"].taken) == (False, frozenset())

    def test_reopening_forgets_that_tasks_were_suspended(self) -> None:
        story = Story(graph(["a"], []))
        since = story.flow.tasks["a"].since
        story.take(advance.set_execution_status(story.flow, ExecutionStatus.CLOSED, story.moment))
        assert (story.flow.tasks["a"].since, story.flow.tasks["a"].suspended) == (None, since)
        story.take(advance.set_execution_status(story.flow, ExecutionStatus.STARTED, story.moment))
        assert (story.flow.tasks["a"].since, story.flow.tasks["a"].suspended) == (since, None)

    @pytest.mark.parametrize(("status", "at"), [("COMPLETED", NOW), ("PENDING", None)])
    def test_a_task_added_as_finished_was_finished_now(self, status: str, at: object) -> None:
        story = Story(graph(["a"], []))
        wider = graph(["a", "new"], [("a", "new")])
        story.take(advance.add_task(story.flow, wider, "new", TaskStatus(status), moment()))
        assert (story.of("new"), story.flow.tasks["new"].finished_at) == (status, at)

    def test_a_task_added_with_requirements_waits_for_them(self) -> None:
        story = Story(graph(["a"], []))
        needs = [{"when": "TASK_FINISHED", "task_id": "a"}]
        story.take(
            advance.add_task(story.flow, graph(["a", task("n", requirements=needs)], []), "n", TaskStatus.PENDING, moment())
        )
        assert not story.flow.tasks["n"].enabled

    def test_what_is_unmet_in_a_linear_flow(self) -> None:
        story = Story(graph(["a", "b"], [("a", "b")], linear=True))
        live = live_nodes(story.flow.graph, story.flow.tasks)
        assert derive.unmet_requirements(story.flow.graph, story.flow.tasks, "b", live) == [Requirement(task="a")]

    def test_what_is_unmet_by_phases_and_tasks(self) -> None:
        needs = [{"when": "PHASE_FINISHED", "phase_id": "p"}, {"when": "TASK_FINISHED", "task_id": "a"}]
        shape = graph([task("a", phase_id="p"), task("b", requirements=needs)], [("a", "b")], phases=[{"id": "p"}])
        story = Story(shape)
        unmet = derive.unmet_requirements(shape, story.flow.tasks, "b", live_nodes(shape, story.flow.tasks))
        assert unmet == [Requirement(phase="p"), Requirement(task="a")]
        story.complete("a")
        assert derive.unmet_requirements(shape, story.flow.tasks, "b", live_nodes(shape, story.flow.tasks)) == []
