"""Where the parts of a drawn graph go: boxes in layers from top to bottom, lines between them. Pure: numbers in, numbers out.

In the manner of Sugiyama: every box lies below all that lead to it, lines that pass layers hold a place in each, the order within
the layers is chosen for few crossings, and places are as near to their neighbours as room allows. Ways back run on the right.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

GAP_X = 28
GAP_Y = 34
LANE = 22
MARGIN = 16
SWEEPS = 8


@dataclass(frozen=True, slots=True)
class Box:
    """Something to place, by its size."""

    key: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Line:
    """A way from one box to another. `label`: the size of what is written on it. `back`: it leads upwards again."""

    key: str
    source: str
    target: str
    label: tuple[int, int] | None = None
    back: bool = False

    @property
    def length(self) -> int:
        """How many layers it leads down at least."""
        return 2 if self.label else 1


@dataclass(frozen=True, slots=True)
class Placed:
    """A rectangle by its left upper corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def centre(self) -> float:
        return self.y + self.height / 2

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class Layout:
    """The drawing: boxes by key, for each line the points it goes through and where its label is, and its size."""

    boxes: Mapping[str, Placed]
    lines: Mapping[str, Sequence[tuple[float, float]]]
    labels: Mapping[str, Placed]
    layers: Mapping[str, int]
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class _WaysBack:
    """Ways back with their labels, and how far to the right they reach."""

    lines: dict[str, Sequence[tuple[float, float]]]
    labels: dict[str, Placed]
    reach: float


@dataclass(slots=True)
class _Cell:
    """A place in a layer: of a box, or of a line that passes."""

    width: float
    height: float
    above: list[int] = field(default_factory=list)
    below: list[int] = field(default_factory=list)
    x: float = 0
    is_line: bool = False


def lay_out(boxes: Sequence[Box], lines: Sequence[Line]) -> Layout:
    """Place boxes and lines. Lines that are not marked `back` must make no cycle; the same input gives the same drawing."""
    forward = [line for line in lines if not line.back]
    layer_of = _assign_layers(boxes, forward)
    return _Drawing(boxes, forward, layer_of).finish([line for line in lines if line.back])


def _assign_layers(boxes: Sequence[Box], lines: Sequence[Line]) -> dict[str, int]:
    """Return for each box the length of the longest way to it. Labels have layers of their own: a labelled line is two long.

    The first box is where reading begins. What can only be come to by a way back lies right above what it leads to.
    """
    ways: dict[str, list[Line]] = {box.key: [] for box in boxes}
    missing = dict.fromkeys(ways, 0)
    for line in lines:
        ways[line.source].append(line)
        missing[line.target] += 1
    layers = dict.fromkeys(ways, 0)
    ready = [key for key, count in missing.items() if count == 0]
    for key in ready:
        for line in ways[key]:
            layers[line.target] = max(layers[line.target], layers[key] + line.length)
            missing[line.target] -= 1
            if missing[line.target] == 0:
                ready.append(line.target)
    if len(ready) < len(boxes):
        raise ValueError("lines that lead forward make a cycle")
    begun = {box.key for box in boxes[:1]}
    for key in ready:
        if key in begun:
            begun.update(line.target for line in ways[key])
    for key in reversed(ready):
        if key not in begun and ways[key]:
            layers[key] = max(0, min(layers[line.target] - line.length for line in ways[key]))
    return layers


