"""Flow executions over REST: start, read, change, delete, search."""

import itertools
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.api.client import Client
from workflows.models import Event, Execution, ExecutionDocument, Job, Task
from workflows.permissions import Actor
from workflows.services.reading import render_fresh

PATH = "/v2/flows/executions"


def statements(captured: CaptureQueriesContext) -> list[str]:
    """The SQL that was sent, without the brackets of transactions."""
    brackets = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")
    return [query["sql"] for query in captured.captured_queries if not query["sql"].startswith(brackets)]


def start_body(actor: Actor, data: dict[str, Any] | None = None) -> dict[str, Any]:
    entity = factories.make_entity(actor)
    template = factories.make_template(actor, data)
    return {"flow_template_id": template.id, "contexts": [{"entity_id": str(entity.id), "entity_schema": "contact"}]}


class TestStart:
    def test_answers_the_whole_execution(self, api: Client, actor: Actor) -> None:
        answer = api.post(PATH, start_body(actor))
        assert answer.status == 201
        flow = answer.json
        assert flow["status"] == "STARTED"
        assert [task["name"] for task in flow["tasks"]] == ["Task t1", "Task t2", "Task t3", "Task t4"]
        assert [entry["id"] for entry in flow["crt_tasks"]] == [flow["tasks"][0]["id"]]
        assert flow["contexts"][0]["is_primary"] is True
        assert flow["org_id"] == "acme"
        assert [phase["status"] for phase in flow["phases"]] == ["IN_PROGRESS", "OPEN"]
        assert api.get(f"{PATH}/{flow['id']}").json == flow

    def test_a_phase_inside_a_loop_tells_how_often_it_may_be_done(self, api: Client, actor: Actor) -> None:
        data = factories.choice(phases=[{"id": "again", "name": "Again"}, {"id": "after", "name": "After"}])
        ask, decide, _, no = data["tasks"]
        decide["loop_config"] = {"loop_branch_id": "c-yes", "exit_branch_id": "c-no", "max_iterations": 2}
        data["tasks"] = [ask | {"phase_id": "again"}, decide | {"phase_id": "again"}, no | {"phase_id": "after"}]
        data["edges"][1]["to_id"] = "ask"
        data["edges"].append(factories.edge("trigger", "ask"))
        again, after = api.post(PATH, start_body(actor, data)).json["phases"]
        assert again["loop_config"] == {"max_iterations": 2}
        assert "loop_config" not in after

    def test_edges_connect_the_ids_of_this_execution(self, api: Client, actor: Actor) -> None:
        flow = api.post(PATH, start_body(actor)).json
        ids = [task["id"] for task in flow["tasks"]]
        assert [(e["from_id"], e["to_id"]) for e in flow["edges"]] == list(itertools.pairwise(ids))

    def test_later_edits_of_the_template_do_not_touch_it(self, api: Client, actor: Actor) -> None:
        body = start_body(actor)
        flow = api.post(PATH, body).json
        path = f"/v2/flows/templates/{body['flow_template_id']}"
        template = api.get(path).json
        template["tasks"][0]["name"] = "Renamed"
        template["name"] = "Another name"
        assert api.put(path, template).status == 200
        Execution.objects.update(version=99)
        again = api.get(f"{PATH}/{flow['id']}").json
        assert (again["name"], again["tasks"]) == (flow["name"], flow["tasks"])

    @pytest.mark.parametrize(
        ("change", "named"),
        [
            ({"flow_template_id": "nothere1"}, "flow_template_id"),
            ({"flow_template_id": None}, "flow_template_id"),
            ({"flow_template_id": 5}, "flow_template_id"),
            ({"contexts": []}, "contexts"),
            ({"contexts": "x"}, "contexts"),
            ({"contexts": [{"entity_schema": "contact"}]}, "contexts[0].entity_id"),
            (
                {"contexts": [{"entity_id": "00000000-0000-4000-8000-000000000000", "entity_schema": "contact"}]},
                "contexts[0].entity_id",
            ),
            ({"contexts": [{"entity_id": "no uuid", "entity_schema": "contact"}]}, "contexts[0].entity_id"),
            ({"trigger": {"type": "SOMEHOW"}}, "trigger.type"),
            ({"purposes": [1]}, "purposes[0]"),
        ],
    )
    def test_refuses_a_bad_body_naming_the_field(self, api: Client, actor: Actor, change: dict[str, Any], named: str) -> None:
        answer = api.post(PATH, start_body(actor) | change)
        assert answer.status == 400
        assert answer.message.startswith(named)
        assert not Execution.objects.exists()

    def test_refuses_a_disabled_template(self, api: Client, actor: Actor) -> None:
        answer = api.post(PATH, start_body(actor, factories.sequence(2, enabled=False)))
        assert (answer.status, Execution.objects.count()) == (400, 0)
        assert "disabled" in answer.message

    def test_refuses_two_primary_contexts(self, api: Client, actor: Actor) -> None:
        body = start_body(actor)
        second = {"entity_id": str(factories.make_entity(actor).id), "entity_schema": "contact", "is_primary": True}
        body["contexts"] = [body["contexts"][0] | {"is_primary": True}, second]
        assert api.post(PATH, body).status == 400

    @pytest.mark.parametrize("count", [1, 30])
    def test_needs_twelve_statements_at_most_whatever_the_size(self, api: Client, actor: Actor, count: int) -> None:
        data = factories.sequence(count, closing_reasons=[{"id": "r1"}], assigned_to=["u"])
        data["tasks"][0] |= {"task_type": "AUTOMATION", "automation_config": {"flow_id": "f"}}
        body = start_body(actor, data)
        api.get(f"{PATH}/{uuid4()}")
        api.post(PATH, body)
        with CaptureQueriesContext(connection) as captured:
            assert api.post(PATH, body).status == 201
        sent = statements(captured)
        assert len(sent) - 1 <= 12, sent  # one of them is the token's

    def test_entering_an_automation_writes_its_job_with_the_start(self, api: Client, actor: Actor) -> None:
        data = factories.sequence(2)
        data["tasks"][0] |= {"task_type": "AUTOMATION", "automation_config": {"flow_id": "f"}}
        flow = api.post(PATH, start_body(actor, data)).json
        assert flow["tasks"][0]["status"] == "IN_PROGRESS"
        job = Job.objects.get()
        assert job.payload == {"execution_id": flow["id"], "task_id": flow["tasks"][0]["id"], "caller": ""}
        assert str(job.subject) == flow["tasks"][0]["id"]


