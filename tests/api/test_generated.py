"""Generated requests for every operation of our own schema: no fault, no undocumented status, no answer without a right to it."""

import os

import pytest

from tests.api.generated import build_world, operation_ids, run_cases
from workflows.models import Organisation
from workflows.permissions import Actor

# Per operation; each is done with three credentials: more than 500 requests. `make test-long` asks for more than 10,000.
CASES = int(os.environ.get("GENERATED_CASES", "3"))


@pytest.mark.parametrize("operation_id", operation_ids())
@pytest.mark.timeout(1800)
def test_whatever_is_sent_the_answer_is_documented(organisation: Organisation, actor: Actor, operation_id: str) -> None:
    assert run_cases(operation_id, build_world(organisation, actor), CASES) == CASES * 3


def test_there_are_enough_cases() -> None:
    assert len(operation_ids()) * CASES * 3 > 500
