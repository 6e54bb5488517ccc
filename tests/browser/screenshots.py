"""Take the pictures in docs/screens of every page in pages.py, and the README's, docs/board.png: `make screens`.

Always of the same demo, on the same day: 1280 pixels wide, in English; the main pages on a phone, too, dark and in German. Names
that are given as arguments limit it to the pages in whose names they occur.
"""

import json
import os
import re
import sys
import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from playwright.sync_api import Page, sync_playwright  # noqa: E402

from tests.browser.chromium import find_chromium  # noqa: E402
from tests.browser.looks import Look, Visitors, front_of  # noqa: E402 (the demo's names lie beside models)
from tests.browser.pages import OWNER, PAGES, Shown  # noqa: E402
from tests.product import ROOT, run_product  # noqa: E402

SCREENS = ROOT / "docs" / "screens"
DESK, PHONE = Look("light", 1280, "en"), Look("dark", 360, "de")
MORNING = datetime(2026, 9, 16, 10, 30, tzinfo=ZoneInfo("Europe/Berlin"))
MARGIN = 16
# A process with two decisions and a parallel part; of its runs the one that is about half done shows the most.
LIST = "/executions?q=Photovoltaic&status=STARTED"


def stop_clock() -> None:
    """Begin again, with all processes to come, at the same moment, whenever this runs."""
    if "SCREENS_TIME" not in os.environ:
        now = {"SCREENS_TIME": str(MORNING.timestamp()), "SCREENS_BEGIN": str(time.time())}
        environment = os.environ | now | {"PYTHONPATH": str(Path(__file__).parent / "clock")}
        os.execve(sys.executable, [sys.executable, "-m", "tests.browser.screenshots", *sys.argv[1:]], environment)


def name_file(shown: Shown, look: Look) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", shown.name.lower())
    return f"{words}{'-phone' if look is PHONE else ''}.png"


def stand_still(page: Page) -> None:
    page.mouse.move(0, 0)
    page.evaluate("document.fonts.ready")
    page.evaluate("Promise.allSettled(document.getAnimations().map(animation => animation.finished))")
    page.wait_for_timeout(200)


def take(visitors: Visitors, shown: Shown, look: Look, world: dict[str, str]) -> None:
    """Take a page as it is, or of one that lies under something else the part around that."""
    page, _faults = visitors.open(shown.who, look)
    page.goto(shown.at(world))
    if shown.act:
        shown.act(page)
    stand_still(page)
    front = front_of(page)
    box = page.locator(front).first.bounding_box() if front and look is DESK else None
    path = SCREENS / name_file(shown, look)
    if box is None:
        page.screenshot(path=path)
        return
    left, top = max(0, box["x"] - MARGIN), max(0, box["y"] - MARGIN)
    right, bottom = min(look.width, box["x"] + box["width"] + MARGIN), min(800, box["y"] + box["height"] + MARGIN)
    page.screenshot(path=path, clip={"x": left, "y": top, "width": right - left, "height": bottom - top})


def half_done(page: Page) -> str:
    """Return the address of the execution on the list whose progress is nearest to one half."""
    rows = page.locator(".tr:not(.th)").evaluate_all(
        "rows => rows.map(row => [row.querySelector('progress').position, row.querySelector('a').getAttribute('href')])"
    )
    return str(min(rows, key=lambda row: abs(row[0] - 0.5))[1])


def take_board(visitors: Visitors) -> None:
    """The README's picture: the board of an execution with a task opened beside it."""
    page, _faults = visitors.open(OWNER, Look("light", 1600, "en"))
    page.set_viewport_size({"width": 1600, "height": 760})
    page.goto(LIST)
    page.goto(half_done(page))
    page.locator(".card.current .card-name").first.click()
    page.wait_for_selector("#pane-title")
    stand_still(page)
    page.screenshot(path=ROOT / "docs" / "board.png")


def main(wanted: list[str]) -> None:
    stop_clock()
    SCREENS.mkdir(exist_ok=True)
    with run_product() as product, sync_playwright() as playwright:
        product.manage("demo")
        told = product.manage("shell", "-v0", "-c", "from tests.browser.world import build; build()")
        world = json.loads(told.splitlines()[-1])
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        visitors = Visitors(browser, product.url)
        if not wanted:
            take_board(visitors)
        for shown in PAGES:
            if not wanted or any(word in shown.name for word in wanted):
                for look in (DESK, PHONE) if shown.main else (DESK,):
                    take(visitors, shown, look, world)
        visitors.close()
        browser.close()
    sizes = [path.stat().st_size for path in SCREENS.glob("*.png")]
    print(f"{len(sizes)} pictures, {sum(sizes) // 1024} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
