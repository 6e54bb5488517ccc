"""Clients that work like people and systems do: start flows, complete what is theirs, and note what was acknowledged."""

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.chaos import flows
from tests.chaos.lab import Client, Lab, Unanswered

EXECUTIONS = "/v2/flows/executions"


@dataclass(frozen=True, slots=True)
class Start:
    """A flow to start. Sent again, until it is answered, with the same key and the same words."""

    organisation: int
    entity: dict[str, Any]
    key: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass
class Load:
    """So many executions at a time, refilled until `stop`; then driven to their end by `drain`."""

    lab: Lab
    at_a_time: int = 50
    clients: int = 4
    delay: float = 1.0
    started: list[tuple[str, int]] = field(default_factory=list)
    completed: list[str] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    slowest: float = 0.0
    refused: int = 0
    answered: int = 0
    statuses: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lock = threading.Lock()
        self.open: list[tuple[str, int]] = []
        self.unanswered: list[Start] = []
        self.filling = True
        self.dated: dict[str, float] = {}
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._work, args=(n,), daemon=True) for n in range(self.clients)]

    def start(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def _work(self, number: int) -> None:
        clients = [self.lab.client(n) for n in range(len(self.lab.tokens))]
        turn = number
        while not self.stopping.is_set():
            turn += 1
            try:
                with self.lock:
                    again = self.unanswered.pop() if self.unanswered else None
                    is_room = self.filling and len(self.open) < self.at_a_time
                    taken = None if again or is_room or not self.open else self.open.pop(0)
                if again or is_room:
                    start = again or Start(turn % len(clients), flows.entity(self.delay + self.lab.servers.wrong_by()))
                    self._begin(clients[start.organisation], start)
                elif taken is not None:
                    self._drive(clients[taken[1]], taken)
                else:
                    time.sleep(0.05)
            except Unanswered:
                self.refused += 1
                time.sleep(0.1)
            self.stopping.wait(0.02)

    def _send(self, client: Client, method: str, path: str, body: object = None, key: str = "") -> Any:
        begun = time.monotonic()
        try:
            return client.send(method, path, body, key=key)
        finally:
            self.slowest = max(self.slowest, time.monotonic() - begun)
            self.answered += 200 <= client.status < 300
            self.statuses[client.status] = self.statuses.get(client.status, 0) + 1

    def _begin(self, client: Client, start: Start) -> None:
        try:
            entity = self._send(client, "POST", "/v1/entity/contact", start.entity, start.key)
            contexts = [{"entity_id": entity["_id"], "entity_schema": "contact"}]
            body = {"flow_template_id": self.lab.templates[start.organisation], "contexts": contexts}
            execution = self._send(client, "POST", EXECUTIONS, body, start.key)
        except Unanswered:
            with self.lock:
                self.unanswered.append(start)
            raise
        with self.lock:
            self.started.append((str(execution["id"]), start.organisation))
            self.open.append((str(execution["id"]), start.organisation))

    def _drive(self, client: Client, taken: tuple[str, int]) -> None:
        """Complete what waits for a person; put the execution back unless it has ended."""
        ended = False
        try:
            execution = self._send(client, "GET", f"{EXECUTIONS}/{taken[0]}")
            ended = execution["status"] == "DONE"
            current = {task["id"] for task in execution["crt_tasks"]}
            for task in (task for task in execution["tasks"] if task["id"] in current):
                if task["task_type"] == "MANUAL" and task["status"] != "COMPLETED":
                    self._send(client, "PATCH", f"{EXECUTIONS}/{taken[0]}/tasks/{task['id']}", {"status": "COMPLETED"})
                    self.completed.append(task["id"])
                elif task["status"] == "PENDING" and time.monotonic() - self.dated.get(task["id"], 0) > 5:
                    # Its schedule was refused, because the time had passed already; a new date arms it again.
                    self.dated[task["id"]] = time.monotonic()
                    soon = flows.minute_after(self.delay + self.lab.servers.wrong_by())
                    contact = execution["contexts"][0]["entity_id"]
                    self._send(client, "PATCH", f"/v1/entity/contact/{contact}", {"soon": soon})
        finally:
            with self.lock:
                if ended:
                    self.done.add(taken[0])
                else:
                    self.open.append(taken)

    def drain(self, seconds: float, is_hopeless: Callable[[], object] = lambda: False) -> float:
        """Start nothing new, bring everything that was started to its end, and return how long that took.

        When `is_hopeless` says so, it is left as it is.
        """
        from workflows.models import Execution

        begun = time.monotonic()
        self.filling = False
        deadline = begun + seconds
        while self.unanswered and time.monotonic() < deadline:
            time.sleep(0.2)
        known = {execution for execution, _ in self.started}
        # Flows that a flow started are driven too.
        organisations = {slug: n for n, slug in enumerate(("acme", "other", "third"))}
        for key, slug in Execution.objects.values_list("id", "organisation__slug"):
            if str(key) not in known:
                with self.lock:
                    self.open.append((str(key), organisations[slug]))
        while time.monotonic() < deadline:
            if not self.open and not Execution.objects.filter(status="STARTED").exists():
                break
            if is_hopeless():
                break
            time.sleep(0.2)
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)
        return time.monotonic() - begun
