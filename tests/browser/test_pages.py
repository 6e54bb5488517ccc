"""Every page in every state, walked over: axe finds nothing, it fits, the policy holds, the focus is seen, headings are in order.

Two of the eight looks for each page here, each opposite to the other; ALL_LOOKS=1 (`make looks`) takes all eight.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import Resolver404, resolve
from playwright.sync_api import Browser, Page

from tests.browser.conftest import violations
from tests.browser.looks import LOOKS, Look, Visitors, check, find_lost_focus, front_of, two_of
from tests.browser.own_settings import space, tell_apart
from tests.browser.pages import BOARD, OWNER, PAGES, Shown
from tests.product import Product

pytestmark = [pytest.mark.product, pytest.mark.browser]

WALK = [
    pytest.param(shown, look, id=f"{shown.name}-{look}")
    for index, shown in enumerate(PAGES)
    for look in (LOOKS if os.environ.get("ALL_LOOKS") else two_of(index))
]


@pytest.fixture(scope="module")
def world(product: Product) -> dict[str, str]:
    told = product.manage("shell", "-v0", "-c", "from tests.browser.world import build; build()")
    made: dict[str, str] = json.loads(told.splitlines()[-1])
    return made


@pytest.fixture(scope="module")
def visitors(browser: Browser, product: Product) -> Iterator[Visitors]:
    made = Visitors(browser, product.url)
    yield made
    made.close()


@pytest.fixture(scope="module")
def in_forced_colours(browser: Browser, product: Product) -> Iterator[Visitors]:
    made = Visitors(browser, product.url, {"forced_colors": "active"})
    yield made
    made.close()


@pytest.mark.parametrize(("shown", "look"), WALK)
def test_a_page_is_as_it_should_be(world: dict[str, str], visitors: Visitors, shown: Shown, look: Look) -> None:
    page, faults = visitors.open(shown.who, look)
    answer = page.goto(shown.at(world))
    assert answer is not None
    assert answer.status == shown.status
    if shown.act:
        shown.act(page)
    front = front_of(page)
    found = violations(page, front or "html", shown.foreign) + check(page, shown.language or look.language, shown.foreign, front)
    assert found + [fault for fault in faults if not shown.expects(fault)] == []
    asked = page.evaluate("performance.getEntriesByType('resource').map(entry => new URL(entry.name).pathname)")
    assert set(shown.opens) <= {name_of(path) for path in [*asked, urlsplit(page.url).path]}


# The states that have the most to say: what is narrow, chosen, late, failed, drawn, or in front of the rest.
TELLING = (
    "sign in refused",
    "my tasks, a task",
    "my tasks, done just now",
    "board by status",
    "board, calendar",
    "board, selected",
    "executions",
    "execution, graph",
    "execution, what an agent proposes",
    "execution, share",
    "palette",
    "execution, not live",
)
OWN_SETTINGS = [
    pytest.param(shown, Look(scheme, width, "de"), id=f"{shown.name}-{width}")
    for shown in PAGES
    if shown.name in TELLING
    for scheme, width in (("light", 1280), ("dark", 320))
]


@pytest.mark.parametrize(("shown", "look"), OWN_SETTINGS)
def test_a_page_bears_wider_spacing_of_its_text(world: dict[str, str], visitors: Visitors, shown: Shown, look: Look) -> None:
    page, _faults = visitors.open(shown.who, look)
    page.goto(shown.at(world))
    if shown.act:
        shown.act(page)
    assert space(page, shown.foreign, front_of(page)) == []


@pytest.mark.parametrize(("shown", "look"), OWN_SETTINGS[::2])
def test_a_page_tells_things_apart_in_the_colours_of_the_system(
    world: dict[str, str], in_forced_colours: Visitors, shown: Shown, look: Look
) -> None:
    page, _faults = in_forced_colours.open(shown.who, look)
    page.goto(shown.at(world))
    if shown.act:
        shown.act(page)
    assert tell_apart(page) + find_lost_focus(page, shown.foreign, front_of(page)) == []


def name_of(path: str) -> str:
    """Return the name of a path's route."""
    try:
        return str(resolve(path).view_name)
    except Resolver404:
        return ""