class _Drawing:
    """The work between the layers and the finished drawing."""

    def __init__(self, boxes: Sequence[Box], lines: Sequence[Line], layer_of: Mapping[str, int]) -> None:
        self.lines = lines
        self.layer_of = layer_of
        self.cells: list[_Cell] = []
        self.layers: list[list[int]] = [[] for _ in range(max(layer_of.values(), default=-1) + 1)]
        self.cell_of = {box.key: self._add(layer_of[box.key], _Cell(box.width, box.height)) for box in boxes}
        self.passes = {line.key: self._add_line(line) for line in lines}

    def _add(self, layer: int, cell: _Cell) -> int:
        self.cells.append(cell)
        self.layers[layer].append(len(self.cells) - 1)
        return len(self.cells) - 1

    def _add_line(self, line: Line) -> list[int]:
        """Give a line a place in every layer between its ends; the first holds its label. Return its cells, ends included."""
        first, last = self.layer_of[line.source], self.layer_of[line.target]
        way = [self.cell_of[line.source]]
        for layer in range(first + 1, last):
            size = line.label if line.label and layer == first + 1 else (8, 0)
            way.append(self._add(layer, _Cell(*size, is_line=True)))
        way.append(self.cell_of[line.target])
        for upper, lower in itertools.pairwise(way):
            self.cells[upper].below.append(lower)
            self.cells[lower].above.append(upper)
        return way

    def finish(self, back: Sequence[Line]) -> Layout:
        self._order()
        self._place()
        tops = self._tops()
        boxes = {key: self._placed(cell, tops[self.layer_of[key]]) for key, cell in self.cell_of.items()}
        lines: dict[str, Sequence[tuple[float, float]]] = {line.key: self._points(line, boxes, tops) for line in self.lines}
        labels = {
            line.key: self._placed(self.passes[line.key][1], tops[self.layer_of[line.source] + 1])
            for line in self.lines
            if line.label
        }
        back_ways = self._ways_back(back, boxes, tops)
        height = max((box.bottom for box in boxes.values()), default=0) + MARGIN
        width = max([back_ways.reach, *(cell.x + cell.width for cell in self.cells)], default=0) + MARGIN
        return Layout(boxes, lines | back_ways.lines, labels | back_ways.labels, self.layer_of, width, height)

    # --- the order within the layers ----------------------------------------------------------------------------------

    def _order(self) -> None:
        """Sort each layer by the average place of its neighbours, downwards and upwards in turn; keep the best that was seen."""
        best, fewest = [list(layer) for layer in self.layers], self._crossings()
        for sweep in range(SWEEPS):
            if fewest == 0:
                break
            step = 1 if sweep % 2 == 0 else -1
            for at in range(1, len(self.layers)) if step > 0 else range(len(self.layers) - 2, -1, -1):
                self._sort(at, at - step)
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [list(layer) for layer in self.layers], crossings
        self.layers = best

    def _sort(self, at: int, by: int) -> None:
        """Sort one layer by the places of what its cells are joined with in the one beside it; what has nothing there stays."""
        near = {cell: rank for rank, cell in enumerate(self.layers[by])}
        own = {cell: rank for rank, cell in enumerate(self.layers[at])}

        def weight(number: int) -> tuple[float, int]:
            neighbours = self.cells[number].above if by < at else self.cells[number].below
            places = [near[n] for n in neighbours]
            return (sum(places) / len(places) if places else own[number], own[number])

        self.layers[at].sort(key=weight)

    def _crossings(self) -> int:
        ranks = {cell: rank for layer in self.layers for rank, cell in enumerate(layer)}
        return sum(self._crossings_below(layer, ranks) for layer in self.layers[:-1])

    def _crossings_below(self, layer: Sequence[int], ranks: Mapping[int, int]) -> int:
        """Count pairs of lines below a layer that cross: inversions among the lower ends, read from left to right."""
        ends = [rank for cell in layer for rank in sorted(ranks[n] for n in self.cells[cell].below)]
        return _count_inversions(ends)

    # --- where they are -----------------------------------------------------------------------------------------------

    def _place(self) -> None:
        """Draw each layer towards its neighbours, again and again; order and room between the cells are kept."""
        for layer in self.layers:
            self._settle(layer, [0.0] * len(layer))
        for sweep in range(2 * SWEEPS):
            downwards = sweep % 2 == 0
            for layer in self.layers if downwards else reversed(self.layers):
                self._settle(layer, [self._wish(cell, downwards=downwards) for cell in layer])
        left = min((cell.x for cell in self.cells), default=0)
        for cell in self.cells:
            cell.x = round(cell.x - left + MARGIN, 1)

    def _wish(self, number: int, *, downwards: bool) -> float:
        """Return where the middle of a cell would best be: at the average of those that it is joined with."""
        cell = self.cells[number]
        near = (cell.above or cell.below) if downwards else (cell.below or cell.above)
        middles = [self.cells[n].x + self.cells[n].width / 2 for n in near]
        return sum(middles) / len(middles) if middles else cell.x + cell.width / 2

    def _settle(self, layer: Sequence[int], wishes: Sequence[float]) -> None:
        """Place a layer as near to the wishes as order and room allow, in the sense of least squares."""
        offset, offsets = 0.0, []
        for number in layer:
            offsets.append(offset)
            offset += self.cells[number].width + GAP_X
        # Lines that pass are held straight.
        weights = [4.0 if self.cells[number].is_line else 1.0 for number in layer]
        wanted = [w - self.cells[n].width / 2 - o for n, w, o in zip(layer, wishes, offsets, strict=True)]
        for number, value, own in zip(layer, _ascending(wanted, weights), offsets, strict=True):
            self.cells[number].x = value + own

    def _tops(self) -> list[float]:
        """Return the upper edge of each layer."""
        tops, y = [], float(MARGIN)
        for layer in self.layers:
            tops.append(y)
            y += self._height(layer) + GAP_Y
        return tops

    def _height(self, layer: Iterable[int]) -> float:
        return max((self.cells[number].height for number in layer), default=0)

    def _placed(self, number: int, top: float) -> Placed:
        cell = self.cells[number]
        return Placed(cell.x, top, cell.width, cell.height)

    # --- lines --------------------------------------------------------------------------------------------------------

    def _points(self, line: Line, boxes: Mapping[str, Placed], tops: Sequence[float]) -> list[tuple[float, float]]:
        """Return where a line goes through: out at the bottom, straight through each layer that it passes, in at the top."""
        source, target = boxes[line.source], boxes[line.target]
        points = [(source.middle, source.bottom)]
        for number, layer in zip(self.passes[line.key][1:-1], range(self.layer_of[line.source] + 1, len(tops)), strict=False):
            middle = self.cells[number].x + self.cells[number].width / 2
            points += [(middle, tops[layer]), (middle, tops[layer] + self._height(self.layers[layer]))]
        return [*points, (target.middle, target.y)]

    def _ways_back(self, back: Sequence[Line], boxes: Mapping[str, Placed], tops: Sequence[float]) -> _WaysBack:
        """Lead ways back past everything on the right; those that run beside each other have lanes of their own."""
        found = _WaysBack({}, {}, 0.0)
        taken: list[tuple[int, int, float]] = []
        for line in sorted(back, key=lambda each: (self.layer_of[each.source] - self.layer_of[each.target], each.key)):
            first, last = sorted((self.layer_of[line.target], self.layer_of[line.source]))
            beside = [self.cells[n].x + self.cells[n].width for layer in self.layers[first : last + 1] for n in layer]
            lanes = [edge for start, end, edge in taken if start <= last and first <= end]
            x = max([*beside, *lanes]) + LANE
            points = self._way_back(line, boxes, x, tops)
            width, height = line.label or (0, 0)
            middle = (points[1][1] + points[-2][1]) / 2
            found.lines[line.key] = points
            found.labels[line.key] = Placed(x - 10, middle - height / 2, width, height)
            edge = x + max(width - 10, 0)
            taken.append((first, last, edge))
            found = replace(found, reach=max(found.reach, edge))
        return found

    def _is_hemmed(self, line: Line) -> bool:
        """Whether something lies to the right of an end of a way back, so that it has to go round it."""
        ends = (line.source, line.target)
        return any(self.layers[self.layer_of[key]][-1] != self.cell_of[key] for key in ends)

    def _way_back(self, line: Line, boxes: Mapping[str, Placed], x: float, tops: Sequence[float]) -> list[tuple[float, float]]:
        """Return the points of a way back over the lane at `x`.

        It leaves and comes in at the side; where something lies in its way there, below its layer and from above instead.
        """
        source, target = boxes[line.source], boxes[line.target]
        if not self._is_hemmed(line):
            out, into = source.y + source.height / 2, target.y + target.height / 2
            return [(source.right, out), (x, out), (x, into), (target.right, into)]
        low = tops[self.layer_of[line.source]] + self._height(self.layers[self.layer_of[line.source]]) + GAP_Y / 3
        high = target.y - GAP_Y / 3
        out, into = source.x + source.width * 0.75, target.x + target.width * 0.75
        return [(out, source.bottom), (out, low), (x, low), (x, high), (into, high), (into, target.y)]


def _ascending(wanted: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Return the ascending numbers that are nearest to the wanted ones."""
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(wanted, weights, strict=True):
        pool = (value, weight, 1)
        while pools and pools[-1][0] >= pool[0]:
            mean, heavy, count = pools.pop()
            whole = heavy + pool[1]
            pool = ((mean * heavy + pool[0] * pool[1]) / whole, whole, count + pool[2])
        pools.append(pool)
    return [value for value, _, count in pools for _ in range(count)]


def _count_inversions(numbers: Sequence[int]) -> int:
    """Count pairs that stand the wrong way round, by a tree of counts: n log n."""
    size = max(numbers, default=0) + 1
    tree = [0] * (size + 1)
    found = 0
    for seen, number in enumerate(numbers):
        at, below = number + 1, 0
        while at:
            below += tree[at]
            at -= at & -at
        found += seen - below
        at = number + 1
        while at <= size:
            tree[at] += 1
            at += at & -at
    return found
