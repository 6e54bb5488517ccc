"""How much the engine looks at: a step's searches through the graph do not grow with the width of the flow."""

import pytest

from tests.engine.builders import Story, graph
from workflows.engine import reach


def searches_of_a_split(monkeypatch: pytest.MonkeyPatch, width: int) -> int:
    """Complete the task before a split into `width` tasks, and count the searches."""
    middle = [f"m{number}" for number in range(width)]
    story = Story(graph(["first", *middle, "last"], [("first", m) for m in middle] + [(m, "last") for m in middle]))
    count = 0
    search = reach.ahead

    def counted(*args: object, **kwargs: object) -> set[str]:
        nonlocal count
        count += 1
        return search(*args, **kwargs)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(reach, "ahead", counted)
        story.complete("first")
    assert story.current == middle
    return count


def test_a_wide_split_is_entered_with_as_many_searches_as_a_narrow_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert searches_of_a_split(monkeypatch, 100) == searches_of_a_split(monkeypatch, 2)
