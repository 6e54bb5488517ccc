"""The board of an execution whose tasks were put in, moved and taken out."""

from django.test import Client

from tests import factories
from workflows.models import User
from workflows.permissions import Actor
from workflows.services.rearranging import Place, delete_task, insert_task, move_task


def test_the_board_and_its_history_tell_of_tasks_that_were_moved_and_taken_out(user: User, actor: Actor) -> None:
    browser = Client(raise_request_exception=False)
    browser.force_login(user)
    execution = factories.start(actor, factories.sequence(4))
    first, second, third = (factories.task_of(execution, key) for key in ("t1", "t2", "t3"))
    delete_task(actor, execution.id, first.id)
    move_task(actor, execution.id, second.id, Place(0, "two"))
    insert_task(actor, execution.id, Place(9, "two"), {"name": "Written down"})
    board = browser.get(f"/executions/{execution.id}")
    text = board.content.decode()
    assert board.status_code == 200
    assert "First" in text
    assert text.index("Task t2") < text.index("Task t3") < text.index("Written down")
    assert "Task t1" not in text
    history = browser.get(f"/executions/{execution.id}?view=timeline").content.decode()
    assert "took out the task “Task t1”" in history
    assert "moved it to another place" in history
    assert browser.get(f"/executions/{execution.id}?task={third.id}").status_code == 200
