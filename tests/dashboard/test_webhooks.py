"""The pages of webhooks: the catalogue, one endpoint with its messages, and everything that can be done there."""

from uuid import UUID, uuid4

import pytest
from django.test import Client
from standardwebhooks import Webhook as Verifier
from werkzeug import Response

from tests import factories
from tests.dashboard.test_pages import HTMX, sign_in_as
from tests.dump import dump
from tests.sink import Sink
from workflows.models import Job, JobState, Organisation, Role, Webhook
from workflows.permissions import Actor
from workflows.services.webhooks import create_webhook

PAGE = "/automation/webhooks"


@pytest.fixture
def browser(actor: Actor) -> Client:
    return sign_in_as(actor, Role.MANAGER)


@pytest.fixture
def hook(actor: Actor, sink: Sink) -> Webhook:
    data = {"name": "Partner <b>", "eventName": "FlowStarted", "url": sink.url, "payloadConfiguration": {"hydrate_entity": True}}
    return create_webhook(actor, data | {"auth": {"authType": "API_KEY", "apiKeyConfig": {"keyName": "X-Key", "keyValue": "k"}}})[
        0
    ]


def form(**changes: object) -> dict[str, object]:
    return {"name": "Billing", "url": "https://billing.example/hook", "events": ["FlowCompleted", "TaskSkipped"]} | changes


class TestCatalogue:
    def test_shows_each_endpoint_with_what_it_is_told(self, browser: Client, hook: Webhook) -> None:
        text = browser.get(PAGE).content.decode()
        assert "Partner &lt;b&gt;" in text
        assert "Flow started" in text
        assert "Active" in text

    def test_that_is_empty_says_what_a_webhook_is(self, browser: Client) -> None:
        assert "No webhooks yet" in browser.get(PAGE).content.decode()

    def test_a_new_one_is_made_and_its_secret_shown_once(self, browser: Client, actor: Actor) -> None:
        template = factories.make_template(actor)
        text = browser.post(f"{PAGE}/create", form(template=template.id), headers=HTMX).content.decode()
        made = Webhook.objects.get()
        assert (made.events, made.template_id, made.event_name) == (
            ["FlowCompleted", "TaskSkipped"],
            template.id,
            "FlowCompleted",
        )
        secret = text.split('id="secret"')[1].split(">")[1].split("<")[0]
        assert secret.startswith("whsec_")
        page = browser.get(f"{PAGE}/{made.id}").content.decode()
        assert secret not in page
        assert f"only {template.name}" in page

    def test_one_for_automations_is_named_after_their_event(self, browser: Client) -> None:
        browser.post(f"{PAGE}/create", form(events=[], other="lead_won"), headers=HTMX)
        made = Webhook.objects.get()
        assert (made.event_name, made.follows_flows) == ("lead_won", False)
        assert "Only what automations send: lead_won" in browser.get(PAGE).content.decode()

    @pytest.mark.parametrize("changes", [{"name": " "}, {"url": "http://127.0.0.1/"}, {"events": []}, {"template": "unknown"}])
    def test_one_that_makes_no_sense_is_refused(self, browser: Client, changes: dict[str, object]) -> None:
        before = dump()
        answer = browser.post(f"{PAGE}/create", form(**changes), headers=HTMX)
        assert (answer.status_code, answer.headers["HX-Retarget"]) == (422, "#alerts")
        assert dump() == before


