"""An endpoint outside, as tests need one: a real HTTP server that remembers what it was sent."""

import json
from collections.abc import Callable
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response


class Sink:
    """An endpoint that remembers what it was sent, and answers what it is told to, the last answer for ever."""

    def __init__(self, server: HTTPServer) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[Response] = [Response("ok", 200)]
        self.server = server
        self.url = server.url_for("/hook")
        server.expect_request("/hook").respond_with_handler(self.answer)

    def answer(self, request: Request) -> Response:
        self.requests.append(({name.lower(): value for name, value in request.headers.items()}, request.get_data()))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def serve(self, path: str, handler: Callable[[Request], Response]) -> str:
        """Let somebody else answer at a path, and return its address."""
        self.server.expect_request(path).respond_with_handler(handler)
        return self.server.url_for(path)

    def body(self) -> Any:
        return json.loads(self.requests[-1][1])

    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body in self.requests]
