"""The supervisor: what ends is started again, at once when it was killed, and leaves nobody behind."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.product import run_product, wait_until_ready
from workflows.management.commands.up import Child
from workflows.services.leases import HUNG


def ended(code: int, ran: float) -> Child:
    """A child that ended so after so many seconds."""
    child = Child("worker", [])
    ending = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)" if code < 0 else f"raise SystemExit({code})"
    child.process = subprocess.Popen([sys.executable, "-c", ending])
    child.process.wait()
    child.started_at = time.monotonic() - ran
    return child


@pytest.mark.parametrize(("code", "ran"), [(-signal.SIGKILL, 5), (HUNG, 5), (1, 100)])
def test_what_was_killed_or_worked_for_long_is_started_again_at_once(code: int, ran: float) -> None:
    child = ended(code, ran)
    assert [child.next_delay() for _ in range(3)] == [0, 0, 0]


@pytest.mark.parametrize(("code", "ran"), [(1, 5), (-signal.SIGKILL, 0.1)])
def test_what_does_not_stay_up_is_started_again_later_each_time(code: int, ran: float) -> None:
    child = ended(code, ran)
    assert [child.next_delay() for _ in range(5)] == [1, 2, 4, 8, 10]


@pytest.mark.product
def test_the_workers_of_a_web_server_that_was_killed_do_not_outlive_it() -> None:
    with run_product() as product:
        web = next(pid for pid in children_of(product.process.pid) if "granian" in command_of(pid))
        workers = children_of(web)
        assert workers
        os.kill(web, signal.SIGKILL)
        for pid in [web, *workers]:
            wait_for_end(pid)
        wait_until_ready(product.url, product.process, product.log)


def children_of(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(text) for text in file.read().split()]


def command_of(pid: int) -> str:
    with open(f"/proc/{pid}/cmdline") as file:
        return file.read()


def wait_for_end(pid: int) -> None:
    for _ in range(200):
        if not os.path.exists(f"/proc/{pid}"):
            return
        time.sleep(0.1)
    raise AssertionError(f"{pid} is still there: {command_of(pid)}")
