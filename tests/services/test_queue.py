"""The queue's promises: fair between organisations, fenced, swept without starvation, given up and begun again."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from django.utils import timezone

from workflows import jobs
from workflows.models import Delivery, Job, JobState, Organisation
from workflows.permissions import Actor
from workflows.services import leases, queue


def make_jobs(organisation: Organisation, count: int, *, age: int = 0, **fields: Any) -> list[Job]:
    at = timezone.now() - timedelta(seconds=age)
    made = [Job(organisation=organisation, kind="noted", run_at=at + timedelta(milliseconds=n), **fields) for n in range(count)]
    return Job.objects.bulk_create(made)


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Jobs of the kind `noted` do nothing but leave a note, and leave another when they are given up."""
    notes: list[str] = []

    def record(actor: Actor, job: Job, result: Any) -> None:
        notes.append(str(job.pk))

    def give_up(actor: Actor, job: Job, reason: str) -> None:
        notes.append(reason)

    monkeypatch.setitem(jobs.WORK, "noted", jobs.Work(record=record, give_up=give_up))
    return notes


def expire(*found: Job) -> None:
    Job.objects.filter(pk__in=[job.pk for job in found]).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_organisations_take_turns_however_much_one_has_to_do(
    organisation: Organisation, other_organisation: Organisation
) -> None:
    many = make_jobs(organisation, 50, age=60)
    few = make_jobs(other_organisation, 2, age=1)
    found = queue.due_jobs(100)
    assert found[:4] == [many[0].pk, few[0].pk, many[1].pk, few[1].pk]
    assert len(found) == queue.MOST_RUNNING + 2


def test_an_organisation_with_ten_running_gets_no_more_and_the_other_does(
    organisation: Organisation, other_organisation: Organisation
) -> None:
    many = make_jobs(organisation, 12)
    other = make_jobs(other_organisation, 1)[0]
    assert [bool(queue.claim(job.pk, "w")) for job in many] == [True] * 10 + [False] * 2
    assert queue.due_jobs(100) == [other.pk]
    assert queue.claim(other.pk, "w")
    running = Job.objects.filter(state=JobState.RUNNING, organisation=organisation).first()
    assert running is not None
    queue.finish(running)
    assert queue.claim(many[10].pk, "w")