def test_pages_are_told_apart_by_their_titles(world: dict[str, str], visitors: Visitors) -> None:
    """By route and view; the states of one page share its title."""
    routes: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for shown in PAGES:
        if shown.act is None:
            address = shown.at(world)
            text = visitors.context(shown.who, LOOKS[0]).request.get(address).text()
            title = text.partition("<title>")[2].partition("</title>")[0].strip()
            parts = urlsplit(address)
            routes[title].add((name_of(parts.path), parse_qs(parts.query).get("view", [""])[0]))
    assert {title: names for title, names in routes.items() if len(names) > 1} == {}
    assert "" not in routes


class TestTheWalkItself:
    """What it is to find, planted."""

    @pytest.fixture
    def planted(self, world: dict[str, str], visitors: Visitors) -> Page:
        page, _faults = visitors.open(OWNER, LOOKS[0])
        page.goto(BOARD)
        return page

    @pytest.mark.parametrize(
        ("markup", "word"),
        [
            ("<p style='color: red'>inline</p>", "policy: style-src"),
            ("<img src='https://elsewhere.example/x.png' alt=''>", "policy: img-src"),
            ("<h1>Another</h1>", "2 h1"),
            ("<h6>Deep</h6>", "h6 after"),
            ("<div id='wide'>x</div>", "scrolls sideways"),
            ("<button id='bare'>no ring</button>", "the focus is not to be seen"),
            ("<button id='under'>under the top</button>", "lies over it"),
        ],
    )
    def test_finds_it(self, planted: Page, markup: str, word: str) -> None:
        planted.evaluate(PLANT, markup)
        planted.wait_for_timeout(100)
        assert [text for text in check(planted, "en") if word in text]

    @pytest.mark.parametrize(
        ("style", "word"),
        [
            ("width: 100px; overflow: hidden; white-space: nowrap", "is cut off by"),
            ("width: 100px; border: 1px solid; white-space: nowrap", "leaves"),
            ("width: 100px; white-space: nowrap; float: left", "lies over"),
        ],
    )
    def test_finds_what_does_not_bear_wider_spacing(self, planted: Page, style: str, word: str) -> None:
        planted.evaluate(PLANT, "<p id='tight'>Twelve words</p><p>Beside</p>")
        planted.evaluate("style => { document.querySelector('#tight').style.cssText = style; }", style)
        assert [text for text in space(planted) if "Twelve words" in text and word in text]

    def test_finds_what_looks_like_the_rest_in_the_colours_of_the_system(
        self, world: dict[str, str], in_forced_colours: Visitors
    ) -> None:
        page, _faults = in_forced_colours.open(OWNER, LOOKS[0])
        page.goto(BOARD)
        page.evaluate("document.querySelectorAll('.forms a').forEach(each => each.style.cssText = 'all: unset')")
        assert [text for text in tell_apart(page) if "looks like any other" in text]

    def test_axe_finds_it(self, planted: Page) -> None:
        planted.evaluate(PLANT, "<img src='/static/icon.svg'>")
        assert [text for text in violations(planted) if "image-alt" in text]


PLANT = """
(markup) => {
  const box = document.createElement("div");
  box.innerHTML = markup;
  document.querySelector("#main").prepend(box);
  const [wide, bare, under] = ["#wide", "#bare", "#under"].map((id) => box.querySelector(id));
  if (wide) wide.style.width = "3000px";
  if (bare) bare.style.cssText = "outline: none; box-shadow: none";
  if (under) { under.style.cssText = "position: fixed; top: 0; left: 0; z-index: -1"; }
}
"""
