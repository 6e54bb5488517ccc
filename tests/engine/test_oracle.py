"""The engine against the oracle: any template, any actions, and after each of them both say the same."""

import os
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, currently_in_test_context, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.engine.builders import NOW, moment
from tests.engine.templates import numbers, templates
from tests.oracle import Oracle, Refused
from workflows.engine import advance, derive, machines
from workflows.engine.definition import parse_definition
from workflows.engine.errors import WorkflowError
from workflows.engine.flow import ContinueRequested, Flow, Outcome
from workflows.engine.status import ExecutionStatus, TaskStatus

# How many templates; each of them lives through fifty actions.
GRAPHS = int(os.environ.get("ORACLE_GRAPHS", "50"))
picks = st.integers(0, 59)


class Subject:
    """The engine, asked in the oracle's words."""

    def __init__(self, template: dict[str, Any], number: int | None) -> None:
        self.graph = parse_definition(template)
        self.moment = replace(moment(n=number), started_at=NOW)
        self.flow: Flow
        self.take(advance.start(self.graph, self.moment))

    def take(self, outcome: Outcome) -> None:
        self.flow = outcome.flow
        while any(isinstance(change, ContinueRequested) for change in outcome.changes):
            outcome = advance.resume(self.flow, self.moment)
            self.flow = outcome.flow

    def patch(self, task: str, status: str, choice: str | None = None, revert: bool = False) -> None:
        self.take(advance.set_status(self.flow, task, TaskStatus(status), self.moment, branch=choice, revert=revert))

    def result(self, task: str, status: str) -> None:
        self.take(advance.record_result(self.flow, task, TaskStatus(status), self.moment))

    def enable(self, task: str, value: bool) -> None:
        self.take(advance.set_enabled(self.flow, task, value, self.moment))

    def change_entity(self, number: int | None) -> None:
        self.moment = replace(self.moment, facts=moment(n=number).facts)
        self.take(machines.reconsider(self.flow, self.moment))

    def execute(self, task: str) -> None:
        self.take(machines.execute(self.flow, task, self.moment))

    def cancel(self, task: str) -> None:
        self.take(machines.cancel_schedule(self.flow, task, self.moment))

    def tick(self, minutes: int) -> set[str]:
        self.moment = replace(self.moment, now=self.moment.now + timedelta(minutes=minutes))
        return set(machines.due_schedules(self.flow, self.moment.now))

    def fire(self, task: str) -> None:
        self.take(machines.fire(self.flow, task, self.moment))

    def end(self, status: str) -> None:
        self.take(advance.set_execution_status(self.flow, ExecutionStatus(status), self.moment))


