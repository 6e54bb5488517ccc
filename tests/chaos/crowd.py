"""Experiment 5: sixteen at once complete one task, and finish sixteen branches of one join. Half of them over the API."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connections

from tests import factories
from tests.chaos.lab import Client, Lab, Unanswered, open_lab
from tests.chaos.machines import Servers
from tests.chaos.report import Report
from workflows.models import ActorKind, Event, Execution, Organisation, Role, Task
from workflows.permissions import Actor
from workflows.services.tasks import patch_task

CROWD = 16
EXECUTIONS = "/v2/flows/executions"


@dataclass(frozen=True, slots=True)
class Size:
    completions: int
    joins: int


SHORT = Size(completions=20, joins=10)
FULL = Size(completions=500, joins=200)


def run(servers: Servers, size: Size) -> Report:
    report = Report("sixteen at once", servers.database)
    with open_lab(servers, workers=1) as lab:
        crowd = Crowd(lab)
        for _ in range(size.completions):
            crowd.complete_one_task(report)
        for _ in range(size.joins):
            crowd.finish_branches(report)
        report.figures |= {"completions of one task": size.completions, "joins": size.joins, "answers": dict(crowd.answers)}
        report.expect("every answer is a success", set(crowd.answers) == {"done"}, dict(crowd.answers))
    return report


class Crowd:
    """Eight clients of the API, and eight threads that call the service as workers do."""

    def __init__(self, lab: Lab) -> None:
        self.clients: list[Client] = [lab.client() for _ in range(CROWD // 2)]
        self.actor = Actor(Organisation.objects.get(slug="acme"), ActorKind.SYSTEM, "", Role.OWNER)
        self.answers: Counter[str] = Counter()
        first = lab.client()
        contact = first.send("POST", "/v1/entity/contact", {"name": "Ada"})
        self.contexts = [{"entity_id": contact["_id"], "entity_schema": "contact"}]
        self.sequence = first.send("POST", "/v2/flows/templates", factories.sequence(2))["id"]
        keys = [f"b{number}" for number in range(CROWD)]
        wide = {
            "name": "Wide",
            "tasks": [factories.task(key) for key in [*keys, "z"]],
            "edges": [edge for key in keys for edge in factories.chain(key, "z")],
        }
        self.wide = first.send("POST", "/v2/flows/templates", wide)["id"]

    def start(self, template: str) -> Any:
        body = {"flow_template_id": template, "contexts": self.contexts}
        return self.clients[0].send("POST", EXECUTIONS, body)

    def complete_one_task(self, report: Report) -> None:
        execution = self.start(self.sequence)
        first, second = (task["id"] for task in execution["tasks"])
        self.at_once(execution["id"], [first] * CROWD)
        completed = Event.objects.filter(task_id=first, action="task.status").count()
        entered = Event.objects.filter(task_id=second, action="task.current").count()
        version = Execution.objects.values_list("version", flat=True).get(pk=execution["id"])
        report.expect("one completion, one advance", (completed, entered, version) == (1, 1, 2), completed, entered, version)

    def finish_branches(self, report: Report) -> None:
        execution = self.start(self.wide)
        branches = [task["id"] for task in execution["tasks"][:CROWD]]
        self.at_once(execution["id"], branches)
        join = Task.objects.get(execution_id=execution["id"], template_id="z")
        fired = Event.objects.filter(task_id=join.id, action="task.current").count()
        report.expect("the join fires once", (fired, join.crt_since is not None) == (1, True), fired, join.crt_since)

    def at_once(self, execution: str, tasks: list[str]) -> None:
        barrier = threading.Barrier(CROWD)
        threads = [
            threading.Thread(target=self.act, args=(barrier, number, execution, task)) for number, task in enumerate(tasks)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)

    def act(self, barrier: threading.Barrier, number: int, execution: str, task: str) -> None:
        data = {"status": "COMPLETED"}
        change: Callable[[], object]
        client = self.clients[number // 2]
        if number % 2:
            change = lambda: client.send("PATCH", f"{EXECUTIONS}/{execution}/tasks/{task}", data, seconds=60)  # noqa: E731
        else:
            change = lambda: patch_task(self.actor, execution, task, data)  # noqa: E731
        barrier.wait(60)
        try:
            change()
            self.answers["done"] += 1
        except Unanswered:
            self.answers[f"answered {client.status}"] += 1
        except Exception as error:
            self.answers[type(error).__name__] += 1
        finally:
            connections.close_all()
