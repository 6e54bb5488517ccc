"""Tasks and phases over REST."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.api.client import Client
from tests.api.test_executions import PATH, statements
from tests.dump import dump
from workflows.models import Event, Execution, Task
from workflows.permissions import Actor


def path_of(execution: Execution, key: str) -> str:
    return f"{PATH}/{execution.id}/tasks/{factories.task_of(execution, key).id}"


class TestComplete:
    def test_the_next_task_becomes_current(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        answer = api.patch(path_of(execution, "t1"), {"status": "COMPLETED"})
        assert answer.status == 200
        assert answer.json["status"] == "COMPLETED"
        assert answer.json["analytics"]["completed_by"].startswith("api_")
        assert factories.current(execution) == ["t2"]

    def test_the_last_task_ends_the_execution(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor, factories.sequence(2))
        for key in ("t1", "t2"):
            api.patch(path_of(execution, key), {"status": "COMPLETED"})
        flow = api.get(f"{PATH}/{execution.id}").json
        assert (flow["status"], flow["crt_tasks"]) == ("DONE", [])
        assert [phase["status"] for phase in flow["phases"]] == ["COMPLETED", "COMPLETED"]
        assert flow["analytics"]["completed_at"]

    def test_the_same_status_again_changes_nothing(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        api.patch(path_of(execution, "t1"), {"status": "COMPLETED"})
        before = dump()
        assert api.patch(path_of(execution, "t1"), {"status": "COMPLETED"}).status == 200
        assert dump() == before

    @pytest.mark.parametrize("count", [2, 30])
    def test_needs_twelve_statements_at_most_whatever_the_size(self, api: Client, actor: Actor, count: int) -> None:
        data = factories.sequence(count)
        data["tasks"][1] |= {"task_type": "AUTOMATION", "automation_config": {"flow_id": "f"}}
        execution = factories.start(actor, data)
        api.get(f"{PATH}/{uuid4()}")
        with CaptureQueriesContext(connection) as captured:
            assert api.patch(path_of(execution, "t1"), {"status": "COMPLETED"}).status == 200
        sent = [sql for sql in statements(captured) if "template_id" not in sql.partition("WHERE")[2]]
        assert len(sent) <= 12, sent

    def test_a_decision_takes_the_branch_that_is_named(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor, factories.choice())
        api.patch(path_of(execution, "ask"), {"status": "COMPLETED"})
        answer = api.patch(path_of(execution, "decide"), {"status": "COMPLETED", "next_condition_id": "c-no"})
        assert answer.status == 200
        assert [c.get("is_met") for c in answer.json["conditions"]] == [False, True]
        assert factories.current(execution) == ["no"]

    @pytest.mark.parametrize("branch", [{}, {"next_condition_id": "c-maybe"}])
    def test_a_decision_without_a_known_branch_is_refused(self, api: Client, actor: Actor, branch: dict[str, str]) -> None:
        execution = factories.start(actor, factories.choice())
        api.patch(path_of(execution, "ask"), {"status": "COMPLETED"})
        before = dump()
        answer = api.patch(path_of(execution, "decide"), {"status": "COMPLETED"} | branch)
        assert answer.status == 400
        assert "next_condition_id" in answer.message
        assert dump() == before

    def test_an_illegal_transition_is_refused_in_the_documented_words(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        api.patch(path_of(execution, "t1"), {"status": "COMPLETED"})
        before = dump()
        answer = api.patch(path_of(execution, "t1"), {"status": "IN_PROGRESS"})
        assert answer.status == 400
        assert answer.message == "Invalid status transition from COMPLETED to IN_PROGRESS"
        assert dump() == before

    def test_a_closed_execution_refuses(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        api.patch(f"{PATH}/{execution.id}", {"status": "CLOSED"})
        before = dump()
        assert api.patch(path_of(execution, "t1"), {"status": "COMPLETED"}).status == 400
        assert dump() == before

    def test_work_in_progress_assigns_who_works(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        answer = api.patch(path_of(execution, "t1"), {"status": "IN_PROGRESS"})
        assert answer.json["assigned_to"] == [answer.json["analytics"]["in_progress_by"]]

    def test_a_submitted_form_shows_in_the_history_only(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        answer = api.patch(path_of(execution, "t1"), {"status": "COMPLETED", "completed_via_journey": True})
        assert "completed_via_journey" not in answer.json
        assert Event.objects.get(action="task.status").after == {"status": "COMPLETED", "via": "journey"}

    def test_history_has_one_row_for_each_transition_without_gaps(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        api.patch(path_of(execution, "t1"), {"status": "COMPLETED", "name": "Renamed"})
        events = list(Event.objects.filter(execution_id=execution.id).order_by("seq"))
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert sum(event.action == "task.status" for event in events) == 1
        assert {event.actor_kind for event in events if event.seq > 3} == {"token"}


class TestPatch:
    def test_dates_come_back_as_they_were_given(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        for text in ("2026-05-28T00:00:00.000", "2026-05-28", "2026-05-28T10:30:00.000Z", "2026-05-28T10:30:00+02:00"):
            assert api.patch(path_of(execution, "t1"), {"due_date": text}).json["due_date"] == text
        assert "due_date" not in api.patch(path_of(execution, "t1"), {"due_date": ""}).json

    @pytest.mark.parametrize(
        ("body", "named"),
        [
            ({"status": "DREAMING"}, "status"),
            ({"status": 1}, "status"),
            ({"status": "FAILED"}, "status"),
            ({"name": ""}, "name"),
            ({"name": "x" * 256}, "name"),
            ({"name": None}, "name"),
            ({"enabled": "yes"}, "enabled"),
            ({"due_date": "2026-02-30"}, "due_date"),
            ({"due_date": "0001-01-01T00:00:00Z"}, "due_date"),
            ({"assigned_to": [1]}, "assigned_to[0]"),
            ({"description": {"enabled": 1}}, "description.enabled"),
            ({"automation_config": {}}, "automation_config.flow_id"),
            ({"revert_execution": "true"}, "revert_execution"),
            ({"name": "a\0b"}, "name"),
        ],
    )
    def test_refuses_a_bad_value_naming_the_field(self, api: Client, actor: Actor, body: dict[str, Any], named: str) -> None:
        execution = factories.start(actor)
        before = dump()
        answer = api.patch(path_of(execution, "t1"), body)
        assert answer.status == 400
        assert named in answer.message
        assert dump() == before

    def test_a_good_field_beside_a_bad_one_is_not_written(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        before = dump()
        body = {"name": "New", "due_date": "2027-01-01", "assigned_to": ["u"], "status": "FAILED"}
        assert api.patch(path_of(execution, "t1"), body).status == 400
        assert dump() == before

    @pytest.mark.parametrize(
        ("raw", "kind", "status"),
        [
            (b"{not json", "application/json", 400),
            (b'{"name": NaN}', "application/json", 400),
            (b"[" * 100_000, "application/json", 400),
            (b'{"name": "' + b"x" * 2_000_000 + b'"}', "application/json", 413),
            (b'{"a":' * 40 + b"1" + b"}" * 40, "application/json", 400),
            (b"\xff\xfe", "application/json", 400),
            (b"name=x", "application/x-www-form-urlencoded", 415),
        ],
    )
    def test_refuses_a_body_that_is_no_json_within_limits(
        self, api: Client, actor: Actor, raw: bytes, kind: str, status: int
    ) -> None:
        execution = factories.start(actor)
        before = dump()
        answer = api.request("PATCH", path_of(execution, "t1"), raw=raw, Content_Type=kind)
        assert answer.status == status
        assert list(answer.json) == ["message"]
        assert dump() == before

    def test_unknown_ids_answer_404(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        foreign = factories.start(actor)
        for task_id in (uuid4(), "nonsense", factories.task_of(foreign, "t1").id):
            assert api.patch(f"{PATH}/{execution.id}/tasks/{task_id}", {"name": "x"}).status == 404

    def test_a_disabled_task_refuses_until_it_is_enabled(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        assert api.patch(path_of(execution, "t1"), {"enabled": False}).json["enabled"] is False
        assert api.patch(path_of(execution, "t1"), {"status": "COMPLETED"}).status == 400
        api.patch(path_of(execution, "t1"), {"enabled": True})
        assert api.patch(path_of(execution, "t1"), {"status": "COMPLETED"}).status == 200

    def test_revert_goes_back_and_resets_what_follows(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        for key in ("t1", "t2"):
            api.patch(path_of(execution, key), {"status": "COMPLETED"})
        api.patch(path_of(execution, "t1"), {"status": "PENDING", "revert_execution": True})
        assert factories.current(execution) == ["t1"]
        assert set(Task.objects.values_list("status", flat=True)) == {"PENDING"}


class TestAdd:
    def body(self, execution: Execution, **task: Any) -> dict[str, Any]:
        return {
            "previous_task_id": str(factories.task_of(execution, "t2").id),
            "next_task_id": str(factories.task_of(execution, "t3").id),
            "task": {"name": "Extra"} | task,
        }

    def test_puts_a_task_between_two_others(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        answer = api.post(f"{PATH}/{execution.id}/tasks", self.body(execution))
        assert answer.status == 201
        assert answer.json["manually_created"] is True
        flow = api.get(f"{PATH}/{execution.id}").json
        assert [task["name"] for task in flow["tasks"]] == ["Task t1", "Task t2", "Extra", "Task t3", "Task t4"]
        for key in ("t1", "t2"):
            api.patch(path_of(execution, key), {"status": "COMPLETED"})
        assert factories.current(execution) == [answer.json["id"]]
        api.patch(f"{PATH}/{execution.id}/tasks/{answer.json['id']}", {"status": "COMPLETED"})
        assert factories.current(execution) == ["t3"]

    def test_keeps_an_id_that_was_given(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        wanted = str(uuid4())
        assert api.post(f"{PATH}/{execution.id}/tasks", self.body(execution, id=wanted)).json["id"] == wanted
        assert api.post(f"{PATH}/{execution.id}/tasks", self.body(execution, id=wanted)).status == 400

    @pytest.mark.parametrize(
        ("change", "named"),
        [
            ({"previous_task_id": "x"}, "previous_task_id"),
            ({"previous_task_id": "00000000-0000-4000-8000-000000000000"}, "previous_task_id"),
            ({"next_task_id": None}, "next_task_id"),
            ({"task": {}}, "task.name"),
            ({"task": {"name": "x", "task_type": "DECISION"}}, "task.task_type"),
            ({"task": {"name": "x", "phase_id": "nowhere"}}, "task.phase_id"),
            ({"task": {"name": "x", "id": "7"}}, "task.id"),
        ],
    )
    def test_refuses_what_has_no_place(self, api: Client, actor: Actor, change: dict[str, Any], named: str) -> None:
        execution = factories.start(actor)
        body = self.body(execution) | change
        before = dump()
        answer = api.post(f"{PATH}/{execution.id}/tasks", body)
        assert answer.status == 400
        assert named in answer.message
        assert dump() == before

    def test_refuses_two_tasks_that_do_not_follow_each_other(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        body = self.body(execution) | {"next_task_id": str(factories.task_of(execution, "t4").id)}
        assert api.post(f"{PATH}/{execution.id}/tasks", body).status == 400


def test_a_phase_takes_name_date_and_assignees(api: Client, actor: Actor) -> None:
    execution = factories.start(actor)
    phase = execution.phases.get(template_id="two")
    path = f"{PATH}/{execution.id}/phases/{phase.id}"
    answer = api.patch(path, {"name": "Later", "due_date": "2027-01-01", "assigned_to": ["u1"], "status": "COMPLETED"})
    assert answer.status == 200
    assert (answer.json["name"], answer.json["due_date"], answer.json["assigned_to"]) == ("Later", "2027-01-01", ["u1"])
    assert answer.json["status"] == "OPEN"
    before = dump()
    assert api.patch(path, {"name": ""}).status == 400
    assert api.patch(f"{PATH}/{execution.id}/phases/{uuid4()}", {"name": "x"}).status == 404
    assert dump() == before
