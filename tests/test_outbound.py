"""Calls to the outside reach the public internet and nothing else, whatever the address looks like and the name resolves to."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

import pytest
from django.db import transaction
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from workflows import outbound

IPV4 = (
    "127.0.0.1 127.1.2.3 0.0.0.0 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 169.254.170.2 100.64.0.1 "
    "100.100.100.200 192.0.0.8 192.0.0.192 192.88.99.1 198.18.0.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 "
    "168.63.129.16"
).split()
IPV6 = (
    "::1 :: ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::127.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe "
    "64:ff9b:1::7f00:1 2002:7f00:1:: 2002:a9fe:a9fe:: 2001:0:4136:e378:8000:63bf:80ff:fffe fd00:ec2::254 fe80::1 fec0::1 ff02::1"
).split()
SPELLINGS = "2130706433 0x7f000001 0177.0.0.1 127.1 0x7f.1 017700000001 ①②⑦.0.0.1 127。0。0。1 localhost. LOCALHOST".split()
FORMS = [
    "http://user@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@good.example/",
    "http://good.example\\@127.0.0.1:{port}/",
    "http://[::1]:6379/",
    "gopher://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "http://good.example:5432/",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111"]


class Listener:
    """Accepts connections on the loopback addresses of this machine, and counts them."""

    def __init__(self) -> None:
        self.connections = 0
        self.sockets = []
        self.port = 0
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            try:
                opened = socket.create_server((address, self.port), family=family)
            except OSError:
                continue
            self.port = self.port or opened.getsockname()[1]
            self.sockets.append(opened)
            threading.Thread(target=self.serve, args=(opened,), daemon=True).start()

    def serve(self, opened: socket.socket) -> None:
        while True:
            try:
                connection, _ = opened.accept()
            except OSError:
                return
            self.connections += 1
            connection.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()
    yield found
    for opened in found.sockets:
        opened.close()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """What names resolve to: each look-up takes the next list of addresses; other names as ever."""
    answers: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in answers:
            return real(host, port, *args, **kwargs)
        found = answers[host].pop(0) if len(answers[host]) > 1 else answers[host][0]
        kinds = {address: socket.AF_INET6 if ":" in address else socket.AF_INET for address in found}
        return [(kinds[address], socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return answers


def refused(url: str) -> bool:
    """Whether nothing was sent: refused, or a name that does not exist. A call that goes out waits long and is a failure."""
    try:
        outbound.send("POST", url, b"{}", {})
    except (outbound.Refused, outbound.Unreachable):
        return True
    return False


@pytest.mark.parametrize("address", [*IPV4, *IPV6])
def test_no_address_of_an_inside_is_public(address: str) -> None:
    assert not outbound.is_public(ip_address(address))
    with pytest.raises(outbound.Refused):
        outbound.check_address(ip_address(address), 80)


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert outbound.is_public(ip_address(address))
    outbound.check_address(ip_address(address), 443)


def test_none_of_the_addresses_is_connected_to(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    # The port is allowed here, so that nothing but the address can be what is refused.
    monkeypatch.setattr(outbound, "PORTS", frozenset({80, 443, listener.port}))
    attempts: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: attempts.append(address))
    for address in IPV4:
        with pytest.raises(outbound.Refused):
            outbound.send("POST", f"http://{address}:{listener.port}/", b"", {})
    for address in IPV6:
        with pytest.raises(outbound.Refused):
            outbound.send("POST", f"http://[{address}]:{listener.port}/", b"", {})
    assert attempts == []


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_of_this_machine_is_connected_to(host: str, listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "PORTS", frozenset({80, 443, listener.port}))
    assert refused(f"http://{host}:{listener.port}/")
    assert listener.connections == 0


@pytest.mark.parametrize("url", FORMS)
def test_no_form_of_a_url_is_connected_to(url: str, listener: Listener, names: dict[str, list[list[str]]]) -> None:
    names["good.example"] = [["127.0.0.1"]]
    with pytest.raises(outbound.Refused):
        outbound.send("POST", url.format(port=listener.port), b"", {})
    assert listener.connections == 0


@pytest.mark.parametrize(
    "found",
    [["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["169.254.169.254"], ["fe80::1%lo"]],
    ids=["inside", "public and inside", "metadata behind an alias", "zone"],
)
def test_a_name_is_refused_when_any_of_its_addresses_is(
    found: list[str], listener: Listener, names: dict[str, list[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound, "PORTS", frozenset({80, 443, listener.port}))
    names["name.example"] = [found]
    with pytest.raises(outbound.Refused):
        outbound.send("POST", f"http://name.example:{listener.port}/", b"", {})
    assert listener.connections == 0


def test_a_name_is_resolved_once_and_what_was_checked_is_connected_to(
    listener: Listener, names: dict[str, list[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound, "PORTS", frozenset({80, 443, listener.port}))
    names["rebinding.example"] = [["93.184.216.34"], ["127.0.0.1"]]
    connected: list[Any] = []

    def connect(self: socket.socket, address: Any) -> None:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(outbound.Unreachable):
        outbound.send("POST", f"http://rebinding.example:{listener.port}/", b"", {})
    assert connected == [("93.184.216.34", listener.port)]
    assert listener.connections == 0


def test_an_address_with_a_zone_is_refused() -> None:
    with pytest.raises(outbound.Refused):
        outbound.parse_url("http://[fe80::1%25eth0]/")


@pytest.fixture
def reachable(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator lets calls reach this machine."""
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(code: int, reachable: None, httpserver: HTTPServer, listener: Listener) -> None:
    target = f"http://127.0.0.1:{listener.port}/"
    httpserver.expect_request("/").respond_with_response(Response(status=code, headers={"Location": target}))
    assert outbound.send("POST", httpserver.url_for("/"), b"{}", {}).status == code
    assert listener.connections == 0


