"""A person arranges all tasks on one board, moves them, and keeps views of it."""

from datetime import date, timedelta
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


def card(page: Page, name: str) -> Any:
    return page.locator("[data-card]").filter(has=page.get_by_role("link", name=name, exact=True))


def column(page: Page, name: str) -> Any:
    return page.locator("#work-board .column").filter(has=page.get_by_role("heading", name=name, exact=True))


def status_of(api: Api, started: Any) -> str:
    return str(api.send("GET", f"/v2/flows/executions/{started['id']}")["tasks"][0]["status"])


def drag(page: Page, source: Any, target: Any) -> None:
    """Lift a card and hold it over a column."""
    box, goal = source.bounding_box(), target.bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 70, box["y"] + 30, steps=4)
    page.mouse.move(goal["x"] + 60, goal["y"] + 60, steps=8)


def test_a_card_is_dragged_to_another_status(page: Page, api: Api) -> None:
    started = api.start(flow("Order the scaffold"))
    page.goto("/board?by=status&q=Order+the+scaffold")
    drag(page, card(page, "Order the scaffold"), column(page, "In progress"))
    page.mouse.up()
    expect(column(page, "In progress")).to_contain_text("Order the scaffold")
    expect(page.locator("#live")).to_have_text("“Order the scaffold” moved to In progress")
    expect(page.get_by_role("link", name="Order the scaffold", exact=True)).to_be_focused()
    expect(column(page, "In progress").locator(".count")).to_have_text("1")
    assert status_of(api, started) == "IN_PROGRESS"


def test_where_a_card_cannot_go_the_column_says_why(page: Page, api: Api) -> None:
    api.start(flow("Paint the fence", due_date="2031-01-01T00:00:00.000"))
    page.goto("/board?by=due&q=Paint+the+fence")
    drag(page, card(page, "Paint the fence"), column(page, "Overdue"))
    expect(column(page, "Overdue").locator(".why-not")).to_have_text("A day that has passed cannot be set.")
    page.mouse.up()
    expect(column(page, "Later")).to_contain_text("Paint the fence")
    expect(column(page, "Overdue").locator(".why-not")).to_be_hidden()
    page.locator("#work-by").select_option("template")
    expect(page.locator("#work-note")).to_contain_text("A task stays in the process")


def test_a_card_is_moved_by_keyboard(page: Page, api: Api) -> None:
    started = api.start(flow("Count the modules"))
    page.goto("/board?by=status&q=Count+the+modules")
    page.locator("#board-scroll").focus()
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Count the modules", exact=True)).to_be_focused()
    page.keyboard.press("m")
    expect(card(page, "Count the modules").get_by_role("button", name="In progress")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(column(page, "On hold")).to_contain_text("Count the modules")
    expect(page.get_by_role("link", name="Count the modules", exact=True)).to_be_focused()
    assert status_of(api, started) == "ON_HOLD"
    page.keyboard.press("Enter")
    expect(page.locator("#pane-title")).to_be_focused()
    page.locator("#pane").get_by_role("button", name="Start").click()
    expect(column(page, "In progress")).to_contain_text("Count the modules")
    page.keyboard.press("Escape")
    expect(page.locator("#pane")).to_be_hidden()
    expect(page).to_have_url(f"{api.url}/board?by=status&q=Count+the+modules")


def test_a_card_is_moved_by_tapping(browser: Browser, product: Product, api: Api) -> None:
    started = api.start(flow("Wash the van"))
    context = browser.new_context(base_url=product.url, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = context.new_page()
    sign_in(page)
    page.goto("/board?by=assignee&q=Wash+the+van")
    card(page, "Wash the van").get_by_label("Move Wash the van").tap()
    card(page, "Wash the van").get_by_role("button", name="Dana Demir").tap()
    expect(column(page, "Dana Demir")).to_contain_text("Wash the van")
    context.close()
    assert len(api.send("GET", f"/v2/flows/executions/{started['id']}")["tasks"][0]["assigned_to"]) == 1


def test_a_change_that_somebody_made_meanwhile_is_shown(page: Page, api: Api) -> None:
    started = api.start(flow("Lend the ladder"))
    page.goto("/board?by=status&q=Lend+the+ladder")
    path = f"/v2/flows/executions/{started['id']}/tasks/{started['tasks'][0]['id']}"
    api.send("PATCH", path, {"status": "IN_PROGRESS"})
    card(page, "Lend the ladder").get_by_label("Move Lend the ladder").click()
    # The menu is as it is now; the card that was dragged still says what was.
    page.keyboard.press("Escape")
    drag(page, card(page, "Lend the ladder"), column(page, "On hold"))
    page.mouse.up()
    expect(page.locator("#clash")).to_be_focused()
    expect(page.locator("#clash")).to_contain_text("browser tests set Status to “In progress”")
    expect(column(page, "In progress")).to_contain_text("Lend the ladder")
    assert status_of(api, started) == "IN_PROGRESS"


def test_filters_stand_in_the_address_and_go_by_their_chips(page: Page, api: Api) -> None:
    page.goto("/board?by=due")
    page.locator("#filters").click()
    page.locator("#filter-assignee").focus()
    page.locator("#filter-assignee").select_option("me")
    expect(page).to_have_url(f"{api.url}/board?by=due&assignee=me")
    expect(page.locator("#filter-assignee")).to_be_focused()
    page.locator("#filter-status").select_option("ON_HOLD")
    expect(page).to_have_url(f"{api.url}/board?by=due&status=ON_HOLD&assignee=me")
    page.keyboard.press("Escape")
    page.locator("#work-q").fill("product")
    expect(page).to_have_url(f"{api.url}/board?by=due&q=product&status=ON_HOLD&assignee=me")
    expect(page.locator("#work-q")).to_have_value("product")
    page.get_by_role("link", name="Remove the filter Assignee: Me").click()
    expect(page).to_have_url(f"{api.url}/board?by=due&q=product&status=ON_HOLD")
    page.get_by_role("link", name="Remove all", exact=True).click()
    expect(page).to_have_url(f"{api.url}/board?by=due")
    expect(page.locator("#work-q")).to_have_value("")


def test_a_view_is_kept_found_again_and_changed(page: Page, api: Api) -> None:
    page.goto("/board?by=due&assignee=me")
    page.locator("#views").click()
    page.get_by_role("button", name="Keep this view").click()
    page.get_by_label("Name", exact=True).fill("My dates")
    page.get_by_label("Everybody in the organisation").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="My dates")).to_be_visible()
    page.locator("#work-by").select_option("status")
    expect(page.get_by_role("button", name="Keep changes")).to_be_visible()
    page.goto("/board?by=status")
    page.locator("#views").click()
    page.get_by_role("link", name="My dates").click()
    page.wait_for_url("**/board?saved=*&by=due&assignee=me")
    boards = api.send("GET", "/v1/kanban/boards")
    assert [board["title"] for board in boards] == ["My dates"]
    page.locator("#views").click()
    page.get_by_role("button", name="Delete this view").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.wait_for_url("**/board?by=status")
    assert api.send("GET", "/v1/kanban/boards") == []


