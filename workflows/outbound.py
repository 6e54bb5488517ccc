"""Calls to the outside: the one way in which this product opens an HTTP connection that somebody else has named.

The address is checked at the moment of connecting, on what the name has resolved to, and that very address is connected to; so
there is no second look-up that could say something else. Redirects are never followed, proxies of the environment not used.
"""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection as database
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 20.0
MAX_BODY = 1024 * 1024
PORTS = frozenset({80, 443})
MAX_URL = 2000
# Of the addresses that a name has, so many are tried: each may take the time of a connection.
MOST_TRIED = 3

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Besides what the library knows as not global: documentation, benchmarks, tunnels, shared space, metadata of clouds.
_REFUSED: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "100.64.0.0/10",
        "168.63.129.16/32",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
_GLOBAL_V6 = ipaddress.ip_network("2000::/3")


class Refused(Exception):
    """The call was not made: its address is malformed, or leads where calls must not go. Trying again changes nothing."""

    def __init__(self) -> None:
        # One text for all: what the network looks like from here is nobody's business.
        super().__init__("The address is not allowed: it must be http or https on port 80 or 443 of a public host")


class Unreachable(Exception):
    """No complete answer came: the name or the host was not there, or it took too long."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `body` is cut at 1 MiB."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Target:
    """A checked URL, taken apart."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


def send(
    method: str, url: str, body: bytes, headers: Mapping[str, str], seconds: float | None = None, *, trusted: bool = False
) -> Answer:
    """Make one call and return its answer, whatever its status, within `seconds` (TOTAL_SECONDS if nothing is said).

    `trusted`: the operator's own configuration names the host, so it may be anywhere; nobody else's word is enough for that.
    Raises Refused or Unreachable; never inside a transaction.
    """
    refuse_in_transaction()
    target = parse_url(url, trusted=trusted)
    seconds = seconds or TOTAL_SECONDS
    deadline = time.monotonic() + seconds
    connection = _connect(target, trusted)
    expired = threading.Event()
    watch = threading.Timer(seconds, _cut, (connection, expired))
    watch.daemon = True
    watch.start()
    try:
        connection.connect()
        given = {"Host": target.authority, "Content-Length": str(len(body)), "Connection": "close", **headers}
        connection.request(method, target.path, body=body, headers=given, preload_content=False)
        if connection.sock is not None:
            connection.sock.settimeout(max(deadline - time.monotonic(), 0.1))
        response = connection.getresponse()
        data = response.read(MAX_BODY, decode_content=False)
        if expired.is_set():
            raise Unreachable(f"No complete answer within {seconds:.0f} s")
        return Answer(response.status, {key.lower(): value for key, value in response.headers.items()}, data)
    except (HTTPError, OSError, ValueError) as error:
        if expired.is_set() or isinstance(error, TimeoutError):
            raise Unreachable(f"No complete answer within {seconds:.0f} s") from error
        raise Unreachable(_describe(error)) from error
    finally:
        watch.cancel()
        connection.close()


def parse_url(url: str, *, trusted: bool = False) -> Target:
    """Check a URL as far as it can be without resolving its name. Raises Refused."""
    if len(url) > MAX_URL or "\\" in url or any(ord(c) <= 32 or ord(c) == 127 for c in url):
        raise Refused
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna" if not (parts.hostname or "").isascii() else "ascii").decode()
    except ValueError as error:
        raise Refused from error
    if parts.scheme not in ("http", "https") or not host or "%" in host or "@" in parts.netloc:
        raise Refused
    secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii():
        raise Refused
    target = Target(secure, host, port if port is not None else (443 if secure else 80), path)
    literal = _literal(host)
    if trusted:
        return target
    if literal is not None:
        check_address(literal, target.port)
    elif target.port not in PORTS and not allowed_networks():
        raise Refused
    return target


def check_address(address: Address, port: int) -> None:
    """Raise Refused unless a connection may be opened to this address."""
    plain = getattr(address, "ipv4_mapped", None) or address
    if any(plain.version == network.version and plain in network for network in allowed_networks()):
        return
    if port not in PORTS or not is_public(address):
        raise Refused


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet and to nobody's insides. Stricter than the library's `is_global`."""
    if address.version == 6 and address not in _GLOBAL_V6:
        return False
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    return not any(address.version == network.version and address in network for network in _REFUSED)


def allowed_networks() -> tuple[Network, ...]:
    """The private networks that the operator lets calls reach."""
    return parse_networks(tuple(settings.OUTBOUND_ALLOWED_NETWORKS))


@lru_cache(maxsize=8)
def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text.strip()) for text in texts)


def refuse_in_transaction() -> None:
    """A call may take 20 s, and a lock must not. The transaction that a test runs in does not count."""
    blocks = getattr(database, "atomic_blocks", [])
    if any(not getattr(block, "_from_testcase", False) for block in blocks):
        raise AssertionError("A call to the outside was about to be made inside a transaction")


def open_socket(host: str, port: int, *, trusted: bool = False) -> socket.socket:
    """Resolve a name once, check every address that it has, and connect to the first that answers. Raises Refused."""
    refuse_in_transaction()
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable("The host's name cannot be resolved") from error
    for *_, sockaddr in () if trusted else found:
        check_address(ipaddress.ip_address(str(sockaddr[0]).partition("%")[0]), port)
        if "%" in str(sockaddr[0]):
            raise Refused
    failure: OSError | None = None
    for family, kind, protocol, _, sockaddr in found[:MOST_TRIED]:
        opened = socket.socket(family, kind, protocol)
        try:
            opened.settimeout(CONNECT_SECONDS)
            opened.connect(sockaddr)
        except OSError as error:
            opened.close()
            failure = error
        else:
            return opened
    raise Unreachable(_describe(failure)) from failure


class _Guarded(HTTPConnection):
    trusted = False

    def _new_conn(self) -> socket.socket:
        return open_socket(self.host, self.port or 80, trusted=self.trusted)


class _GuardedSecure(HTTPSConnection):
    trusted = False

    def _new_conn(self) -> socket.socket:
        return open_socket(self.host, self.port or 443, trusted=self.trusted)


def _connect(target: Target, trusted: bool) -> HTTPConnection:
    options: dict[str, Any] = {"timeout": CONNECT_SECONDS}
    opened: _Guarded | _GuardedSecure = (
        _GuardedSecure(target.host, target.port, ssl_context=ssl.create_default_context(), **options)
        if target.secure
        else _Guarded(target.host, target.port, **options)
    )
    opened.trusted = trusted
    return opened


def _cut(connection: HTTPConnection, expired: threading.Event) -> None:
    expired.set()
    if connection.sock is not None:
        try:
            connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            # It was closed from the other side in the same moment.
            return


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _describe(error: BaseException | None) -> str:
    match error:
        case TimeoutError():
            return f"No connection within {CONNECT_SECONDS:.0f} s"
        case ConnectionRefusedError():
            return "The host refused the connection"
        case ssl.SSLError():
            return "The host's certificate or encryption is not valid"
        case _:
            return "The connection broke"
