"""Webhooks and agents in a real browser: made, tried, changed and answered, with keys and on a phone."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests import factories
from tests.browser.conftest import Api, violations
from tests.product import Product, run_product

pytestmark = [pytest.mark.product, pytest.mark.browser]

PROPOSAL = {"outcome": "recommended", "branch": "Yes", "message": "The roof faces south.", "fields": {"roof": "south"}}


@pytest.fixture(scope="module")
def outside() -> Iterator[HTTPServer]:
    def answer(request: Request) -> Response:
        return Response(
            json.dumps({"status": "completed", "result": {"structured_output": PROPOSAL}}), mimetype="application/json"
        )

    with HTTPServer(host="127.0.0.1") as server:
        server.expect_request("/agent").respond_with_handler(answer)
        server.expect_request("/hook").respond_with_json({"taken": True})
        yield server


@pytest.fixture(scope="module")
def product(outside: HTTPServer) -> Iterator[Product]:
    """One that may reach the machine that it runs on."""
    patch = pytest.MonkeyPatch()
    with patch.context() as changed:
        changed.setenv("OUTBOUND_ALLOWED_NETWORKS", "127.0.0.0/8")
        with run_product() as running:
            running.manage("demo")
            yield running


def make(page: Page, what: str, **fields: str) -> None:
    page.get_by_role("button", name=what).press("Enter")
    dialog = page.locator("#dialog[open]")
    for label, value in fields.items():
        dialog.get_by_label(label.replace("_", " "), exact=label == "Name").fill(value)


def accept_secret(page: Page) -> None:
    expect(page.locator("#secret")).to_contain_text("whsec_")
    assert violations(page) == []
    page.get_by_role("link", name="I have copied it").click()


def test_a_webhook_is_made_tried_changed_and_paused(page: Page, outside: HTTPServer) -> None:
    page.goto("/automation/webhooks")
    make(page, "New webhook", Name="Billing", URL=outside.url_for("/hook"))
    page.get_by_label("Flow started").press("Space")
    assert violations(page) == []
    page.get_by_role("button", name="Save").press("Enter")
    accept_secret(page)
    page.get_by_role("button", name="Send a test").press("Enter")
    expect(page.locator(".run .chip", has_text="Arrived")).to_be_visible()
    page.get_by_text("What was sent").press("Enter")
    expect(page.locator(".payload")).to_contain_text('"_event_source": "test"')
    page.get_by_role("button", name="Edit").press("Enter")
    page.locator("#dialog").get_by_label("Name").fill("Accounting")
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_role("heading", name="Accounting")).to_be_visible()
    expect(page.locator("#dialog")).not_to_be_visible()
    page.get_by_role("button", name="Pause").press("Enter")
    expect(page.get_by_role("button", name="Go on")).to_be_focused()
    assert violations(page) == []


def test_a_refused_address_is_said_in_the_dialog(page: Page) -> None:
    page.goto("/automation/webhooks")
    make(page, "New webhook", Name="Inside", URL="http://10.0.0.1/")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#dialog .alert")).to_contain_text("not allowed")


def test_an_agents_proposal_is_approved(page: Page, api: Api, outside: HTTPServer) -> None:
    page.goto("/automation/agents")
    make(page, "New agent", Name="Scout", URL=outside.url_for("/agent"), Fields_of_the_entity="roof")
    page.get_by_label("How it works").select_option("draft")
    assert violations(page) == []
    page.get_by_role("button", name="Save").click()
    accept_secret(page)
    key = page.locator(".run", has_text="Scout").locator("code").last.inner_text()
    data: dict[str, Any] = factories.choice()
    data["tasks"][0] |= {"task_type": "AI_AGENT", "agent_config": {"agent_id": key}}
    flow = api.start(data)
    for _ in range(50):
        task = api.send("GET", f"/v2/flows/executions/{flow['id']}")["tasks"][0]
        if task["status"] == "WAITING_FOR_CONFIRMATION":
            break
        page.wait_for_timeout(200)
    page.goto(f"/executions/{flow['id']}?task={task['id']}")
    expect(page.locator(".proposal")).to_contain_text("roof will be “south”")
    assert violations(page) == []
    page.get_by_label("Reason").fill("Agreed")
    page.get_by_role("button", name="Approve").press("Enter")
    expect(page.locator("#pane .chip.s-COMPLETED").first).to_be_visible()
    expect(page.locator("#pane .history")).to_contain_text("approved what the agent proposes: Agreed")
