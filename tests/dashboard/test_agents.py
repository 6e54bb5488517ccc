"""What people see of agents: their page, and in the pane of a task what one answered and proposes."""

import pytest
from django.test import Client

from tests import factories
from tests.automations.test_agents import agent_flow, completed, status
from tests.dashboard.test_pages import HTMX, path_of, sign_in_as
from tests.dump import dump
from tests.sink import Sink
from workflows.models import Agent, AgentRun, Execution, Organisation, Role
from workflows.permissions import Actor
from workflows.sealing import unseal
from workflows.services.agents import create_agent

PAGE = "/automation/agents"


@pytest.fixture
def browser(actor: Actor) -> Client:
    return sign_in_as(actor, Role.MANAGER)


@pytest.fixture
def agent(actor: Actor, sink: Sink) -> Agent:
    return create_agent(actor, {"name": "Scout <b>", "url": sink.url, "fields": ["city"]})[0]


def form(**changes: object) -> dict[str, object]:
    filled = {"name": "Scout", "description": "Looks", "url": "https://scout.example/run", "mode": "draft"}
    return filled | {"fields": "city, tags,", "seconds": "60", "runs_a_day": "5", "enabled": "true"} | changes


def begin(actor: Actor, agent: Agent) -> Execution:
    execution = factories.start(actor, agent_flow(agent))
    factories.run_jobs()
    return execution


def pane(browser: Client, execution: Execution) -> str:
    task = factories.task_of(execution, "ask")
    return browser.get(f"/executions/{execution.id}?task={task.id}", headers=HTMX).content.decode()


class TestPage:
    def test_shows_each_with_its_budget(self, browser: Client, actor: Actor, agent: Agent, sink: Sink) -> None:
        sink.answers = [completed()]
        begin(actor, agent)
        text = browser.get(PAGE).content.decode()
        assert "Scout &lt;b&gt;" in text
        assert "1 of 1000 runs within a day" in text
        assert str(agent.id) in text

    def test_a_new_one_is_made_and_its_secret_shown_once(self, browser: Client) -> None:
        text = browser.post(f"{PAGE}/create", form(), headers=HTMX).content.decode()
        made = Agent.objects.get()
        assert unseal(made.secret) in text
        assert unseal(made.secret) not in browser.get(PAGE).content.decode()
        assert (made.mode, made.fields, made.seconds, made.runs_a_day) == ("draft", ["city", "tags"], 60, 5)

    @pytest.mark.parametrize(
        "changes",
        [
            {"name": ""},
            {"url": "http://10.0.0.1/"},
            {"mode": "eager"},
            {"seconds": "301"},
            {"seconds": "x"},
            {"runs_a_day": "0"},
            {"fields": "_id"},
        ],
    )
    def test_one_that_makes_no_sense_is_refused(self, browser: Client, changes: dict[str, object]) -> None:
        before = dump()
        assert browser.post(f"{PAGE}/create", form(**changes), headers=HTMX).status_code == 422
        assert dump() == before

    def test_one_is_changed_renewed_and_deleted(self, browser: Client, agent: Agent) -> None:
        assert "Scout &lt;b&gt;" in browser.get(f"{PAGE}/{agent.id}/form", headers=HTMX).content.decode()
        browser.post(f"{PAGE}/{agent.id}/save", form(enabled=""), headers=HTMX)
        changed = Agent.objects.get()
        assert (changed.name, changed.enabled, changed.secret) == ("Scout", False, agent.secret)
        text = browser.post(f"{PAGE}/{agent.id}/secret", headers=HTMX).content.decode()
        assert unseal(Agent.objects.get().secret) in text
        assert "Delete this agent?" in browser.get(f"{PAGE}/{agent.id}/delete/ask", headers=HTMX).content.decode()
        assert browser.post(f"{PAGE}/{agent.id}/delete", headers=HTMX).headers["HX-Redirect"] == PAGE
        assert Agent.objects.count() == 0


