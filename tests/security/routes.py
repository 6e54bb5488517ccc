"""Every route of the product, as the URL resolver knows it: its pattern, its converters, and the methods that it takes."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
API = ("v1/", "v2/", "api/", "^(?P<rest>")
# What pages take.
OPEN = ("GET", "POST")


@dataclass(frozen=True)
class Route:
    """An address of the product. `pattern` is as it stands in the URL configuration, with all that leads to it."""

    pattern: str
    name: str
    methods: tuple[str, ...]
    # The parts of the address that vary, with the name of what reads them.
    parts: tuple[tuple[str, str], ...]
    view: Callable[..., Any]

    @property
    def is_api(self) -> bool:
        return self.pattern.startswith(API)

    @property
    def is_admin(self) -> bool:
        return self.pattern.startswith("admin/")

    @property
    def is_page(self) -> bool:
        """Whether people reach it with a browser and a session."""
        return not self.is_api and not self.pattern.startswith(("health/", "favicon.ico"))

    def __str__(self) -> str:
        return self.pattern


@cache
def walk() -> tuple[Route, ...]:
    """Return all routes, in the order in which they are looked for."""
    return tuple(_walk(get_resolver(), "", ()))


def _walk(resolver: URLResolver, prefix: str, parts: tuple[tuple[str, str], ...]) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        pattern = prefix + str(entry.pattern)
        own = (*parts, *((name, type(reader).__name__) for name, reader in entry.pattern.converters.items()))
        if isinstance(entry, URLResolver):
            yield from _walk(entry, pattern, own)
        else:
            methods = methods_of(entry)
            if not pattern.startswith(API):
                # config/middleware.py refuses the others; test_headers.py looks that it does.
                methods = tuple(method for method in methods if method in OPEN)
            yield Route(pattern, entry.name or "", methods, own, entry.callback)


def methods_of(entry: URLPattern) -> tuple[str, ...]:
    """Return the methods that a view takes, of METHODS: from its class, or from the decorator that refuses the others."""
    kind = getattr(entry.callback, "cls", None) or getattr(entry.callback, "view_class", None)
    if kind is not None:
        return tuple(method for method in METHODS if method.lower() in kind.http_method_names and hasattr(kind, method.lower()))
    return tuple(method for method in METHODS if method in (allowed(entry.callback) or OPEN))


def allowed(view: Callable[..., Any]) -> list[str] | None:
    """Return what `require_http_methods` was given, however deep under other decorators; None where there is none."""
    while view is not None:
        if inspect.isfunction(view):
            found = inspect.getclosurevars(view).nonlocals.get("request_method_list")
            if found is not None:
                return list(found)
        view = getattr(view, "__wrapped__", None)  # type: ignore[assignment]
    return None
