"""Which jobs run beside which in one worker: one that has lost a worker before runs alone.

Whoever kills its worker takes the jobs of the other threads with it, and all of them look alike afterwards. Run alone, the
culprit harms nobody any more, and what stood beside it by chance is not given up in its place.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

# Seconds. What runs for longer than a suspect waits stays beside it; and a suspect that hangs does not hold up a whole worker.
LONGEST_WAIT = 10.0
LONGEST_ALONE = 10.0


class Room:
    """The jobs inside; one of them may have reserved it for a while."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._reserved_until = 0.0
        self._owner: object = None

    @contextmanager
    def beside_others(self) -> Iterator[None]:
        """Be inside, as soon as nobody has reserved it."""
        with self._changed:
            self._wait_for_reservation()
            self._inside += 1
        try:
            yield
        finally:
            self._leave()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be inside with nobody else: they have 10 s to leave, and 10 s later they may come in again."""
        me = object()
        with self._changed:
            self._wait_for_reservation()
            self._owner, self._reserved_until = me, time.monotonic() + LONGEST_WAIT
            self._changed.wait_for(lambda: not self._inside, LONGEST_WAIT)
            self._reserved_until = time.monotonic() + LONGEST_ALONE
            self._inside += 1
        try:
            yield
        finally:
            self._leave(me)

    def _wait_for_reservation(self) -> None:
        while (left := self._reserved_until - time.monotonic()) > 0:
            self._changed.wait(left)

    def _leave(self, owner: object = None) -> None:
        with self._changed:
            self._inside -= 1
            if owner is not None and self._owner is owner:
                self._owner, self._reserved_until = None, 0.0
            self._changed.notify_all()
