"""Events of flows told to endpoints: which, to whom, with what in them, at what cost, and what happens when nobody takes them."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from standardwebhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError
from werkzeug import Response

from tests import factories
from tests.api.test_executions import statements
from tests.sink import Sink
from workflows import outbound
from workflows.engine.flow_events import FlowEvent
from workflows.models import Delivery, Event, Execution, Job, JobState, Organisation, Webhook
from workflows.permissions import Actor
from workflows.services.executions import Context, StartRequest, delete_execution, patch_execution, start_execution
from workflows.services.tasks import patch_task
from workflows.services.transactions import in_transaction
from workflows.services.webhooks import create_webhook, delete_webhook, rotate_secret, set_enabled

URL = "https://partner.example/hook"


def follow(actor: Actor, *events: str, url: str = URL, **fields: Any) -> Webhook:
    return follow_with_secret(actor, *events, url=url, **fields)[0]


def follow_with_secret(actor: Actor, *events: str, url: str = URL, **fields: Any) -> tuple[Webhook, str]:
    data = {"name": "Partner", "eventName": events[0], "events": list(events), "url": url}
    return create_webhook(actor, data | fields)


def complete(actor: Actor, execution: Execution, key: str = "t1") -> None:
    patch_task(actor, execution.id, factories.task_of(execution, key).id, {"status": "COMPLETED"})


def told() -> list[str]:
    rows = Job.objects.filter(kind="deliver_webhook").order_by("created_at")
    return [row.payload["body"]["_event_name"] for row in rows]


def body(number: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = Job.objects.filter(kind="deliver_webhook").order_by("created_at")[number].payload["body"]
    return found


class TestWhich:
    def test_each_event_of_a_step_is_one_delivery_in_order(self, actor: Actor) -> None:
        follow(actor, "TaskCompleted", "CurrTaskChanged", "PhaseMarkedInProgress", "FlowCompleted")
        execution = factories.start(actor, factories.sequence(1))
        complete(actor, execution)
        assert told() == ["CurrTaskChanged", "PhaseMarkedInProgress", "TaskCompleted", "FlowCompleted"]

    @pytest.mark.parametrize("event", [*FlowEvent])
    def test_any_of_the_events_can_be_asked_for(self, actor: Actor, event: FlowEvent) -> None:
        webhook = follow(actor, event.value)
        assert (webhook.events, webhook.follows_flows) == ([event.value], True)

    def test_only_those_who_ask_for_it_are_told(self, actor: Actor) -> None:
        done, begun = follow(actor, "FlowCompleted"), follow(actor, "FlowStarted")
        factories.start(actor)
        assert list(Job.objects.values_list("webhook_id", flat=True)) == [begun.id]
        assert done.events == ["FlowCompleted"]

    def test_with_a_template_only_its_flows_are_told(self, actor: Actor) -> None:
        template, other = factories.make_template(actor), factories.make_template(actor)
        follow(actor, "FlowStarted", flowTemplateId=template.id)
        factories.start(actor, template=other)
        assert told() == []
        factories.start(actor, template=template)
        assert body()["flow_template_id"] == template.id

    def test_what_happens_elsewhere_is_nobodys_business(self, actor: Actor, other_organisation: Organisation) -> None:
        user = factories.make_user(other_organisation, "x@other.example", "X", "owner")
        follow(factories.actor_of(user, other_organisation), "FlowStarted")
        factories.start(actor)
        assert told() == []

    @pytest.mark.parametrize("change", [{"enabled": False}, {"url": ""}])
    def test_nobody_is_told_who_is_paused_or_has_no_url(self, actor: Actor, change: dict[str, Any]) -> None:
        Webhook.objects.filter(pk=follow(actor, "FlowStarted").pk).update(**change)
        factories.start(actor)
        assert told() == []

    def test_a_refused_change_tells_nothing(self, actor: Actor) -> None:
        follow(actor, "TaskCompleted", "TaskUpdated")
        execution = factories.start(actor)
        before = Job.objects.count()

        @in_transaction
        def fail() -> None:
            complete(actor, execution)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert Job.objects.count() == before

    @pytest.mark.parametrize("soft", [True, False])
    def test_a_deletion_is_told_also_when_nothing_of_the_flow_stays(self, actor: Actor, sink: Sink, soft: bool) -> None:
        follow(actor, "FlowDeleted", url=sink.url)
        delete_execution(actor, factories.start(actor).id, soft)
        factories.run_jobs()
        assert sink.body()["_event_name"] == "FlowDeleted"


class TestMessage:
    def test_is_the_envelope_with_the_flow_and_the_task(self, actor: Actor) -> None:
        follow(actor, "TaskCompleted")
        execution = factories.start(actor, factories.sequence(2))
        task = factories.task_of(execution, "t1")
        patch_task(actor, execution.id, task.id, {"assigned_to": ["7"], "due_date": "2026-12-01"})
        complete(actor, execution)
        message = body()
        assert message["_event_id"]
        assert message["_event_time"].endswith("Z")
        expected = {
            "_org_id": "acme",
            "_event_name": "TaskCompleted",
            "_event_version": "1.0",
            "_event_source": "workflow",
            "execution_id": str(execution.id),
            "flow_template_id": execution.template_id,
            "flow_name": "Sequence",
            "status": "STARTED",
            "execution_version": 3,
            "actor": {"kind": "user", "id": actor.id},
            "task": {
                "id": str(task.id),
                "template_id": "t1",
                "name": "Task t1",
                "status": "COMPLETED",
                "previous_status": "PENDING",
                "assigned_to": ["7"],
                "due_date": "2026-12-01",
            },
        }
        assert {key: message[key] for key in expected} == expected
        assert "phase" not in message
        assert [context["is_primary"] for context in message["contexts"]] == [True]

    def test_about_a_phase_holds_the_phase(self, actor: Actor) -> None:
        follow(actor, "PhaseCompleted")
        complete(actor, factories.start(actor, factories.sequence(1)))
        assert body()["phase"]["status"] == "COMPLETED"
        assert body()["phase"]["previous_status"] == "IN_PROGRESS"
        assert "task" not in body()

    def test_about_a_start_has_the_same_parts(self, actor: Actor) -> None:
        follow(actor, "FlowStarted", "CurrTaskChanged")
        factories.start(actor, factories.sequence(1, assigned_to=["u"]))
        flow, task = body(0), body(1)
        assert (flow["status"], flow["assigned_to"], len(flow["contexts"])) == ("STARTED", ["u"], 1)
        assert (task["task"]["name"], task["task"]["previous_status"]) == ("Task t1", None)

    def test_has_one_id_for_all_who_are_told_and_each_delivery_its_own(self, actor: Actor) -> None:
        follow(actor, "FlowStarted"), follow(actor, "FlowStarted")
        factories.start(actor)
        assert body(0)["_event_id"] == body(1)["_event_id"]
        assert len({job.effect_id for job in Job.objects.all()}) == 2


class TestCost:
    def test_nothing_is_asked_when_nobody_follows(self, actor: Actor) -> None:
        execution = factories.start(actor)
        with CaptureQueriesContext(connection) as captured:
            complete(actor, execution)
        lookups = [sql for sql in statements(captured) if "webhook" in sql]
        assert len(lookups) == 1
        assert 'FROM "workflows_execution"' in lookups[0]
        assert Job.objects.count() == 0

    def test_a_step_takes_the_same_statements_for_1_and_20_followers_and_30_tasks(self, actor: Actor) -> None:
        counts = []
        for followers, tasks in ((1, 10), (19, 30)):
            for _ in range(followers):
                follow(actor, *[event.value for event in FlowEvent])
            execution = factories.start(actor, factories.sequence(tasks))
            with CaptureQueriesContext(connection) as captured:
                complete(actor, execution)
            counts.append(len(statements(captured)))
        assert counts[0] == counts[1]

    def test_a_start_that_is_followed_takes_two_statements_more(self, actor: Actor) -> None:
        template, entity = factories.make_template(actor), factories.make_entity(actor)
        counts = []
        for _ in range(2):
            with CaptureQueriesContext(connection) as captured:
                start_execution(actor, StartRequest(template.id, [Context(str(entity.id), "contact")]))
            counts.append(len(statements(captured)))
            follow(actor, *[event.value for event in FlowEvent])
        assert counts[1] - counts[0] <= 2


class TestDelivery:
    def test_is_signed_and_keeps_its_answer(self, actor: Actor, sink: Sink) -> None:
        webhook, secret = follow_with_secret(actor, "FlowStarted", url=sink.url)
        factories.start(actor)
        factories.run_jobs()
        headers, sent = sink.requests[0]
        assert Verifier(secret).verify(sent, headers) == body()
        delivery = Delivery.objects.get()
        assert (delivery.outcome, delivery.http_status, delivery.answer) == ("taken", 200, "ok")
        assert Job.objects.get().webhook_id == webhook.id

    def test_is_retried_at_the_times_of_the_standard_under_one_id(self, actor: Actor, sink: Sink) -> None:
        sink.answers = [Response(status=503)]
        follow(actor, "FlowStarted", url=sink.url)
        execution = factories.start(actor)
        waits = []
        factories.run_jobs()
        while (job := Job.objects.get()).state == JobState.READY:
            waits.append((job.run_at - timezone.now()).total_seconds())
            Job.objects.update(run_at=timezone.now())
            factories.run_jobs()
        for found, meant in zip(waits, (5, 300, 1800, 7200, 18000), strict=True):
            assert meant * 0.75 <= found <= meant * 1.25
        assert (job.state, len({h["webhook-id"] for h, _ in sink.requests})) == (JobState.DEAD, 1)
        assert len({h["webhook-timestamp"] for h, _ in sink.requests}) >= 1
        said = Event.objects.get(execution_id=execution.id, action="execution.failure").after
        assert said == {"reason": "Webhook Partner, FlowStarted: Given up after 6 attempts: The endpoint answered 503"}

    @pytest.mark.parametrize("code", [408, 425, 429, 500, 502])
    def test_is_tried_again_for_what_may_pass(self, actor: Actor, sink: Sink, code: int) -> None:
        sink.answers = [Response(status=code), Response("ok")]
        follow(actor, "FlowStarted", url=sink.url)
        factories.start(actor)
        factories.run_jobs()
        assert Job.objects.get().state == JobState.READY

    def test_waits_as_long_as_the_endpoint_asks(self, actor: Actor, sink: Sink) -> None:
        sink.answers = [Response(status=429, headers={"Retry-After": "900"})]
        follow(actor, "FlowStarted", url=sink.url)
        factories.start(actor)
        factories.run_jobs()
        assert Job.objects.get().run_at - timezone.now() > timedelta(seconds=890)

    @pytest.mark.parametrize("code", [301, 307, 400, 401, 404, 422])
    def test_is_dead_at_once_for_what_will_not_pass_and_follows_no_redirect(self, actor: Actor, sink: Sink, code: int) -> None:
        sink.answers = [Response(status=code, headers={"Location": sink.url})]
        follow(actor, "FlowStarted", url=sink.url)
        factories.start(actor)
        factories.run_jobs()
        assert (Job.objects.get().state, len(sink.requests)) == (JobState.DEAD, 1)
        assert Webhook.objects.get().enabled

    def test_a_failure_in_the_history_is_no_event_itself(self, actor: Actor, sink: Sink) -> None:
        sink.answers = [Response(status=400)]
        follow(actor, "TaskUpdated", "TaskCompleted", url=sink.url)
        execution = factories.start(actor, factories.sequence(2))
        complete(actor, execution)
        factories.run_jobs()
        sent = len(sink.requests)
        factories.run_jobs()
        assert len(sink.requests) == sent
        assert Event.objects.filter(action="task.failure").count() == sent

    def test_to_an_endpoint_that_is_gone_disables_it(self, actor: Actor, sink: Sink) -> None:
        sink.answers = [Response(status=410)]
        follow(actor, "FlowStarted", url=sink.url)
        factories.start(actor)
        factories.run_jobs()
        assert (Job.objects.get().state, Webhook.objects.get().enabled) == (JobState.DEAD, False)
        factories.start(actor)
        assert Job.objects.count() == 1

    def test_nobody_who_answers_is_tried_again(self, actor: Actor, reachable: None) -> None:
        follow(actor, "FlowStarted", url="http://127.0.0.1:1/hook")
        factories.start(actor)
        factories.run_jobs()
        assert (Job.objects.get().state, Delivery.objects.get().outcome) == (JobState.READY, "unreachable")

    def test_a_slow_answer_is_cut_and_tried_again(self, actor: Actor, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
        done = threading.Event()
        monkeypatch.setattr(outbound, "TOTAL_SECONDS", 0.3)

        def slow(request: Any) -> Response:
            done.wait(5)
            return Response("late")

        follow(actor, "FlowStarted", url=sink.serve("/slow", slow))
        factories.start(actor)
        factories.run_jobs()
        done.set()
        assert (Job.objects.get().state, Delivery.objects.get().outcome) == (JobState.READY, "unreachable")

    def test_of_a_very_long_answer_only_the_beginning_is_kept(self, actor: Actor, sink: Sink) -> None:
        sink.answers = [Response("x" * (outbound.MAX_BODY + 5000))]
        follow(actor, "FlowStarted", url=sink.url)
        factories.start(actor)
        factories.run_jobs()
        assert Job.objects.get().state == JobState.DONE
        assert Delivery.objects.get().answer == "x" * 2000


class TestPause:
    def test_holds_what_was_waiting_and_sends_it_when_it_ends(self, actor: Actor, sink: Sink) -> None:
        webhook = follow(actor, "FlowStarted", url=sink.url)
        factories.start(actor)
        set_enabled(actor, webhook.id, False)
        factories.run_jobs()
        assert (sink.requests, Job.objects.get().state) == ([], JobState.READY)
        set_enabled(actor, webhook.id, True)
        factories.run_jobs()
        assert (len(sink.requests), Job.objects.get().state) == (1, JobState.DONE)

    def test_a_deleted_endpoint_leaves_nothing_waiting(self, actor: Actor, sink: Sink) -> None:
        webhook = follow(actor, "FlowStarted", url=sink.url)
        factories.start(actor)
        set_enabled(actor, webhook.id, False)
        factories.run_jobs()
        delete_webhook(actor, webhook.id)
        factories.run_jobs()
        assert (sink.requests, Job.objects.get().state) == ([], JobState.DEAD)


class TestRotation:
    def test_both_secrets_are_good_until_the_older_one_ends(self, actor: Actor, sink: Sink) -> None:
        webhook, old = follow_with_secret(actor, "FlowStarted", url=sink.url)
        _, new = rotate_secret(actor, webhook.id)
        factories.start(actor)
        factories.run_jobs()
        headers, sent = sink.requests[0]
        assert Verifier(old).verify(sent, headers) == Verifier(new).verify(sent, headers)
        Webhook.objects.update(previous_secret_until=timezone.now())
        factories.start(actor)
        factories.run_jobs()
        headers, sent = sink.requests[1]
        Verifier(new).verify(sent, headers)
        with pytest.raises(WebhookVerificationError):
            Verifier(old).verify(sent, headers)

    def test_no_more_than_two_are_live(self, actor: Actor, sink: Sink) -> None:
        webhook, first = follow_with_secret(actor, "FlowStarted", url=sink.url)
        secrets = [first, *(rotate_secret(actor, webhook.id)[1] for _ in range(2))]
        factories.start(actor)
        factories.run_jobs()
        headers, sent = sink.requests[0]
        assert len(headers["webhook-signature"].split()) == 2
        with pytest.raises(WebhookVerificationError):
            Verifier(first).verify(sent, headers)
        for secret in secrets[1:]:
            Verifier(secret).verify(sent, headers)


def test_closing_and_reopening_are_told(actor: Actor) -> None:
    follow(actor, "FlowCancelled", "FlowReopened")
    execution = factories.start(actor)
    patch_execution(actor, execution.id, {"status": "CLOSED"})
    patch_execution(actor, execution.id, {"status": "STARTED"})
    assert told() == ["FlowCancelled", "FlowReopened"]
