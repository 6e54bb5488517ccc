"""Pages on which a task's pane can be open: the page of its execution, in any view, and the pages over all executions."""

from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

from django.urls import Resolver404, resolve, reverse

from dashboard.requests import Request

# By the names of their addresses.
OVER_ALL = frozenset({"my-tasks", "work-board"})
# What else the address of an execution's page may ask for.
EXECUTION_PARTS = frozenset({"view", "sort", "kind", "before"})


@dataclass(frozen=True, slots=True)
class Place:
    """A page as its address says, without the task that is open on it. `name`: of the page; `query`: all else it asks for."""

    name: str
    path: str
    query: tuple[tuple[str, str], ...] = ()

    def address(self, task: UUID | str | None = None, **changes: str) -> str:
        """Return the address of the page with a task open, or with something else asked for."""
        pairs = [pair for pair in self.query if pair[0] not in changes]
        pairs += [(name, value) for name, value in changes.items() if value]
        if task is not None:
            pairs.append(("task", str(task)))
        return self.path + ("?" + urlencode(pairs) if pairs else "")

    @property
    def task_prefix(self) -> str:
        """Return the address with a task open, as far as the task's id."""
        plain = self.address()
        return f"{plain}{'&' if '?' in plain else '?'}task="

    @property
    def is_over_all(self) -> bool:
        return self.name in OVER_ALL


def execution_place(request: Request, execution_id: UUID) -> Place:
    """Return the page of an execution, in the view in which it is looked at: by its address, or by that of the page that asks."""
    own = Place("board", reverse("board", args=[execution_id]))
    if request.method == "GET":
        query = request.GET.urlencode()
    else:
        parts = urlsplit((request.htmx.current_url_abs_path if request.htmx else "") or "")
        query = parts.query if parts.path == own.path else ""
    return replace(own, query=tuple(pair for pair in _read_query(query) if pair[0] in EXECUTION_PARTS))


def place_of(request: Request) -> Place | None:
    """Return the page from which something was asked; None when that is unknown or none that shows tasks."""
    address = request.htmx.current_url_abs_path if request.htmx else request.get_full_path()
    return read_place(address or "")


def read_place(address: str) -> Place | None:
    parts = urlsplit(address)
    try:
        name = resolve(parts.path).url_name
    except Resolver404:
        return None
    if name not in OVER_ALL:
        return None
    return Place(name, parts.path, _read_query(parts.query))


def _read_query(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((key, value) for key, value in parse_qsl(text)[:100] if key != "task")
