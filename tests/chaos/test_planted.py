"""The bugs can still be planted: each place is there, once."""

import pytest

from tests.chaos.planted import BUGS, Bug
from tests.product import ROOT


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_place_for_a_bug_is_there_once(bug: Bug) -> None:
    for name, old, new in bug.edits:
        assert (ROOT / name).read_text().count(old) == 1, name
        assert old != new
