"""Points joined to lines, as SVG writes them."""

import itertools
from collections.abc import Sequence

Point = tuple[float, float]
ROUND = 10


def draw_curve(points: Sequence[Point]) -> str:
    """Return a path downwards: straight through layers, in soft curves between them."""
    path = f"M{points[0][0]:g} {points[0][1]:g}"
    for (x, y), (to_x, to_y) in itertools.pairwise(points):
        middle = (y + to_y) / 2
        path += f"V{to_y:g}" if x == to_x else f"C{x:g} {middle:g} {to_x:g} {middle:g} {to_x:g} {to_y:g}"
    return path


def draw_corners(points: Sequence[Point]) -> str:
    """Return a path of straight parts with rounded corners."""
    path = f"M{points[0][0]:g} {points[0][1]:g}"
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        near, far = towards(corner, before), towards(corner, after)
        path += f"L{near[0]:g} {near[1]:g}Q{corner[0]:g} {corner[1]:g} {far[0]:g} {far[1]:g}"
    return path + f"L{points[-1][0]:g} {points[-1][1]:g}"


def towards(corner: Point, other: Point) -> Point:
    """Return the point from which a corner is rounded, at most half way to the next one."""
    length = abs(other[0] - corner[0]) + abs(other[1] - corner[1])
    part = min(ROUND, length / 2) / length if length else 0
    return corner[0] + (other[0] - corner[0]) * part, corner[1] + (other[1] - corner[1]) * part
