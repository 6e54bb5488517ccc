"""The layout of graphs: nothing overlaps, everything leads down but ways back, and the same graph is always drawn the same."""

import itertools
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.graph_layout import Box, Layout, Line, Placed, _ascending, _count_inversions, lay_out
from dashboard.graph_paths import draw_corners, draw_curve


def boxes(count: int) -> list[Box]:
    return [Box(f"n{number}", 216, 58) for number in range(count)]


def line(source: int, target: int, label: tuple[int, int] | None = None, *, back: bool = False) -> Line:
    return Line(f"{source}-{target}", f"n{source}", f"n{target}", label, back)


def chain(*numbers: int) -> list[Line]:
    return [line(a, b) for a, b in itertools.pairwise(numbers)]


def overlaps(one: Placed, other: Placed) -> bool:
    return one.x < other.right and other.x < one.right and one.y < other.bottom and other.y < one.bottom


def check(drawn: Layout, lines: Sequence[Line]) -> None:
    """What holds of every drawing."""
    shapes = [*drawn.boxes.values(), *(drawn.labels[each.key] for each in lines if each.label)]
    for one, other in itertools.combinations(shapes, 2):
        assert not overlaps(one, other), (one, other)
    for shape in shapes:
        assert shape.x >= 0
        assert shape.y >= 0
        assert shape.right <= drawn.width
        assert shape.bottom <= drawn.height
    for each in lines:
        points = drawn.lines[each.key]
        source, target = drawn.boxes[each.source], drawn.boxes[each.target]
        if each.back:
            assert source.x <= points[0][0] <= source.right
            assert target.x <= points[-1][0] <= target.right
            continue
        assert (points[0], points[-1]) == ((source.middle, source.bottom), (target.middle, target.y))
        assert source.bottom < target.y
        assert [y for _, y in points] == sorted(y for _, y in points)


def passes_through(points: Sequence[tuple[float, float]], shape: Placed) -> bool:
    """Whether a way of straight parts crosses the inside of a box."""
    for (x, y), (to_x, to_y) in itertools.pairwise(points):
        left, right, top, bottom = min(x, to_x), max(x, to_x), min(y, to_y), max(y, to_y)
        if left < shape.right and shape.x < right and top < shape.bottom and shape.y < bottom:
            return True
        if left == right and shape.x < left < shape.right and top < shape.bottom and shape.y < bottom:
            return True
        if top == bottom and shape.y < top < shape.bottom and left < shape.right and shape.x < right:
            return True
    return False


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Box], list[Line]]:
    count = draw(st.integers(1, 30))
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda pair: pair[0] != pair[1])
    chosen = draw(st.lists(pairs, unique=True, max_size=2 * count)) if count > 1 else []
    labels = draw(st.lists(st.sampled_from([None, (60, 24), (240, 24)]), min_size=len(chosen), max_size=len(chosen)))
    return boxes(count), [line(a, b, label, back=a > b) for (a, b), label in zip(chosen, labels, strict=True)]


@settings(max_examples=80, deadline=None)
@given(graphs())
def test_in_any_graph_nothing_overlaps_and_lines_lead_down(graph: tuple[list[Box], list[Line]]) -> None:
    drawn = lay_out(*graph)
    check(drawn, graph[1])
    assert drawn == lay_out(*graph)


def test_a_chain_is_one_straight_column() -> None:
    drawn = lay_out(boxes(5), chain(0, 1, 2, 3, 4))
    assert len({box.x for box in drawn.boxes.values()}) == 1


def test_a_split_stands_in_the_middle_over_its_branches_which_join_again() -> None:
    drawn = lay_out(boxes(4), [*chain(0, 1, 3), *chain(0, 2, 3)])
    middles = [drawn.boxes[f"n{number}"].middle for number in range(4)]
    assert middles[1] < middles[2]
    assert middles[0] == middles[3] == pytest.approx((middles[1] + middles[2]) / 2)


