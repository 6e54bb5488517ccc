"""The page that shows the API: drawn from files of our own, under the same content security policy as every page."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Api

pytestmark = [pytest.mark.product, pytest.mark.browser]


def test_an_operation_is_read_and_tried_without_any_other_host(page: Page, api: Api) -> None:
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc) if not request.url.startswith("data:") else None)
    page.goto("/")
    page.locator("header [data-menu] summary").click()
    page.get_by_role("link", name="API reference").click()
    expect(page.get_by_role("heading", name="Flowdeck", exact=False).first).to_be_visible()
    expect(page.locator(".opblock-tag").filter(has_text="Saved boards")).to_be_visible()

    page.get_by_role("button", name="Authorize").first.click()
    page.get_by_label("auth-bearer-value").fill(api.token)
    page.get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close", exact=True).click()
    block = page.locator(".opblock").filter(has_text="/v1/kanban/boards")
    block.locator(".opblock-summary-control").click()
    expect(block).to_contain_text("No access token, or one that is unknown, expired or revoked")
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    expect(block.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
    assert hosts == {urlsplit(api.url).netloc}
