"""The two searches of the older dialect, and paging that neither skips nor repeats."""

import itertools
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import factories
from tests.api.client import Client
from workflows.models import Execution
from workflows.permissions import Actor
from workflows.services import searching
from workflows.services.forgetting import forgetting

BASE = "/v1/workflows/executions"
NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
SORTINGS = [sorting.value for sorting in searching.Sorting]


def make(actor: Actor, name: str, minute: int = 0, due: str = "") -> Execution:
    template = factories.make_template(actor, factories.sequence(2, name=name))
    data = factories.start(actor, template=template, now=NOW + timedelta(minutes=minute))
    if due:
        from workflows.services.executions import patch_execution

        patch_execution(actor, data.id, {"due_date": due})
    return data


def search(api: Client, **body: Any) -> list[str]:
    answer = api.post(f"{BASE}/search", body)
    assert answer.status == 200, answer.body
    return [row["name"] for row in answer.json["executions"]]


def pages(api: Client, **body: Any) -> Any:
    """Yield each page's ids."""
    key = None
    while True:
        answer = api.post(f"{BASE}/search", body | ({"pagination": key} if key else {})).json
        yield [row["id"] for row in answer["executions"]]
        key = answer.get("lastEvaluatedKey")
        if key is None:
            return


def test_executions_are_found_by_name_status_and_assignee(api: Client, actor: Actor) -> None:
    make(actor, "Alpha")
    second, third = make(actor, "Beta", 1), make(actor, "alphabet", 2)
    api.patch(f"{BASE}/{second.id}", {"status": "CLOSED", "assignedTo": ["7"]})
    api.patch(f"{BASE}/{third.id}", {"assignedTo": ["7", "8"]})
    assert search(api) == ["alphabet", "Alpha"]
    assert search(api, name="ALPHA") == ["alphabet", "Alpha"]
    assert search(api, includeDoneWorkflows=True) == ["alphabet", "Beta", "Alpha"]
    assert search(api, status="CLOSED") == ["Beta"]
    assert search(api, assignedTo="7", includeDoneWorkflows=True) == ["alphabet", "Beta"]
    assert search(api, assignedTo="9") == []


@pytest.mark.parametrize(
    ("sorting", "expected"),
    [
        ("A_Z", "ABCD"),
        ("Z_A", "DCBA"),
        ("DUE_DATE_ASC", "BADC"),
        ("DUE_DATE_DESC", "ABCD"),
        ("TRIGGER_DATE_ASC", "DBAC"),
        ("TRIGGER_DATE_DESC", "CABD"),
    ],
)
def test_executions_are_sorted_and_those_without_due_date_come_last(
    api: Client, actor: Actor, sorting: str, expected: str
) -> None:
    for name, minute, due in (("D", 0, ""), ("B", 1, "2026-05-01"), ("A", 2, "2026-06-01"), ("C", 3, "")):
        make(actor, name, minute, due)
    found = search(api, sorting=sorting)
    if sorting.startswith("DUE"):
        # Without a due date the order is that of their ids, which grow with time.
        assert found[:2] == list(expected[:2])
        assert sorted(found[2:]) == ["C", "D"]
    else:
        assert found == list(expected)


