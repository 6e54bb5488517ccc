"""How many requests are let through in a minute: exactly as many as were agreed, whoever asks at the same time."""

import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from tests.api.client import Client
from workflows.models import Organisation, Role
from workflows.services import limits
from workflows.services.limits import seconds_to_wait
from workflows.services.tokens import create_token

CALLERS, EACH, AGREED = 64, 25, 50
PATH = "/v1/workflows/closing-reasons"


@pytest.fixture
def agreed(settings: Any) -> dict[str, int]:
    settings.RATE_LIMITS = {"mutations": 5, "reads": 9, "organisation_mutations": 8, "organisation_reads": 90}
    return dict(settings.RATE_LIMITS)


@pytest.fixture(autouse=True)
def _fresh_counts(db: None) -> Iterator[None]:
    """On SQLite counts are in a file of their own, which no rollback reaches."""
    yield
    limits.forget_old(now=4e12)


def test_as_many_requests_pass_as_there_is_room_for_and_again_after_a_minute(agreed: dict[str, int]) -> None:
    assert [seconds_to_wait("api_a", 1, "mutations", now=1000.0) for _ in range(5)] == [0] * 5
    assert seconds_to_wait("api_a", 1, "mutations", now=1020.0) == 41
    assert seconds_to_wait("api_a", 1, "mutations", now=1059.9) == 1
    assert seconds_to_wait("api_a", 1, "mutations", now=1060.0) == 0


def test_reads_mutations_and_tokens_are_counted_apart(agreed: dict[str, int]) -> None:
    for _ in range(6):
        seconds_to_wait("api_a", 1, "mutations", now=1000.0)
    assert seconds_to_wait("api_a", 1, "mutations", now=1000.0)
    assert not seconds_to_wait("api_a", 1, "reads", now=1000.0)
    assert not seconds_to_wait("api_b", 1, "mutations", now=1000.0)


def test_an_organisations_tokens_have_a_limit_together_which_refused_requests_do_not_use_up(agreed: dict[str, int]) -> None:
    for _ in range(20):
        seconds_to_wait("api_a", 1, "mutations", now=1000.0)
    assert [bool(seconds_to_wait("api_b", 1, "mutations", now=1000.0)) for _ in range(4)] == [False] * 3 + [True]
    assert not seconds_to_wait("api_c", 2, "mutations", now=1000.0)


def test_off_counts_nothing(settings: Any, django_assert_num_queries: Any) -> None:
    settings.RATE_LIMITS = {}
    with django_assert_num_queries(0):
        assert not seconds_to_wait("api_a", 1, "mutations")


@pytest.mark.django_db(transaction=True)
def test_of_sixty_four_callers_at_once_exactly_as_many_pass_as_were_agreed(settings: Any) -> None:
    settings.RATE_LIMITS = {"mutations": AGREED, "organisation_mutations": 10 * AGREED}
    found: Counter[bool] = Counter()
    lock, barrier = threading.Lock(), threading.Barrier(CALLERS)

    def call() -> None:
        try:
            barrier.wait(timeout=30)
            waits = [seconds_to_wait("api_a", 1, "mutations", now=5000.0) for _ in range(EACH)]
        finally:
            connection.close()
        with lock:
            found.update(wait == 0 for wait in waits)

    threads = [threading.Thread(target=call) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert found == {True: AGREED, False: CALLERS * EACH - AGREED}


def test_who_asks_too_often_is_told_when_to_ask_again(organisation: Organisation, agreed: dict[str, int]) -> None:
    client = Client(create_token(organisation, "t", Role.OWNER)[1])
    assert [client.post(PATH, {"title": f"Reason {n}"}).status for n in range(5)] == [201] * 5
    answer = client.post(PATH, {"title": "One too many"})
    assert (answer.status, list(answer.json)) == (429, ["message"])
    assert 1 <= int(answer.headers["Retry-After"]) <= 61
    # Searches are reads, although they are asked with POST.
    assert client.post("/v2/flows/templates:search", {}).status == 200
    assert client.get(PATH).status == 200


def test_a_wrong_secret_uses_up_nothing(organisation: Organisation, agreed: dict[str, int]) -> None:
    _token, bearer = create_token(organisation, "t", Role.OWNER)
    for _ in range(20):
        assert Client(bearer + "x").get(PATH).status == 401
    assert Client(bearer).get(PATH).status == 200
