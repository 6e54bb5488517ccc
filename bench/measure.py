"""The operations, and how they are timed: both sides in turns, one client for the latency, eight for the rate."""

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any

from bench.client import Client
from bench.sides import Side

CLIENTS = 8
Work = Callable[[Client], list[float]]
# A side, how many repetitions a client is to do, how many clients there are.
MakeWork = Callable[[Side, int, int], Work]


@dataclass(frozen=True, slots=True)
class Size:
    """How much is asked for: rounds of each side, requests in a round at one client, and per client at eight."""

    rounds: int
    single: int
    many: int
    rows: int
    engine: int


@dataclass(slots=True)
class Timings:
    """What came of one side in one operation."""

    seconds: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    cpu: float = 0.0
    size: int = 0

    def summary(self) -> dict[str, float]:
        return {
            "p50_ms": median(self.seconds) * 1000,
            "p95_ms": quantiles(self.seconds, n=20)[-1] * 1000,
            "rate": median(self.rates),
            "cpu_ms": self.cpu / len(self.seconds) * 1000,
            "bytes": self.size,
        }


@dataclass(frozen=True, slots=True)
class Operation:
    """Something to compare. `work` makes the timed function, which a client of its own runs."""

    name: str
    what: str
    work: MakeWork
    browser: bool = False
    # How many repetitions one request of the size stands for, as some operations take many requests.
    share: float = 1.0


def timed(client: Client, request: bytes) -> float:
    begin = time.perf_counter()
    client.send(request)
    return time.perf_counter() - begin


def repeat(make: Callable[[Side, Client], bytes]) -> MakeWork:
    """The same request again and again."""

    def work(side: Side, count: int, clients: int) -> Work:
        def run(client: Client) -> list[float]:
            request = make(side, client)
            return [timed(client, request) for _ in range(count)]

        return run

    return work


def start_one(side: Side, client: Client, template: str = "template", entity: str = "entity") -> dict[str, Any]:
    execution: dict[str, Any] = json.loads(client.send(side.start_request(client, template, entity)))
    return execution


def complete(side: Side, count: int, clients: int) -> Work:
    """Complete tasks of executions that were started before the clock."""
    lock = threading.Lock()
    setup = side.client()
    started = [start_one(side, setup) for _ in range(-(-count // 20) * clients)]
    setup.close()

    def run(client: Client) -> list[float]:
        with lock:
            mine = [started.pop() for _ in range(-(-count // 20))]
        requests = [request for execution in mine for request in side.complete_requests(client, execution)]
        return [timed(client, request) for request in requests[:count]]

    return run


def whole_flow(side: Side, count: int, clients: int) -> Work:
    """Start, and complete all twenty tasks."""

    def run(client: Client) -> list[float]:
        seconds = []
        for _ in range(count):
            begin = time.perf_counter()
            execution = start_one(side, client)
            for request in side.complete_requests(client, execution):
                client.send(request)
            seconds.append(time.perf_counter() - begin)
        return seconds

    return run


def read(side: Side, client: Client) -> bytes:
    return client.prepare("GET", side.paths["execution"].format(side.keys["example"]))


def board(side: Side, client: Client) -> bytes:
    return client.prepare("GET", side.paths["board"].format(side.keys["full"]))


def small_board(side: Side, client: Client) -> bytes:
    return client.prepare("GET", side.paths["board"].format(side.keys["example"]))


def list_page(side: Side, client: Client) -> bytes:
    return client.prepare("GET", side.paths["list"])


OPERATIONS = (
    Operation("read", "GET one execution of 20 tasks", repeat(read)),
    Operation("start", "start an execution of 20 tasks", repeat(lambda side, client: side.start_request(client)), share=0.4),
    Operation("complete", "complete a task, the next becomes current", complete, share=0.8),
    Operation("list", "list 50 whole executions (JSON)", repeat(lambda side, client: side.list_request(client)), share=0.2),
    Operation("list page", "page that lists 50 executions (HTML)", repeat(list_page), browser=True, share=0.2),
    Operation("board", "board of 4 × 50 cards (HTML)", repeat(board), browser=True, share=0.1),
    Operation("small board", "board of 20 cards (HTML)", repeat(small_board), browser=True, share=0.3),
    Operation("flow", "start and 20 completes", whole_flow, share=0.04),
)


def prepare(side: Side) -> None:
    """What the operations read: an execution under way, a full board with sixty finished tasks, fifty of one entity."""
    client = side.client()
    example = start_one(side, client)
    for request in side.complete_requests(client, example)[:6]:
        client.send(request)
    full = start_one(side, client, "board")
    for request in side.complete_requests(client, full)[:60]:
        client.send(request)
    for _ in range(50):
        start_one(side, client, entity="listed")
    client.close()
    side.keys |= {"example": example["id"], "full": full["id"]}


def compare(operation: Operation, sides: Sequence[Side], size: Size) -> dict[str, Timings]:
    """Time one operation on both sides in turns; who begins alternates."""
    result = {side.name: Timings() for side in sides}
    single, many = (max(2, round(count * operation.share)) for count in (size.single, size.many))
    for side in sides:
        client = side.client(browser=operation.browser)
        for _ in range(4):
            operation.work(side, 2, 1)(client)
        client.close()
        result[side.name].size = answer_size(operation, side)
    for turn in range(size.rounds):
        order = sides if turn % 2 == 0 else list(reversed(sides))
        for side in order:
            client = side.client(browser=operation.browser)
            work, timings = operation.work(side, single, 1), result[side.name]
            before = side.cpu_seconds()
            timings.seconds += work(client)
            timings.cpu += side.cpu_seconds() - before
            client.close()
        for side in order:
            result[side.name].rates.append(rate(operation, side, many))
    return result


def answer_size(operation: Operation, side: Side) -> int:
    requests: dict[str, Callable[[Side, Client], bytes]] = {
        "read": read,
        "board": board,
        "small board": small_board,
        "list page": list_page,
        "list": lambda s, c: s.list_request(c),
    }
    if operation.name not in requests:
        return 0
    client = side.client(browser=operation.browser)
    try:
        return len(client.send(requests[operation.name](side, client)))
    finally:
        client.close()


def rate(operation: Operation, side: Side, count: int) -> float:
    """Return how many repetitions eight clients finish in a second, each doing `count`."""
    work = operation.work(side, count, CLIENTS)
    clients = [side.client(browser=operation.browser) for _ in range(CLIENTS)]
    failures: list[BaseException] = []
    barrier = threading.Barrier(CLIENTS + 1)

    def run(client: Client) -> None:
        try:
            barrier.wait()
            work(client)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    barrier.wait()
    begin = time.perf_counter()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begin
    for client in clients:
        client.close()
    if failures:
        raise failures[0]
    return CLIENTS * count / seconds
