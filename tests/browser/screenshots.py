"""Take the README's picture, docs/board.png, of the demo as it looks now: `make screens`."""

import os

import django
from playwright.sync_api import Page, sync_playwright

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from tests.browser.conftest import find_chromium, sign_in  # noqa: E402 (the demo's names lie beside models)
from tests.product import ROOT, run_product  # noqa: E402

PICTURE = ROOT / "docs" / "board.png"
# A process with two decisions and a parallel part; of its runs the one that is about half done shows the most.
LIST = "/executions?q=Photovoltaic&status=STARTED"


def half_done(page: Page) -> str:
    """Return the address of the execution on the list whose progress is nearest to one half."""
    rows = page.locator(".tr:not(.th)").evaluate_all(
        "rows => rows.map(row => [row.querySelector('progress').position, row.querySelector('a').getAttribute('href')])"
    )
    return str(min(rows, key=lambda row: abs(row[0] - 0.5))[1])


def take(page: Page) -> None:
    sign_in(page)
    page.goto(LIST)
    page.goto(half_done(page))
    page.locator(".card.current .card-name").first.click()
    page.wait_for_selector("#pane-title")
    page.mouse.move(0, 0)
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(300)
    page.screenshot(path=PICTURE)


def main() -> None:
    with run_product() as product, sync_playwright() as playwright:
        product.manage("demo")
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        context = browser.new_context(
            base_url=product.url, viewport={"width": 1600, "height": 760}, locale="en-GB", color_scheme="light"
        )
        take(context.new_page())
        browser.close()
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
