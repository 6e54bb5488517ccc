"""The dispatcher's watch over its own worker: one that hears no messages any more is ended, any other is left alone."""

import pytest
from celery.worker import state

from workflows.dispatch import SILENT_AFTER, Silence

LATER = SILENT_AFTER + 1


@pytest.fixture(autouse=True)
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "total_count", {"flowdeck.run_job": 3})
    monkeypatch.setattr(state, "active_requests", set())


def test_a_worker_that_takes_nothing_for_a_minute_although_there_is_work_is_ended() -> None:
    silence = Silence()
    assert not silence.lasts(0.0, waiting=True)
    assert not silence.lasts(SILENT_AFTER - 1, waiting=True)
    assert silence.lasts(SILENT_AFTER, waiting=True)


def test_one_that_takes_a_message_meanwhile_is_not() -> None:
    silence = Silence()
    silence.lasts(0.0, waiting=True)
    state.total_count["flowdeck.run_job"] = 4
    assert not silence.lasts(LATER, waiting=True)
    assert not silence.lasts(LATER + 1, waiting=True)


def test_nor_one_that_is_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    silence = Silence()
    silence.lasts(0.0, waiting=True)
    monkeypatch.setattr(state, "active_requests", {"request"})
    assert not silence.lasts(LATER, waiting=True)


def test_nor_one_for_which_there_was_nothing_to_do_in_between() -> None:
    silence = Silence()
    silence.lasts(0.0, waiting=True)
    silence.lasts(LATER - 2, waiting=False)
    assert not silence.lasts(LATER, waiting=True)


def test_nor_one_whose_broker_or_database_was_away() -> None:
    silence = Silence()
    silence.lasts(0.0, waiting=True)
    silence.is_explained()
    assert not silence.lasts(LATER, waiting=True)
