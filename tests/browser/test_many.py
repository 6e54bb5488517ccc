"""Many tasks at once, the command palette, and adding tasks one after another."""

import time

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests import factories
from tests.browser.conftest import Api, sign_in
from tests.browser.test_keys import card, covered, flow, link, task
from tests.product import Product

pytestmark = [pytest.mark.product, pytest.mark.browser]


def test_tasks_are_selected_by_keys_and_what_is_not_allowed_is_told(page: Page, api: Api) -> None:
    first, second = (
        api.start(flow("Bulk one", due_date="2031-01-01T00:00:00.000")),
        api.start(flow("Bulk two", due_date="2031-01-02T00:00:00.000")),
    )
    data = factories.choice()
    data["tasks"][1] |= {"name": "Bulk three", "due_date": "2031-01-03T00:00:00.000"}
    choice = api.start(data)
    api.send("PATCH", f"/v2/flows/executions/{choice['id']}/tasks/{choice['tasks'][0]['id']}", {"status": "COMPLETED"})
    page.goto("/board?by=status&view=list&q=Bulk+")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("#live")).to_have_text("1 selected")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.locator("#bulk-count")).to_have_text("3 selected")
    expect(link(page, "Bulk three")).to_be_focused()
    assert not covered(page)
    page.locator("#bulk-status").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#popover").get_by_role("button", name="Complete")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text("2 done, 1 not allowed")
    expect(page.locator("#live")).to_have_text("2 done, 1 not allowed")
    expect(page.locator("#bulk")).to_be_hidden()
    expect(link(page, "Bulk three")).to_be_focused()
    assert [task(api, each)["status"] for each in (first, second)] == ["COMPLETED", "COMPLETED"]
    page.locator("#bulk-show").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Bulk three")
    expect(page.get_by_role("dialog")).to_contain_text("It is a decision")
    page.keyboard.press("Escape")
    page.keyboard.press("z")
    expect(page.locator("#toast")).to_contain_text("2 taken back")
    assert [task(api, each)["status"] for each in (first, second)] == ["PENDING", "PENDING"]


