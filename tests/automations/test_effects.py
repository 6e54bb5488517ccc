"""What each type of action does, against real servers: an HTTP server that answers, an SMTP server that takes mail."""

import json
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.conf import settings as django_settings
from django.utils import timezone
from standardwebhooks import Webhook as Verifier
from werkzeug import Response

from tests import factories
from tests.automations.conftest import Runner, errors, statuses
from tests.product import free_port
from tests.sink import Sink
from workflows.models import AutomationExecution, Delivery, Entity, Execution, Job, JobState, Webhook
from workflows.permissions import Actor
from workflows.services import automation_runs as runs
from workflows.services.automation_flows import create_automation
from workflows.services.automation_starts import RunRequest, start_automation
from workflows.services.entities import create_entity
from workflows.services.webhooks import create_webhook


@pytest.fixture
def endpoint(actor: Actor, sink: Sink) -> tuple[Webhook, str]:
    return create_webhook(actor, {"name": "Partner", "eventName": "lead_won", "url": sink.url})


def hook(webhook: Webhook, **config: Any) -> dict[str, Any]:
    return {"type": "trigger-webhook", "config": {"target_webhook_id": str(webhook.id), **config}}


def tries() -> list[tuple[int, str, int | None]]:
    return list(Delivery.objects.order_by("attempt").values_list("attempt", "outcome", "http_status"))


