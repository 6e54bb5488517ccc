"""A client that costs little itself: one socket kept open, requests sent as prepared bytes, answers read by their length."""

import json
import socket
from typing import Any

HOST = "127.0.0.1"


class Refused(Exception):
    """An answer that the bench did not expect: its figures would mean nothing."""


class Client:
    """One connection; `headers` go with every request."""

    def __init__(self, port: int, headers: dict[str, str]) -> None:
        self.socket = socket.create_connection((HOST, port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.head = "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + f"Host: {HOST}:{port}\r\n"

    def prepare(self, method: str, path: str, body: Any = None) -> bytes:
        data = b"" if body is None else json.dumps(body).encode()
        kind = "Content-Type: application/json\r\n" if data else ""
        return f"{method} {path} HTTP/1.1\r\n{self.head}{kind}Content-Length: {len(data)}\r\n\r\n".encode() + data

    def send(self, request: bytes) -> bytes:
        """Return the body of the answer; anything but 2xx raises Refused."""
        self.socket.sendall(request)
        received = bytearray()
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self.read()
        head = bytes(received[:end]).lower()
        start = head.find(b"content-length:")
        if start < 0:
            raise Refused(f"an answer without length: {head.decode()}")
        length = int(head[start + 15 :].split(b"\r\n", 1)[0])
        while len(received) < end + 4 + length:
            received += self.read()
        body = bytes(received[end + 4 :])
        if head[9:10] != b"2":
            raise Refused(f"{head[9:12].decode()} for {request[:80]!r}: {body[:300]!r}")
        return body

    def read(self) -> bytes:
        part = self.socket.recv(1 << 18)
        if not part:
            raise Refused("the server closed the connection")
        return part

    def close(self) -> None:
        self.socket.close()