class TestPane:
    def test_of_a_held_task_says_what_is_missing_and_asks_again(
        self, browser: Client, actor: Actor, agent: Agent, sink: Sink
    ) -> None:
        sink.answers = [completed(outcome="missing_input", message="No <house> number"), completed(outcome="assigned")]
        execution = begin(actor, agent)
        text = pane(browser, execution)
        assert "information is missing" in text
        assert "No &lt;house&gt; number" in text
        assert "Ask the agent again" in text
        assert browser.post(path_of(execution, "ask", "run"), headers=HTMX).status_code == 200
        factories.run_jobs()
        assert (status(execution), AgentRun.objects.count()) == ("COMPLETED", 2)
        assert "Earlier run" in pane(browser, execution)

    def test_shows_what_was_refused(self, browser: Client, actor: Actor, agent: Agent, sink: Sink) -> None:
        sink.answers = [completed(fields={"email": "x"})]
        assert "the field email is not among those that it may fill" in pane(browser, begin(actor, agent))

    def test_of_a_proposal_says_what_a_yes_will_do_and_takes_it(
        self, browser: Client, actor: Actor, agent: Agent, sink: Sink
    ) -> None:
        Agent.objects.update(mode="draft")
        sink.answers = [completed(branch="No", fields={"city": "Bonn"})]
        execution = begin(actor, agent)
        text = pane(browser, execution)
        assert "The flow will go on with “No”" in text
        assert "city will be “Bonn”" in text
        answer = browser.post(path_of(execution, "ask", "agent"), {"approved": "true", "reason": "Fine"}, headers=HTMX)
        assert answer.status_code == 200
        assert (status(execution), factories.current(execution)) == ("COMPLETED", ["no"])
        assert "approved what the agent proposes: Fine" in pane(browser, execution)

    def test_a_no_fails_the_task_with_the_reason(self, browser: Client, actor: Actor, agent: Agent, sink: Sink) -> None:
        Agent.objects.update(mode="draft")
        sink.answers = [completed()]
        execution = begin(actor, agent)
        browser.post(path_of(execution, "ask", "agent"), {"approved": "false", "reason": "Not this one"}, headers=HTMX)
        assert status(execution) == "FAILED"
        assert "Not this one" in pane(browser, execution)

    def test_a_failure_shows_its_attempts(self, browser: Client, actor: Actor, agent: Agent, sink: Sink) -> None:
        sink.answers = [completed()]
        Agent.objects.update(url="http://127.0.0.1:1/")
        text = pane(browser, begin(actor, agent))
        assert "nobody answered" in text
        assert "Next try" in text


def test_who_only_looks_changes_nothing(actor: Actor, agent: Agent, sink: Sink) -> None:
    Agent.objects.update(mode="draft")
    sink.answers = [completed()]
    execution = begin(actor, agent)
    client = sign_in_as(actor, Role.VIEWER)
    before = dump()
    acts = [
        f"{PAGE}/create",
        *(f"{PAGE}/{agent.id}/{act}" for act in ("save", "secret", "delete")),
        path_of(execution, "ask", "agent"),
    ]
    assert [client.post(path, form(approved="true"), headers=HTMX).status_code for path in acts] == [403] * 5
    assert "agent-approve" not in pane(client, execution)
    assert client.get(PAGE).status_code == 200
    assert "New agent" not in client.get(PAGE).content.decode()
    assert dump() == before


def test_another_organisations_agent_is_not_there(other_organisation: Organisation, agent: Agent) -> None:
    user = factories.make_user(other_organisation, "x@other.example", "X", Role.OWNER)
    client = sign_in_as(factories.actor_of(user, other_organisation), Role.MANAGER)
    before = dump()
    acts = [f"{PAGE}/{agent.id}/{act}" for act in ("save", "secret", "delete")]
    assert [client.post(path, form(), headers=HTMX).status_code for path in acts] == [404] * 3
    assert client.get(f"{PAGE}/{agent.id}/form", headers=HTMX).status_code == 404
    assert dump() == before
