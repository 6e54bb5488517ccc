"""A person works a flow to its end in the browser."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Api, onboarding, sign_in, violations

pytestmark = [pytest.mark.product, pytest.mark.browser]

CHOICE = {
    "name": "Choice",
    "tasks": [
        {"id": "ask", "name": "Ask the customer", "task_type": "MANUAL"},
        {
            "id": "decide",
            "name": "Will they buy?",
            "task_type": "DECISION",
            "trigger_mode": "manual",
            "conditions": [
                {"id": "y", "branch_name": "Yes, they will", "logical_operator": "AND", "statements": []},
                {"id": "n", "branch_name": "No", "logical_operator": "AND", "statements": []},
            ],
        },
        {"id": "sell", "name": "Write the contract", "task_type": "MANUAL"},
        {"id": "drop", "name": "Say goodbye", "task_type": "MANUAL"},
    ],
    "edges": [
        {"id": "1", "from_id": "ask", "to_id": "decide"},
        {"id": "2", "from_id": "decide", "to_id": "sell", "condition_id": "y"},
        {"id": "3", "from_id": "decide", "to_id": "drop", "condition_id": "n"},
    ],
}


def card(page: Page, name: str) -> Any:
    return page.locator("[data-card]").filter(has=page.get_by_role("link", name=name, exact=True))


def test_a_started_flow_is_worked_and_closed(page: Page, api: Api) -> None:
    flow = api.start(onboarding())
    page.goto("/executions")
    page.get_by_role("link", name="Customer Onboarding").first.click()
    expect(page.get_by_role("heading", name="Customer Onboarding")).to_be_visible()
    expect(card(page, "Verify customer identity")).to_contain_text("Current")

    page.get_by_role("link", name="Verify customer identity").click()
    expect(page).to_have_url(f"{api.url}/executions/{flow['id']}?task={flow['tasks'][0]['id']}")
    expect(page.locator("#pane-title")).to_be_focused()
    page.locator("#pane").get_by_role("button", name="Complete").click()
    expect(page.locator("#live")).to_have_text("Saved: Completed")
    expect(card(page, "Send welcome email")).to_contain_text("Current")
    expect(page.locator("#pane .history")).to_contain_text("Dana Demir set the status to Completed, it was To do")

    page.get_by_role("button", name="Close…").click()
    page.get_by_label("reason_cancelled").check()
    page.get_by_label("More about it").fill("Changed their mind")
    page.get_by_role("button", name="Close the flow").click()
    expect(page.locator("#flow")).to_contain_text("Closed because")
    closed = api.send("GET", f"/v2/flows/executions/{flow['id']}")
    assert closed["status"] == "CLOSED"
    assert closed["closing_reason"]["selected_reasons"] == [{"id": "reason_cancelled", "title": "reason_cancelled"}]
    assert closed["closing_reason"]["extra_description"] == "Changed their mind"

    page.get_by_role("button", name="Reopen").click()
    expect(page.locator("#flow")).not_to_contain_text("Closed because")
    assert api.send("GET", f"/v2/flows/executions/{flow['id']}")["status"] == "STARTED"


def test_fields_are_saved_one_by_one(page: Page, api: Api) -> None:
    flow = api.start(CHOICE)
    page.goto(f"/executions/{flow['id']}?task={flow['tasks'][0]['id']}")
    page.get_by_label("Due date", exact=True).fill("2031-05-28")
    expect(card(page, "Ask the customer")).to_contain_text("due 28 May 2031")
    page.locator("#assignees").click()
    page.locator("#pane").get_by_label("Aylin Kaya").check()
    expect(card(page, "Ask the customer")).to_contain_text("Aylin Kaya")
    page.locator("#pane").get_by_label("Jonas Weber").check()
    expect(card(page, "Ask the customer")).to_contain_text("Jonas Weber")
    page.get_by_label("Name", exact=True).fill("Call the customer")
    page.get_by_label("Name", exact=True).press("Enter")
    expect(card(page, "Call the customer")).to_be_visible()
    task = api.send("GET", f"/v2/flows/executions/{flow['id']}")["tasks"][0]
    assert (task["name"], task["due_date"], len(task["assigned_to"])) == ("Call the customer", "2031-05-28T00:00:00.000", 2)


def test_a_decision_offers_its_branches(page: Page, api: Api) -> None:
    flow = api.start(CHOICE)
    page.goto(f"/executions/{flow['id']}?task={flow['tasks'][1]['id']}")
    card(page, "Ask the customer").get_by_label("Move Ask the customer").click()
    card(page, "Ask the customer").get_by_role("button", name="Complete").click()
    page.get_by_role("group", name="Choose how it goes on").get_by_role("button", name="Yes, they will").click()
    expect(card(page, "Write the contract")).to_contain_text("Current")
    aside = page.locator(".lane").filter(has=page.get_by_role("heading", name="Not on the path taken"))
    expect(aside.locator("[data-card]")).to_contain_text("Say goodbye")
    expect(card(page, "Will they buy?")).to_contain_text("Yes, they will")


def test_a_card_is_dragged_between_lanes(page: Page, api: Api) -> None:
    flow = api.start(CHOICE)
    page.goto(f"/executions/{flow['id']}")
    source = card(page, "Ask the customer")
    box = source.bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 40, steps=4)
    lane = page.locator("[data-lane=IN_PROGRESS]").first
    expect(lane).to_be_visible()
    target = lane.bounding_box()
    page.mouse.move(target["x"] + 60, target["y"] + 20, steps=8)
    page.mouse.up()
    expect(card(page, "Ask the customer")).to_contain_text("In progress")
    assert api.send("GET", f"/v2/flows/executions/{flow['id']}")["tasks"][0]["status"] == "IN_PROGRESS"


def test_everything_works_by_keyboard(page: Page, api: Api) -> None:
    flow = api.start(CHOICE)
    page.goto(f"/executions/{flow['id']}")
    page.locator("#board-scroll").focus()
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Ask the customer")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("m")
    expect(card(page, "Ask the customer").get_by_role("button", name="Complete")).to_be_focused()
    page.keyboard.press("Escape")
    expect(card(page, "Ask the customer").locator("summary")).to_be_focused()
    page.get_by_role("link", name="Ask the customer").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#pane-title")).to_have_text("Ask the customer")
    expect(page.locator("#pane-title")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#pane")).to_be_hidden()
    expect(page.get_by_role("link", name="Ask the customer")).to_be_focused()
    expect(page).to_have_url(f"{api.url}/executions/{flow['id']}")


def test_a_clash_shows_both_values_and_keeps_what_was_typed(page: Page, api: Api) -> None:
    flow = api.start(CHOICE)
    task = flow["tasks"][0]["id"]
    page.goto(f"/executions/{flow['id']}?task={task}")
    api.send("PATCH", f"/v2/flows/executions/{flow['id']}/tasks/{task}", {"due_date": "2031-03-03T00:00:00.000"})
    page.get_by_label("Due date", exact=True).fill("2031-05-28")
    clash = page.get_by_role("alert")
    expect(clash).to_contain_text("browser tests set Due date to “March 3, 2031”")
    expect(clash).to_contain_text("You entered “May 28, 2031”")
    expect(page.locator("#clash")).to_be_focused()
    assert violations(page) == []
    clash.get_by_role("button", name="Use mine").click()
    expect(page.locator("#clash")).to_have_count(0)
    assert api.send("GET", f"/v2/flows/executions/{flow['id']}")["tasks"][0]["due_date"] == "2031-05-28T00:00:00.000"


def test_a_description_that_somebody_else_changed_is_not_written_over(page: Page, api: Api) -> None:
    flow = api.start(CHOICE)
    task = flow["tasks"][0]["id"]
    page.goto(f"/executions/{flow['id']}?task={task}")
    body = {"description": {"enabled": True, "value": "Ring twice"}}
    api.send("PATCH", f"/v2/flows/executions/{flow['id']}/tasks/{task}", body)
    page.get_by_label("Description", exact=True).fill("First line\nSecond line")
    page.get_by_label("Name", exact=True).focus()
    clash = page.get_by_role("alert")
    expect(clash).to_contain_text("set Description to “Ring twice”")
    expect(clash).to_contain_text("You entered “First line Second line”")
    clash.get_by_role("button", name="Use mine").click()
    expect(page.locator("#clash")).to_have_count(0)
    expect(page.get_by_label("Description", exact=True)).to_have_value("First line\nSecond line")


def test_the_board_shows_where_the_flow_is_and_which_task_is_open(page: Page, api: Api) -> None:
    phases = [{"id": f"p{number}", "name": f"Phase {number}"} for number in range(8)]
    tasks = [
        {"id": f"t{number}", "name": f"Step {number}", "task_type": "MANUAL", "phase_id": f"p{number}"} for number in range(8)
    ]
    edges = [{"id": f"e{number}", "from_id": f"t{number}", "to_id": f"t{number + 1}"} for number in range(7)]
    flow = api.start({"name": "Long way", "phases": phases, "tasks": tasks, "edges": edges})
    for task in flow["tasks"][:6]:
        api.send("PATCH", f"/v2/flows/executions/{flow['id']}/tasks/{task['id']}", {"status": "COMPLETED"})
    page.goto(f"/executions/{flow['id']}")
    expect(card(page, "Step 6")).to_be_in_viewport(ratio=1)
    page.get_by_role("link", name="Step 6").click()
    expect(page.get_by_role("link", name="Step 6")).to_have_attribute("aria-current", "true")
    expect(card(page, "Step 6")).to_be_in_viewport(ratio=1)
    page.locator("#pane").get_by_role("button", name="Start").click()
    expect(card(page, "Step 6")).to_contain_text("In progress")
    expect(page.get_by_role("link", name="Step 6")).to_have_attribute("aria-current", "true")
    page.keyboard.press("Escape")
    expect(page.locator("#board [aria-current]")).to_have_count(0)


def test_a_click_beside_the_menu_of_a_card_only_closes_it(page: Page, api: Api) -> None:
    flow = api.start(CHOICE)
    page.goto(f"/executions/{flow['id']}")
    menu = card(page, "Ask the customer").locator("details")
    menu.locator("summary").click()
    expect(card(page, "Will they buy?")).to_have_attribute("inert", "")
    box = card(page, "Say goodbye").bounding_box()
    page.mouse.click(box["x"] + 40, box["y"] + 12)
    expect(menu).not_to_have_attribute("open", "")
    expect(page.locator("[data-card][inert]")).to_have_count(0)
    expect(page).to_have_url(f"{api.url}/executions/{flow['id']}")


def test_a_flow_is_started_from_the_dialog(page: Page) -> None:
    page.get_by_role("button", name="Start a flow").click()
    page.get_by_label("Process").select_option(label="Lead Qualification")
    page.get_by_label("Or the name of a new contact").fill("Grace Hopper")
    page.get_by_role("dialog").get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url("**/executions/*")
    expect(page.locator("#flow")).to_contain_text("Grace Hopper")
    page.get_by_role("button", name="Add task").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Send a thank-you note")
    page.get_by_role("dialog").get_by_role("button", name="Add task").click()
    expect(card(page, "Send a thank-you note")).to_be_visible()


def test_a_refusal_is_told_and_nothing_is_lost(page: Page) -> None:
    page.get_by_role("button", name="Start a flow").click()
    page.get_by_label("Process").select_option(label="Lead Qualification")
    page.get_by_role("dialog").get_by_role("button", name="Start", exact=True).click()
    # In the dialog: what lies behind it is inert.
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("choose an entry")
    expect(page.get_by_label("Process")).to_have_value(page.get_by_label("Process").input_value())


def test_signing_out_ends_the_work(page: Page) -> None:
    page.locator(".top details summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login*")
    page.goto("/")
    page.wait_for_url("**/login?next=%2F")
    sign_in(page)
