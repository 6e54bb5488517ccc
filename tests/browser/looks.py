"""The looks in which every page is walked over, and what must be true of a page in each of them besides what axe finds."""

from dataclasses import dataclass, field
from typing import Any, Literal

import pyotp
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.conftest import is_fault, sign_in
from tests.browser.world import CAREFUL, SECRET
from workflows.demo.people import PASSWORD

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDTHS = (1280, 320)
LANGUAGES = ("en", "de")


@dataclass(frozen=True, slots=True)
class Look:
    """How somebody has set up their machine."""

    scheme: Literal["light", "dark"]
    width: int
    language: str

    def __str__(self) -> str:
        return f"{self.scheme}-{self.width}-{self.language}"


LOOKS = [Look(scheme, width, language) for scheme in SCHEMES for width in WIDTHS for language in LANGUAGES]


def two_of(index: int) -> tuple[Look, Look]:
    """Return a look and its opposite in everything: each page is seen in both schemes, widths and languages."""
    first = index % len(LOOKS)
    return LOOKS[first], LOOKS[-1 - first]


# What a page does wrong while it is looked at: kept in the page itself, and read at the end.
LISTEN = """
window.broken = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.broken.push(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample} ${event.sourceFile}:${event.lineNumber}`));
"""


def sign_in_with_code(page: Page) -> None:
    page.goto("/login")
    page.locator("[name=username]").fill(CAREFUL)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("form button.primary").click()
    page.locator("[name=code]").fill(pyotp.TOTP(SECRET).now())
    page.locator("form button.primary").click()
    page.wait_for_url("**/")


@dataclass(slots=True)
class Visitors:
    """A page for each person and look, signed in once; its faults are those since it was taken up."""

    browser: Browser
    url: str
    options: dict[str, Any] = field(default_factory=dict)
    states: dict[str, Any] = field(default_factory=dict)
    contexts: dict[tuple[str, Look], BrowserContext] = field(default_factory=dict)
    pages: dict[tuple[str, Look], tuple[Page, list[str]]] = field(default_factory=dict)

    def context(self, who: str, look: Look) -> BrowserContext:
        if (who, look) not in self.contexts:
            made = self.browser.new_context(
                base_url=self.url,
                viewport={"width": look.width, "height": 800},
                color_scheme=look.scheme,
                locale=look.language,
                reduced_motion="reduce",
                storage_state=self.state(who),
                **self.options,
            )
            made.add_init_script(LISTEN)
            self.contexts[who, look] = made
        return self.contexts[who, look]

    def state(self, who: str) -> Any:
        if who and who not in self.states:
            context = self.browser.new_context(base_url=self.url)
            if who == CAREFUL:
                sign_in_with_code(context.new_page())
            else:
                sign_in(context.new_page(), who)
            self.states[who] = context.storage_state()
            context.close()
        return self.states.get(who)

    def open(self, who: str, look: Look) -> tuple[Page, list[str]]:
        """Return the page of a person, and the list into which its faults come."""
        if (who, look) not in self.pages:
            page = self.context(who, look).new_page()
            faults: list[str] = []
            page.on("pageerror", lambda error: faults.append(f"error: {error}"))
            page.on("console", lambda message: faults.append(f"console: {message.text}") if is_fault(message) else None)
            page.on("dialog", lambda dialog: (faults.append(f"a dialog: {dialog.message}"), dialog.dismiss()))
            self.pages[who, look] = page, faults
        page, faults = self.pages[who, look]
        page.goto("about:blank")
        faults.clear()
        return page, faults

    def close(self) -> None:
        for context in self.contexts.values():
            context.close()


# Boxes and headings. What a script of somebody else draws is left out by `foreign`.
CHECK = """
([language, foreign]) => {
  const found = [...window.broken];
  const isForeign = (element) => foreign.some((selector) => element.closest(selector));
  const isShown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: false }) && !isForeign(element);
  const say = (element) => element.outerHTML.replace(/\\s+/g, " ").slice(0, 140);
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) {
    const wide = [...document.querySelectorAll("body *")].filter((each) => isShown(each) && each.getBoundingClientRect().right > innerWidth + 1);
    found.push(`scrolls sideways: ${root.scrollWidth} > ${innerWidth}: ${wide.slice(0, 3).map(say)}`);
  }
  if (root.lang !== language) found.push(`lang is ${root.lang}`);
  if (!document.title.trim()) found.push("no title");
  const open = document.querySelector("dialog[open]");
  const headings = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter((each) => isShown(each) && !each.closest("dialog, [popover]"));
  const first = headings.filter((each) => each.matches("h1"));
  if (first.length !== 1) found.push(`${first.length} h1: ${first.map(say)}`);
  let level = 0;
  for (const heading of headings) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) found.push(`h${next} after h${level}: ${say(heading)}`);
    level = next;
  }
  if (open && !open.contains(document.activeElement)) found.push(`the focus is outside of the dialog: ${say(document.activeElement)}`);
  for (const element of document.querySelectorAll("button, a, h1, h2, h3, label, summary, .chip, .tag, option, legend")) {
    const style = getComputedStyle(element);
    if (!isShown(element) || style.overflowX === "visible" || style.textOverflow === "ellipsis" || element.matches(".unseen")) continue;
    if (element.scrollWidth > element.clientWidth + 1 && style.overflowX !== "auto" && style.overflowX !== "scroll") found.push(`its text is cut off: ${say(element)}`);
  }
  return found;
}
"""

