"""The bench of an experiment: its servers, the product on them, the sink, and clients that keep work coming."""

import http.client
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.chaos import flows
from tests.chaos.machines import Processes, Servers, is_answering, wait_until
from tests.chaos.sink import Sink
from tests.product import free_port
from workflows.management.commands.up import web_command, worker_command
from workflows.models import Organisation, Role
from workflows.services.tokens import create_token

ORGANISATIONS = ("acme", "other", "third")


class Unanswered(Exception):
    """Nobody answered, or not to say what was asked: whether it was done is not known."""


@dataclass
class Client:
    """A client of the API with one connection, opened again when it broke. `status` tells how the last request was answered."""

    port: int
    token: str
    status: int = 0
    connection: http.client.HTTPConnection | None = None

    def send(self, method: str, path: str, body: Any = None, *, key: str = "", seconds: float = 15) -> Any:
        """Return the answer of a 2xx; with a `key`, a request that is sent again is the same one. Raises Unanswered."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        try:
            self.connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = self.connection.getresponse()
            self.status, data = answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            self.connection, self.status = None, 0
            raise Unanswered(str(error)) from error
        if not 200 <= self.status < 300:
            raise Unanswered(f"{method} {path}: {self.status} {data[:300]!r}")
        return json.loads(data) if data else None


@dataclass
class Lab:
    """Everything that an experiment can reach. The product's database is also this process's own."""

    servers: Servers
    port: int
    sink: Sink
    processes: Processes
    tokens: list[str] = field(default_factory=list)
    templates: list[str] = field(default_factory=list)

    def client(self, number: int = 0) -> Client:
        return Client(self.port, self.tokens[number % len(self.tokens)])

    def design(self) -> None:
        """Save the automations and templates of every organisation."""
        for number, _ in enumerate(self.tokens):
            client = self.client(number)
            designs = flows.automations(self.sink.url).items()
            ids = {name: client.send("POST", "/v1/automation/flows", data)["id"] for name, data in designs}
            started = client.send("POST", "/v2/flows/templates", flows.child(ids))["id"]
            ids["start"] = client.send("POST", "/v1/automation/flows", flows.starting(started))["id"]
            self.templates.append(client.send("POST", "/v2/flows/templates", flows.twenty(ids))["id"])


@contextmanager
def open_lab(servers: Servers, *, workers: int = 3, memory: int | None = None, crashes: int = 50) -> Iterator[Lab]:
    """Start the product: on PostgreSQL with a broker and several workers, on SQLite as `manage.py up` does.

    A job is given up after so many `crashes`, not after three: hundreds of kills hit some innocent job three times.
    """
    with ExitStack() as stack:
        sink = stack.enter_context(Sink())
        port = free_port()
        environment = servers.environment | {"FLOWDECK_CHAOS_CRASHES": str(crashes)}
        processes = Processes(commands(servers, port, workers, memory), environment, servers.directory / "log")
        stack.callback(processes.close)
        lab = Lab(servers, port, sink, processes, [make_token(name) for name in ORGANISATIONS])
        try:
            wait_until(lambda: is_answering(f"http://127.0.0.1:{port}"), 60, "the product answers")
            lab.design()
            yield lab
        except BaseException:
            print(processes.log_path.read_text()[-6000:], file=sys.stderr)
            raise


def make_token(name: str) -> str:
    organisation, _ = Organisation.objects.get_or_create(slug=name, name=name)
    return create_token(organisation, "chaos", Role.INTEGRATION)[1]


def commands(servers: Servers, port: int, workers: int, memory: int | None) -> list[list[str]]:
    limited = ["prlimit", f"--as={memory}"] if memory else []
    if servers.database == "sqlite":
        return [[*limited, sys.executable, "manage.py", "up", "--port", str(port)]]
    return [web_command("127.0.0.1", port), *([*limited, *worker_command()] for _ in range(workers))]
