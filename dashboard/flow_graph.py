"""The graph of one execution as a drawing: its tasks, the ways between them, and how far the flow has come."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dashboard.cards import Board, Card
from dashboard.graph_layout import GAP_Y, Box, Layout, Line, Placed, lay_out
from dashboard.graph_paths import draw_corners, draw_curve
from dashboard.places import Place
from dashboard.reasons import Branch
from workflows.engine.graph import Edge
from workflows.engine.status import TaskType

WIDTH, HEIGHT = 216, 58
# The names of phases stand to the left of everything.
GUTTER = 104
# How many letters fit into a line, and how wide a letter of a label is.
NAME_LETTERS, FACT_LETTERS, PHASE_LETTERS, LABEL_LETTERS = 23, 28, 15, 28
LETTER = 6.7
START = "start"


@dataclass(frozen=True, slots=True)
class Node:
    """A task in the drawing. `words` say the rest of it; `fact` is what stands under the name."""

    card: Card
    place: Placed
    name_lines: list[str]
    fact: str
    words: str
    splits: bool
    joins: bool

    @property
    def label(self) -> str:
        """Return what the link is called: what one reads on it first, as whoever speaks to the page says what they see."""
        seen = [*self.name_lines, self.fact, *([_("Current")] if self.card.is_current else [])]
        return f"{' '.join(seen)}, {self.words}"

    @property
    def fact_y(self) -> int:
        """How far below its upper edge the fact stands."""
        return 43 if len(self.name_lines) == 1 else 49

    @property
    def state(self) -> str:
        """Where the flow is with it: here, behind, ahead, or elsewhere."""
        if self.card.is_current:
            return "here"
        if not self.card.is_live:
            return "off"
        return "behind" if self.card.is_finished else "ahead"

    @property
    def outline(self) -> str:
        """Return the corners of a decision's shape."""
        p = self.place
        inset, middle = 14, p.y + p.height / 2
        upper = (p.x, middle), (p.x + inset, p.y), (p.right - inset, p.y)
        lower = (p.right, middle), (p.right - inset, p.bottom), (p.x + inset, p.bottom)
        return " ".join(f"{x:g},{y:g}" for x, y in (*upper, *lower))


@dataclass(frozen=True, slots=True)
class Sign:
    """What is written on a way: a branch's name, what came of it in words, and the icon for that."""

    name: str
    verdict: str = ""
    icon: str = ""

    @property
    def text(self) -> str:
        return shorten(self.name, LABEL_LETTERS)

    @property
    def indent(self) -> int:
        return 26 if self.icon else 11

    @property
    def size(self) -> tuple[int, int]:
        return int(len(self.text) * LETTER) + self.indent + 11, 24


@dataclass(frozen=True, slots=True)
class Way:
    """A line between two tasks: taken, open, or off the path."""

    path: str
    state: str
    is_back: bool = False
    sign: Sign | None = None
    place: Placed | None = None


@dataclass(frozen=True, slots=True)
class PhaseName:
    """Where a phase begins, or several."""

    lines: list[str]
    y: float

    @property
    def line(self) -> float:
        """Where the line over it lies."""
        return self.y - GAP_Y / 2


@dataclass(frozen=True, slots=True)
class Drawing:
    nodes: list[Node]
    ways: list[Way]
    phases: list[PhaseName]
    start: Placed
    ends: list[Placed]
    width: float
    height: float


def build_graph(board: Board, place: Place) -> dict[str, Any]:
    """Return what the graph needs; no statement more than the board."""
    return {"drawing": draw(board), "gutter": GUTTER, "list_address": place.address(view="list")}


def draw(board: Board) -> Drawing:
    cards = {card.task.template_id: card for card in board.cards.values()}
    edges = [edge for edge in board.graph.edges if edge.source in cards and is_drawn(board, cards, edge)]
    starts = [key for key in board.graph.starts if key in cards]
    signs = {edge.id: describe_way(board, cards[edge.source], edge) for edge in edges}
    boxes = [Box(START, 18, 18), *(Box(key, WIDTH, HEIGHT) for key in cards)]
    boxes += [Box(end_of(edge), 18, 18) for edge in edges if edge.target is None]
    lines = [Line(f"{START} {key}", START, key) for key in starts]
    lines += [line_of(board, edge, signs[edge.id]) for edge in edges]
    layout = lay_out(boxes, lines)
    phases, band_of = name_phases(board, layout)
    nodes = [build_node(board, cards, key, layout.boxes[key], band_of[key]) for key in cards]
    ways = [Way(draw_curve(layout.lines[f"{START} {key}"]), "taken" if cards[key].is_live else "off") for key in starts]
    ways += [build_way(board, edge, layout, signs[edge.id]) for edge in edges]
    return Drawing(
        nodes=sorted(nodes, key=lambda node: (node.place.y, node.place.x)),
        # What was taken lies above what was not.
        ways=sorted(ways, key=lambda way: ("off", "open", "taken").index(way.state)),
        phases=phases,
        start=layout.boxes[START],
        ends=[layout.boxes[end_of(edge)] for edge in edges if edge.target is None],
        width=layout.width,
        height=layout.height,
    )


def is_drawn(board: Board, cards: Mapping[str, Card], edge: Edge) -> bool:
    """Whether a way is drawn: to a task that the person may see, or a branch to nowhere."""
    return edge.target in cards if edge.target is not None else is_branch(board, edge)


def is_branch(board: Board, edge: Edge) -> bool:
    return board.graph.nodes[edge.source].type is TaskType.DECISION


def end_of(edge: Edge) -> str:
    """Return the key of the point at which a branch ends that leads to no task."""
    return f"end {edge.id}"


