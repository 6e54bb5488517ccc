"""The views of an execution's page: its board, its tasks as a list, as a graph, and what has happened to it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy

from dashboard.cards import Board
from dashboard.flow_graph import build_graph
from dashboard.places import Place
from dashboard.task_list import build_list
from dashboard.timeline import build_timeline

VIEWS = {
    "board": gettext_lazy("Board"),
    "list": gettext_lazy("List"),
    "graph": gettext_lazy("Graph"),
    "timeline": gettext_lazy("History"),
}
BUILDERS: dict[str, Callable[[Board, Place], dict[str, Any]]] = {
    "list": build_list,
    "graph": build_graph,
    "timeline": build_timeline,
}


@dataclass(frozen=True, slots=True)
class Tab:
    """A view to go to. The task that is open stays open."""

    key: str
    name: str
    address: str
    is_current: bool


def read_view(place: Place) -> str:
    """Return the view that an address asks for; the board where it makes no sense, as an address may be old or cut."""
    wanted = dict(place.query).get("view", "")
    return wanted if wanted in VIEWS else "board"


def build_tabs(place: Place, task_id: str) -> dict[str, Any]:
    """Return what the links to the views need."""
    view, plain = read_view(place), Place(place.name, place.path)
    tabs = [
        Tab(key, str(name), plain.address(task_id or None, view="" if key == "board" else key), key == view)
        for key, name in VIEWS.items()
    ]
    return {"view": view, "view_name": VIEWS[view], "tabs": tabs}


def build_view(board: Board, place: Place, task_id: str) -> dict[str, Any]:
    """Return what the view needs in which the page is looked at, and the links to the others."""
    tabs = build_tabs(place, task_id)
    build = BUILDERS.get(tabs["view"])
    return tabs | {"task_prefix": place.task_prefix} | (build(board, place) if build else {})
