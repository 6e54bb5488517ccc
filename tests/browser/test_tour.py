"""The tour of the pages: for who is new, over by Esc, its button or its last step, and there again when it is wanted."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import is_fault, let_everybody_in, sign_in, violations
from tests.product import Product, run_product

pytestmark = [pytest.mark.product, pytest.mark.browser]


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    """The demo as `make run` loads it: its people are new."""
    with run_product() as running:
        running.manage("demo", "--tour")
        let_everybody_in(running)
        yield running


def make_page(browser: Browser, product: Product, email: str, **options: object) -> Page:
    context = browser.new_context(base_url=product.url, **{"locale": "en-GB", "reduced_motion": "reduce"} | options)  # type: ignore[arg-type]
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if is_fault(message) else None)
    sign_in(page, f"{email}@demo-energy.example")
    page.faults = faults  # type: ignore[attr-defined]
    return page


def titles(page: Page) -> list[str]:
    """Walk through the tour with Enter, and return the title of each step."""
    found = []
    for number in range(1, 6):
        expect(page.locator("#tour-place")).to_have_text(f"Step {number} of 5")
        expect(page.locator("#tour")).to_be_focused()
        found.append(page.locator("#tour-title").inner_text())
        page.locator("#tour-next").press("Enter")
    return found


def test_who_is_new_is_led_through_five_steps_by_keys_alone_and_not_again(browser: Browser, product: Product) -> None:
    page = make_page(browser, product, "lena.hoffmann")
    with page.expect_response("**/preferences/tour"):
        assert titles(page) == [
            "What waits for you",
            "Everything at a glance",
            "Begin something",
            "Find and do anything",
            "As you like it",
        ]
    expect(page.locator("#tour")).to_be_hidden()
    assert page.locator(".tour-at").count() == 0
    page.goto("/")
    expect(page.locator("#my-tasks")).to_be_visible()
    assert page.locator("#tour").count() == 0
    assert page.faults == []  # type: ignore[attr-defined]


def test_esc_ends_it_for_good_and_the_menu_and_the_sheet_of_keys_begin_it_again(browser: Browser, product: Product) -> None:
    page = make_page(browser, product, "jonas.weber")
    expect(page.locator("#tour")).to_be_focused()
    with page.expect_response("**/preferences/tour"):
        page.keyboard.press("Escape")
    expect(page.locator("#tour")).to_be_hidden()
    page.goto("/")
    assert page.locator("#tour").count() == 0
    page.locator(".top > details.menu > summary").click()
    page.get_by_role("link", name="Tour of the pages").first.click()
    expect(page.locator("#tour")).to_be_visible()
    page.locator("#tour-next").click()
    page.locator("#tour-before").click()
    expect(page.locator("#tour-place")).to_have_text("Step 1 of 5")
    page.locator("#tour-end").click()
    expect(page).to_have_url(product.url + "/")
    page.keyboard.press("?")
    page.locator("#keys").get_by_role("link", name="Tour of the pages").click()
    expect(page.locator("#tour")).to_be_visible()


def test_the_page_can_be_used_while_it_is_open(browser: Browser, product: Product) -> None:
    page = make_page(browser, product, "aylin.kaya")
    expect(page.locator("#tour")).to_be_visible()
    page.locator("[data-go=e]").click()
    expect(page.locator("h1")).to_have_text("Executions")
    assert page.locator("#tour").count() == 0


@pytest.mark.parametrize(("scheme", "width", "language"), [("light", 1280, "en-GB"), ("dark", 360, "de-DE")])
def test_each_step_fits_the_window_and_breaks_no_rule(
    browser: Browser, product: Product, scheme: str, width: int, language: str
) -> None:
    size = {"width": width, "height": 740}
    page = make_page(browser, product, "ingrid.larsen", viewport=size, color_scheme=scheme, locale=language)
    page.goto("/?tour")
    for _step in range(5):
        box = page.locator("#tour").bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= 740
        assert violations(page) == []
        page.locator("#tour-next").click()
    assert page.faults == []  # type: ignore[attr-defined]
