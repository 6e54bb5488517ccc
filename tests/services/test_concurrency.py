"""Many at once: the database decides once, and everybody gets a documented answer."""

import threading
from collections import Counter
from collections.abc import Callable

import pytest
from django.db import connections

from tests import factories
from tests.api.client import Answer, Client
from tests.api.test_executions import PATH
from workflows.models import Event, Execution, Job, Role, Task
from workflows.permissions import Actor
from workflows.services.reading import render_fresh
from workflows.services.tokens import create_token

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 16


def at_once(count: int, act: Callable[[int], Answer]) -> list[Answer]:
    """Let threads act at the same moment, each on a connection of its own."""
    barrier = threading.Barrier(count)
    answers: list[Answer] = []

    def run(number: int) -> None:
        try:
            barrier.wait(20)
            answers.append(act(number))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == count
    return answers


@pytest.fixture
def crowd(actor: Actor) -> list[Client]:
    """Clients with tokens of their own, whose first use today is past."""
    clients = [Client(create_token(actor.organisation, f"t{number}", Role.INTEGRATION)[1]) for number in range(THREADS)]
    for client in clients:
        client.post(f"{PATH}:search", {"entity_id": "x", "entity_schema": "y"})
    return clients


def test_sixteen_complete_the_same_task_and_the_flow_advances_once(crowd: list[Client], actor: Actor) -> None:
    execution = factories.start(actor)
    path = f"{PATH}/{execution.id}/tasks/{factories.task_of(execution, 't1').id}"
    answers = at_once(THREADS, lambda number: crowd[number].patch(path, {"status": "COMPLETED"}))
    assert Counter(answer.status for answer in answers) == {200: THREADS}
    assert factories.current(execution) == ["t2"]
    task = factories.task_of(execution, "t1")
    changes = Event.objects.filter(task_id=task.id, action="task.status")
    assert [(event.before, event.after) for event in changes] == [({"status": "PENDING"}, {"status": "COMPLETED"})]
    assert Execution.objects.get().version == 2


def test_sixteen_finish_different_branches_and_the_join_fires_once(crowd: list[Client], actor: Actor) -> None:
    keys = [f"b{number}" for number in range(THREADS)]
    data = {
        "name": "Wide",
        "tasks": [factories.task(key) for key in ["a", *keys, "z"]],
        "edges": [edge for key in keys for edge in factories.chain("a", key, "z")],
    }
    execution = factories.start(actor, data)
    crowd[0].patch(f"{PATH}/{execution.id}/tasks/{factories.task_of(execution, 'a').id}", {"status": "COMPLETED"})
    paths = [f"{PATH}/{execution.id}/tasks/{factories.task_of(execution, key).id}" for key in keys]
    answers = at_once(THREADS, lambda number: crowd[number].patch(paths[number], {"status": "COMPLETED"}))
    assert Counter(answer.status for answer in answers) == {200: THREADS}
    assert factories.current(execution) == ["z"]
    last = factories.task_of(execution, "z")
    assert Event.objects.filter(task_id=last.id, action="task.current").count() == 1
    sequence = Event.objects.filter(execution_id=execution.id).order_by("seq").values_list("seq", flat=True)
    assert list(sequence) == list(range(1, len(sequence) + 1))


def test_two_different_ends_of_a_task_exclude_each_other(crowd: list[Client], actor: Actor) -> None:
    execution = factories.start(actor, factories.choice())
    crowd[0].patch(f"{PATH}/{execution.id}/tasks/{factories.task_of(execution, 'ask').id}", {"status": "COMPLETED"})
    path = f"{PATH}/{execution.id}/tasks/{factories.task_of(execution, 'decide').id}"
    branches = ["c-yes", "c-no"]
    answers = at_once(
        THREADS, lambda number: crowd[number].patch(path, {"status": "COMPLETED", "next_condition_id": branches[number % 2]})
    )
    assert {answer.status for answer in answers} == {200}
    assert len(factories.current(execution)) == 1
    assert Event.objects.filter(action="task.branch").count() == 1


