"""Acting fast: by keys alone, by taps alone, on cards, and taking back what was done."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import factories
from tests.browser.conftest import Api, sign_in
from tests.product import Product

pytestmark = [pytest.mark.product, pytest.mark.browser]


def flow(name: str, **fields: Any) -> dict[str, Any]:
    data = factories.sequence(2)
    data["tasks"][0] |= {"name": name} | fields
    return data


def link(page: Page, name: str) -> Any:
    return page.get_by_role("link", name=name, exact=True)


def card(page: Page, name: str) -> Any:
    return page.locator("[data-card]").filter(has=link(page, name))


def task(api: Api, started: Any) -> Any:
    return api.send("GET", f"/v2/flows/executions/{started['id']}")["tasks"][0]


def covered(page: Page) -> bool:
    """Whether something lies over what has the focus."""
    return bool(
        page.evaluate(
            """() => { const box = document.activeElement.getBoundingClientRect();
            const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
            return !(document.activeElement.contains(top) || top?.contains(document.activeElement)); }"""
        )
    )


def test_by_keys_alone_a_task_is_found_moved_finished_and_that_taken_back(page: Page, api: Api) -> None:
    started = api.start(flow("Inspect the meter"))
    page.keyboard.press("g")
    page.keyboard.press("b")
    page.wait_for_url("**/board**")
    page.keyboard.press("/")
    expect(page.locator("#work-q")).to_be_focused()
    page.keyboard.type("Inspect the meter")
    expect(page.locator("[data-card]")).to_have_count(1)
    page.keyboard.press("Tab")
    page.keyboard.press("j")
    expect(link(page, "Inspect the meter")).to_be_focused()
    page.keyboard.press("m")
    expect(card(page, "Inspect the meter").get_by_role("button", name="In progress")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_have_text("“Inspect the meter” moved to In progress")
    expect(link(page, "Inspect the meter")).to_be_focused()
    page.keyboard.press("s")
    expect(page.locator("#popover").get_by_role("button", name="Complete")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text("Saved: Completed")
    assert task(api, started)["status"] == "COMPLETED"
    page.keyboard.press("z")
    expect(page.locator("#live")).to_have_text("Taken back: Inspect the meter")
    expect(link(page, "Inspect the meter")).to_be_focused()
    assert not covered(page)
    assert task(api, started)["status"] == "IN_PROGRESS"
    # Once more: what was done before that.
    page.keyboard.press("z")
    expect(page.locator("#work-board .column").first).to_contain_text("Inspect the meter")
    assert (task(api, started)["status"], task(api, started)["assigned_to"]) == ("PENDING", [])


def test_by_taps_alone_a_task_is_found_moved_finished_and_that_taken_back(browser: Browser, product: Product, api: Api) -> None:
    started = api.start(flow("Bleed the radiator"))
    context = browser.new_context(base_url=product.url, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = context.new_page()
    sign_in(page)
    page.get_by_role("link", name="Board", exact=True).tap()
    page.locator("#work-q").tap()
    page.keyboard.type("Bleed the radiator")
    expect(page.locator("[data-card]")).to_have_count(1)
    card(page, "Bleed the radiator").get_by_label("Move Bleed the radiator").tap()
    card(page, "Bleed the radiator").get_by_role("button", name="In progress").tap()
    expect(page.locator("#toast")).to_contain_text("moved to In progress")
    card(page, "Bleed the radiator").locator("[data-edit=status]").tap()
    page.locator("#popover").get_by_role("button", name="Complete").tap()
    expect(page.locator("#toast")).to_contain_text("Saved: Completed")
    assert task(api, started)["status"] == "COMPLETED"
    page.locator("#undo").tap()
    expect(card(page, "Bleed the radiator")).to_be_visible()
    assert task(api, started)["status"] == "IN_PROGRESS"
    card(page, "Bleed the radiator").locator("[data-edit=status]").tap()
    page.locator("#popover").get_by_role("button", name="Due date…").tap()
    page.locator("#popover").get_by_role("button", name="Tomorrow").tap()
    expect(card(page, "Bleed the radiator")).to_contain_text("due tomorrow")
    context.close()


def test_assignees_are_chosen_on_the_card_and_the_sheet_stays_for_the_next(page: Page, api: Api) -> None:
    started = api.start(flow("Fetch the ladder"))
    page.goto("/board?by=status&q=Fetch+the+ladder")
    page.keyboard.press("j")
    page.keyboard.press("a")
    sheet = page.locator("#popover")
    expect(sheet.get_by_label("Dana Demir")).to_be_focused()
    page.keyboard.press("Space")
    expect(card(page, "Fetch the ladder")).to_contain_text("Dana Demir")
    expect(sheet.get_by_label("Dana Demir")).to_be_checked()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(sheet.locator("[name=was]")).to_have_count(2)
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(link(page, "Fetch the ladder")).to_be_focused()
    assert len(task(api, started)["assigned_to"]) == 2


def test_a_task_is_ones_own_by_one_key(page: Page, api: Api) -> None:
    api.start(flow("Tune the pump"))
    page.goto("/board?by=status&q=Tune+the+pump")
    page.keyboard.press("j")
    page.keyboard.press("i")
    expect(page.locator("#live")).to_have_text("It is yours now")
    expect(card(page, "Tune the pump")).to_contain_text("Dana Demir")
    expect(link(page, "Tune the pump")).to_be_focused()


def test_a_clash_on_a_card_is_shown_beside_it(page: Page, api: Api) -> None:
    started = api.start(flow("Trim the hedge"))
    page.goto("/board?by=status&q=Trim+the+hedge")
    page.keyboard.press("j")
    page.keyboard.press("d")
    expect(page.locator("#popover").get_by_role("button", name="Tomorrow")).to_be_focused()
    path = f"/v2/flows/executions/{started['id']}/tasks/{started['tasks'][0]['id']}"
    api.send("PATCH", path, {"due_date": "2031-03-03T00:00:00.000"})
    page.keyboard.press("Enter")
    expect(page.locator("#clash")).to_be_focused()
    expect(page.locator("#popover")).to_be_hidden()
    assert task(api, started)["due_date"].startswith("2031-03-03")


def test_a_glance_at_a_task_leaves_the_focus_on_the_card(page: Page, api: Api) -> None:
    api.start(flow("Sweep the stairs"))
    api.start(flow("Sweep the yard"))
    page.goto("/board?by=status&q=Sweep+the")
    page.keyboard.press("j")
    first = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Space")
    expect(page.locator("#pane-title")).to_have_text(first)
    assert page.evaluate("document.activeElement.textContent") == first
    page.keyboard.press("j")
    expect(page.locator("#pane-title")).not_to_have_text(first)
    assert page.evaluate("document.activeElement.textContent") != first
    page.keyboard.press("Space")
    expect(page.locator("#pane")).to_be_hidden()


def test_what_was_done_is_taken_back_from_the_history_until_others_have_built_on_it(page: Page, api: Api) -> None:
    started = api.start(flow("Change the filter"))
    ids = [each["id"] for each in started["tasks"]]
    page.goto(f"/executions/{started['id']}?task={ids[0]}")
    page.locator("#pane").get_by_role("button", name="Complete").click()
    expect(page.locator("#toast")).to_be_visible()
    page.locator("[data-toast-close]").click()
    expect(page.locator("#toast")).to_have_count(0)
    api.send("PATCH", f"/v2/flows/executions/{started['id']}/tasks/{ids[1]}", {"status": "IN_PROGRESS"})
    page.locator("#pane .history").get_by_role("button", name="Undo").click()
    expect(page.locator("#alerts")).to_contain_text("somebody has worked on “Task t2”")
    assert task(api, started)["status"] == "COMPLETED"


def test_the_note_waits_while_it_is_held_and_goes_by_itself(page: Page, api: Api) -> None:
    api.start(flow("Close the valve"))
    page.clock.install()
    page.goto("/board?by=status&q=Close+the+valve")
    page.keyboard.press("j")
    page.keyboard.press("i")
    page.locator("#undo").focus()
    page.clock.run_for(15000)
    expect(page.locator("#toast")).to_be_visible()
    link(page, "Close the valve").focus()
    page.clock.run_for(11000)
    expect(page.locator("#toast")).to_have_count(0)


def test_single_keys_are_switched_off_and_nothing_needs_them(page: Page, api: Api) -> None:
    api.start(flow("Count the bolts"))
    page.goto("/preferences")
    page.get_by_label("Single keys act as shortcuts").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("Saved")
    page.goto("/board?by=status&q=Count+the+bolts")
    page.locator("#board-scroll").focus()
    for key in ("j", "s", "?", "g", "t"):
        page.keyboard.press(key)
    expect(page.locator("#popover")).to_be_hidden()
    expect(page.locator("#keys")).to_be_hidden()
    assert page.url.endswith("/board?by=status&q=Count+the+bolts")
    page.keyboard.press("ArrowDown")
    expect(link(page, "Count the bolts")).to_be_focused()
    page.goto("/preferences")
    page.get_by_label("Single keys act as shortcuts").check()
    page.get_by_role("button", name="Save").click()