def test_tasks_are_selected_by_taps_and_put_off(browser: Browser, product: Product, api: Api) -> None:
    started = [api.start(flow(f"Tap number {number}")) for number in (1, 2)]
    context = browser.new_context(base_url=product.url, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = context.new_page()
    sign_in(page)
    page.goto("/board?by=status&q=Tap+number")
    page.get_by_label("Select Tap number 1").tap()
    page.get_by_label("Select Tap number 2").tap()
    expect(page.locator("#bulk-count")).to_have_text("2 selected")
    page.locator("#bulk-due_date").tap()
    page.locator("#popover").get_by_role("button", name="Tomorrow").tap()
    expect(page.locator("#toast")).to_contain_text("2 done")
    expect(card(page, "Tap number 1")).to_contain_text("due tomorrow")
    context.close()
    assert all(task(api, each)["due_date"] for each in started)


def test_a_range_is_selected_with_shift_and_all_with_ctrl_and_escape_gives_it_up(page: Page, api: Api) -> None:
    for number in (1, 2, 3):
        api.start(flow(f"Range {number}", due_date=f"2031-01-0{number}T00:00:00.000"))
    page.goto("/board?by=status&q=Range")
    link(page, "Range 1").focus()
    page.keyboard.press("x")
    link(page, "Range 3").click(modifiers=["Shift"])
    expect(page.locator("#bulk-count")).to_have_text("3 selected")
    page.keyboard.press("Escape")
    expect(page.locator("#bulk")).to_be_hidden()
    page.keyboard.press("Control+a")
    expect(page.locator("#bulk-count")).to_have_text("3 selected")
    expect(page.locator(".pick-box:checked")).to_have_count(3)


def test_more_than_two_hundred_are_left_to_a_worker_with_a_page(page: Page, api: Api, product: Product) -> None:
    template = api.send("POST", "/v2/flows/templates", {**factories.sequence(1), "name": "Crowd"})
    contact = api.send("POST", "/v1/entity/contact", {"first_name": "Ada", "last_name": "Crowd"})
    contexts = [{"entity_id": contact["_id"], "entity_schema": "contact"}]
    started = [
        api.send("POST", "/v2/flows/executions", {"flow_template_id": template["id"], "contexts": contexts}) for _ in range(201)
    ]
    page.goto(f"/board?by=status&view=list&template={template['id']}")
    for shown in (100, 150, 200, 201):
        page.locator("[data-more]").click()
        expect(page.locator("[data-card]")).to_have_count(shown)
    page.keyboard.press("Control+a")
    expect(page.locator("#bulk-count")).to_have_text("201 selected")
    page.locator("#bulk-status").click()
    page.locator("#popover").get_by_role("button", name="Complete").click()
    page.wait_for_url("**/bulk/*")
    expect(page.locator("#bulk-result")).to_contain_text("201 done", timeout=60000)
    assert page.locator("progress").get_attribute("value") == "201"
    assert task(api, started[-1])["status"] == "COMPLETED"


def test_what_is_selected_and_shown_stays_when_others_change_something_and_all_that_match_can_be_chosen(
    page: Page, api: Api
) -> None:
    template = api.send("POST", "/v2/flows/templates", {**factories.sequence(1), "name": "Herd"})
    contact = api.send("POST", "/v1/entity/contact", {"first_name": "Ada", "last_name": "Herd"})
    contexts = [{"entity_id": contact["_id"], "entity_schema": "contact"}]
    body = {"flow_template_id": template["id"], "contexts": contexts}
    started = [api.send("POST", "/v2/flows/executions", body) for _ in range(105)]
    page.goto(f"/board?by=status&view=list&template={template['id']}")
    page.locator("[data-more]").click()
    cards = page.locator("[data-card]")
    expect(cards).to_have_count(100)
    for place in (2, 80):
        cards.nth(place).locator(".pick-box").check()
    expect(page.locator("#bulk-count")).to_have_text("2 selected")
    shown = set(cards.evaluate_all("cards => cards.map(card => card.dataset.task)"))
    changed = next(each for each in started if each["tasks"][0]["id"] in shown)
    path = f"/v2/flows/executions/{changed['id']}/tasks/{changed['tasks'][0]['id']}"
    api.send("PATCH", path, {"name": "Renamed by somebody"})
    expect(page.locator("[data-card]").filter(has_text="Renamed by somebody")).to_be_visible(timeout=8000)
    expect(cards).to_have_count(100)
    expect(page.locator(".pick-box:checked")).to_have_count(2)
    expect(page.locator("#bulk-count")).to_have_text("2 selected")
    expect(page.locator("#bulk-all")).to_be_hidden()
    page.locator("#board-scroll").focus()
    page.keyboard.press("Control+a")
    page.locator("#bulk-all").click()
    expect(page.locator("#bulk-count")).to_have_text("105 tasks: all that match")
    page.locator("#bulk-status").click()
    page.locator("#popover").get_by_role("button", name="Hold").click()
    expect(page.locator("#toast")).to_contain_text("105 done")
    assert {task(api, each)["status"] for each in (started[0], started[-1])} == {"ON_HOLD"}


def test_the_palette_goes_and_acts_by_keys_and_gives_the_focus_back(page: Page, api: Api) -> None:
    started = api.start(flow("Varnish the door"))
    page.goto("/board?by=status&q=Varnish+the+door")
    page.keyboard.press("j")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette-words")).to_be_focused()
    expect(page.locator("#palette-words")).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    pointed = page.locator(f"#{page.locator('#palette-words').get_attribute('aria-activedescendant')}")
    expect(pointed).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(link(page, "Varnish the door")).to_be_focused()
    page.keyboard.press("Control+k")
    page.keyboard.type("put on hold")
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_have_text("Saved: On hold")
    expect(page.locator("#palette")).to_be_hidden()
    expect(link(page, "Varnish the door")).to_be_focused()
    assert task(api, started)["status"] == "ON_HOLD"
    page.keyboard.press("Control+k")
    page.keyboard.type("assign…")
    expect(page.locator("#palette [role=option]")).to_have_count(2)
    page.keyboard.press("Enter")
    expect(page.locator("#popover").get_by_label("Dana Demir")).to_be_focused()
    page.keyboard.press("Escape")
    expect(link(page, "Varnish the door")).to_be_focused()
    page.keyboard.press("Control+k")
    page.keyboard.type("varnish the door")
    expect(page.locator("#palette [role=option]").first).to_contain_text("Varnish the door")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/executions/{started['id']}?task=*")


def test_the_palette_is_opened_and_used_by_tapping(browser: Browser, product: Product, api: Api) -> None:
    context = browser.new_context(base_url=product.url, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = context.new_page()
    sign_in(page)
    page.locator("#open-palette").tap()
    page.locator("#palette-words").fill("executions")
    page.locator("#palette").get_by_role("option", name="Executions", exact=True).tap()
    page.wait_for_url("**/executions")
    context.close()


def test_tasks_are_added_to_a_phase_one_after_another(page: Page, api: Api) -> None:
    started = api.start(flow("Empty the cellar"))
    page.goto(f"/executions/{started['id']}")
    page.keyboard.press("n")
    expect(page.locator("#quick-name")).to_be_focused()
    for name in ("Take a picture", "Send the picture"):
        page.keyboard.type(name)
        page.keyboard.press("Enter")
        expect(page.locator("#live")).to_have_text(f"Added: {name}")
        expect(page.locator("#quick-name")).to_be_focused()
        expect(page.locator("#quick-name")).to_have_value("")
    page.keyboard.press("Escape")
    expect(link(page, "Empty the cellar")).to_be_focused()
    found = api.send("GET", f"/v2/flows/executions/{started['id']}")["tasks"]
    assert {"Take a picture", "Send the picture"} < {each["name"] for each in found}
    page.locator("#quick-1").click()
    expect(page.locator("#quick-name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#quick-1")).to_be_focused()


@pytest.mark.parametrize("address", ["/board?by=status", "/board?by=due", "/board?by=status&view=list", "/"])
def test_pages_stand_still_when_the_boxes_come(page: Page, product: Product, address: str) -> None:
    """However late their script is."""

    def come_late(route: Route) -> None:
        time.sleep(0.4)
        route.continue_()

    page.route("**/bulk*.js", come_late)
    page.add_init_script(SHIFTS)
    page.goto(address)
    expect(page.locator(".pick-box").first).to_be_attached()
    page.wait_for_timeout(200)
    assert page.evaluate("window.moved") == []


# Layout shifts count when nobody has done anything; what has moved is said. The bar at the top is there before the page is.
SHIFTS = """
window.moved = [];
new PerformanceObserver((list) => {
  const nodes = list.getEntries().flatMap((entry) => entry.sources.map((source) => source.node));
  window.moved.push(...nodes.filter((node) => node?.parentElement?.closest("#main")).map((node) => node.outerHTML.slice(0, 120)));
}).observe({ type: "layout-shift", buffered: true });
"""
