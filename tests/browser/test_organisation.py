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
