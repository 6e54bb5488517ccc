"""Who is inside a worker's room with whom."""

import threading
import time

import pytest

from workflows import isolation
from workflows.isolation import Room

SOON, NEVER = 0.15, 5.0


class Visitor:
    """A thread that goes into a room and stays until it is let go."""

    def __init__(self, room: Room, *, alone: bool = False) -> None:
        self.inside, self.may_go = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._visit, args=(room.alone() if alone else room.beside_others(),), daemon=True)
        self.thread.start()

    def _visit(self, stay: object) -> None:
        with stay:  # type: ignore[attr-defined]
            self.inside.set()
            self.may_go.wait(NEVER)

    def is_in(self, within: float = NEVER) -> bool:
        return self.inside.wait(within)

    def leave(self) -> None:
        self.may_go.set()
        self.thread.join(NEVER)


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "LONGEST_WAIT", 2 * SOON)
    monkeypatch.setattr(isolation, "LONGEST_ALONE", 2 * SOON)


def test_many_are_inside_together(room: Room) -> None:
    visitors = [Visitor(room) for _ in range(4)]
    assert all(visitor.is_in() for visitor in visitors)
    for visitor in visitors:
        visitor.leave()


def test_who_wants_to_be_alone_waits_for_the_others_and_keeps_new_ones_out(room: Room) -> None:
    first, suspect = Visitor(room), Visitor(room, alone=True)
    assert first.is_in()
    assert not suspect.is_in(SOON)
    late = Visitor(room)
    assert not late.is_in(SOON)
    first.leave()
    assert suspect.is_in()
    assert not late.is_in(SOON)
    suspect.leave()
    assert late.is_in()
    late.leave()


def test_two_that_want_to_be_alone_come_one_after_the_other(room: Room) -> None:
    suspects = [Visitor(room, alone=True) for _ in range(2)]
    time.sleep(SOON)
    inside = [each for each in suspects if each.inside.is_set()]
    assert len(inside) == 1
    inside[0].leave()
    assert all(each.is_in() for each in suspects)
    for each in suspects:
        each.leave()


@pytest.mark.usefixtures("short_times")
def test_what_takes_long_is_waited_for_a_while_only(room: Room) -> None:
    long, suspect = Visitor(room), Visitor(room, alone=True)
    assert suspect.is_in()
    suspect.leave()
    long.leave()


@pytest.mark.usefixtures("short_times")
def test_a_suspect_that_hangs_lets_others_in_after_a_while_and_takes_nobodys_place_when_it_ends(room: Room) -> None:
    hanging = Visitor(room, alone=True)
    assert hanging.is_in()
    after = Visitor(room, alone=True)
    assert after.is_in()
    hanging.leave()
    late = Visitor(room)
    assert not late.is_in(SOON / 3)
    after.leave()
    assert late.is_in()
    late.leave()


def test_a_job_that_raises_leaves_the_room(room: Room) -> None:
    for stay in (room.alone(), room.beside_others()):
        with pytest.raises(ZeroDivisionError), stay:
            raise ZeroDivisionError
    with room.alone():
        pass