class TestEndpoint:
    def test_a_change_keeps_what_the_form_does_not_ask_for(self, browser: Client, hook: Webhook) -> None:
        shown = browser.get(f"{PAGE}/{hook.id}/form", headers=HTMX).content.decode()
        assert 'value="FlowStarted" checked' in shown
        browser.post(f"{PAGE}/{hook.id}/save", form(), headers=HTMX)
        saved = Webhook.objects.get()
        assert (saved.name, saved.events) == ("Billing", ["FlowCompleted", "TaskSkipped"])
        assert (saved.document, saved.credentials) == (hook.document, hook.credentials)

    def test_a_test_is_sent_at_once_and_its_answer_shown(self, browser: Client, hook: Webhook, sink: Sink) -> None:
        sink.answers = [Response("<i>thanks</i>")]
        text = browser.post(f"{PAGE}/{hook.id}/test", headers=HTMX).content.decode()
        assert (sink.body()["_event_source"], sink.requests[0][0]["x-key"]) == ("test", "k")
        assert "Arrived" in text
        assert "&lt;i&gt;thanks&lt;/i&gt;" in text
        assert "&quot;_event_name&quot;: &quot;FlowStarted&quot;" in text

    def test_a_test_that_is_refused_says_why(self, browser: Client, hook: Webhook, sink: Sink) -> None:
        sink.answers = [Response("no", 403)]
        assert "The endpoint answered 403" in browser.post(f"{PAGE}/{hook.id}/test", headers=HTMX).content.decode()

    def test_a_pause_holds_messages_until_it_ends(self, browser: Client, actor: Actor, hook: Webhook, sink: Sink) -> None:
        factories.start(actor)
        assert "Paused" in browser.post(f"{PAGE}/{hook.id}/pause", {"enabled": "false"}, headers=HTMX).content.decode()
        factories.run_jobs()
        assert "Held until the webhook goes on" in browser.get(f"{PAGE}/{hook.id}").content.decode()
        browser.post(f"{PAGE}/{hook.id}/pause", {"enabled": "true"}, headers=HTMX)
        factories.run_jobs()
        assert len(sink.requests) == 1

    def test_a_new_secret_is_shown_once_and_the_end_of_the_old_one_told(
        self, browser: Client, actor: Actor, hook: Webhook, sink: Sink
    ) -> None:
        text = browser.post(f"{PAGE}/{hook.id}/secret", headers=HTMX).content.decode()
        secret = text.split('id="secret"')[1].split(">")[1].split("<")[0]
        assert "The secret before this one is good until" in browser.get(f"{PAGE}/{hook.id}").content.decode()
        factories.start(actor)
        factories.run_jobs()
        Verifier(secret).verify(sink.requests[0][1], sink.requests[0][0])

    def test_a_message_is_sent_again(self, browser: Client, actor: Actor, hook: Webhook, sink: Sink) -> None:
        sink.answers = [Response(status=404), Response("ok")]
        factories.start(actor)
        factories.run_jobs()
        assert "The endpoint answered 404" in browser.get(f"{PAGE}/{hook.id}?status=failed").content.decode()
        browser.post(f"{PAGE}/{hook.id}/messages/{Job.objects.get().effect_id}/replay", headers=HTMX)
        factories.run_jobs()
        assert (Job.objects.get().state, len(sink.requests)) == (JobState.DONE, 2)

    @pytest.mark.parametrize(
        "query", ["?status=eaten", "?after=x", "?after=2026-01-01~x", f"?after=2026-01-01T00:00:00~{UUID(int=7)}"]
    )
    def test_an_old_address_shows_the_first_page(self, browser: Client, actor: Actor, hook: Webhook, query: str) -> None:
        factories.start(actor)
        text = browser.get(f"{PAGE}/{hook.id}{query}").content.decode()
        assert Job.objects.get().effect_id in text

    def test_older_messages_are_on_the_next_page(self, browser: Client, actor: Actor, hook: Webhook) -> None:
        template = factories.make_template(actor)
        for _ in range(26):
            factories.start(actor, template=template)
        first = browser.get(f"{PAGE}/{hook.id}").content.decode()
        address = first.split('<a class="button" href="?')[1].split('"')[0].replace("&amp;", "&")
        second = browser.get(f"{PAGE}/{hook.id}?{address}").content.decode()
        shown = [sum(f'id="replay-{job.effect_id}"' in page for job in Job.objects.all()) for page in (first, second)]
        assert shown == [25, 1]

    def test_it_is_deleted_after_a_question(self, browser: Client, hook: Webhook) -> None:
        assert "Delete this webhook?" in browser.get(f"{PAGE}/{hook.id}/delete/ask", headers=HTMX).content.decode()
        answer = browser.post(f"{PAGE}/{hook.id}/delete", headers=HTMX)
        assert (answer.headers["HX-Redirect"], Webhook.objects.count()) == (PAGE, 0)


def everything(hook: Webhook) -> list[tuple[str, str]]:
    own = f"{PAGE}/{hook.id}"
    acts = ("save", "pause", "secret", "test", "delete", f"messages/msg_{uuid4()}/replay")
    return [("GET", own), ("GET", f"{own}/form"), ("GET", f"{own}/delete/ask"), *(("POST", f"{own}/{act}") for act in acts)]


def send(client: Client, method: str, path: str) -> int:
    answer = client.get(path, headers=HTMX) if method == "GET" else client.post(path, form(), headers=HTMX)
    return int(answer.status_code)


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_who_may_not_see_webhooks_sees_and_does_nothing(actor: Actor, hook: Webhook, sink: Sink, role: str) -> None:
    client = sign_in_as(actor, role)
    before = dump()
    assert [send(client, *each) for each in everything(hook)] == [403] * 9
    assert client.get(PAGE).status_code == client.post(f"{PAGE}/create", form(), headers=HTMX).status_code == 403
    assert "Webhooks" not in client.get("/automation").content.decode()
    assert (dump(), sink.requests) == (before, [])


def test_another_organisations_webhook_is_not_there(other_organisation: Organisation, hook: Webhook, sink: Sink) -> None:
    user = factories.make_user(other_organisation, "x@other.example", "X", Role.OWNER)
    client = sign_in_as(factories.actor_of(user, other_organisation), Role.MANAGER)
    before = dump()
    assert [send(client, *each) for each in everything(hook)] == [404] * 9
    assert (dump(), sink.requests) == (before, [])
