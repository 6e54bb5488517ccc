"""Templates as files, in a real browser."""

from typing import Any

import orjson
import pytest
from playwright.sync_api import Browser, Page, expect

from tests import exports
from tests.browser.conftest import sign_in, violations
from tests.product import Product

pytestmark = [pytest.mark.product, pytest.mark.browser]


def choose(page: Page, content: bytes) -> None:
    page.locator("#file").set_input_files({"name": "flow.json", "mimeType": "application/json", "buffer": content})
    page.locator("main form button").click()


def test_a_file_is_taken_in_by_keyboard_and_given_out(page: Page) -> None:
    page.goto("/templates")
    page.get_by_label("Import templates from a JSON file").focus()
    page.locator("#file").set_input_files(
        {"name": "flow.json", "mimeType": "application/json", "buffer": orjson.dumps(exports.heat_pump())}
    )
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What became of the file")).to_be_visible()
    expect(page.locator("main")).to_contain_text("there is no automation")
    with page.expect_download() as download:
        page.get_by_role("link", name=f"Export {exports.heat_pump()['name']}").first.click()
    assert orjson.loads(download.value.path().read_bytes())["name"] == exports.heat_pump()["name"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
@pytest.mark.parametrize("language", ["en", "de"])
def test_templates_are_accessible_and_fit(browser: Browser, product: Product, scheme: Any, width: int, language: str) -> None:
    context = browser.new_context(
        base_url=product.url,
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        locale=language,
        reduced_motion="reduce",
    )
    page = context.new_page()
    sign_in(page)
    found = {}
    page.goto("/templates")
    found["list"] = violations(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    choose(page, orjson.dumps([exports.heat_pump() | {"from_the_future": 1}, {"name": "No tasks"}]))
    page.wait_for_selector("#report")
    found["report"] = violations(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    choose(page, b"{")
    page.wait_for_selector("[role=alert]")
    found["refusal"] = violations(page)
    context.close()
    assert {name: problems for name, problems in found.items() if problems} == {}
