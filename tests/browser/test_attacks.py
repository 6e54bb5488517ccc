"""What people and integrators type stays text: on every page, without the content security policy to help."""

import json
import re
from collections.abc import Iterator

import orjson
import pytest
from playwright.sync_api import Browser

from tests import factories
from tests.browser.attacks import KINDS
from tests.browser.looks import Look, Visitors
from tests.browser.pages import OWNER, PAGES, drop_file
from tests.product import Product

pytestmark = [pytest.mark.product, pytest.mark.browser]

PHONE = Look("light", 320, "en")
# Given, and shown on no page.
UNSEEN = {
    "From the first photo to the meter.": "the description of a process is for the API",
    "South": "a branch that the agent was offered and did not choose",
    "Stig Stranger": "somebody who is in no organisation",
}

OUTBREAKS = """
() => {
  const found = window.ran === undefined ? [] : [`ran: ${window.ran}`];
  const say = (element) => element.outerHTML.replace(/\\s+/g, " ").slice(0, 140);
  for (const element of document.querySelectorAll("*")) {
    if (element.closest(".swagger-ui")) continue;
    const isOurs = element.matches("script[src], link, meta");
    if (element.matches("script:not([src]), plaintext, img[src='x'], [autofocus][x]")) found.push(say(element));
    for (const { name, value } of element.attributes) {
      if (name.startsWith("on") || name === "x" && !element.closest("svg")) found.push(`${name}: ${say(element)}`);
      if (["href", "src", "action"].includes(name) && /^\\s*javascript:/i.test(value) && !isOurs) found.push(`${name}: ${say(element)}`);
    }
  }
  const heads = [...document.querySelectorAll("h1")].filter((each) => each.textContent === "out");
  if (heads.length) found.push("a heading of its own");
  if (document.documentElement.scrollWidth > innerWidth) {
    const wide = [...document.querySelectorAll("body *")].filter((each) => each.checkVisibility() && each.getBoundingClientRect().right > innerWidth + 1);
    found.push(`scrolls sideways to ${document.documentElement.scrollWidth}: ${wide.slice(-2).map(say)}`);
  }
  return found;
}
"""

# All that is said: texts, what stands in fields, and names that only a screen reader hears.
WORDS = """
() => [document.body.textContent, document.title,
  ...[...document.querySelectorAll("input, textarea, option")].map((each) => each.value),
  ...[...document.querySelectorAll("[aria-label]")].map((each) => each.ariaLabel)].join("\\n")
"""


@pytest.fixture(scope="module")
def told(product: Product) -> list[str]:
    return product.manage("shell", "-v0", "-c", "from tests.browser.attacks import build_attacked as b; b()").splitlines()


@pytest.fixture(scope="module")
def visitors(browser: Browser, product: Product, told: list[str]) -> Iterator[Visitors]:
    made = Visitors(browser, product.url, {"bypass_csp": True})
    yield made
    made.close()


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.mark.timeout(300)
def test_no_text_becomes_more_than_text_on_any_page(visitors: Visitors, told: list[str]) -> None:
    world: dict[str, str] = json.loads(told[-2])
    found: dict[str, list[str]] = {}
    said = ""
    for shown in PAGES:
        page, faults = visitors.open(shown.who, PHONE)
        try:
            page.goto(shown.at(world))
            if shown.act:
                shown.act(page)
            said += plain(page.evaluate(WORDS))
            found[shown.name] = page.evaluate(OUTBREAKS) + [fault for fault in faults if not shown.expects(fault)]
        except Exception as error:
            found[shown.name] = [f"{type(error).__name__}: {error}"]
    assert {name: problems for name, problems in found.items() if problems} == {}
    pairs = json.loads(told[-1])
    seen = {text for text, given in pairs if plain(given) in said}
    assert {text for text, _given in pairs} - seen == UNSEEN.keys()


def test_a_file_of_such_texts_is_told_of_as_text(visitors: Visitors) -> None:
    page, faults = visitors.open(OWNER, PHONE)
    page.goto("/templates")
    files = [factories.sequence(1) | {"name": kind, kind: kind, "description": kind} for kind in KINDS]
    bad = [{"name": kind, "tasks": [{"id": kind, "name": kind, "task_type": kind}], "edges": []} for kind in KINDS]
    drop_file(orjson.dumps(files + bad), "#report")(page)
    assert page.evaluate(OUTBREAKS) + faults == []
    said = plain(page.evaluate(WORDS))
    assert [kind for kind in KINDS if plain(kind) not in said] == []


def test_the_watch_would_see_a_text_that_breaks_out(visitors: Visitors) -> None:
    page, _faults = visitors.open(OWNER, PHONE)
    page.goto("/templates")
    seen = set()
    for kind in KINDS[:4]:
        page.evaluate(
            "html => { const box = document.createElement('div'); box.innerHTML = `<p title='a'>${html}</p>`; document.body.append(box); }",
            kind,
        )
        page.wait_for_timeout(50)
        seen |= set(page.evaluate(OUTBREAKS))
    assert any(text.startswith("ran: ") for text in seen)
    assert any("script" in text for text in seen)
