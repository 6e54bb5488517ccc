"""A person looks at an execution as a list, as a graph and as its history, and talks to others about it."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests import factories
from tests.browser.conftest import Api
from tests.browser.test_board import CHOICE

pytestmark = [pytest.mark.product, pytest.mark.browser]


def tab(page: Page, name: str) -> Any:
    return page.locator("#tabs").get_by_role("link", name=name, exact=True)


def node(page: Page, name: str) -> Any:
    return page.locator(".graph a").filter(has_text=name)


def overflow(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def test_views_have_addresses_and_keep_the_open_task(page: Page, api: Api) -> None:
    flow = api.start(CHOICE)
    task = flow["tasks"][0]["id"]
    page.goto(f"/executions/{flow['id']}")
    tab(page, "List").click()
    expect(page).to_have_url(f"{api.url}/executions/{flow['id']}?view=list")
    page.get_by_role("link", name="Ask the customer", exact=True).click()
    expect(page.locator("#pane-title")).to_be_focused()
    expect(page).to_have_url(f"{api.url}/executions/{flow['id']}?view=list&task={task}")
    tab(page, "Graph").click()
    expect(page).to_have_url(f"{api.url}/executions/{flow['id']}?view=graph&task={task}")
    expect(page.locator("#pane-title")).to_have_text("Ask the customer")
    expect(tab(page, "Graph")).to_have_attribute("aria-current", "page")
    tab(page, "History").click()
    expect(page.locator("#flow-timeline")).to_contain_text("started the flow")
    page.locator("#pane-close").click()
    expect(page).to_have_url(f"{api.url}/executions/{flow['id']}?view=timeline")


def test_the_list_is_sorted_and_worked_in(page: Page, api: Api) -> None:
    flow = api.start(CHOICE)
    page.goto(f"/executions/{flow['id']}?view=list")
    page.get_by_role("columnheader", name="Task").get_by_role("link").click()
    expect(page.get_by_role("columnheader", name="Task")).to_have_attribute("aria-sort", "ascending")
    names = page.locator(".task-list .card-name").all_text_contents()
    assert names == ["Ask the customer", "Say goodbye", "Will they buy?", "Write the contract"]
    row = page.locator(".work-row", has_text="Ask the customer")
    row.get_by_label("Move Ask the customer").click()
    row.get_by_role("button", name="Complete").click()
    expect(row).to_contain_text("Dana Demir")
    expect(page.locator(".work-row", has_text="Will they buy?")).to_contain_text("Current")
    expect(page).to_have_url(f"{api.url}/executions/{flow['id']}?view=list&sort=name")
    expect(page.locator("#task-list")).to_be_visible()


def test_the_graph_shows_the_path_taken_after_a_decision(page: Page, api: Api) -> None:
    flow = api.start(CHOICE)
    page.goto(f"/executions/{flow['id']}?view=graph")
    expect(page.locator(".graph .node.here")).to_contain_text("Ask the customer")
    node(page, "Ask the customer").click()
    expect(page.locator("#pane-title")).to_be_focused()
    page.locator("#pane").get_by_role("button", name="Complete", exact=True).click()
    expect(page.locator(".graph .node.here")).to_contain_text("Will they buy?")
    node(page, "Will they buy?").click()
    page.locator("#pane").get_by_role("button", name="Yes, they will").click()
    expect(page.locator(".graph .node.here")).to_contain_text("Write the contract")
    expect(page.locator(".graph .node.off")).to_contain_text("not on the path taken")
    assert page.locator(".sign title").all_text_contents() == ["No: not taken", "Yes, they will: taken"]
    assert "branch Yes, they will: taken, branch No: not taken" in (
        node(page, "Will they buy?").get_attribute("aria-label") or ""
    )
    page.get_by_role("link", name="List of the tasks").click()
    expect(page.locator("#task-list")).to_be_visible()


def test_the_graph_is_walked_and_opened_by_keyboard_alone(page: Page, api: Api) -> None:
    flow = api.start(CHOICE)
    page.goto(f"/executions/{flow['id']}?view=graph")
    page.locator("#tabs a").last.focus()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.graph a')"):
            break
    expect(node(page, "Ask the customer")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(node(page, "Will they buy?")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    focused = page.evaluate("document.activeElement.id")
    page.keyboard.press("Enter")
    expect(page.locator("#pane-title")).to_be_focused()
    expect(page).to_have_url(f"{api.url}/executions/{flow['id']}?view=graph&task={focused.removeprefix('open-')}")
    page.keyboard.press("Escape")
    expect(page.locator("#pane")).to_be_hidden()
    expect(page.locator(f"[id='{focused}']")).to_be_focused()


def test_a_wide_graph_scrolls_in_a_region_of_its_own(page: Page, api: Api) -> None:
    keys = [f"t{number}" for number in range(8)]
    tasks = [factories.task("a"), *(factories.task(key) for key in keys), factories.task("z")]
    edges = [edge for key in keys for edge in factories.chain("a", key, "z")]
    flow = api.start({"name": "Wide", "tasks": tasks, "edges": edges})
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 640})
        page.goto(f"/executions/{flow['id']}?view=graph")
        region = page.get_by_role("region", name="Graph")
        assert not overflow(page)
        assert region.evaluate("region => region.scrollWidth > region.clientWidth")
        region.evaluate("region => { region.scrollLeft = 0; region.focus(); }")
        page.keyboard.press("ArrowRight")
        page.wait_for_function("() => document.querySelector('#view-scroll').scrollLeft > 0")


def test_a_comment_mentions_somebody_by_keyboard_and_they_find_it(page: Page, api: Api) -> None:
    flow = api.start(CHOICE)
    task = flow["tasks"][0]["id"]
    page.goto(f"/executions/{flow['id']}?task={task}")
    page.locator("#comment-task").focus()
    page.keyboard.type("Please look, @da")
    expect(page.locator("#comment-task-people [role=option]")).to_have_count(1)
    expect(page.locator("#live")).to_have_text("1 person found")
    expect(page.locator("#comment-task")).to_have_attribute("aria-activedescendant", "comment-task-people-1")
    page.keyboard.press("Enter")
    expect(page.locator("#comment-task")).to_have_value("Please look, @Dana Demir ")
    page.keyboard.type("at https://a.example/x.")
    page.keyboard.press("Tab")
    expect(page.locator("#comment-task-send")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#pane .comment-text")).to_contain_text("Please look, @Dana Demir at https://a.example/x.")
    expect(page.locator("#pane .mention")).to_have_text("@Dana Demir")
    assert page.locator("#pane .comment-text a").get_attribute("href") == "https://a.example/x"
    expect(page.locator("#comment-task")).to_have_value("")

    page.goto("/")
    mention = page.locator(".mention-row", has_text="Please look").first
    mention.get_by_role("button", name="Mark as read").click()
    expect(page.locator("#live")).to_have_text("Marked as read")
    expect(page.locator("#group-mentions > ul .mention-row", has_text="Please look")).to_have_count(0)


def test_escape_closes_the_people_and_leaves_what_is_typed(page: Page, api: Api) -> None:
    flow = api.start(CHOICE)
    page.goto(f"/executions/{flow['id']}?task={flow['tasks'][0]['id']}")
    page.locator("#comment-task").focus()
    page.keyboard.type("To @jo")
    expect(page.locator("#comment-task-people")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#comment-task-people")).to_be_hidden()
    expect(page.locator("#comment-task")).to_have_value("To @jo")
    expect(page.locator("#pane-title")).to_be_visible()


def hold(page: Page, begun: str) -> list[Route]:
    """Keep the answers back that say who may be meant by these letters."""
    held: list[Route] = []

    def keep(route: Route) -> None:
        held.append(route)

    page.route(re.compile(f"[?&]q={begun}&"), keep)
    return held


def release(route: Route, people: Any) -> None:
    """Let a held answer through and wait until the page has done with it."""
    people.evaluate("list => list.addEventListener('htmx:afterSettle', () => { list.dataset.settled = 'yes' })")
    route.continue_()
    expect(people).to_have_attribute("data-settled", "yes")


def test_an_answer_after_escape_does_not_open_the_people_again(page: Page, api: Api) -> None:
    flow = api.start(CHOICE)
    page.goto(f"/executions/{flow['id']}?task={flow['tasks'][0]['id']}")
    held = hold(page, "jo")
    people = page.locator("#comment-task-people")
    page.locator("#comment-task").focus()
    page.keyboard.type("To @j")
    expect(people).to_be_visible()
    with page.expect_request(re.compile("[?&]q=jo&")):
        page.keyboard.type("o")
    page.keyboard.press("Escape")
    expect(people).to_be_hidden()
    release(held[0], people)
    expect(people).to_be_hidden()
    page.keyboard.type("n")
    expect(people).to_be_visible()


def test_people_for_fewer_letters_are_not_offered_for_more(page: Page, api: Api) -> None:
    flow = api.start(CHOICE)
    page.goto(f"/executions/{flow['id']}?task={flow['tasks'][0]['id']}")
    held = hold(page, "(jo)?")
    people = page.locator("#comment-task-people")
    page.locator("#comment-task").focus()
    with page.expect_request(re.compile("[?&]q=&")):
        page.keyboard.type("To @jo")
    release(held[0], people)
    expect(people).to_be_hidden()
    held[1].continue_()
    expect(people).to_be_visible()
    expect(people.locator("[role=option]")).to_have_count(1)


def test_a_half_written_comment_outlives_edits_and_reloads(page: Page, api: Api) -> None:
    flow = api.start(CHOICE)
    page.goto(f"/executions/{flow['id']}?task={flow['tasks'][0]['id']}")
    page.locator("#comment-task").fill("Not done yet")
    page.locator("#pane").get_by_role("button", name="Start", exact=True).click()
    expect(page.locator("#live")).to_have_text("Saved: In progress")
    expect(page.locator("#comment-task")).to_have_value("Not done yet")
    page.reload()
    expect(page.locator("#comment-task")).to_have_value("Not done yet")
    page.locator("#comment-task-send").click()
    expect(page.locator("#pane .comment-text")).to_have_text("Not done yet")
    expect(page.locator("#comment-task")).to_have_value("")


def test_a_comment_on_the_flow_is_changed_and_deleted_and_the_history_keeps_it(page: Page, api: Api) -> None:
    flow = api.start(CHOICE)
    page.goto(f"/executions/{flow['id']}?view=timeline")
    page.locator("#comment-flow").fill("Frist")
    page.locator("#comment-flow-send").click()
    expect(page.locator(".said")).to_contain_text("Frist")
    page.locator(".said").get_by_role("button", name="Change").click()
    expect(page.locator("#edited-text")).to_be_focused()
    page.locator("#edited-text").fill("First")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#flow-timeline")).to_contain_text("changed a comment: “Frist” → “First”")
    expect(page.locator(".said .comment-text")).to_have_text("First")
    page.locator(".said").get_by_role("button", name="Delete…").click()
    page.locator("#dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("#flow-timeline")).to_contain_text("deleted a comment: “First”")
    expect(page.locator(".said")).to_have_count(0)


def test_the_history_is_filtered_by_kind(page: Page, api: Api) -> None:
    flow = api.start(CHOICE)
    page.goto(f"/executions/{flow['id']}?view=timeline")
    page.get_by_role("link", name="Assignees", exact=True).click()
    expect(page).to_have_url(f"{api.url}/executions/{flow['id']}?view=timeline&kind=assignment")
    expect(page.locator("#flow-timeline")).to_contain_text("Nothing of this kind has happened yet")
    page.get_by_role("link", name="Show everything").click()
    expect(page.locator("#flow-timeline")).to_contain_text("started the flow")


def test_what_the_flow_is_about_is_shown_and_leads_to_the_board(page: Page, api: Api) -> None:
    flow = api.start(CHOICE)
    page.goto(f"/executions/{flow['id']}")
    button = page.get_by_role("button", name="Related")
    expect(button).to_have_attribute("aria-expanded", "false")
    button.press("Enter")
    expect(page.locator("#subjects")).to_contain_text("Berg")
    page.get_by_role("link", name="All tasks about").click()
    expect(page).to_have_url(f"{api.url}/board?by=status&show=all&entity={flow['contexts'][0]['entity_id']}")
    expect(page.locator("#work-board")).to_contain_text("Ask the customer")