def test_the_sweeper_gets_past_jobs_that_cannot_be_taken_back(
    organisation: Organisation, noted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = make_jobs(organisation, 3, state=JobState.RUNNING, attempt=1)
    good = make_jobs(organisation, 1, state=JobState.RUNNING, attempt=1)[0]
    expire(*stuck, good)
    release = queue.release

    def refuse(job: Job, *args: Any) -> JobState | None:
        if job.pk != good.pk:
            raise DatabaseError("no")
        return release(job, *args)

    monkeypatch.setattr(queue, "PAGE", 2)
    monkeypatch.setattr(queue, "release", refuse)
    jobs.sweep()
    good.refresh_from_db()
    assert good.state == JobState.READY
    assert Job.objects.filter(state=JobState.RUNNING).count() == 3


def test_a_lease_that_was_extended_meanwhile_is_not_taken_back(organisation: Organisation) -> None:
    made = make_jobs(organisation, 1)[0]
    job = queue.claim(made.pk, "w")
    assert job is not None
    expire(job)
    seen = next(queue.expired_jobs())
    assert queue.extend(job)
    assert queue.release(seen) is None
    assert Job.objects.get().state == JobState.RUNNING


def test_a_failure_that_is_noted_too_late_changes_nothing(organisation: Organisation, noted: list[str]) -> None:
    made = make_jobs(organisation, 1)[0]
    late = queue.claim(made.pk, "one")
    assert late is not None
    expire(late)
    jobs.sweep()
    assert queue.claim(made.pk, "two")
    with pytest.raises(queue.LeaseLost):
        queue.fail(late, "late")
    assert not queue.extend(late)
    assert Job.objects.get().state == JobState.RUNNING


def test_a_dead_job_begins_again_with_new_tries_under_the_same_name(organisation: Organisation, noted: list[str]) -> None:
    made = make_jobs(organisation, 1, state=JobState.DEAD, attempt=5, crashes=3, last_error="broken")[0]
    assert queue.rearm(made.pk)
    job = queue.claim(made.pk, "w")
    assert job is not None
    assert (job.attempt, job.tries, job.crashes) == (6, 1, 0)
    assert job.effect_id == made.effect_id
    assert not queue.rearm(made.pk)


def test_policy_of_the_caller_decides_how_often_and_when(
    organisation: Organisation, noted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def call(actor: Actor, job: Job) -> None:
        raise queue.TryAgain("busy", delay=timedelta(minutes=30), tries=2)

    monkeypatch.setitem(jobs.WORK, "noted", replace(jobs.WORK["noted"], call=call))
    job = make_jobs(organisation, 1)[0]
    jobs.run_job(str(job.pk))
    job.refresh_from_db()
    assert (job.state, job.last_error) == (JobState.READY, "busy")
    assert job.run_at > timezone.now() + timedelta(minutes=29)
    Job.objects.update(run_at=timezone.now())
    jobs.run_job(str(job.pk))
    job.refresh_from_db()
    assert job.state == JobState.DEAD
    assert noted == ["Given up after 2 attempts: busy"]


def test_a_job_whose_end_cannot_be_told_is_dead_all_the_same(
    organisation: Organisation, noted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setitem(jobs.WORK, "noted", jobs.Work(record=broken, give_up=broken))
    made = make_jobs(organisation, 1, attempt=4)[0]
    jobs.run_job(str(made.pk))
    assert Job.objects.get().state == JobState.DEAD


def test_a_result_of_a_lost_lease_is_thrown_away_with_all_that_it_wrote(
    organisation: Organisation, noted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def record(actor: Actor, job: Job, result: Any) -> None:
        Organisation.objects.filter(pk=organisation.pk).update(name="written")
        Job.objects.filter(pk=job.pk).update(attempt=job.attempt + 1)

    monkeypatch.setitem(jobs.WORK, "noted", jobs.Work(record=record))
    made = make_jobs(organisation, 1)[0]
    jobs.run_job(str(made.pk))
    organisation.refresh_from_db()
    assert organisation.name == "Acme"


@pytest.mark.django_db(transaction=True)
def test_a_long_job_keeps_its_lease_until_its_limit_and_then_ends_its_worker(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "HEARTBEAT", 0.02)
    monkeypatch.setattr(queue, "LEASE", timedelta(seconds=0.1))
    ended = threading.Event()
    monkeypatch.setattr(leases, "end_process", ended.set)
    job = queue.claim(make_jobs(organisation, 1)[0].pk, "w")
    assert job is not None
    beats: list[bool] = []
    extend: Callable[..., bool] = queue.extend
    monkeypatch.setattr(queue, "extend", lambda j: beats.append(True) or extend(j))
    with leases.keep_lease(job, timedelta(seconds=0.2)):
        assert ended.wait(10)
    assert beats
    assert Job.objects.get().lease_until < timezone.now()


@pytest.mark.django_db(transaction=True)
def test_a_job_that_ends_in_time_ends_nothing_else(organisation: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(leases, "end_process", ended.set)
    monkeypatch.setattr(queue, "LEASE", timedelta(seconds=0.05))
    job = queue.claim(make_jobs(organisation, 1)[0].pk, "w")
    assert job is not None
    with leases.keep_lease(job, timedelta(seconds=0.05)):
        pass
    assert not ended.wait(0.3)


def test_a_call_leaves_its_row_before_and_its_outcome_after(organisation: Organisation) -> None:
    job = queue.claim(make_jobs(organisation, 1)[0].pk, "w")
    assert job is not None
    delivery = queue.begin_delivery(job, "https://sink.example/")
    assert Delivery.objects.get().finished_at is None
    queue.end_delivery(delivery, "refused", http_status=410, answer="gone\0")
    stored = Delivery.objects.get()
    assert (stored.outcome, stored.http_status, stored.answer) == ("refused", 410, "gone")


def test_a_job_that_lost_a_worker_is_had_only_by_who_takes_suspects(organisation: Organisation) -> None:
    job = make_jobs(organisation, 1, crashes=1)[0]
    assert queue.claim(job.pk, "w", with_suspects=False) is None
    assert queue.is_suspect(job.pk)
    assert queue.claim(job.pk, "w")
    assert not queue.is_suspect(job.pk)


def test_a_job_that_lost_a_worker_is_done_once_nothing_runs_beside_it(organisation: Organisation, noted: list[str]) -> None:
    usual, suspect = make_jobs(organisation, 1)[0], make_jobs(organisation, 1, crashes=1)[0]
    entered, left = threading.Event(), threading.Event()

    def stand_beside() -> None:
        with jobs.ROOM.beside_others():
            entered.set()
            left.wait(0.3)
            noted.append("left")

    neighbour = threading.Thread(target=stand_beside)
    neighbour.start()
    entered.wait(5)
    jobs.run_job(str(usual.pk))
    jobs.run_job(str(suspect.pk))
    neighbour.join()
    assert noted == [str(usual.pk), "left", str(suspect.pk)]
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.DONE}