class TestRead:
    def test_answers_304_when_nothing_changed(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        first = api.get(f"{PATH}/{execution.id}")
        again = api.get(f"{PATH}/{execution.id}", If_None_Match=first.headers["ETag"])
        assert (again.status, again.body) == (304, b"")
        api.patch(f"{PATH}/{execution.id}", {"due_date": "2026-12-01"})
        changed = api.get(f"{PATH}/{execution.id}", If_None_Match=first.headers["ETag"])
        assert changed.status == 200
        assert changed.headers["ETag"] != first.headers["ETag"]

    def test_needs_the_same_three_statements_at_most_for_1_and_30_tasks(self, api: Client, actor: Actor) -> None:
        counts = []
        for size in (1, 30):
            execution = factories.start(actor, factories.sequence(size))
            api.get(f"{PATH}/{execution.id}")
            with CaptureQueriesContext(connection) as captured:
                assert len(api.get(f"{PATH}/{execution.id}").json["tasks"]) == size
            counts.append(len(statements(captured)))
        assert counts[0] == counts[1] <= 3

    def test_a_stale_document_is_rendered_once_and_stored(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        api.patch(f"{PATH}/{execution.id}/tasks/{factories.task_of(execution, 't1').id}", {"status": "COMPLETED"})
        assert ExecutionDocument.objects.get().version == 1
        body = api.get(f"{PATH}/{execution.id}").body
        assert ExecutionDocument.objects.get().version == 2
        assert api.get(f"{PATH}/{execution.id}").body == body

    @pytest.mark.parametrize(
        "path",
        [
            f"{PATH}/00000000-0000-4000-8000-000000000000",
            f"{PATH}/no-uuid",
            f"{PATH}/%00",
            "/v2/flows/unknown",
            "/v1/%F0%9F%98%80",
        ],
    )
    def test_unknown_things_answer_404(self, api: Client, path: str) -> None:
        answer = api.get(path)
        assert (answer.status, answer.json) == (404, {"message": "Not found"})

    def test_needs_a_token(self, actor: Actor) -> None:
        execution = factories.start(actor)
        for bearer in ("", "nonsense", "api_1.x", "api_ffffffffffffffff." + "x" * 43, "ä.ö"):
            answer = Client(bearer).get(f"{PATH}/{execution.id}")
            assert (answer.status, list(answer.json)) == (401, ["message"])
            assert answer.headers["WWW-Authenticate"] == "Bearer"


class TestPatch:
    def test_closes_with_reasons_and_reopens(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor, factories.sequence(2, closing_reasons=[{"id": "done"}, {"id": "lost"}]))
        path = f"{PATH}/{execution.id}"
        closing = {"selected_reasons": [{"id": "lost", "title": "x"}], "extra_description": "No answer"}
        closed = api.patch(path, {"status": "CLOSED", "closing_reason": closing}).json
        assert (closed["status"], closed["crt_tasks"]) == ("CLOSED", [])
        assert closed["closing_reason"]["selected_reasons"] == [{"id": "lost", "title": "lost"}]
        assert closed["closing_reason"]["extra_description"] == "No answer"
        assert closed["analytics"]["closed_at"]
        reopened = api.patch(path, {"status": "STARTED"}).json
        assert (reopened["status"], len(reopened["crt_tasks"])) == ("STARTED", 1)
        assert "closed_at" not in reopened["analytics"]

    def test_changes_assignees_due_date_and_contexts(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        entity = factories.make_entity(actor)
        contexts = [{"entity_id": str(entity.id), "entity_schema": "contact"}]
        variable = {"variable": "{{contact.owner}}", "value": ["7", "8"]}
        body = {"assigned_to": ["u1", variable, "u1"], "due_date": "2026-12-24T00:00:00.000", "contexts": contexts}
        flow = api.patch(f"{PATH}/{execution.id}", body).json
        assert flow["assigned_to"] == ["u1", variable]
        assert flow["due_date"] == "2026-12-24T00:00:00.000"
        assert flow["contexts"] == [contexts[0] | {"is_primary": True}]

    @pytest.mark.parametrize(
        ("body", "named"),
        [
            ({"status": "PAUSED"}, "status"),
            ({"due_date": "soon"}, "due_date"),
            ({"due_date": 5}, "due_date"),
            ({"due_date_config": {"duration": 1, "unit": "eons", "type": "WORKFLOW_STARTED"}}, "due_date_config"),
            ({"due_date_config": {"duration": 10**9, "unit": "years", "type": "WORKFLOW_STARTED"}}, "due_date_config"),
            ({"assigned_to": "me"}, "assigned_to"),
            ({"assigned_to": ["x" * 129]}, "assigned_to[0]"),
            ({"assigned_to": [{"value": []}]}, "assigned_to[0]"),
            ({"closing_reason": {"selected_reasons": [{"id": "unknown"}]}}, "closing_reason.selected_reasons[0].id"),
            ({"contexts": []}, "contexts"),
            ([], "Invalid data"),
        ],
    )
    def test_refuses_a_bad_body_and_changes_nothing(self, api: Client, actor: Actor, body: Any, named: str) -> None:
        execution = factories.start(actor)
        answer = api.patch(f"{PATH}/{execution.id}", body)
        assert answer.status == 400
        assert named in answer.message
        assert Execution.objects.get().version == 1


class TestDelete:
    def test_soft_keeps_the_rows_and_hides_them(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        assert api.delete(f"{PATH}/{execution.id}?soft=true").status == 204
        assert api.get(f"{PATH}/{execution.id}").status == 404
        assert Execution.objects.get().deleted_at is not None
        assert Event.objects.filter(action="execution.deleted").count() == 1

    def test_hard_removes_everything(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor, factories.sequence(3, assigned_to=["u"]))
        assert api.delete(f"{PATH}/{execution.id}").status == 204
        for model in (Execution, Task, Event, ExecutionDocument):
            assert not model.objects.exists()

    def test_refuses_a_flag_that_is_neither_true_nor_false(self, api: Client, actor: Actor) -> None:
        execution = factories.start(actor)
        assert api.delete(f"{PATH}/{execution.id}?soft=maybe").status == 400
        assert Execution.objects.count() == 1


class TestSearch:
    def test_finds_the_executions_of_an_entity_newest_first(self, api: Client, actor: Actor) -> None:
        body = start_body(actor)
        ids = [api.post(PATH, body).json["id"] for _ in range(3)]
        factories.start(actor)
        wanted = body["contexts"][0]
        found = api.post(f"{PATH}:search", wanted).json["results"]
        assert [flow["id"] for flow in found] == ids[::-1]
        assert api.post(f"{PATH}:search", wanted | {"entity_schema": "order"}).json["results"] == []
        assert api.post(f"{PATH}:search", wanted | {"entity_id": "none"}).json["results"] == []

    @pytest.mark.parametrize("stale", [False, True])
    def test_needs_the_same_statements_for_1_and_30(self, api: Client, actor: Actor, stale: bool) -> None:
        body = start_body(actor)
        counts = []
        for more in (1, 29):
            for _ in range(more):
                api.post(PATH, body)
            if stale:
                Execution.objects.update(version=more + 5)
            with CaptureQueriesContext(connection) as captured:
                assert api.post(f"{PATH}:search", body["contexts"][0]).status == 200
            counts.append(len(statements(captured)))
        assert counts[0] == counts[1]


def test_other_organisations_see_nothing(api: Client, other_api: Client, actor: Actor) -> None:
    execution = factories.start(actor)
    task = factories.task_of(execution, "t1")
    phase = execution.phases.first()
    assert phase is not None
    path = f"{PATH}/{execution.id}"
    answers = [
        other_api.get(path),
        other_api.patch(path, {"status": "CLOSED"}),
        other_api.delete(path),
        other_api.patch(f"{path}/tasks/{task.id}", {"status": "COMPLETED"}),
        other_api.patch(f"{path}/phases/{phase.id}", {"name": "x"}),
        other_api.post(f"{path}/tasks", {"previous_task_id": str(task.id), "next_task_id": str(task.id), "task": {"name": "x"}}),
    ]
    assert [answer.status for answer in answers] == [404] * 6
    assert Execution.objects.get().version == 1


def test_the_document_is_the_rendering_of_the_rows_after_every_kind_of_change(api: Client, actor: Actor) -> None:
    flow = api.post(PATH, start_body(actor, factories.choice())).json
    path, tasks = f"{PATH}/{flow['id']}", [task["id"] for task in flow["tasks"]]
    changes = [
        (f"{path}/tasks/{tasks[0]}", {"status": "IN_PROGRESS"}),
        (f"{path}/tasks/{tasks[0]}", {"status": "COMPLETED"}),
        (f"{path}/tasks/{tasks[1]}", {"status": "COMPLETED", "next_condition_id": "c-no"}),
        (f"{path}/tasks/{tasks[3]}", {"assigned_to": ["a", "b"], "due_date": "2027-01-01", "name": "New"}),
        (f"{path}/tasks/{tasks[3]}", {"description": {"enabled": True, "value": "How"}, "enabled": False}),
        (path, {"assigned_to": ["c"], "due_date": "2027-02-01"}),
        (path, {"status": "CLOSED"}),
        (path, {"status": "STARTED"}),
        (f"{path}/tasks/{tasks[1]}", {"status": "PENDING", "revert_execution": True}),
    ]
    for target, body in changes:
        assert api.patch(target, body).status == 200, (target, body)
        stored = api.get(path).body
        fresh = render_fresh(actor, [Execution.objects.get().id])
        assert fresh[Execution.objects.get().id][1] == stored
