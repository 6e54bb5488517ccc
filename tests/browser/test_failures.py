"""What goes wrong between page and server is said where the person is, and what they typed stays."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import let_everybody_in, sign_in, violations
from tests.product import Product

pytestmark = [pytest.mark.product, pytest.mark.browser]
TEXT = "half a thought that nobody wants to type twice"


@pytest.fixture
def page(context) -> Page:  # type: ignore[no-untyped-def]
    """Requests that fail are what these tests are about, so the console may tell of them."""
    opened = context.new_page()
    sign_in(opened)
    return opened


def open_comment(page: Page) -> None:
    """Write a comment on a task, and do not send it."""
    page.goto("/")
    page.locator("#my-tasks .card-name").first.click()
    page.locator("#comment-task").fill(TEXT)


def send(page: Page) -> None:
    page.locator("#comment-task").press("Control+Enter")


def test_without_a_network_the_reason_is_told_and_what_was_typed_can_be_sent_when_it_is_back(page: Page) -> None:
    open_comment(page)
    page.context.set_offline(True)
    send(page)
    expect(page.get_by_role("alert")).to_contain_text("no connection to the network")
    expect(page.locator("#comment-task")).to_have_value(TEXT)
    page.context.set_offline(False)
    expect(page.get_by_role("alert")).to_have_count(0)
    send(page)
    expect(page.locator(".comment").filter(has_text=TEXT)).to_be_visible()


def test_whoever_was_signed_out_signs_in_beside_the_page_and_sends_what_they_typed(page: Page, product: Product) -> None:
    open_comment(page)
    page.locator("#comment-task").fill(TEXT + " again")
    page.context.clear_cookies()
    send(page)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("no longer signed in")
    assert violations(page) == []
    with page.expect_popup() as opened:
        alert.get_by_role("link", name="Sign in in a new tab").click()
    tab = opened.value
    expect(tab).to_have_url(f"{product.url}/login?next=/signed-in")
    tab.locator("[name=username]").fill("demo@demo-energy.example")
    tab.locator("[name=password]").fill("demo-energy-2026")
    tab.locator("form button.primary").click()
    expect(tab.locator("h1")).to_have_text("You are signed in")
    assert violations(tab) == []
    tab.close()
    page.bring_to_front()
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(alert).to_have_count(0)
    expect(page.locator("#comment-task")).to_have_value(TEXT + " again")
    send(page)
    expect(page.locator(".comment").filter(has_text=TEXT + " again")).to_be_visible()


def test_a_page_that_is_older_than_the_sign_in_takes_the_new_secret_and_sends_again(page: Page) -> None:
    open_comment(page)
    other = page.context.new_page()
    other.goto("/")
    other.locator(".top > details.menu > summary").click()
    other.get_by_role("button", name="Sign out").click()
    sign_in(other)
    other.close()
    page.locator("#comment-task").fill(TEXT + " anew")
    with page.expect_response("**/session"):
        send(page)
    expect(page.get_by_role("alert")).to_contain_text("Send it once more")
    send(page)
    expect(page.locator(".comment").filter(has_text=TEXT + " anew")).to_be_visible()


def test_what_a_proxy_answers_is_not_shown_as_a_part_of_the_page(page: Page) -> None:
    open_comment(page)
    page.route("**/comments", lambda route: route.fulfill(status=502, body="<h1>Bad gateway</h1>", content_type="text/html"))
    send(page)
    expect(page.get_by_role("alert")).to_contain_text("Something went wrong on the server")
    assert page.get_by_text("Bad gateway").count() == 0
    expect(page.locator("#comment-task")).to_have_value(TEXT)


def test_an_open_sheet_stays_and_says_why_nothing_was_saved(page: Page) -> None:
    page.goto("/board?by=status")
    page.locator("#work-board .card-name").first.focus()
    page.keyboard.press("d")
    field = page.locator("#popover input[type=date]").first
    expect(field).to_be_visible()
    field.fill("2031-05-28")
    page.context.set_offline(True)
    page.locator("#popover form button[type=submit]").first.click()
    expect(page.locator("#popover").get_by_role("alert")).to_contain_text("no connection")
    expect(field).to_have_value("2031-05-28")
    page.context.set_offline(False)


def test_a_form_of_its_own_page_is_not_lost_either(page: Page) -> None:
    page.clock.install()
    page.goto("/organisation/roles/new")
    page.locator("[name=name]").fill("Night shift")
    page.clock.fast_forward("10:00")
    cookies = page.context.cookies()
    page.context.clear_cookies()
    page.locator("main button[type=submit]").click()
    expect(page.get_by_role("alert")).to_contain_text("no longer signed in")
    expect(page.locator("[name=name]")).to_have_value("Night shift")
    page.context.add_cookies(cookies)  # type: ignore[arg-type]
    page.locator("main button[type=submit]").click()
    expect(page.get_by_role("status").filter(has_text="Saved")).to_be_visible()


@pytest.mark.parametrize(("width", "scheme", "language"), [(1280, "light", "en-GB"), (360, "dark", "de-DE")])
def test_error_pages_fit_and_break_no_rule(page: Page, product: Product, width: int, scheme: str, language: str) -> None:
    browser = page.context.browser
    assert browser
    context = browser.new_context(
        base_url=product.url,
        viewport={"width": width, "height": 700},
        color_scheme=scheme,
        locale=language,  # type: ignore[arg-type]
    )
    let_everybody_in(product)
    shown = context.new_page()
    sign_in(shown, "ingrid.larsen@demo-energy.example")
    for path, code in (("/nothing/here", "404"), ("/organisation/tokens", "403")):
        shown.goto(path)
        expect(shown.locator(".code")).to_have_text(code)
        assert violations(shown) == []
        assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()
