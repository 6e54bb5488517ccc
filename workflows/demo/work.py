"""Working executions through the services as people would: on working days, by different hands, not always to the end."""

import random
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from workflows.models import ActorKind, Entity, Execution, FlowTemplate, Task
from workflows.permissions import Actor
from workflows.services.executions import Context, StartRequest, patch_execution, start_execution
from workflows.services.schedules import fire_schedule
from workflows.services.tasks import TaskPatch, patch_task

LATEST_HOUR = 17
MAX_STEPS = 80
# The branches that people mostly take, and the others.
USUAL = {"yes", "accepted-yes", "whole"}


class Worker:
    """One execution being worked on. `clock` only goes forward, and never past `until`."""

    def __init__(self, people: Sequence[Actor], until: datetime, dice: random.Random) -> None:
        self.people = people
        self.until = until
        self.dice = dice
        self.zone = ZoneInfo(people[0].organisation.time_zone)
        self.clock = until

    def start(self, template: FlowTemplate, entity: Entity, at: datetime) -> Execution:
        self.clock = min(self.in_office(at), self.until)
        request = StartRequest(template.id, [Context(str(entity.id), entity.schema, is_primary=True)])
        return start_execution(self.dice.choice(self.people), request, self.clock)

    def work(self, execution: Execution, steps: int) -> None:
        """Finish up to `steps` tasks, as far as the time goes."""
        for _ in range(min(steps, MAX_STEPS)):
            task = self.next_task(execution)
            if task is None and self.wait_for_schedule(execution):
                task = self.next_task(execution)
            if task is None or not self.pass_time(1, 24):
                return
            owner = self.dice.choice(self.people)
            if self.dice.random() < 0.7:
                self.patch(owner, task, {"assigned_to": [owner.id]})
            if self.dice.random() < 0.5 and self.pass_time(1, 3):
                self.patch(owner, task, {"status": "IN_PROGRESS"})
            if not self.pass_time(1, 10):
                return
            self.patch(owner, task, self.outcome(task))

    def outcome(self, task: Task) -> TaskPatch:
        if task.task_type == "DECISION":
            return {"status": "COMPLETED", "next_condition_id": self.choose(task)}
        return {"status": "SKIPPED" if self.dice.random() < 0.08 else "COMPLETED"}

    def choose(self, task: Task) -> str:
        """Take the usual branch four times of five."""
        branches: dict[str, tuple[str, str]] = {
            "worth": ("yes", "no"),
            "accepted": ("accepted-yes", "accepted-no"),
            "request-complete": ("whole", "missing"),
        }
        usual, other = branches[task.template_id]
        is_last_try = task.iterations >= 3
        return usual if is_last_try or self.dice.random() < 0.8 else other

    def leave_behind(self, execution: Execution) -> None:
        """Leave the current tasks in the middle of things: begun, on hold, given to somebody, or untouched."""
        rows = Task.objects.filter(execution_id=execution.id, crt_since__isnull=False).exclude(status="SCHEDULED")
        for task in rows.order_by("position"):
            owner = self.dice.choice(self.people)
            if not self.pass_time(1, 6):
                return
            kind = self.dice.choice(["begun", "hold", "given", "given", "untouched"])
            if kind == "begun":
                self.patch(owner, task, {"status": "IN_PROGRESS"})
            elif kind == "hold":
                self.patch(owner, task, {"status": "ON_HOLD"})
            elif kind == "given":
                self.patch(owner, task, {"assigned_to": [owner.id]})

    def close(self, execution: Execution, reasons: list[str], text: str) -> None:
        if self.pass_time(4, 48):
            closing: dict[str, Any] = {"selected_reasons": [{"id": reason} for reason in reasons]}
            closing |= {"extra_description": text} if text else {}
            patch_execution(
                self.dice.choice(self.people), execution.id, {"status": "CLOSED", "closing_reason": closing}, self.clock
            )

    def next_task(self, execution: Execution) -> Task | None:
        rows = Task.objects.filter(execution_id=execution.id, crt_since__isnull=False, enabled=True).order_by("position")
        found = list(rows.exclude(status="SCHEDULED"))
        return self.dice.choice(found) if found else None

    def wait_for_schedule(self, execution: Execution) -> bool:
        """Let the time pass until something begins by itself; False when that lies ahead."""
        task = Task.objects.filter(execution_id=execution.id, scheduled_at__isnull=False).order_by("scheduled_at").first()
        if task is None or task.scheduled_at is None or task.scheduled_at >= self.until:
            return False
        self.clock = max(self.clock, task.scheduled_at)
        system = Actor(self.people[0].organisation, ActorKind.SYSTEM)
        return fire_schedule(system, execution.id, task.id, task.schedule_id, self.clock)

    def patch(self, owner: Actor, task: Task, patch: TaskPatch) -> None:
        patch_task(owner, task.execution_id, task.id, patch, now=self.clock)

    def pass_time(self, least: int, most: int) -> bool:
        """Let some hours pass; False when they would lead past the end."""
        later = self.in_office(self.clock + timedelta(hours=self.dice.uniform(least, most)))
        if later >= self.until:
            return False
        self.clock = later
        return True

    def in_office(self, moment: datetime) -> datetime:
        """Return the same moment, or when nobody is at work then, a time on the next morning of a working day."""
        local = moment.astimezone(self.zone)
        while local.weekday() >= 5 or local.hour >= LATEST_HOUR:
            local = datetime.combine(local.date() + timedelta(days=1), time(8, self.dice.randrange(60)), self.zone)
        if local.hour < 8:
            local = datetime.combine(local.date(), time(8, self.dice.randrange(60)), self.zone)
        return local
