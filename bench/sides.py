"""The two sides: how each is served and filled, and how its operations are asked for."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg.conninfo import make_conninfo

from bench.client import Client, Refused
from tests.product import free_port
from workflows.management.commands.up import web_command

ROOT = Path(__file__).resolve().parent.parent


@dataclass(slots=True)
class Side:
    """One of the two, running. Addresses are templates over an execution's and a task's id."""

    name: str
    port: int
    keys: dict[str, str]
    paths: dict[str, str]
    template_field: str
    database: str
    process: "subprocess.Popen[bytes]"

    def cpu_seconds(self) -> float:
        """Return the processor time that the server's processes have used: unlike the clock, it does not see other load."""
        wanted, total = {self.process.pid}, 0.0
        ticks = os.sysconf("SC_CLK_TCK")
        for path in sorted(Path("/proc").glob("[0-9]*/stat"), key=lambda path: int(path.parent.name)):
            try:
                fields = path.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(path.parent.name) in wanted or int(fields[1]) in wanted:
                wanted.add(int(path.parent.name))
                total += (int(fields[11]) + int(fields[12])) / ticks
        return total

    def client(self, *, browser: bool = False) -> Client:
        headers = (
            {"Cookie": f"sessionid={self.keys['session']}"} if browser else {"Authorization": f"Bearer {self.keys['token']}"}
        )
        return Client(self.port, headers)

    def start_body(self, template: str = "template", entity: str = "entity") -> dict[str, Any]:
        context = {"entity_id": self.keys[entity], "entity_schema": "contact", "is_primary": True}
        return {self.template_field: self.keys[template], "contexts": [context]}

    def start_request(self, client: Client, template: str = "template", entity: str = "entity") -> bytes:
        return client.prepare("POST", self.paths["executions"], self.start_body(template, entity))

    def complete_requests(self, client: Client, execution: dict[str, Any]) -> list[bytes]:
        """One PATCH for each task, in an order in which each is current when its turn comes."""
        paths = [self.paths["task"].format(execution["id"], task["id"]) for task in execution["tasks"]]
        return [client.prepare("PATCH", path, {"status": "COMPLETED"}) for path in paths]

    def list_request(self, client: Client) -> bytes:
        """Fifty whole executions of one entity."""
        if self.name == "product":
            body = {"entity_id": self.keys["listed"], "entity_schema": "contact"}
            return client.prepare("POST", self.paths["search"], body)
        return client.prepare("GET", self.paths["search"].format(self.keys["listed"]))


PATHS = {
    "product": {
        "executions": "/v2/flows/executions",
        "execution": "/v2/flows/executions/{}",
        "task": "/v2/flows/executions/{}/tasks/{}",
        "search": "/v2/flows/executions:search",
        "board": "/executions/{}",
        "list": "/executions",
    },
    "stock": {
        "executions": "/executions",
        "execution": "/executions/{}",
        "task": "/executions/{}/tasks/{}",
        "search": "/executions?entity_id={}",
        "board": "/boards/{}",
        "list": "/",
    },
}
SETTINGS = {"product": "config.settings", "stock": "bench.stock.settings"}
APPLICATIONS = {"product": "config.wsgi:application", "stock": "bench.stock.wsgi:application"}


@contextmanager
def run_side(name: str, rows: int, seed: str = "") -> Iterator[Side]:
    """Create a database, fill it (`seed` names what does) and serve it on a free port; all of it ends with the block."""
    with tempfile.TemporaryDirectory(prefix="flowdeck-bench-") as directory, fresh_database() as url:
        kept = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "SECRET_KEY", "DEBUG")}
        environment = {"RATE_LIMITS": "off"} | kept | {"FLOWDECK_VAR": directory, "DJANGO_SETTINGS_MODULE": SETTINGS[name]}
        environment |= {"DATABASE_URL": url} if url else {}
        run(environment, "django", "migrate", "--verbosity", "0")
        # The baseline keeps no migrations of its own.
        run(environment, "django", "migrate", "--run-syncdb", "--verbosity", "0")
        keys = json.loads(run(environment, f"bench.seed_{seed or name}", str(rows)))
        port = free_port()
        log = (Path(directory) / "log").open("wb")
        command = [*web_command("127.0.0.1", port)[:-1], APPLICATIONS[name]]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            field_name = "flow_template_id" if name == "product" else "template_id"
            side = Side(name, port, keys, PATHS[name], field_name, url, process)
            wait_until_ready(side, process, Path(directory) / "log")
            yield side
        finally:
            process.terminate()
            process.wait(30)
            log.close()


def run(environment: dict[str, str], module: str, *arguments: str) -> str:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


@contextmanager
def fresh_database() -> Iterator[str]:
    """Create a database of its own on the server that DATABASE_URL names; without one each side makes its own file."""
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        yield ""
        return
    name = f"bench_{uuid4().hex[:12]}"
    with psycopg.connect(make_conninfo(server), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield server.rsplit("/", 1)[0] + "/" + name
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def wait_until_ready(side: Side, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(150):
        if process.poll() is not None:
            break
        try:
            client = side.client()
            client.send(client.prepare("GET", "/health/ready"))
        except (OSError, Refused):
            time.sleep(0.2)
        else:
            client.close()
            return
    raise SystemExit(f"{side.name} does not answer:\n{log.read_text()}")