def test_a_call_arrives_as_it_was_meant(reachable: None, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    seen: list[Request] = []

    def answer(request: Request) -> Response:
        seen.append(request)
        return Response("fine", 202)

    httpserver.expect_request("/hook", query_string="a=1").respond_with_handler(answer)
    done = outbound.send("PUT", httpserver.url_for("/hook?a=1"), b'{"a":1}', {"X-One": "1"})
    assert (done.status, done.text) == (202, "fine")
    assert (seen[0].method, seen[0].headers["X-One"], seen[0].content_length) == ("PUT", "1", 7)
    assert seen[0].host == f"{httpserver.host}:{httpserver.port}"


def test_other_networks_stay_refused(settings: Any, httpserver: HTTPServer) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = ["10.0.0.0/8"]
    with pytest.raises(outbound.Refused):
        outbound.send("POST", httpserver.url_for("/"), b"", {})


def test_a_long_answer_is_cut(reachable: None, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data(b"x" * (outbound.MAX_BODY + 5000))
    assert len(outbound.send("POST", httpserver.url_for("/"), b"", {}).body) == outbound.MAX_BODY


@pytest.mark.parametrize(("usual", "own"), [(0.5, None), (20.0, 0.5)])
def test_an_answer_that_drips_is_given_up(
    reachable: None, monkeypatch: pytest.MonkeyPatch, usual: float, own: float | None
) -> None:
    monkeypatch.setattr(outbound, "TOTAL_SECONDS", usual)
    server = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def drip() -> None:
        connection, _ = server.accept()
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while not ended.wait(0.05):
                connection.sendall(b"x")

    dripping = threading.Thread(target=drip, daemon=True)
    dripping.start()
    begin = time.monotonic()
    with pytest.raises(outbound.Unreachable, match="within"):
        outbound.send("POST", f"http://127.0.0.1:{server.getsockname()[1]}/", b"", {}, own)
    ended.set()
    dripping.join()
    server.close()
    assert time.monotonic() - begin < 10


def test_nobody_there_is_said_without_detail(reachable: None) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(outbound.Unreachable, match="refused the connection"):
        outbound.send("POST", f"http://127.0.0.1:{port}/", b"", {})


@pytest.mark.django_db(transaction=True)
def test_no_call_is_made_inside_a_transaction(reachable: None, httpserver: HTTPServer) -> None:
    with transaction.atomic(), pytest.raises(AssertionError, match="inside a transaction"):
        outbound.send("POST", httpserver.url_for("/"), b"", {})
    assert httpserver.log == []