class TestWebhook:
    def test_is_sent_signed_and_the_run_goes_on_at_once(
        self, run: Runner, endpoint: tuple[Webhook, str], sink: Sink, entity: Entity
    ) -> None:
        execution = run(hook(endpoint[0]), factories.set_city())
        assert execution.status == "success"
        headers, body = sink.requests[0]
        Verifier(endpoint[1]).verify(body, headers)
        job = Job.objects.get(kind="deliver_webhook")
        assert (headers["webhook-id"], headers["idempotency-key"]) == (f"msg_{job.id}",) * 2
        assert sink.body()["entity"]["email"] == "ada@mail.example"
        assert sink.body()["metadata"]["execution_id"] == str(execution.id)
        assert tries() == [(1, "taken", 200)]

    def test_that_is_waited_for_keeps_the_answer(self, run: Runner, endpoint: tuple[Webhook, str], sink: Sink) -> None:
        execution = run(hook(endpoint[0], sync=True))
        action = execution.actions.get()
        assert (execution.status, action.outputs["status"], action.outputs["body"]) == ("success", 200, "ok")
        assert action.outputs["event_id"] == sink.requests[0][0]["webhook-id"]

    def test_is_tried_again_later_under_the_same_id(self, run: Runner, endpoint: tuple[Webhook, str], sink: Sink) -> None:
        sink.answers = [Response(status=503), Response("ok", 200)]
        execution = run(hook(endpoint[0], sync=True))
        assert (execution.status, statuses(execution)) == ("in_progress", ["in_progress"])
        job = Job.objects.get()
        assert timedelta(seconds=3) < job.run_at - timezone.now() < timedelta(seconds=7)
        Job.objects.update(run_at=timezone.now())
        factories.run_jobs()
        execution.refresh_from_db()
        assert execution.status == "success"
        assert tries() == [(1, "refused", 503), (2, "taken", 200)]
        assert len({headers["webhook-id"] for headers, _ in sink.requests}) == 1

    @pytest.mark.parametrize(("code", "header", "least"), [(429, "7", 7), (503, "120", 120), (500, None, 4)])
    def test_obeys_retry_after(
        self, run: Runner, endpoint: tuple[Webhook, str], sink: Sink, code: int, header: str | None, least: int
    ) -> None:
        sink.answers = [Response(status=code, headers={"Retry-After": header} if header else {})]
        run(hook(endpoint[0], sync=True))
        assert Job.objects.get().run_at - timezone.now() > timedelta(seconds=least - 1)

    @pytest.mark.parametrize("code", [302, 400, 404, 410])
    def test_that_is_refused_for_good_fails_at_once(
        self, run: Runner, endpoint: tuple[Webhook, str], sink: Sink, code: int
    ) -> None:
        sink.answers = [Response(status=code, headers={"Location": sink.url})]
        execution = run(hook(endpoint[0], sync=True))
        assert errors(execution) == [f"TRIGGER_WEBHOOK_ERROR: The endpoint answered {code}"]
        assert len(sink.requests) == 1
        assert Webhook.objects.get().enabled is (code != 410)

    def test_is_dead_after_its_tries_and_arrives_when_begun_again(
        self, run: Runner, endpoint: tuple[Webhook, str], sink: Sink
    ) -> None:
        from workflows.services import queue

        sink.answers = [Response(status=500)]
        run(hook(endpoint[0]))
        for _ in range(3):
            Job.objects.filter(state=JobState.READY).update(run_at=timezone.now())
            factories.run_jobs()
        job = Job.objects.get(kind="deliver_webhook")
        assert (job.state, job.attempt) == (JobState.DEAD, 4)
        sink.answers = [Response("ok")]
        assert queue.rearm(job.pk)
        factories.run_jobs()
        job.refresh_from_db()
        assert (job.state, job.attempt, len({h["webhook-id"] for h, _ in sink.requests})) == (JobState.DONE, 5, 1)

    def test_to_a_plain_url_is_signed_with_the_secret_of_its_flow(self, actor: Actor, entity: Entity, sink: Sink) -> None:
        action = {"type": "trigger-webhook", "config": {"url": sink.url, "sync": True}}
        flow, secret = create_automation(actor, factories.automation(action))
        start_automation(actor, RunRequest(flow.id, entity.id))
        factories.run_jobs()
        Verifier(secret).verify(sink.requests[0][1], sink.requests[0][0])

    def test_carries_credentials_and_headers_of_its_own(self, run: Runner, actor: Actor, sink: Sink) -> None:
        data = {
            "name": "With key",
            "eventName": "e",
            "url": sink.url,
            "auth": {"authType": "BASIC", "basicAuthConfig": {"username": "ada", "password": "pw"}},
            "payloadConfiguration": {"custom_headers": {"X-Plant": "7"}},
        }
        run(hook(create_webhook(actor, data)[0], sync=True))
        assert (sink.requests[0][0]["authorization"], sink.requests[0][0]["x-plant"]) == ("Basic YWRhOnB3", "7")

    def test_to_an_inside_is_refused_without_a_try(
        self, run: Runner, endpoint: tuple[Webhook, str], sink: Sink, settings: Any
    ) -> None:
        settings.OUTBOUND_ALLOWED_NETWORKS = []
        execution = run(hook(endpoint[0], sync=True))
        assert "address is not allowed" in errors(execution)[0]
        assert (sink.requests, tries()) == ([], [(1, "not_allowed", None)])

    @pytest.mark.parametrize("config", [{}, {"target_webhook_id": "unknown"}, {"target_webhook_id": 7}])
    def test_without_an_endpoint_is_a_bad_configuration(self, run: Runner, config: dict[str, Any]) -> None:
        assert errors(run({"type": "trigger-webhook", "config": config}))[0].startswith("BAD_CONFIG")

    def test_to_a_disabled_endpoint_fails(self, run: Runner, endpoint: tuple[Webhook, str], sink: Sink) -> None:
        Webhook.objects.update(enabled=False)
        assert "disabled" in errors(run(hook(endpoint[0])))[0]
        assert sink.requests == []


class Postbox:
    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.answer = "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.answer.startswith("250"):
            self.mails.append(message_from_bytes(envelope.content))
        return self.answer


@pytest.fixture
def postbox(settings: Any) -> Iterator[Postbox]:
    box = Postbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = controller.hostname, controller.port
    yield box
    controller.stop()


def mail(**config: Any) -> dict[str, Any]:
    template = {"to": "{{entity.email}}", "subject": "Hello {{first_name}}", "body": "You live in {{contact.city}}."}
    return {
        "type": "send-email",
        "config": {"email_template_id": "welcome", "template": template | config.pop("template", {}), **config},
    }