def test_readers_beside_writers_never_see_a_mixed_state(crowd: list[Client], actor: Actor) -> None:
    execution = factories.start(actor, factories.sequence(THREADS))
    ids = list(Task.objects.order_by("position").values_list("id", flat=True))

    def act(number: int) -> Answer:
        if number % 2:
            return crowd[number].get(f"{PATH}/{execution.id}")
        return crowd[number].patch(f"{PATH}/{execution.id}/tasks/{ids[number]}", {"status": "SKIPPED"})

    answers = at_once(THREADS, act)
    assert {answer.status for answer in answers} == {200}
    for answer in answers:
        if "tasks" in answer.json:
            skipped = sum(task["status"] == "SKIPPED" for task in answer.json["tasks"])
            assert answer.headers["ETag"] == f'"{skipped + 1}"'
    fresh = render_fresh(actor, [execution.id])[execution.id][1]
    assert crowd[0].get(f"{PATH}/{execution.id}").body == fresh


def test_a_job_is_claimed_by_one_worker(actor: Actor) -> None:
    from workflows.services.queue import claim

    job = Job.objects.create(organisation=actor.organisation, kind="run_task")
    claimed: list[Job | None] = []

    def act(number: int) -> Answer:
        claimed.append(claim(job.id, f"w{number}"))
        return None  # type: ignore[return-value]

    at_once(8, act)
    assert sum(found is not None for found in claimed) == 1
    assert Job.objects.get().attempt == 1


def test_a_schedule_that_is_fired_and_cancelled_by_many_ends_once(crowd: list[Client], actor: Actor) -> None:
    from tests.services.test_schedules import AT, TWO_HOURS, scheduled
    from workflows.services.schedules import fire_schedule

    execution = factories.start(actor, scheduled(TWO_HOURS), now=AT)
    task = factories.task_of(execution, "t1")
    fired: list[bool] = []

    def act(number: int) -> Answer:
        if number % 2:
            return crowd[number].delete(f"{PATH}/{execution.id}/tasks/{task.id}/schedule")
        fired.append(fire_schedule(actor, execution.id, task.id, task.schedule_id))
        return None  # type: ignore[return-value]

    answers = [answer for answer in at_once(THREADS, act) if answer is not None]
    ended = Event.objects.filter(action__in=["task.schedule_fired", "task.schedule_cancelled"]).count()
    cancelled = sum(answer.status == 204 for answer in answers)
    assert {answer.status for answer in answers} <= {204, 400}
    assert (ended, sum(fired) + cancelled) == (1, 1)
    assert factories.task_of(execution, "t1").status == ("SKIPPED" if cancelled else "IN_PROGRESS")
    assert Job.objects.filter(kind="run_task").count() == sum(fired)
    assert not Job.objects.filter(kind="fire_schedule").exists() or sum(fired)


def test_no_decision_misses_the_change_that_it_waits_for(crowd: list[Client], actor: Actor) -> None:
    from tests.services.test_schedules import run_jobs, waiting

    template = factories.make_template(actor, waiting())
    entity = factories.make_entity(actor, city="Ulm")
    body = {"flow_template_id": template.id, "contexts": [{"entity_id": str(entity.id), "entity_schema": "contact"}]}
    patch = {"city": "Bonn"}

    def act(number: int) -> Answer:
        if number == 7:
            return crowd[number].patch(f"/v1/entity/contact/{entity.id}", patch)
        return crowd[number].post(PATH, body)

    answers = at_once(THREADS, act)
    assert {answer.status for answer in answers} == {200, 201}
    run_jobs("reconsider_execution")
    assert set(Task.objects.filter(template_id="d").values_list("status", flat=True)) == {"COMPLETED"}


@pytest.mark.parametrize("kind", ["map-entity", "assign-entity"])
def test_runs_that_append_to_one_list_at_the_same_moment_all_find_their_place(actor: Actor, kind: str) -> None:
    from workflows.jobs import run_job
    from workflows.services.automation_flows import create_automation
    from workflows.services.automation_starts import RunRequest, start_automation

    def design(number: int) -> dict[str, object]:
        person = {"type": "user", "user_id": str(number)}
        if kind == "assign-entity":
            return {"attribute": "people", "write_mode": "append", "assignees": [person]}
        return {"target_schema": "contact", "mapping_attributes": [{"target": "people", "operation": {"_append": str(number)}}]}

    entity = factories.make_entity(actor, people=[])
    for number in range(8):
        flow, _ = create_automation(actor, factories.automation({"type": kind, "config": design(number)}))
        start_automation(actor, RunRequest(flow.id, entity.id))
    jobs = [str(key) for key in Job.objects.values_list("id", flat=True)]

    def act(number: int) -> Answer:
        run_job(jobs[number])
        return None  # type: ignore[return-value]

    at_once(8, act)
    entity.refresh_from_db()
    assert len(entity.attributes["people"]) == 8
