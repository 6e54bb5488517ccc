"""Tasks of agents, from the dispatch to the flow that goes on, against a real HTTP server in the agent's place."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from standardwebhooks import Webhook as Verifier
from werkzeug import Response

from tests import factories
from tests.api.client import Client
from tests.dump import dump
from tests.sink import Sink
from workflows.automations.agent import call_agent
from workflows.jobs import heal, run_job
from workflows.models import Agent, AgentRun, Delivery, Entity, Event, Execution, Job, JobState, Role, Task
from workflows.permissions import Actor
from workflows.services import queue
from workflows.services.agent_runs import answer_agent
from workflows.services.agents import create_agent, delete_agent
from workflows.services.dead_letters import dead_jobs, redrive
from workflows.services.errors import InvalidInput
from workflows.services.executions import delete_execution, patch_execution
from workflows.services.schedules import execute_task
from workflows.services.tasks import patch_task
from workflows.services.tokens import create_token

PATH = "/v2/flows/executions"


def answer(**fields: Any) -> Response:
    return Response(json.dumps(fields), 200, content_type="application/json")


def completed(**output: Any) -> Response:
    return answer(status="completed", result={"response": "I have looked", "structured_output": output})


def agent_flow(agent: Agent | str, **fields: Any) -> dict[str, Any]:
    """ask (by the agent) → decide → yes | no."""
    data = factories.choice()
    config = {"agent_id": str(agent.id if isinstance(agent, Agent) else agent), "parameters": {"tone": "kind"}}
    data["tasks"][0] |= {"task_type": "AI_AGENT", "agent_config": config} | fields
    return data


@pytest.fixture
def made(actor: Actor, sink: Sink) -> tuple[Agent, str]:
    return create_agent(actor, {"name": "Scout", "url": sink.url, "fields": ["city"]})


@pytest.fixture
def agent(made: tuple[Agent, str]) -> Agent:
    return made[0]


def begin(actor: Actor, agent: Agent | str, **fields: Any) -> Execution:
    execution = factories.start(actor, agent_flow(agent, **fields))
    factories.run_jobs()
    return execution


def status(execution: Execution, key: str = "ask") -> str:
    return factories.task_of(execution, key).status


def said(execution: Execution, action: str = "task.agent") -> Any:
    return Event.objects.filter(execution_id=execution.id, action=action).order_by("seq").values_list("after", flat=True).last()


def entity_of(execution: Execution) -> dict[str, Any]:
    return dict(Entity.objects.get(pk=execution.contexts.get().entity_id).attributes)


class TestRequest:
    def test_is_the_contracts_and_signed(self, actor: Actor, made: tuple[Agent, str], sink: Sink) -> None:
        sink.answers = [completed()]
        execution = begin(actor, made[0])
        headers, body = sink.requests[0]
        asked = Verifier(made[1]).verify(body, headers)
        task, run = factories.task_of(execution, "ask"), AgentRun.objects.get()
        assert asked["input"] | {"flow_context": None} == {
            "entity_id": str(execution.contexts.get().entity_id),
            "entity_schema": "contact",
            "workflow_id": execution.template_id,
            "workflow_execution_id": str(execution.id),
            "task_id": str(task.id),
            "flow_context": None,
            "custom_data": {
                "task_name": "Task ask",
                "branches": [{"id": "c-yes", "name": "Yes"}, {"id": "c-no", "name": "No"}],
                "fields": ["city"],
            },
        }
        assert (asked["parameters"], asked["execution_context"], asked["timeout_ms"]) == ({"tone": "kind"}, "flows", 30_000)
        assert (asked["execution_id"], asked["execution_mode_override"]) == (str(run.id), "automatic")
        assert "/v1/agents/callbacks/" in asked["callback_url"]

    def test_is_made_once_a_person_asks_for_it_where_the_task_is_manual(self, actor: Actor, agent: Agent, sink: Sink) -> None:
        sink.answers = [completed()]
        execution = begin(actor, agent, trigger_mode="manual")
        assert (status(execution), sink.requests) == ("PENDING", [])
        execute_task(actor, execution.id, factories.task_of(execution, "ask").id)
        factories.run_jobs()
        assert (status(execution), len(sink.requests)) == ("COMPLETED", 1)

    def test_to_an_agent_that_is_unknown_switched_off_or_used_up_fails_with_the_reason(
        self, actor: Actor, agent: Agent, other_organisation: Any, sink: Sink
    ) -> None:
        sink.answers = [completed()]
        assert "no agent with this id" in said(begin(actor, "unknown"), "task.run")["reason"]
        Agent.objects.update(runs_a_day=1)
        begin(actor, agent)
        assert "its budget" in said(begin(actor, agent), "task.run")["reason"]
        Agent.objects.update(enabled=False)
        off = begin(actor, agent)
        assert "switched off" in said(off, "task.run")["reason"]
        Agent.objects.update(enabled=True, organisation=other_organisation)
        assert status(begin(actor, agent)) == "FAILED"
        assert (status(off), len(sink.requests)) == ("FAILED", 1)


class TestOutcomes:
    @pytest.mark.parametrize("outcome", ["assigned", "recommended", None])
    def test_work_that_is_done_completes_the_task(
        self, api: Client, actor: Actor, agent: Agent, sink: Sink, outcome: str | None
    ) -> None:
        sink.answers = [completed(outcome=outcome)]
        execution = begin(actor, agent)
        assert (status(execution), factories.current(execution)) == ("COMPLETED", ["decide"])
        task = api.get(f"{PATH}/{execution.id}").json["tasks"][0]
        run = AgentRun.objects.get()
        wanted = {"execution_id": str(run.id), "execution_status": "completed"} | ({"outcome": outcome} if outcome else {})
        assert (task["agent_execution"], task["agent_execution_id"]) == (wanted, str(run.id))
        assert task["agent_config"]["agent_id"] == str(agent.id)

    @pytest.mark.parametrize("outcome", ["no_eligible_partner", "missing_input"])
    def test_work_that_is_not_done_holds_the_task(
        self, api: Client, actor: Actor, agent: Agent, sink: Sink, outcome: str
    ) -> None:
        sink.answers = [completed(outcome=outcome, message="Nobody near"), completed(outcome="assigned")]
        execution = begin(actor, agent)
        assert (status(execution), factories.current(execution)) == ("IN_PROGRESS", ["ask"])
        assert api.get(f"{PATH}/{execution.id}").json["tasks"][0]["agent_execution"]["outcome"] == outcome
        assert said(execution) == {"status": "completed", "outcome": outcome, "message": "Nobody near"}
        execute_task(actor, execution.id, factories.task_of(execution, "ask").id)
        factories.run_jobs()
        assert (status(execution), AgentRun.objects.count()) == ("COMPLETED", 2)

    @pytest.mark.parametrize("wanted", ["COMPLETED", "SKIPPED"])
    def test_a_held_task_is_finished_by_a_person(self, actor: Actor, agent: Agent, sink: Sink, wanted: str) -> None:
        sink.answers = [completed(outcome="missing_input")]
        execution = begin(actor, agent)
        patch_task(actor, execution.id, factories.task_of(execution, "ask").id, {"status": wanted})
        assert (status(execution), factories.current(execution)) == (wanted, ["decide"])

    @pytest.mark.parametrize(
        ("answered", "reason"),
        [
            (answer(status="failed", error={"message": "Too hard", "code": "LLM_ERROR"}), "Too hard"),
            (answer(status="cancelled"), "The agent has cancelled its run"),
            (answer(status="eaten"), "The answer has no status that is known: eaten"),
            (Response("no json"), "The answer of the agent is no JSON"),
            (Response("[]"), "The answer of the agent is no JSON object"),
            (Response("no", 404), "The endpoint answered 404"),
        ],
    )
    def test_a_failure_is_told(
        self, api: Client, actor: Actor, agent: Agent, sink: Sink, answered: Response, reason: str
    ) -> None:
        sink.answers = [answered]
        execution = begin(actor, agent)
        assert (status(execution), factories.current(execution)) == ("FAILED", ["ask"])
        shown = api.get(f"{PATH}/{execution.id}").json["tasks"][0]["agent_execution"]
        assert (shown["execution_status"], shown["error_reason"]) == ("failed", reason)

    def test_what_may_pass_is_tried_again_under_one_id_and_then_given_up(self, actor: Actor, agent: Agent, sink: Sink) -> None:
        sink.answers = [Response(status=503)]
        execution = begin(actor, agent)
        for _ in range(2):
            assert status(execution) == "IN_PROGRESS"
            Job.objects.filter(state=JobState.READY).update(run_at=timezone.now())
            factories.run_jobs()
        assert (status(execution), len(sink.requests)) == ("FAILED", 3)
        assert len({headers["webhook-id"] for headers, _ in sink.requests}) == 1

    def test_what_was_given_up_is_begun_again(self, actor: Actor, agent: Agent, sink: Sink) -> None:
        sink.answers = [Response(status=503), Response(status=503), Response(status=503), completed()]
        execution = begin(actor, agent)
        for _ in range(2):
            Job.objects.filter(state=JobState.READY).update(run_at=timezone.now())
            factories.run_jobs()
        redrive(actor, dead_jobs(actor).get().pk)
        factories.run_jobs()
        assert (status(execution), dead_jobs(actor).count()) == ("COMPLETED", 0)


class TestDistrust:
    def test_an_offered_branch_and_declared_fields_are_taken(self, actor: Actor, agent: Agent, sink: Sink) -> None:
        sink.answers = [completed(branch="No", fields={"city": "Bonn"})]
        execution = begin(actor, agent)
        assert (status(execution, "decide"), factories.current(execution)) == ("COMPLETED", ["no"])
        assert entity_of(execution)["city"] == "Bonn"

    def test_anything_else_is_refused_and_said(self, actor: Actor, agent: Agent, sink: Sink) -> None:
        sink.answers = [completed(branch="c-other", fields={"email": "evil@x.example"}, url="https://evil.example")]
        execution = begin(actor, agent)
        assert factories.current(execution) == ["decide"]
        assert "email" not in entity_of(execution)
        assert said(execution)["refused"] == [
            "the branch c-other was not offered",
            "the field email is not among those that it may fill",
            "url is not asked for",
        ]

    def test_a_decision_that_the_engine_makes_is_not_offered(self, actor: Actor, agent: Agent, sink: Sink) -> None:
        sink.answers = [completed(branch="c-yes")]
        data = agent_flow(agent)
        data["tasks"][1] |= {"trigger_mode": "automatic"}
        execution = factories.start(actor, data)
        factories.run_jobs()
        assert AgentRun.objects.get().offered["branches"] == {}
        assert said(execution)["refused"] == ["the branch c-yes was not offered"]

    def test_an_agent_at_an_inside_is_not_asked(self, actor: Actor, agent: Agent, sink: Sink, settings: Any) -> None:
        settings.OUTBOUND_ALLOWED_NETWORKS = []
        execution = begin(actor, agent)
        assert (status(execution), sink.requests) == ("FAILED", [])


class TestLater:
    def test_what_the_agent_says_at_its_address_counts_once(self, actor: Actor, agent: Agent, sink: Sink) -> None:
        sink.answers = [answer(status="running")]
        execution = begin(actor, agent)
        assert status(execution) == "IN_PROGRESS"
        address = sink.body()["callback_url"].removeprefix("http://127.0.0.1:8000")
        outside = Client("")
        assert outside.post(address, {"status": "running"}).status == 202
        assert outside.post(address, {"status": "completed", "result": {"structured_output": {"branch": "c-yes"}}}).status == 202
        assert outside.post(address, {"status": "failed"}).status == 400
        factories.run_jobs()
        assert factories.current(execution) == ["yes"]
        assert outside.post(address, {"status": "failed"}).status == 400

    @pytest.mark.parametrize(
        ("token", "body", "code"),
        [("x", {"status": "completed"}, 404), (None, {}, 400), (None, {"status": 7}, 400), (None, [], 400)],
    )
    def test_what_makes_no_sense_is_refused(
        self, actor: Actor, agent: Agent, sink: Sink, token: str | None, body: Any, code: int
    ) -> None:
        sink.answers = [answer(status="pending")]
        begin(actor, agent)
        address = sink.body()["callback_url"].removeprefix("http://127.0.0.1:8000")
        before = dump()
        assert Client("").post(f"/v1/agents/callbacks/{token}" if token else address, body).status == code
        assert dump() == before

    def test_time_that_is_up_fails_the_task(self, actor: Actor, agent: Agent, sink: Sink) -> None:
        sink.answers = [answer(status="running")]
        execution = begin(actor, agent)
        job = Job.objects.get(kind="expire_agent")
        assert timedelta(seconds=25) < job.run_at - timezone.now() <= timedelta(seconds=30)
        Job.objects.filter(pk=job.pk).update(run_at=timezone.now())
        factories.run_jobs()
        assert (status(execution), AgentRun.objects.get().error_code) == ("FAILED", "TIMEOUT")

    def test_an_answer_that_is_kept_is_not_asked_for_again(self, actor: Actor, agent: Agent, sink: Sink) -> None:
        sink.answers = [completed()]
        execution = factories.start(actor, agent_flow(agent))
        factories.run_jobs_of("run_task")
        run = AgentRun.objects.get()
        AgentRun.objects.update(answer={"status": "completed"})
        factories.run_jobs()
        assert (status(execution), sink.requests, Delivery.objects.count()) == ("COMPLETED", [], 0)
        assert run.answer is None


class TestApproval:
    @pytest.fixture(params=["draft", "approval"])
    def proposal(self, request: Any, actor: Actor, agent: Agent, sink: Sink) -> Execution:
        Agent.objects.update(mode=request.param)
        sink.answers = [completed(branch="c-no", fields={"city": "Bonn"}, message="I propose No")]
        return begin(actor, agent)

    def test_a_proposal_changes_nothing_before_somebody_says_yes(
        self, api: Client, actor: Actor, proposal: Execution, sink: Sink
    ) -> None:
        assert (status(proposal), factories.current(proposal)) == ("WAITING_FOR_CONFIRMATION", ["ask"])
        assert "city" not in entity_of(proposal)
        task = factories.task_of(proposal, "ask")
        found = api.post(f"/v1/agents/executions/{proposal.id}/tasks/{task.id}/approve", {"reason": "Fine"})
        assert (found.status, found.json["status"]) == (200, "COMPLETED")
        assert (factories.current(proposal), entity_of(proposal)["city"], len(sink.requests)) == (["no"], "Bonn", 1)
        assert said(proposal, "task.agent_answered") == {"approved": True, "reason": "Fine"}
        assert api.post(f"/v1/agents/executions/{proposal.id}/tasks/{task.id}/approve", {}).status == 400

    def test_a_proposal_that_is_rejected_fails_the_task(self, api: Client, proposal: Execution) -> None:
        task = factories.task_of(proposal, "ask")
        path = f"/v1/agents/executions/{proposal.id}/tasks/{task.id}/reject"
        assert api.post(path, {}).status == 400
        assert api.post(path, {"reason": "No, thanks"}).json["agent_execution"]["error_reason"] == "No, thanks"
        assert (status(proposal), AgentRun.objects.get().error_code) == ("FAILED", "REJECTED")

    def test_an_agent_that_asks_first_is_asked_again_with_the_yes(self, actor: Actor, agent: Agent, sink: Sink) -> None:
        waiting = answer(status="waiting_approval", pending_action={"tool": "entity.update", "description": "Change the city"})
        sink.answers = [waiting, completed(outcome="assigned")]
        Agent.objects.update(mode="approval")
        execution = begin(actor, agent)
        assert (status(execution), said(execution)["message"]) == ("WAITING_FOR_CONFIRMATION", "Change the city")
        answer_agent(actor, execution.id, factories.task_of(execution, "ask").id, approved=True, reason="Do it")
        factories.run_jobs()
        assert sink.body()["approval"] == {"approved": True, "reason": "Do it"}
        assert (status(execution), len(sink.requests)) == ("COMPLETED", 2)

    def test_nothing_is_approved_where_nothing_waits(self, actor: Actor, agent: Agent, sink: Sink) -> None:
        sink.answers = [completed()]
        execution = begin(actor, agent)
        before = dump()
        for key in ("ask", "decide"):
            with pytest.raises(InvalidInput):
                answer_agent(actor, execution.id, factories.task_of(execution, key).id, approved=True)
        assert dump() == before

    def test_only_who_works_on_tasks_of_the_organisation_says_yes(
        self, actor: Actor, other_api: Client, proposal: Execution
    ) -> None:
        path = f"/v1/agents/executions/{proposal.id}/tasks/{factories.task_of(proposal, 'ask').id}/approve"
        viewer = Client(create_token(actor.organisation, "viewer", Role.VIEWER)[1])
        before = dump()
        assert [client.post(path, {}).status for client in (other_api, viewer, Client(""))] == [404, 403, 401]
        assert dump() == before


class TestMeanwhile:
    def test_an_agent_at_work_is_not_deleted(self, actor: Actor, agent: Agent, sink: Sink) -> None:
        sink.answers = [answer(status="running")]
        execution = begin(actor, agent)
        with pytest.raises(InvalidInput):
            delete_agent(actor, agent.id)
        patch_task(actor, execution.id, factories.task_of(execution, "ask").id, {"status": "SKIPPED"})
        factories.run_jobs()
        delete_agent(actor, agent.id)
        assert AgentRun.objects.count() == 0

    def test_a_task_that_was_skipped_ends_the_run_and_its_answer_counts_no_more(
        self, actor: Actor, agent: Agent, sink: Sink
    ) -> None:
        sink.answers = [answer(status="running")]
        execution = begin(actor, agent)
        address = sink.body()["callback_url"].removeprefix("http://127.0.0.1:8000")
        patch_task(actor, execution.id, factories.task_of(execution, "ask").id, {"status": "SKIPPED"})
        factories.run_jobs()
        assert AgentRun.objects.get().status == "cancelled"
        assert Client("").post(address, {"status": "completed"}).status == 400
        assert (status(execution), factories.current(execution)) == ("SKIPPED", ["decide"])

    def test_an_answer_that_comes_while_the_task_is_on_hold_is_taken_when_it_goes_on(
        self, actor: Actor, agent: Agent, sink: Sink
    ) -> None:
        sink.answers = [answer(status="running")]
        execution = begin(actor, agent)
        address = sink.body()["callback_url"].removeprefix("http://127.0.0.1:8000")
        task = factories.task_of(execution, "ask")
        patch_task(actor, execution.id, task.id, {"status": "ON_HOLD"})
        assert Client("").post(address, {"status": "completed"}).status == 202
        factories.run_jobs()
        assert status(execution) == "ON_HOLD"
        execute_task(actor, execution.id, task.id)
        factories.run_jobs()
        assert (status(execution), len(sink.requests)) == ("COMPLETED", 1)

    def test_closing_ends_the_run_and_reopening_asks_anew(self, actor: Actor, agent: Agent, sink: Sink) -> None:
        sink.answers = [answer(status="running"), completed()]
        execution = begin(actor, agent)
        patch_execution(actor, execution.id, {"status": "CLOSED"})
        factories.run_jobs()
        assert AgentRun.objects.get().status == "cancelled"
        patch_execution(actor, execution.id, {"status": "STARTED"})
        factories.run_jobs()
        assert (status(execution), AgentRun.objects.count()) == ("COMPLETED", 2)

    @pytest.mark.parametrize("soft", [True, False])
    def test_a_deleted_flow_ends_the_run(self, actor: Actor, agent: Agent, sink: Sink, soft: bool) -> None:
        sink.answers = [answer(status="running")]
        execution = begin(actor, agent)
        delete_execution(actor, execution.id, soft)
        factories.run_jobs()
        assert AgentRun.objects.get().status == "cancelled"

    def test_a_worker_that_died_after_the_answer_leaves_it_to_the_next(self, actor: Actor, agent: Agent, sink: Sink) -> None:
        sink.answers = [completed()]
        execution = factories.start(actor, agent_flow(agent))
        factories.run_jobs_of("run_task")
        job = Job.objects.get(kind="call_agent")
        claimed = queue.claim(job.pk, "w")
        assert claimed is not None
        call_agent(actor, claimed)
        Job.objects.filter(pk=job.pk).update(state=JobState.READY)
        factories.run_jobs()
        assert (status(execution), len(sink.requests)) == ("COMPLETED", 1)


class TestLostRuns:
    def heal_later(self) -> None:
        Task.objects.update(status_updated_at=timezone.now() - timedelta(minutes=3))
        heal()

    def lost(self, actor: Actor, agent: Agent, **fields: Any) -> Execution:
        """A flow whose question was never asked, without a trace of the job."""
        execution = factories.start(actor, agent_flow(agent, **fields))
        run_job(str(Job.objects.get(kind="run_task").pk))
        Job.objects.all().delete()
        return execution

    def test_the_question_is_asked_again_when_its_job_is_gone(self, actor: Actor, agent: Agent, sink: Sink) -> None:
        sink.answers = [completed(outcome="none")]
        execution = self.lost(actor, agent)
        self.heal_later()
        factories.run_jobs()
        assert (status(execution), AgentRun.objects.count(), len(sink.requests)) == ("COMPLETED", 1, 1)

    def test_a_dispatch_that_is_gone_is_done_again(self, actor: Actor, agent: Agent, sink: Sink) -> None:
        sink.answers = [completed(outcome="none")]
        execution = factories.start(actor, agent_flow(agent))
        Job.objects.all().delete()
        self.heal_later()
        factories.run_jobs()
        assert (status(execution), AgentRun.objects.count()) == ("COMPLETED", 1)

    def test_an_answer_that_was_kept_is_taken_without_asking_again(self, actor: Actor, agent: Agent, sink: Sink) -> None:
        execution = self.lost(actor, agent)
        kept = {"status": "completed", "result": {"structured_output": {"outcome": "none"}}}
        AgentRun.objects.update(answer=kept, status="running")
        self.heal_later()
        factories.run_jobs()
        assert (status(execution), len(sink.requests)) == ("COMPLETED", 0)

    def test_what_an_agent_has_left_to_a_person_stays_as_it_is(self, actor: Actor, agent: Agent, sink: Sink) -> None:
        sink.answers = [completed(outcome="missing_input")]
        execution = begin(actor, agent)
        assert status(execution) == "IN_PROGRESS"
        Task.objects.update(status_updated_at=timezone.now() - timedelta(minutes=3))
        before = dump()
        heal()
        assert dump() == before