class TestMail:
    def test_is_sent_with_values_in_the_places_of_paths(self, run: Runner, postbox: Postbox) -> None:
        execution = run(mail())
        assert execution.status == "success"
        sent = postbox.mails[0]
        assert (sent["To"], sent["Subject"]) == ("ada@mail.example", "Hello Ada")
        assert "You live in Köln." in sent.get_payload(decode=True).decode()  # type: ignore[union-attr]
        assert sent["Message-ID"] == f"<{Job.objects.get().id}@127.0.0.1>"
        assert tries() == [(1, "taken", None)]

    def test_with_confirmation_waits_for_the_link_in_it(self, run: Runner, postbox: Postbox) -> None:
        execution = run(mail(wait_for_confirmation=True, template={"body": "Click {{ confirmation_url }}"}), factories.set_city())
        assert (execution.status, statuses(execution)) == ("paused", ["paused", "pending"])
        text = postbox.mails[0].get_payload(decode=True).decode()  # type: ignore[union-attr]
        token = text.split("/confirm/")[1].split()[0]
        runs.resume_run(token)
        factories.run_jobs()
        execution.refresh_from_db()
        assert execution.status == "success"

    def test_values_are_not_taken_for_headers_or_paths(self, run: Runner, postbox: Postbox, actor: Actor, entity: Entity) -> None:
        from workflows.services.entities import patch_entity

        patch_entity(actor, "contact", entity.id, {"first_name": "A\nBcc: all@mail.example {{email}}"})
        run(mail())
        assert postbox.mails[0]["Subject"] == "Hello A Bcc: all@mail.example {{email}}"
        assert postbox.mails[0]["Bcc"] is None

    @pytest.mark.parametrize(
        ("template", "said"),
        [({"body": ""}, "no text"), ({"to": "{{nothing}}"}, "0 recipients"), ({"to": "nobody"}, "no e-mail address")],
    )
    def test_that_cannot_be_written_fails_with_its_code(
        self, run: Runner, postbox: Postbox, template: dict[str, str], said: str
    ) -> None:
        found = errors(run(mail(template=template)))[0]
        assert found.startswith("TEMPLATE_ERROR")
        assert said in found
        assert (postbox.mails, Delivery.objects.count()) == ([], 0)

    @pytest.mark.parametrize(("answer", "state"), [("451 busy", "in_progress"), ("554 no", "failed")])
    def test_a_busy_server_is_asked_again_and_a_refusal_is_final(
        self, run: Runner, postbox: Postbox, answer: str, state: str
    ) -> None:
        postbox.answer = answer
        execution = run(mail())
        assert execution.status == state
        assert tries() == [(1, "refused", int(answer[:3]))]

    def test_is_not_sent_when_its_condition_does_not_hold(self, run: Runner, postbox: Postbox) -> None:
        execution = run(mail(conditions=[{"_equals": {"source": "city", "value": "Bonn"}}]))
        assert (execution.status, postbox.mails) == ("skipped", [])


def mapping(*attributes: dict[str, Any], schema: str = "contact", **config: Any) -> dict[str, Any]:
    return {"type": "map-entity", "config": {"target_schema": schema, "mapping_attributes": list(attributes), **config}}


