"""Automations in a real browser: the demo's have run, what failed is said and run again, a link is confirmed; for everybody."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Api, violations
from tests.product import Product

pytestmark = [pytest.mark.product, pytest.mark.browser]


def start(api: Api, *actions: dict[str, Any]) -> Any:
    """Start a flow whose only machine's task is an automation of these actions."""
    flow = {"flow_name": "Tell the partner", "triggers": [{"type": "flows_trigger"}], "actions": list(actions)}
    flow_id = api.send("POST", "/v1/automation/flows", flow)["id"]
    task = {"id": "tell", "name": "Tell the partner", "task_type": "AUTOMATION", "automation_config": {"flow_id": flow_id}}
    after = {"id": "after", "name": "Call", "task_type": "MANUAL"}
    edges = [{"id": "e", "from_id": "tell", "to_id": "after"}]
    return api.start({"name": "Partner", "tasks": [task, after], "edges": edges, "phases": []}), flow_id


BAD: dict[str, Any] = {"id": "note", "name": "Note it", "type": "map-entity", "config": {}}
GOOD = BAD | {"config": {"target_schema": "contact", "mapping_attributes": [{"target": "told", "operation": {"_set": True}}]}}


def test_the_demos_automations_have_run_without_a_network(page: Page) -> None:
    page.get_by_role("link", name="Automation").click()
    run = page.locator("li.run").filter(has_text="Welcome a customer").first
    expect(run.get_by_text("Done").first).to_be_visible()
    run.get_by_text("1 attempt").click()
    expect(run.get_by_text(re.compile("mailto:.*was taken"))).to_be_visible()
    assert violations(page) == []


def test_what_failed_is_said_and_run_again_from_the_pane(page: Page, api: Api) -> None:
    flow, automation = start(api, BAD)
    for _ in range(100):
        found = api.send("GET", f"/v2/flows/executions/{flow['id']}")["tasks"][0]
        if found["status"] == "FAILED":
            break
        page.wait_for_timeout(100)
    page.goto(f"/executions/{flow['id']}?task={found['id']}")
    pane = page.locator("#pane")
    expect(pane.get_by_text("Note it: target_schema is missing", exact=True)).to_be_visible()
    assert violations(page) == []
    api.send("PUT", f"/v1/automation/flows/{automation}", {"flow_name": "Tell the partner", "triggers": [], "actions": [GOOD]})
    pane.get_by_role("button", name="Run again").click()
    for _ in range(100):
        if pane.get_by_role("button", name="Refresh status").count() == 0:
            break
        pane.get_by_role("button", name="Refresh status").click()
        page.wait_for_timeout(200)
    expect(pane.locator("p.chips").first).to_contain_text("Completed")
    expect(pane.get_by_text("Earlier run: Failed")).to_be_visible()


def test_a_confirmation_is_given_by_a_button_without_signing_in(browser: Browser, product: Product, api: Api) -> None:
    template = {"to": "ada@mail.example", "subject": "Please", "body": "{{confirmation_url}}"}
    config = {"email_template_id": "x", "template": template, "wait_for_confirmation": True}
    flow, _ = start(api, {"id": "mail", "type": "send-email", "config": config})
    context = browser.new_context(base_url=product.url)
    page = context.new_page()
    for _ in range(100):
        task = api.send("GET", f"/v2/flows/executions/{flow['id']}")["tasks"][0]
        if task["status"] == "WAITING_FOR_CONFIRMATION":
            break
        page.wait_for_timeout(100)
    token = api.send("GET", f"/v1/automation/executions/{task['automation_execution_id']}")["resume_token"]
    page.goto(f"/confirm/{token}")
    assert violations(page) == []
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="Thank you, it is confirmed")).to_be_visible()
    assert violations(page) == []
    context.close()


def test_an_answer_counts_though_another_took_its_button_away(page: Page, api: Api) -> None:
    flow, _ = start(api, BAD)
    for _ in range(100):
        found = api.send("GET", f"/v2/flows/executions/{flow['id']}")["tasks"][0]
        if found["status"] == "FAILED":
            break
        page.wait_for_timeout(100)
    page.goto(f"/executions/{flow['id']}?task={found['id']}")
    # As when a second click asks while the answer to the first is under way.
    refresh = page.get_by_role("button", name="Refresh status")
    with page.expect_response("**/refresh"):
        page.evaluate("() => { const b = document.querySelector('#run-refresh'); b.click(); b.remove(); }")
    expect(refresh).to_be_visible()
