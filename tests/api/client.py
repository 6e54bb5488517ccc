"""A client of the API: JSON in, JSON out."""

from typing import Any

import orjson
from django.test import Client as DjangoClient


class Answer:
    def __init__(self, response: Any) -> None:
        self.status: int = response.status_code
        self.headers = response.headers
        self.body: bytes = response.content

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def message(self) -> str:
        return str(self.json["message"])


class Client:
    """Sends a bearer token with each request; none when it is empty."""

    def __init__(self, bearer: str) -> None:
        self.bearer = bearer
        self.client = DjangoClient(raise_request_exception=False)

    def request(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str) -> Answer:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.bearer:
            given.setdefault("Authorization", f"Bearer {self.bearer}")
        data = raw if raw is not None else (b"" if body is None else orjson.dumps(body))
        kind = given.pop("Content-Type", "application/json")
        return Answer(self.client.generic(method, path, data, content_type=kind, headers=given))

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.request("POST", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.request("PATCH", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.request("PUT", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Answer:
        return self.request("DELETE", path, **headers)
