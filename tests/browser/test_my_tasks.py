"""A person finds, takes, puts off and finishes tasks on the start page."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import factories
from tests.browser.conftest import Api, sign_in, violations
from tests.product import Product

pytestmark = [pytest.mark.product, pytest.mark.browser]


def flow(name: str, **fields: Any) -> dict[str, Any]:
    data = factories.sequence(2)
    data["tasks"][0] |= {"name": name} | fields
    return data


def row(page: Page, name: str) -> Any:
    return page.locator("[data-card]").filter(has=page.get_by_role("link", name=name, exact=True))


def group(page: Page, key: str) -> Any:
    return page.locator(f"#group-{key}")


def test_a_task_is_taken_put_off_and_finished_by_keyboard(page: Page, api: Api) -> None:
    started = api.start(flow("Measure the roof"))
    page.goto("/")
    page.locator(f"#take-{started['tasks'][0]['id']}").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_have_text("It is yours now")
    expect(group(page, "none")).to_contain_text("Measure the roof")
    page.get_by_role("link", name="Measure the roof").focus()
    page.keyboard.press("m")
    expect(row(page, "Measure the roof").get_by_role("button", name="Tomorrow")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(row(page, "Measure the roof").get_by_role("button", name="Next Monday")).to_be_focused()
    page.keyboard.press("Enter")
    expect(group(page, "none").locator("[data-card]", has_text="Measure the roof")).to_have_count(0)
    expect(row(page, "Measure the roof")).to_contain_text("due ")
    expect(page.get_by_role("link", name="Measure the roof")).to_be_focused()
    page.locator(f"#act-{started['tasks'][0]['id']}").focus()
    page.keyboard.press("Enter")
    expect(row(page, "Measure the roof")).to_have_count(0)
    expect(page.locator("#live")).to_have_text("Saved: Completed")
    assert page.evaluate("document.activeElement.matches('.card-name, #board-scroll')")
    task = api.send("GET", f"/v2/flows/executions/{started['id']}")["tasks"][0]
    assert (task["status"], bool(task["due_date"])) == ("COMPLETED", True)


def test_a_tasks_pane_opens_in_place_and_edits_there(page: Page, api: Api) -> None:
    started = api.start(flow("Ring the bell"))
    task = started["tasks"][0]["id"]
    page.goto("/")
    page.get_by_role("link", name="Ring the bell").click()
    expect(page.locator("#pane-title")).to_be_focused()
    expect(page).to_have_url(f"{api.url}/?task={task}")
    page.locator("#pane").get_by_role("button", name="Start").click()
    expect(row(page, "Ring the bell")).to_contain_text("In progress")
    expect(page.locator("#pane .history")).to_contain_text("set the status to In progress")
    expect(group(page, "pool").locator("[data-card]", has_text="Ring the bell")).to_have_count(0)
    page.reload()
    expect(page.locator("#pane-title")).to_have_text("Ring the bell")
    page.keyboard.press("Escape")
    expect(page.locator("#pane")).to_be_hidden()
    expect(page).to_have_url(f"{api.url}/")
    expect(page.get_by_role("link", name="Ring the bell")).to_be_focused()
    page.get_by_role("link", name="Ring the bell").click()
    page.get_by_role("link", name="Board of Sequence").click()
    expect(page).to_have_url(f"{api.url}/executions/{started['id']}?task={task}")


def test_j_and_k_go_through_all_groups(page: Page, api: Api) -> None:
    page.goto("/")
    page.locator("#board-scroll").focus()
    names = page.locator(".card-name").all_inner_texts()
    for _ in names[:4]:
        page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator(".card-name").nth(2)).to_be_focused()


def test_a_date_that_somebody_set_meanwhile_is_shown_beside_ones_own(page: Page, api: Api) -> None:
    started = api.start(flow("Write the letter"))
    task = started["tasks"][0]["id"]
    page.goto("/")
    page.locator(f"#take-{task}").click()
    expect(group(page, "none")).to_contain_text("Write the letter")
    # The menu is loaded when it is opened; what it knew then is what the clash is about.
    page.locator(f"#snooze-{task}").click()
    row(page, "Write the letter").get_by_label("Another day").fill("2031-05-28")
    api.send("PATCH", f"/v2/flows/executions/{started['id']}/tasks/{task}", {"due_date": "2031-03-03T00:00:00.000"})
    row(page, "Write the letter").get_by_role("button", name="Set").click()
    expect(page.locator("#clash")).to_be_focused()
    expect(page.locator("#clash")).to_contain_text("You entered “May 28, 2031”")
    assert violations(page) == []
    # It stays, although the page that the server would show has no pane open.
    for _ in range(2):
        page.wait_for_event("response", lambda answer: "live" in answer.request.headers)
    page.get_by_role("button", name="Use mine").click()
    expect(page.locator("#clash")).to_have_count(0)
    expect(group(page, "later")).to_contain_text("due 28 May 2031")


def test_a_task_is_taken_and_finished_by_tapping(browser: Browser, product: Product, api: Api) -> None:
    started = api.start(flow("Take the key back"))
    task = started["tasks"][0]["id"]
    context = browser.new_context(base_url=product.url, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = context.new_page()
    sign_in(page)
    page.locator(f"#take-{task}").tap()
    expect(group(page, "none")).to_contain_text("Take the key back")
    page.locator(f"#snooze-{task}").tap()
    row(page, "Take the key back").get_by_role("button", name="Tomorrow").tap()
    expect(row(page, "Take the key back")).to_contain_text("due tomorrow")
    page.locator(f"#act-{task}").tap()
    expect(row(page, "Take the key back")).to_have_count(0)
    context.close()
    assert api.send("GET", f"/v2/flows/executions/{started['id']}")["tasks"][0]["status"] == "COMPLETED"
