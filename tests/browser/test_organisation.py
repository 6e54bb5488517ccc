"""The organisation's pages in a browser: a token made by hand, the trail on a phone; and no fault of accessibility."""

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import violations

pytestmark = [pytest.mark.product, pytest.mark.browser]


def test_a_token_is_shown_once_and_listed_without_its_secret(page: Page) -> None:
    page.goto("/organisation/tokens")
    page.locator("#new-token").click()
    page.locator("#dialog [name=name]").fill("ERP")
    assert not violations(page)
    page.locator("#dialog button[type=submit]").click()
    secret = page.locator("#secret").inner_text()
    assert secret.startswith("api_")
    page.locator("#dialog a.primary").click()
    page.locator(".run h2", has_text="ERP").wait_for()
    assert secret.partition(".")[2] not in page.content()
    assert not violations(page)


@pytest.mark.parametrize("width", [320, 1280])
def test_the_trail_fits_and_opens_what_changed(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/organisation/audit?kind=task")
    page.locator("#results details summary").first.click()
    page.locator("#results details dt").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not violations(page)
