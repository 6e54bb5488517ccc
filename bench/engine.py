"""What one step of the engine costs, and how that grows with the flow: no database, no framework, one core."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import mean
from typing import Any

from bench.shapes import SHAPES
from workflows.engine import advance, derive
from workflows.engine.definition import parse_definition
from workflows.engine.flow import Flow, Moment
from workflows.engine.status import TaskStatus

SMALL, LARGE = 20, 200
MOMENT = Moment(datetime(2026, 3, 4, 10, 0, tzinfo=UTC))
# Branches that lead on; a loop is gone through once before.
BACK, ONWARD = "back", ("c-yes", "on")


def measure(repetitions: int) -> list[dict[str, Any]]:
    """Return for each shape the microseconds of a step: over the whole flow on average, and of its costliest step.

    Each step is timed several times, both sizes in turns, and the quickest counts: what is left is the engine's own work.
    """
    rows = []
    for name, shape in SHAPES.items():
        begin: list[Callable[[], Flow]] = []
        steps: list[list[Flow]] = []
        for size in (SMALL, LARGE):
            graph = parse_definition(shape(size))
            begin.append(lambda graph=graph: advance.start(graph, MOMENT).flow)  # type: ignore[misc]
            steps.append(history(begin[-1]()))
        best = [[float("inf")] * len(flows) for flows in steps]
        starts = [float("inf")] * 2
        for _ in range(repetitions):
            for size in (0, 1):
                starts[size] = min(starts[size], timed(begin[size]))
                for number, flow in enumerate(steps[size]):
                    best[size][number] = min(best[size][number], timed(lambda flow=flow: complete_next(flow)))  # type: ignore[misc]
        for kind, pair in (
            ("average step", [mean(values) for values in best]),
            ("costliest step", [max(values) for values in best]),
            ("start", starts),
        ):
            rows.append({"shape": name, "what": kind, "small_us": pair[0], "large_us": pair[1], "ratio": pair[1] / pair[0]})
    return rows


def history(flow: Flow) -> list[Flow]:
    """Complete one task after another until the flow is done, and return all states in between."""
    flows = []
    while flow.current():
        flows.append(flow)
        flow = complete_next(flow)
    return flows


def complete_next(flow: Flow) -> Flow:
    node = flow.current()[0]
    branches = [condition.id for condition in flow.graph.nodes[node].conditions]
    again = BACK in branches and flow.tasks[node].iterations == 0
    branch = BACK if again else next((name for name in branches if name in ONWARD), None)
    outcome = advance.set_status(flow, node, TaskStatus.COMPLETED, MOMENT, branch=branch)
    # A service asks for the progress after each step.
    derive.progress(outcome.flow)
    return outcome.flow


def timed(action: Callable[[], object]) -> float:
    # The processor's time: a step of microseconds is not to be charged for the process that was let in between.
    begin = time.thread_time()
    action()
    return (time.thread_time() - begin) * 1e6