def test_what_can_be_drawn_without_crossings_is() -> None:
    """Two chains side by side, given in a mixed order."""
    drawn = lay_out(boxes(7), [line(0, 1), line(0, 2), line(1, 4), line(2, 3), line(4, 5), line(3, 6)])
    place = {number: drawn.boxes[f"n{number}"].x for number in range(7)}
    assert (place[1] < place[2]) == (place[4] < place[3]) == (place[5] < place[6])


def test_a_label_has_room_of_its_own_between_its_ends() -> None:
    drawn = lay_out(boxes(3), [line(0, 1, (90, 24)), line(0, 2, (300, 24))])
    for key, target in (("0-1", "n1"), ("0-2", "n2")):
        assert drawn.boxes["n0"].bottom < drawn.labels[key].y
        assert drawn.labels[key].bottom < drawn.boxes[target].y


def test_a_line_that_passes_layers_goes_round_what_lies_there() -> None:
    drawn = lay_out(boxes(4), [*chain(0, 1, 2, 3), line(0, 3)])
    for x, y in drawn.lines["0-3"][1:-1]:
        assert not any(box.x < x < box.right and box.y <= y <= box.bottom for box in drawn.boxes.values())


def test_ways_back_touch_no_box_and_have_lanes_of_their_own() -> None:
    lines = [*chain(0, 1, 2, 3), *chain(1, 4, 3), line(3, 1, (60, 24), back=True), line(3, 0, back=True), line(4, 1, back=True)]
    drawn = lay_out(boxes(5), lines)
    for each in lines:
        if each.back:
            ends = {each.source, each.target}
            assert not any(passes_through(drawn.lines[each.key], box) for key, box in drawn.boxes.items() if key not in ends)
    assert len({max(x for x, _ in drawn.lines[key]) for key in ("3-1", "3-0")}) == 2


def test_what_only_a_way_back_leads_to_lies_right_above_what_follows_it() -> None:
    drawn = lay_out(boxes(5), [*chain(0, 1, 2, 3), line(4, 2), line(3, 4, back=True)])
    assert drawn.layers["n4"] == drawn.layers["n2"] - 1


def test_a_cycle_that_no_line_is_declared_to_close_is_refused() -> None:
    with pytest.raises(ValueError, match="cycle"):
        lay_out(boxes(2), [line(0, 1), line(1, 0)])


def test_an_empty_graph_and_one_box_are_drawn() -> None:
    assert lay_out([], []).boxes == {}
    assert lay_out(boxes(1), []).height > 58


def test_work_grows_with_the_graph_and_not_with_its_square(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in steps, not in seconds: how many places are worked out for 25 and for 200 tasks."""

    def steps(count: int) -> int:
        seen = 0

        def counted(wanted: Sequence[float], weights: Sequence[float]) -> list[float]:
            nonlocal seen
            seen += len(wanted)
            return _ascending(wanted, weights)

        monkeypatch.setattr("dashboard.graph_layout._ascending", counted)
        dice = random.Random(1)
        lines = [line(number, min(number + step, count - 1)) for number in range(count - 1) for step in {1, dice.randint(2, 4)}]
        lay_out(boxes(count), list({each.key: each for each in lines}.values()))
        return seen

    assert steps(200) <= 10 * steps(25)


def test_numbers_are_pooled_to_the_nearest_ascending_ones() -> None:
    assert _ascending([1, 5, 3, 9], [1, 1, 1, 1]) == [1, 4, 4, 9]
    assert _ascending([3, 1], [3, 1]) == [2.5, 2.5]


def test_inversions_are_counted() -> None:
    for numbers in ([], [1], [2, 1], [3, 1, 2, 2, 0]):
        assert _count_inversions(numbers) == sum(a > b for a, b in itertools.combinations(numbers, 2))


def test_paths_are_written_as_svg() -> None:
    assert draw_curve([(5, 0), (5, 10), (25, 30)]) == "M5 0V10C5 20 25 20 25 30"
    assert draw_corners([(0, 0), (40, 0), (40, 8)]) == "M0 0L30 0Q40 0 40 4L40 8"