def test_the_list_is_sorted_and_works_on_tasks(page: Page, api: Api) -> None:
    started = api.start(flow("Zip the bag"))
    page.goto("/board?by=status&view=list")
    page.get_by_role("link", name="Task", exact=True).click()
    page.wait_for_url("**sort=name**")
    page.get_by_role("link", name="Task", exact=True).click()
    page.wait_for_url("**sort=-name**")
    expect(page.locator(".work-row .card-name").first).to_have_text("Zip the bag")
    expect(page.get_by_role("columnheader", name="Task")).to_have_attribute("aria-sort", "descending")
    card(page, "Zip the bag").get_by_label("Move Zip the bag").click()
    card(page, "Zip the bag").get_by_role("button", name="In progress").click()
    expect(page.locator("#live")).to_have_text("“Zip the bag” moved to In progress")
    expect(card(page, "Zip the bag").locator(".td-status")).to_have_text("In progress")
    card(page, "Zip the bag").get_by_role("button", name="Complete").click()
    expect(card(page, "Zip the bag")).to_have_count(0)
    assert status_of(api, started) == "COMPLETED"
    page.locator("#cols").click()
    page.get_by_label("Type", exact=True).check()
    expect(page.get_by_role("columnheader", name="Type")).to_be_visible()
    expect(page.locator("#col-type")).to_be_focused()


def test_the_calendar_works_by_keyboard(page: Page, api: Api) -> None:
    api.start(flow("Inspect the site", due_date="2031-05-28T00:00:00.000"))
    page.goto("/board?by=status&view=calendar&month=2031-05")
    page.locator("[data-day='2031-05-20']").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-day='2031-05-28']")).to_be_focused()
    page.keyboard.press("PageDown")
    page.wait_for_url("**month=2031-06**")
    page.go_back()
    page.get_by_role("link", name="Inspect the site").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#pane-title")).to_have_text("Inspect the site")
    later = date(2031, 5, 28) + timedelta(days=1)
    page.get_by_label("Due date", exact=True).fill(later.isoformat())
    expect(page.locator(".day").filter(has=page.locator(f"[data-day='{later}']"))).to_contain_text("Inspect the site")
    page.keyboard.press("Escape")
    page.locator(f"[data-day='{later}']").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".work-row")).to_have_count(1)