class EngineAndOracle(RuleBasedStateMachine):
    """Each rule does one thing to both; each invariant compares one thing."""

    @initialize(template=templates(), number=numbers)
    def start(self, template: dict[str, Any], number: int | None) -> None:
        self.tasks = {task["id"]: task for task in template["tasks"]}
        self.said: list[tuple[Any, ...]] = []
        self.oracle = Oracle(template, number)
        self.engine = Subject(template, number)

    def both(self, verb: str, *args: Any) -> None:
        """Do it to both: done by both or refused by both, and what is refused changes nothing."""
        if currently_in_test_context():
            note(f"{verb}{args}")
        self.said.append((verb, *args))
        before = self.engine.flow
        try:
            getattr(self.engine, verb)(*args)
        except WorkflowError as error:
            refusal: str | None = error.message
            assert self.engine.flow is before
        else:
            refusal = None
        try:
            getattr(self.oracle, verb)(*args)
        except Refused:
            refused = True
        else:
            refused = False
        assert refused is (refusal is not None), f"the engine says {refusal!r}, the oracle refuses: {refused}"

    def choice(self, task: str, pick: int) -> str | None:
        branches = [condition["id"] for condition in self.tasks[task].get("conditions", [])]
        return branches[pick % len(branches)] if branches else None

    def any_task(self, pick: int) -> str:
        return list(self.tasks)[pick % len(self.tasks)]

    @rule(pick=picks, branch=picks)
    def go_on(self, pick: int, branch: int) -> None:
        """Finish something that is current: what a flow mostly sees."""
        current = self.engine.flow.current()
        if not current:
            return
        task = current[pick % len(current)]
        if self.engine.flow.tasks[task].status == "IN_PROGRESS" and self.tasks[task]["task_type"] == "AUTOMATION":
            self.both("result", task, "COMPLETED")
        else:
            self.both("patch", task, "COMPLETED", self.choice(task, branch))

    @rule(pick=picks, branch=picks)
    def go_on_too(self, pick: int, branch: int) -> None:
        self.go_on(pick, branch)

    @rule(pick=picks, status=st.sampled_from(list(TaskStatus)), branch=picks)
    def patch(self, pick: int, status: TaskStatus, branch: int) -> None:
        task = self.any_task(pick)
        self.both("patch", task, status.value, self.choice(task, branch))

    @rule(pick=picks, status=st.sampled_from(["COMPLETED", "SKIPPED"]), branch=picks)
    def finish_anything(self, pick: int, status: str, branch: int) -> None:
        task = self.any_task(pick)
        self.both("patch", task, status, self.choice(task, branch))

    @rule(pick=picks, revert=st.booleans())
    def go_back(self, pick: int, revert: bool) -> None:
        finished = [task for task, state in self.engine.flow.tasks.items() if state.status in ("COMPLETED", "SKIPPED")]
        if finished:
            self.both("patch", finished[pick % len(finished)], "PENDING", None, revert)

    @rule(pick=picks, status=st.sampled_from(["FAILED", "SKIPPED", "WAITING_FOR_CONFIRMATION"]))
    def result(self, pick: int, status: str) -> None:
        running = [
            task
            for task, state in self.engine.flow.tasks.items()
            if state.status == "IN_PROGRESS" and self.tasks[task]["task_type"] == "AUTOMATION"
        ]
        if running and self.engine.flow.status != "CLOSED":
            self.both("result", running[pick % len(running)], status)

    @rule(pick=picks, value=st.booleans())
    def enable(self, pick: int, value: bool) -> None:
        self.both("enable", self.any_task(pick), value)

    @rule(number=numbers)
    def entity(self, number: int | None) -> None:
        self.both("change_entity", number)

    @rule(minutes=st.sampled_from([1, 30, 60, 90, 200]))
    def tick(self, minutes: int) -> None:
        due = self.engine.tick(minutes)
        assert due == self.oracle.tick(minutes)
        self.said.append(("tick", minutes, due))
        for task in sorted(due):
            self.both("fire", task)

    @rule(pick=picks, verb=st.sampled_from(["execute", "cancel"]))
    def schedule(self, pick: int, verb: str) -> None:
        current = self.engine.flow.current() or [self.any_task(pick)]
        self.both(verb, current[pick % len(current)] if pick % 2 else self.any_task(pick))

    @rule(pick=picks, status=st.sampled_from(["CLOSED", "DONE", "STARTED", "STARTED"]))
    def end(self, pick: int, status: str) -> None:
        if status == "STARTED" or pick % 6 == 0:  # seldom, or little else would happen
            self.both("end", status)

    @invariant()
    def they_agree(self) -> None:
        flow, oracle = self.engine.flow, self.oracle
        assert {key: state.status.value for key, state in flow.tasks.items()} == oracle.status
        assert set(flow.current()) == set(oracle.current())
        assert {key for key, state in flow.tasks.items() if state.passed} == oracle.left
        assert flow.status.value == oracle.execution
        assert {key: state.enabled for key, state in flow.tasks.items()} == oracle.enabled
        assert {key: flow.tasks[key].iterations for key in oracle.loops} == oracle.counts
        armed = {
            key: (state.scheduled_at - NOW) // timedelta(minutes=1) for key, state in flow.tasks.items() if state.scheduled_at
        }
        assert armed == oracle.armed
        phases = derive.phase_statuses(flow.graph, flow.tasks)
        assert {key: status.value for key, status in phases.items()} == {key: oracle.phase(key) for key in oracle.phases}


EngineAndOracle.TestCase.settings = settings(
    max_examples=GRAPHS,
    stateful_step_count=50,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
TestEngineAndOracle = pytest.mark.timeout(0)(EngineAndOracle.TestCase)