@pytest.mark.parametrize("sorting", SORTINGS)
def test_pages_bring_each_execution_once_while_others_are_added(
    api: Client, actor: Actor, sorting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch, 3)
    dues = ["", "2026-05-01", "2026-05-01", "", "2026-04-01", "2026-07-01", "", "2026-05-01"]
    there = {str(make(actor, f"N{number % 3}", number // 2, due).id) for number, due in enumerate(dues)}
    found: list[str] = []
    for number, page in enumerate(pages(api, sorting=sorting)):
        found += page
        make(actor, f"N{number % 4}", number, dues[number % len(dues)])
        make(actor, "A", -number - 1)
        make(actor, "Z", 100 + number, "2026-05-01")
        assert number < 30
    assert len(found) == len(set(found))
    assert there <= set(found)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sorting", ["TRIGGER_DATE_DESC", "A_Z"])
def test_pages_bring_each_execution_once_while_threads_add_others(
    api: Client, actor: Actor, sorting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch, 2)
    template = factories.make_template(actor, factories.sequence(1))
    there = {str(factories.start(actor, template=template).id) for _ in range(12)}
    done = threading.Event()

    def add() -> None:
        try:
            # So many that they cannot hide the others for long, however slow the pages come.
            for _ in range(60):
                if done.is_set():
                    break
                factories.start(actor, template=template)
        finally:
            connection.close()

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    found: list[str] = []
    for page in itertools.islice(pages(api, sorting=sorting), 100):
        found += page
        if there <= set(found):
            break
    done.set()
    for thread in threads:
        thread.join()
    assert len(found) == len(set(found))
    assert there <= set(found)


def small(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Make pages small."""
    from workflows.api.v1 import views

    class Small(searching.ExecutionSearch):
        def __init__(self, **fields: Any) -> None:
            super().__init__(**fields, size=size)

    monkeypatch.setattr(views, "ExecutionSearch", Small)


@pytest.mark.django_db
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.sampled_from("abc"), min_size=1, max_size=9),
    sorting=st.sampled_from(SORTINGS),
    size=st.integers(1, 4),
    data=st.data(),
)
def test_any_paging_brings_what_was_there_once(
    api: Client, actor: Actor, monkeypatch: pytest.MonkeyPatch, names: list[str], sorting: str, size: int, data: Any
) -> None:
    with forgetting("the next example"):
        Execution.objects.all().delete()
    small(monkeypatch, size)
    due = st.sampled_from(["", "2026-05-01", "2026-05-02"])
    there = {str(make(actor, name, data.draw(st.integers(0, 3)), data.draw(due)).id) for name in names}
    found: list[str] = []
    left = 6
    for page in pages(api, sorting=sorting):
        found += page
        if left and data.draw(st.booleans()):
            left -= 1
            make(actor, data.draw(st.sampled_from("abc")), data.draw(st.integers(0, 3)), data.draw(due))
    assert len(found) == len(set(found))
    assert there <= set(found)


def test_a_time_alone_is_a_key_too(api: Client, actor: Actor) -> None:
    make(actor, "A", 0), make(actor, "B", 1)
    assert search(api, pagination={"creationTime": "2026-03-04T10:01:00.000Z"}) == ["A"]


@pytest.mark.parametrize("key", ["soon", "2026-03-04~x", "2026-03-04T10:00:00Z~x~y", "9999-12-31T23:00:00-05:00"])
def test_what_is_no_key_is_refused(api: Client, key: str) -> None:
    answer = api.post(f"{BASE}/search", {"pagination": {"creationTime": key}})
    assert (answer.status, answer.message.split(":")[0]) == (400, "pagination.creationTime")


def find(api: Client, **body: Any) -> list[str]:
    answer = api.post(f"{BASE}/steps/search", body)
    assert answer.status == 200, answer.body
    assert answer.json["hits"] >= len(answer.json["results"])
    return [f"{row['executionName']}.{row['name'][5:]}" for row in answer.json["results"]]


def test_steps_are_found_by_names_assignee_and_state(api: Client, actor: Actor) -> None:
    first, second = make(actor, "Alpha"), make(actor, "Beta", 1)
    task = factories.task_of(first, "t1")
    api.patch(f"{BASE}/{first.id}/steps/{task.id}", {"status": "COMPLETED", "assignedTo": ["7"]})
    assert find(api, sorting="TRIGGER_DATE_ASC") == ["Alpha.t1", "Alpha.t2", "Beta.t1", "Beta.t2"]
    assert find(api, status="COMPLETE") == ["Alpha.t1"]
    assert find(api, status="OPEN", executionName="alph") == ["Alpha.t2"]
    assert find(api, status="NEXT_OPEN_ITEM_IN_WORKFLOW", sorting="TRIGGER_DATE_ASC") == ["Alpha.t2", "Beta.t1"]
    assert find(api, stepName="T2", sorting="TRIGGER_DATE_DESC") == ["Beta.t2", "Alpha.t2"]
    assert find(api, assignedTo=7) == ["Alpha.t1"]
    assert find(api, assignedTo="7") == ["Alpha.t1"]
    assert find(api, manuallyCreated=True) == []
    api.post(f"{BASE}/{second.id}/steps", {"name": "Task new", "insertionIndex": 0})
    assert find(api, manuallyCreated=True) == ["Beta.new"]
    api.patch(f"{BASE}/{first.id}", {"status": "CLOSED"})
    assert find(api, status="COMPLETE") == []
    assert find(api, status="COMPLETE", includeDoneWorkflows=True) == ["Alpha.t1"]


def test_steps_come_in_pages_with_their_execution(api: Client, actor: Actor) -> None:
    first = make(actor, "Alpha")
    answer = api.post(f"{BASE}/steps/search", {"pagination": {"from": 1, "size": 1}, "sorting": "A_Z"}).json
    assert (answer["hits"], len(answer["results"])) == (2, 1)
    [row] = answer["results"]
    assert (row["name"], row["executionId"], row["executionStatus"]) == ("Task t2", str(first.id), "STARTED")
    assert row["contexts"][0]["title"] == "Ada Berg"


def test_a_search_of_steps_takes_a_fixed_number_of_statements(
    api: Client, actor: Actor, django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        make(actor, f"N{number}")
    find(api)
    with django_assert_max_num_queries(6):
        find(api)