def line_of(board: Board, edge: Edge, sign: Sign | None) -> Line:
    target = edge.target if edge.target is not None else end_of(edge)
    return Line(edge.id, edge.source, target, sign.size if sign else None, back=edge.id in board.graph.cycle_of_edge)


def describe_way(board: Board, card: Card, edge: Edge) -> Sign | None:
    """Return what is written on a way; nothing where there is nothing to choose."""
    if not is_branch(board, edge):
        return None
    branch = next((branch for branch in card.branches if branch.id == edge.condition), None)
    name = branch.name if branch else _("otherwise")
    if edge.id in board.graph.cycle_of_edge and card.loop:
        name = f"{name} · {card.loop}"
    if is_taken(board, edge):
        return Sign(name, _("taken"), "check")
    if branch is not None and branch.is_met is not None:
        return Sign(name, *describe_verdict(branch))
    return Sign(name, _("not taken"), "close") if board.states[edge.source].passed else Sign(name)


def describe_verdict(branch: Branch) -> tuple[str, str]:
    """Return what came of a branch that was not taken. A person who chooses judges no conditions."""
    if branch.is_met:
        return _("is met, not taken"), "close"
    return (_("is not met") if branch.asked else _("not taken")), "close"


def is_taken(board: Board, edge: Edge) -> bool:
    """Whether the flow went this way; on a way back it did if a round has begun, though the decision was put back since."""
    cycle, state = board.graph.cycle_of_edge.get(edge.id), board.states[edge.source]
    # A new round forgets by which edges the flow came into the loop; from what is no decision it takes all of them.
    went_on = state.passed and not is_branch(board, edge)
    return went_on or edge.id in state.taken or (cycle is not None and board.states[cycle.decision].iterations > 0)


def build_way(board: Board, edge: Edge, layout: Layout, sign: Sign | None) -> Way:
    is_back = edge.id in board.graph.cycle_of_edge
    points = layout.lines[edge.id]
    is_off = board.states[edge.source].passed or edge.source not in board.live
    if edge.target is not None and edge.target not in board.live:
        is_off = True
    state = "taken" if is_taken(board, edge) else "off" if is_off else "open"
    return Way(draw_corners(points) if is_back else draw_curve(points), state, is_back, sign, layout.labels.get(edge.id))


def name_phases(board: Board, layout: Layout) -> tuple[list[PhaseName], dict[str, str]]:
    """Return where the names of phases stand: beside the first layer of each; and under which name each task lies."""
    names = {phase.id: phase.name for phase in board.phases}
    first: dict[str, float] = {}
    for task in board.seen:
        name, y = names.get(task.phase_id), layout.boxes[task.template_id].y
        if name is not None:
            first[name] = min(y, first.get(name, y))
    rows: dict[float, list[str]] = {}
    for name, y in sorted(first.items(), key=lambda pair: pair[1]):
        rows.setdefault(y, []).append(name)
    found = [PhaseName([line for name in names for line in textwrap.wrap(name, PHASE_LETTERS)], y) for y, names in rows.items()]
    under = {}
    for task in board.seen:
        above = [names[0] for y, names in rows.items() if y <= layout.boxes[task.template_id].y and len(names) == 1]
        under[task.template_id] = above[-1] if above else ""
    return found, under


def build_node(board: Board, cards: Mapping[str, Card], key: str, place: Placed, band: str) -> Node:
    card = cards[key]
    following = [cards[target] for target in dict.fromkeys(board.graph.forward(key)) if target in cards]
    before = {
        edge.source for edge in board.graph.incoming[key] if edge.id not in board.graph.cycle_of_edge and edge.source in cards
    }
    phase = next((phase.name for phase in board.phases if phase.id == card.task.phase_id), "")
    facts = [card.status_name] if card.is_live else [_("not on the path taken")]
    facts += [phase] if phase and phase != band else []
    facts += [person.name for person in card.assignees[:1]]
    return Node(
        card=card,
        place=place,
        name_lines=wrap(card.task.name, NAME_LETTERS, 2),
        fact=shorten(" · ".join(facts), FACT_LETTERS),
        words=describe_node(card, phase, following, len(before)),
        splits=len(following) > 1 and card.task.task_type != TaskType.DECISION,
        joins=len(before) > 1,
    )


def describe_node(card: Card, phase: str, following: list[Card], ways_in: int) -> str:
    """Return what the drawing shows of a task besides what is written on it, for who does not see it; and what was cut."""
    is_cut = wrap(card.task.name, NAME_LETTERS, 2) != textwrap.wrap(card.task.name, NAME_LETTERS)
    words = [*([card.task.name] if is_cut else []), card.type_name]
    if not card.is_live:
        words.append(_("not on the path taken"))
    words += [phase] if phase else []
    words += [person.name for person in card.assignees]
    if ways_in > 1:
        words.append(ngettext("%d path comes together here", "%d paths come together here", ways_in) % ways_in)
    for branch in card.branches:
        verdict = _("taken") if branch.taken else describe_verdict(branch)[0] if branch.is_met is not None else ""
        words.append(_("branch %s") % branch.name + (f": {verdict}" if verdict else ""))
    if card.loop:
        words.append(_("Loop: %(count)s") % {"count": card.loop})
    if following:
        words.append(_("leads to %s") % _(" and ").join(after.task.name for after in following))
    return ", ".join(words)


def wrap(text: str, letters: int, most: int) -> list[str]:
    """Return a text in at most so many lines; what does not fit is cut."""
    lines = textwrap.wrap(text, letters) or [""]
    if len(lines) > most:
        lines = [*lines[: most - 1], shorten(" ".join(lines[most - 1 :]), letters)]
    return lines


def shorten(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1].rstrip(" ·") + "…"
