"""Where a task goes that is added to a phase by its name alone."""

from uuid import UUID

from dashboard.cards import Board
from workflows.engine.status import FINISHED, TaskType
from workflows.models import Task

Place = tuple[Task, Task]


def list_places(board: Board) -> list[Place]:
    """Return the pairs of tasks that follow each other and between which a task can still be worked on."""
    tasks = {task.template_id: task for task in board.seen if task.template_id in board.live}
    pairs = [(tasks.get(edge.source), tasks.get(edge.target or "")) for edge in board.graph.edges]
    return [(before, after) for before, after in pairs if before and after and after.status not in FINISHED]


def find_place(board: Board, phase_id: UUID | None) -> Place | None:
    """Return where the last task of a phase would be, or as near to that as there is a place; None when there is none.

    Behind a decision a task would belong to one branch only: that comes last.
    """
    here = [place for place in list_places(board) if place[0].phase_id == phase_id]
    if here:
        return max(here, key=lambda place: (place[0].task_type != TaskType.DECISION, place[0].position, place[1].position))
    first = [place for place in list_places(board) if place[1].phase_id == phase_id]
    return min(first, key=lambda place: (place[0].task_type == TaskType.DECISION, place[1].position), default=None)
