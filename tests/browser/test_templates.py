"""Templates as files, in a real browser."""

import orjson
import pytest
from playwright.sync_api import Page, expect

from tests import exports

pytestmark = [pytest.mark.product, pytest.mark.browser]


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


def test_a_flow_is_started_from_the_row_of_its_template(page: Page) -> None:
    page.goto("/templates")
    row = page.locator(".tr", has_text="Grid Connection")
    row.get_by_role("button", name="Start").click()
    expect(page.locator("#dialog select[name=template] option:checked")).to_have_text("Grid Connection")
    page.locator("#dialog [name=new_contact]").fill("Nora Neu")
    page.locator("#dialog").get_by_role("button", name="Start", exact=True).click()
    expect(page.locator("h1")).to_have_text("Grid Connection")
    page.goto("/templates")
    row.get_by_role("link", name="running").click()
    expect(page.locator("[data-card]", has_text="Nora Neu").first).to_be_visible()
