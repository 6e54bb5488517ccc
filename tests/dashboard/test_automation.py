"""What people see of automations: in the pane of a task, on their page, and behind a confirmation link."""

from typing import Any

import pytest
from django.test import Client

from tests import factories
from tests.dashboard.test_pages import HTMX, path_of, sign_in_as
from tests.dump import dump
from workflows import jobs
from workflows.automations.perform import ACTIONS
from workflows.automations.situation import ActionType, CannotDo
from workflows.models import Delivery, Execution, Job, Role, User
from workflows.permissions import Actor
from workflows.services.automation_flows import create_automation
from workflows.services.automation_run import done, paused
from workflows.services.resume_tokens import make_token


@pytest.fixture
def browser(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def begin(actor: Actor, *actions: dict[str, Any]) -> Execution:
    flow, _ = create_automation(actor, factories.automation(*actions, flow_name="Welcome <b>"))
    execution = factories.start(actor, factories.with_automation(str(flow.id)))
    factories.run_jobs()
    return execution


@pytest.fixture
def flow(actor: Actor, monkeypatch: pytest.MonkeyPatch) -> Execution:
    """A flow whose automation was refused by an endpoint."""

    def call(situation: Any) -> Any:
        raise CannotDo("TRIGGER_WEBHOOK_ERROR", "The endpoint answered 404")

    monkeypatch.setitem(ACTIONS, "broken", ActionType("TRIGGER_WEBHOOK_ERROR", call=call))
    execution = begin(actor, {"type": "broken", "name": "Tell the partner"})
    job = Job.objects.get(kind="run_action")
    Delivery.objects.create(
        job=job,
        attempt=1,
        target="https://partner.example/",
        started_at=job.created_at,
        finished_at=job.created_at,
        outcome="refused",
        http_status=404,
        answer="<script>alert(1)</script>",
    )
    return execution


def pane(browser: Client, execution: Execution) -> str:
    task = factories.task_of(execution, "t1")
    return browser.get(f"/executions/{execution.id}?task={task.id}", headers=HTMX).content.decode()


def test_the_pane_shows_what_was_tried_and_why_it_failed(browser: Client, flow: Execution) -> None:
    text = pane(browser, flow)
    assert "Tell the partner: The endpoint answered 404" in text
    assert "https://partner.example/: was refused (404)" in text
    assert "1 attempt" in text
    assert "&lt;script&gt;" in text
    assert "<script>alert" not in text
    assert 'id="run-now"' in text
    assert "Refresh status" in text
    assert 'id="status-SKIPPED"' in text


def test_what_ran_can_be_run_again_from_the_pane(browser: Client, flow: Execution, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ACTIONS, "broken", ActionType("TRIGGER_WEBHOOK_ERROR", call=lambda _: done()))
    assert browser.post(path_of(flow, "t1", "run"), headers=HTMX).status_code == 200
    factories.run_jobs()
    text = pane(browser, flow)
    assert "Earlier run: Failed" in text
    assert factories.task_of(flow, "t1").status == "COMPLETED"


def test_refreshing_brings_the_task_in_line_with_its_run(browser: Client, actor: Actor) -> None:
    execution = begin(actor, factories.set_city())
    from workflows.models import Task

    Task.objects.filter(pk=factories.task_of(execution, "t1").pk).update(status="IN_PROGRESS")
    answer = browser.post(path_of(execution, "t1", "refresh"), {"open": str(factories.task_of(execution, "t1").id)}, headers=HTMX)
    assert answer.status_code == 200
    assert factories.task_of(execution, "t1").status == "COMPLETED"


def test_an_automation_that_has_not_run_says_so(browser: Client, actor: Actor) -> None:
    created, _ = create_automation(actor, factories.automation())
    execution = factories.start(actor, factories.with_automation(str(created.id), trigger_mode="manual"))
    assert "It has not run yet." in pane(browser, execution)


def test_the_page_lists_runs_by_status_and_leads_to_their_tasks(browser: Client, flow: Execution) -> None:
    text = browser.get("/automation").content.decode()
    assert "Welcome &lt;b&gt;" in text
    assert f"/executions/{flow.id}?task={factories.task_of(flow, 't1').id}" in text
    assert "Welcome" not in browser.get("/automation?status=success").content.decode()
    assert "Welcome" in browser.get("/automation?status=failed&after=nonsense").content.decode()
    assert "<html" not in browser.get("/automation", headers=HTMX).content.decode()


def test_the_page_costs_the_same_for_many_runs(
    browser: Client, flow: Execution, actor: Actor, django_assert_num_queries: Any
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as one:
        browser.get("/automation")
    for _ in range(3):
        begin(actor, factories.set_city())
    with django_assert_num_queries(len(one)):
        browser.get("/automation")


@pytest.fixture
def dead(actor: Actor, monkeypatch: pytest.MonkeyPatch) -> Job:
    def call(situation: Any) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setitem(ACTIONS, "dead", ActionType("INTERNAL_ERROR", call=call))
    flow, _ = create_automation(actor, factories.automation({"type": "dead", "name": "Tell the partner"}))
    factories.start(actor, factories.with_automation(str(flow.id)))
    jobs.run_job(str(Job.objects.get().pk))
    Job.objects.filter(kind="run_action").update(attempt=4)
    factories.run_jobs()
    return Job.objects.get(kind="run_action")


def test_what_was_given_up_is_listed_and_tried_again(browser: Client, dead: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    text = browser.get("/automation?status=given-up").content.decode()
    assert "Tell the partner" in text
    assert "tried 5 times" in text
    assert "RuntimeError: broken" in text
    monkeypatch.setitem(ACTIONS, "dead", ActionType("INTERNAL_ERROR", call=lambda _: done()))
    answer = browser.post(f"/automation/jobs/{dead.pk}/redrive", headers=HTMX)
    assert "Nothing was given up" in answer.content.decode()
    factories.run_jobs()
    dead.refresh_from_db()
    assert dead.state == "done"
    assert browser.post(f"/automation/jobs/{dead.pk}/redrive", headers=HTMX).status_code == 404


def test_who_may_only_look_is_offered_nothing_and_can_do_nothing(actor: Actor, dead: Job) -> None:
    viewer = sign_in_as(actor, Role.VIEWER)
    before = dump()
    assert "Try again" not in viewer.get("/automation?status=given-up").content.decode()
    assert viewer.post(f"/automation/jobs/{dead.pk}/redrive", headers=HTMX).status_code == 403
    assert dump() == before


class TestConfirming:
    @pytest.fixture
    def token(self, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> str:
        monkeypatch.setitem(ACTIONS, "person", ActionType("INTERNAL_ERROR", call=lambda _: paused("confirmation")))
        self.execution = begin(actor, {"type": "person"})
        from workflows.models import AutomationAction

        action = AutomationAction.objects.get()
        assert action.job_id is not None
        return make_token(action.execution_id, action.key, action.job_id)

    def test_following_the_link_changes_nothing_and_the_button_does(self, client: Client, token: str) -> None:
        before = dump()
        page = client.get(f"/confirm/{token}")
        assert (page.status_code, "Please confirm" in page.content.decode()) == (200, True)
        assert dump() == before
        assert "it is confirmed" in client.post(f"/confirm/{token}").content.decode()
        factories.run_jobs()
        assert factories.current(self.execution) == ["t2"]
        assert client.post(f"/confirm/{token}").status_code == 410

    def test_the_button_needs_the_pages_own_form(self, token: str) -> None:
        strict = Client(enforce_csrf_checks=True)
        assert strict.post(f"/confirm/{token}").status_code == 403

    def test_a_link_that_is_not_ours_says_so(self, client: Client, db: None) -> None:
        assert client.get("/confirm/nonsense").status_code == 404
        assert client.post("/confirm/nonsense").status_code == 404
