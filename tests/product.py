"""The whole product in its own processes, as an operator runs it: `manage.py up` on a fresh database."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg.conninfo import make_conninfo

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Product:
    """A running product: where it answers, and what its commands need to reach the same database."""

    url: str
    environment: dict[str, str]
    process: "subprocess.Popen[bytes]"
    log: Path

    def manage(self, *arguments: str) -> str:
        """Run a command and return what it printed."""
        return manage(self.environment, *arguments)


def manage(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@contextmanager
def run_product() -> Iterator[Product]:
    """Start the product on a free port of 127.0.0.1; it ends, cleanly, with the block."""
    with tempfile.TemporaryDirectory(prefix="flowdeck-") as directory, fresh_database() as url:
        kept = {
            key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE", "SECRET_KEY")
        }
        environment = kept | {"FLOWDECK_VAR": directory, "RATE_LIMITS": "off"} | ({"DATABASE_URL": url} if url else {})
        manage(environment, "migrate", "--verbosity", "0")
        port = free_port()
        log = (Path(directory) / "log").open("wb")
        command = [sys.executable, "manage.py", "up", "--port", str(port)]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            wait_until_ready(f"http://127.0.0.1:{port}", process, Path(directory) / "log")
            yield Product(f"http://127.0.0.1:{port}", environment, process, Path(directory) / "log")
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(30)
            log.close()


@contextmanager
def fresh_database() -> Iterator[str]:
    """Create a database on the PostgreSQL that the tests run on; on SQLite the product makes its own file."""
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        yield ""
        return
    name = f"product_{uuid4().hex[:12]}"
    with psycopg.connect(make_conninfo(server), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield server.rsplit("/", 1)[0] + "/" + name
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(150):
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/health/ready", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"the product does not answer:\n{log.read_text()}")
