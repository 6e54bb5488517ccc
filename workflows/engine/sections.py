"""Tasks as a list with sections, the way in which the older dialect of the API and people's lists show a flow."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """A phase with its tasks, or one task outside of any phase."""

    phase: str | None
    tasks: list[str]


def arrange(tasks: Sequence[tuple[str, str | None]], phases: Sequence[str]) -> list[Item]:
    """Return the items of a flow: a phase stands where its first task does, one without tasks behind the phase before it.

    `tasks` are pairs of a task and its phase in the order of their positions, `phases` all phases in theirs.
    """
    items: list[Item] = []
    of_phase: dict[str, Item] = {}
    for task, phase in tasks:
        if phase is not None and phase in of_phase:
            of_phase[phase].tasks.append(task)
            continue
        item = Item(phase, [task])
        items.append(item)
        if phase is not None:
            of_phase[phase] = item
    at = 0
    for phase in phases:
        if phase not in of_phase:
            of_phase[phase] = Item(phase, [])
            items.insert(at, of_phase[phase])
        at = max(at, next(index for index, item in enumerate(items) if item.phase == phase) + 1)
    return items


def flatten(items: Sequence[Item]) -> list[str]:
    return [task for item in items for task in item.tasks]