class TestMapping:
    def test_sets_copies_and_appends(self, run: Runner, entity: Entity) -> None:
        execution = run(
            mapping(
                {"target": "address.city", "operation": {"_copy": "city"}},
                {"target": "tags", "operation": {"_append": ["a", "b"], "_uniq": True}},
                {"target": "tags", "operation": {"_append": "a", "_uniq": True}},
                {"target": "note", "operation": {"_set": "{{first_name}} in {{city}}"}},
                {"target": "price", "operation": {"_copy": "steps[0].price"}},
                {"target": "kept", "operation": {"_copy": "nowhere"}},
                {"target": "plain", "operation": 5},
                {"target": "old", "mode": "set_value", "value": 1},
                {"target": "older", "mode": "copy_if_exists", "source": "city"},
            )
        )
        assert execution.status == "success", errors(execution)
        entity.refresh_from_db()
        found = entity.attributes
        assert (found["address"], found["tags"], found["note"]) == ({"city": "Köln"}, ["a", "b"], "Ada in Köln")
        assert (found["price"], found["plain"], found["old"], found["older"]) == (7, 5, 1, "Köln")
        assert "kept" not in found

    def test_makes_another_entity_when_there_is_none_and_finds_it_the_next_time(self, run: Runner) -> None:
        action = mapping(
            {"target": "email", "operation": {"_copy": "email"}},
            {"target": "count", "operation": {"_append": 1}},
            schema="account",
            target_unique=["email"],
        )
        first, second = run(action), run(action)
        made = Entity.objects.get(schema="account")
        assert made.attributes["count"] == [1, 1]
        outputs = [execution.actions.get().outputs for execution in (first, second)]
        assert [(o["entity_id"], o["created"]) for o in outputs] == [(str(made.id), True), (str(made.id), False)]

    def test_writes_to_the_entity_that_an_id_names(self, run: Runner, actor: Actor) -> None:
        other = create_entity(actor, "order", {"name": "Order"})
        run(
            mapping(
                {"target": "_id", "operation": {"_set": str(other.id)}},
                {"target": "state", "operation": {"_set": "won"}},
                schema="order",
                target_unique=["_id"],
            )
        )
        other.refresh_from_db()
        assert other.attributes == {"name": "Order", "state": "won"}

    def test_two_that_match_are_not_guessed_between(self, run: Runner, actor: Actor) -> None:
        for _ in range(2):
            create_entity(actor, "account", {"email": "ada@mail.example"})
        action = mapping({"target": "email", "operation": {"_copy": "email"}}, schema="account", target_unique=["email"])
        assert errors(run(action))[0].startswith("DUPLICATE_ENTITY_ERROR")

    @pytest.mark.parametrize(
        "attribute",
        [
            {"target": "city.name", "operation": {"_set": 1}},
            {"target": "..", "operation": {"_set": 1}},
            {"operation": {"_set": 1}},
            {"target": "x", "operation": {"_eval": "1"}},
            {"target": "list[7]", "operation": {"_set": 1}},
        ],
    )
    def test_that_cannot_be_done_fails_and_writes_nothing(self, run: Runner, entity: Entity, attribute: dict[str, Any]) -> None:
        execution = run(mapping({"target": "first", "operation": {"_set": 1}}, attribute))
        assert errors(execution)[0].startswith("MAPPING_ERROR: mapping_attributes[1]")
        entity.refresh_from_db()
        assert "first" not in entity.attributes

    def test_says_what_of_its_configuration_it_does_not_read(self, run: Runner) -> None:
        execution = run(mapping({"target": "a", "operation": {"_set": 1}}, relation_attributes=[{"target": "x"}]))
        assert execution.actions.get().outputs["ignored"] == ["relation_attributes"]


USERS = [{"type": "user", "user_id": str(number)} for number in (1, 2, 3)]


class TestAssigning:
    def test_writes_all_or_adds_those_that_are_new(self, run: Runner, entity: Entity) -> None:
        run({"type": "assign-entity", "config": {"attribute": "owners", "assignees": USERS[:1]}})
        run({"type": "assign-entity", "config": {"attribute": "owners", "assignees": USERS[:2], "write_mode": "append"}})
        entity.refresh_from_db()
        assert entity.attributes["owners"] == USERS[:2]

    def test_takes_turns_from_run_to_run(self, actor: Actor, entity: Entity) -> None:
        config = {"attribute": "owners", "assignment_type": "sequential", "assignees": USERS}
        flow, _ = create_automation(actor, factories.automation({"type": "assign-entity", "config": config}))
        found = []
        for _ in range(4):
            start_automation(actor, RunRequest(flow.id, entity.id))
            factories.run_jobs()
            entity.refresh_from_db()
            found += entity.attributes["owners"]
        assert found == [*USERS, USERS[0]]

    def test_without_anybody_leaves_all_as_it_is_or_takes_the_fallback(self, run: Runner, entity: Entity) -> None:
        config = {"attribute": "owners", "assignment_type": "sequential", "candidate_group": {"type": "group", "group_id": "g"}}
        assert run({"type": "assign-entity", "config": config}).status == "skipped"
        more = {"fallback": "assign_to_fallback", "fallback_assignees": USERS[:1]}
        assert run({"type": "assign-entity", "config": config | more}).status == "success"
        entity.refresh_from_db()
        assert entity.attributes["owners"] == USERS[:1]

    @pytest.mark.parametrize("config", [{}, {"attribute": "_org"}, {"attribute": "o", "assignees": [{"type": "robot"}]}])
    def test_a_bad_configuration_is_said(self, run: Runner, config: dict[str, Any]) -> None:
        assert errors(run({"type": "assign-entity", "config": config}))[0].startswith("BAD_CONFIG")


