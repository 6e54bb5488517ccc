"""Keys while their request is at work, and when its process dies."""

import threading
from typing import Any

import pytest
from django.db import connection

from workflows.models import IdempotencyKey
from workflows.permissions import Actor
from workflows.services.idempotency import Answer, Call, KeyInFlight, KeyReused, answer_once

CALL = Call("POST", "/v2/flows/executions", "k1", "hash")


@pytest.mark.django_db(transaction=True)
def test_the_same_request_at_the_same_time_is_refused_or_waits(actor: Actor) -> None:
    at_work, go_on = threading.Event(), threading.Event()
    answers: list[Answer] = []

    def work() -> Answer:
        at_work.set()
        go_on.wait(10)
        return Answer(201, "{}", {"ETag": '"1"'})

    def first() -> None:
        try:
            answers.append(answer_once(actor, CALL, work))
        finally:
            connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    assert at_work.wait(10)
    if connection.vendor == "postgresql":
        with pytest.raises(KeyInFlight):
            answer_once(actor, CALL, work)
    # SQLite has one writer: there the second comes in when the first has ended.
    threading.Timer(0.2, go_on.set).start()
    if connection.vendor == "postgresql":
        thread.join()
    again = answer_once(actor, CALL, work)
    thread.join()
    assert answers == [Answer(201, "{}", {"ETag": '"1"'})]
    assert again == Answer(201, "{}", {"ETag": '"1"'}, replayed=True)
    assert IdempotencyKey.objects.count() == 1


def test_what_raises_leaves_no_key(actor: Actor) -> None:
    def fail() -> Answer:
        raise RuntimeError("no power")

    with pytest.raises(RuntimeError):
        answer_once(actor, CALL, fail)
    assert not IdempotencyKey.objects.exists()


def test_another_body_is_refused_before_any_work(actor: Actor) -> None:
    answer_once(actor, CALL, lambda: Answer(200, "{}"))
    with pytest.raises(KeyReused):
        answer_once(actor, Call(CALL.method, CALL.path, CALL.key, "other"), lambda: pytest.fail("it was done"))


def test_what_was_answered_is_kept_sealed_and_not_done_again_when_it_cannot_be_read(actor: Actor, settings: Any) -> None:
    told = Answer(201, '{"secret": "whsec_told-once"}')
    answer_once(actor, CALL, lambda: told)
    assert "told-once" not in IdempotencyKey.objects.get().body
    assert answer_once(actor, CALL, lambda: pytest.fail("it was done")).body == told.body
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another one " * 5, []
    with pytest.raises(KeyReused):
        answer_once(actor, CALL, lambda: pytest.fail("it was done"))
