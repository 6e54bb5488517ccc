"""The outside: a server that takes 20 to 200 ms to answer, and remembers the id and the body of everything that arrived."""

import json
import random
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Receipt:
    """One message that arrived."""

    id: str
    body: dict[str, Any]
    at: float


@dataclass
class Sink:
    """Keep it open while the product may call. `receipts` is written before the answer is given; `waiting` is about how many
    callers wait for one.
    """

    slowest: float = 0.2
    receipts: list[Receipt] = field(default_factory=list)
    waiting: int = 0

    def __enter__(self) -> "Sink":
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                sink.receipts.append(Receipt(self.headers.get("webhook-id", ""), json.loads(body or b"{}"), time.time()))
                sink.waiting += 1
                time.sleep(random.uniform(0.02, sink.slowest))
                sink.waiting -= 1
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *args: Any) -> None:
                """Nothing: the receipts are the log."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A caller that was killed while it waited for the answer."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