class TestStartingFlows:
    def test_starts_a_flow_about_the_entity_once(self, run: Runner, actor: Actor, entity: Entity) -> None:
        template = factories.make_template(actor)
        config = {"target_workflow": template.id, "assignees": ["7"], "assign_steps": [{"step_id": "t1", "user_ids": [8]}]}
        execution = run({"type": "trigger-workflow", "config": config})
        assert execution.status == "success", errors(execution)
        started = Execution.objects.get()
        assert started.trigger == "AUTOMATIC"
        assert started.extra["execution_chain"]["depth"] == 1
        assert started.contexts.get().entity_id == entity.id
        assert set(started.assignments.values_list("assignee", flat=True)) == {"7", "8"}

    def test_the_eleventh_of_a_chain_is_refused(self, run: Runner, actor: Actor) -> None:
        template = factories.make_template(actor)
        execution = run({"type": "trigger-workflow", "config": {"target_workflow": template.id}}, work=False)
        AutomationExecution.objects.update(context={"execution_chain": {"depth": 10}, "chain": []})
        factories.run_jobs()
        execution.refresh_from_db()
        assert errors(execution)[0].startswith("TRIGGER_WORKFLOW_ERROR: 10 flows")
        assert not Execution.objects.exists()

    @pytest.mark.parametrize("target", ["", "unknown"])
    def test_an_unknown_template_is_said(self, run: Runner, target: str) -> None:
        found = errors(run({"type": "trigger-workflow", "config": {"target_workflow": target}}))
        assert found[0].split(":")[0] in ("BAD_CONFIG", "TRIGGER_WORKFLOW_ERROR")


class TestCustomAction:
    def test_asks_and_reads_the_answer(self, run: Runner, sink: Sink) -> None:
        for said, status in (
            ("fine", "success"),
            (json.dumps({"success": True}), "success"),
            (json.dumps({"skip_reason": "not needed"}), "skipped"),
            (json.dumps({"error_reason": "no credit"}), "failed"),
        ):
            sink.answers = [Response(said)]
            execution = run({"type": "custom-action", "config": {"url": sink.url, "level": 3}})
            assert execution.status == status
        assert errors(execution) == ["CUSTOM_ACTION_ERROR: no credit"]
        assert sink.body()["data"]["action_config"] == {"level": 3}

    def test_with_callback_waits_for_its_token(self, run: Runner, sink: Sink) -> None:
        execution = run({"type": "custom-action", "config": {"url": sink.url, "wait_for_callback": True}})
        assert execution.status == "paused"
        runs.resume_run(sink.body()["data"]["resume_token"])
        execution.refresh_from_db()
        assert execution.status == "success"


class TestEvents:
    def test_tells_subscribers_and_starts_listeners_but_no_circle(
        self, run: Runner, actor: Actor, endpoint: tuple[Webhook, str], sink: Sink
    ) -> None:
        trigger = {"type": "event_catalog", "configuration": {"event_name": "lead_won"}}
        event = {"type": "trigger-event", "config": {"event_name": "lead_won", "event_inputs": {"who": "{{first_name}}"}}}
        create_automation(actor, factories.automation(factories.set_city("Wien"), event, triggers=[trigger]))
        execution = run(event)
        assert execution.status == "success"
        outputs = execution.actions.get().outputs
        assert (outputs["webhooks"], len(outputs["started"])) == (1, 1)
        assert sink.body()["_event_name"] == "lead_won"
        assert sink.body()["who"] == "Ada"
        listener = AutomationExecution.objects.get(pk=outputs["started"][0])
        assert (listener.status, len(listener.context["chain"])) == ("success", 2)
        assert AutomationExecution.objects.count() == 2


def test_where_people_reach_the_product_is_known() -> None:
    assert django_settings.PUBLIC_URL == "http://127.0.0.1:8000"