# What is in front: a dialog, a sheet or a menu that somebody has opened, a note of some seconds; null when it is the page itself.
FRONT = """
() => {
  const front = document.querySelector("dialog[open]") ?? document.querySelector(":popover-open") ?? document.querySelector("details[data-menu][open] > .sheet") ?? document.querySelector("#toast");
  if (front) front.dataset.front = "";
  return front ? "[data-front]" : null;
}
"""

# Of each kind of thing that can have the focus one is given it: the ring is to be seen, and something of it is not covered.
FOCUS = """
([foreign, front]) => {
  const found = [];
  const say = (element) => element.outerHTML.replace(/\\s+/g, " ").slice(0, 140);
  const all = [...(front ? document.querySelector(front) : document).querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")];
  const canBeReached = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.disabled && element.tabIndex >= 0
    && !element.closest("[inert]") && !foreign.some((selector) => element.closest(selector));
  const kinds = new Map();
  for (const element of all.filter(canBeReached)) {
    const kind = [element.localName, element.type, element.getAttribute("class"), element.parentElement.getAttribute("class")].join();
    if (!kinds.has(kind)) kinds.set(kind, element);
  }
  const ring = (style) => [style.outlineStyle === "none" ? "" : style.outlineWidth + style.outlineColor, style.boxShadow, style.borderColor, style.backgroundColor, style.stroke, style.strokeWidth].join();
  function rings(element) {
    const parts = [...element.querySelectorAll("*")].slice(0, 8);
    for (let each = element; each && parts.length < 14; each = each.parentElement) parts.push(each);
    return parts.map((each) => ring(getComputedStyle(each))).join() + ring(getComputedStyle(element, "::after"));
  }
  function covers(element) {
    const box = element.getBoundingClientRect();
    const [left, right] = [Math.max(box.left, 0), Math.min(box.right, innerWidth)];
    const [top, bottom] = [Math.max(box.top, 0), Math.min(box.bottom, innerHeight)];
    if (left >= right || top >= bottom) return "it is out of sight";
    let over = null;
    for (const [x, y] of [[.5, .5], [.15, .2], [.85, .2], [.15, .8], [.85, .8], [.5, .95]]) {
      const hit = document.elementFromPoint(left + (right - left) * x, top + (bottom - top) * y);
      if (!hit || element.contains(hit) || hit.contains(element) || hit.closest("label")?.contains(element)) return "";
      over = hit;
    }
    return `${say(over)} lies over it`;
  }
  const was = document.activeElement;
  for (const element of kinds.values()) {
    if (!element.isConnected || !canBeReached(element)) continue;
    document.activeElement?.blur();
    const before = rings(element);
    element.focus({ focusVisible: true });
    if (document.activeElement !== element) continue;
    if (before === rings(element)) found.push(`the focus is not to be seen: ${say(element)}`);
    const why = covers(element);
    if (why) found.push(`of what has the focus nothing is to be seen, ${why}: ${say(element)}`);
  }
  was?.focus?.();
  return found;
}
"""


def front_of(page: Page) -> str | None:
    """Return the selector of what lies in front of the page; what is behind it has been looked at without it."""
    found: str | None = page.evaluate(FRONT)
    return found


def check(page: Page, language: str, foreign: tuple[str, ...] = (), front: str | None = None) -> list[str]:
    """Return what is wrong with a page that axe does not see: its width, headings, language, cut texts and the way of the focus."""
    found: list[str] = page.evaluate(CHECK, [language, list(foreign)])
    return found + find_lost_focus(page, foreign, front)


def find_lost_focus(page: Page, foreign: tuple[str, ...] = (), front: str | None = None) -> list[str]:
    """Return where the focus is not seen, or is under something."""
    found: list[str] = page.evaluate(FOCUS, [list(foreign), front])
    return found
