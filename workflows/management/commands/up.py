"""`manage.py up --port N [--host H]`: web, worker and dispatcher in the foreground, until SIGTERM or SIGINT."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from argparse import ArgumentParser
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from workflows.services.leases import HUNG

GRACE = 15.0
LOOK_EVERY = 0.1
FIRST_DELAY = 0.5
PR_SET_PDEATHSIG = 1


class Child:
    """A process that is started again when it ends: at once when it was killed, slower each time when it does not stay up."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name = name
        self.command = command
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.start_at: float | None = None
        self.delay = FIRST_DELAY

    def start(self) -> None:
        # A group of its own: Ctrl-C reaches only the parent, which then stops the children in order.
        self.process = subprocess.Popen(self.command, start_new_session=True, preexec_fn=die_with_parent)  # noqa: S603, PLW1509
        self.started_at = time.monotonic()
        self.start_at = None

    def has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def next_delay(self) -> float:
        """Return how long to wait before the next start: not at all after a minute of work or for one that was killed, else up to
        10 s, longer each time.
        """
        ran = time.monotonic() - self.started_at
        code = self.process.returncode if self.process else 0
        if ran > 60 or (ran > 1 and (code < 0 or code == HUNG)):
            self.delay = FIRST_DELAY
            return 0.0
        self.delay = min(self.delay * 2, 10)
        return self.delay

    def end_orphans(self) -> None:
        """Kill what a process that was killed has left behind: its own workers would go on serving beside those of the next."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def signal(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def wait(self, seconds: float) -> None:
        """Wait for the end; what has not ended then is killed with all that it started."""
        if self.process is None:
            return
        try:
            self.process.wait(max(seconds, 0.1))
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def die_with_parent() -> None:
    """On Linux a child is ended with its parent, even when that is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Command(BaseCommand):
    help = "Run the web server and the worker in the foreground."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--host", default="127.0.0.1")

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_taken_port(options["host"], options["port"])
        # Links in e-mails lead here unless the operator says where people come in.
        os.environ.setdefault("PUBLIC_URL", f"http://{options['host']}:{options['port']}")
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        children = [
            Child("web", web_command(options["host"], options["port"])),
            Child("worker", worker_command()),
        ]
        for child in children:
            child.start()
        while not stopping.wait(LOOK_EVERY):
            for child in children:
                if child.has_ended():
                    self.restart(child, stopping)
        for child in children:
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        for child in children:
            child.wait(deadline - time.monotonic())

    def restart(self, child: Child, stopping: threading.Event) -> None:
        """Start a child that has ended, once its time has come."""
        if child.start_at is None:
            code = child.process.returncode if child.process else None
            if time.monotonic() - child.started_at < 1 and child.delay > 5:
                stopping.set()
                raise CommandError(f"{child.name} does not start; its last exit code is {code}")
            child.end_orphans()
            delay = child.next_delay()
            child.start_at = time.monotonic() + delay
            self.stderr.write(f"{child.name} ended with code {code}; starting it again {f'in {delay:.1f} s' if delay else 'now'}")
        if time.monotonic() >= child.start_at:
            child.start()


def refuse_taken_port(host: str, port: int) -> None:
    """The web server's workers share their port, and would share that of another server, too, without a word."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            raise CommandError(f"{host}, port {port}, cannot be used: {error}") from error


def web_command(host: str, port: int) -> list[str]:
    workers = str(min(os.cpu_count() or 1, 8))
    options = ["--interface", "wsgi", "--workers", workers, "--blocking-threads", "1", "--respawn-failed-workers"]
    listen = ["--host", host, "--port", str(port), "--no-ws", "--log-level", "warning"]
    return [sys.executable, "-m", "granian", *options, *listen, "config.wsgi:application"]


def worker_command() -> list[str]:
    limits = ["--pool", "threads", "--concurrency", "4", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    level = "INFO" if settings.DEBUG else "WARNING"
    return [sys.executable, "-m", "celery", "-q", "-A", "config.celery", "worker", *limits, "--loglevel", level]
