"""Spacing of text and colours that people set themselves, and what must still be true of a page with them (WCAG 1.4.12, 1.4.1)."""

from playwright.sync_api import Page

# What is worse with the spacing than it was without: a text that is cut off, leaves its box or lies over another, a page too wide.
SPACE = """
([foreign, front]) => {
  const root = front ? document.querySelector(front) : document.body;
  const say = (element) => element.outerHTML.replace(/\\s+/g, " ").slice(0, 140);
  const rule = "* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important; } p { margin-bottom: 2em !important; }";
  const clips = (style) => [style.overflowX, style.overflowY].some((each) => each === "hidden" || each === "clip");
  const scrolls = (style) => [style.overflowX, style.overflowY].some((each) => each === "auto" || each === "scroll");
  const isOutside = (rect, box) => rect.left < box.left - 1.5 || rect.right > box.right + 1.5 || rect.top < box.top - 1.5 || rect.bottom > box.bottom + 1.5;
  const isFramed = (style) => style.borderTopStyle !== "none" && style.borderTopColor !== "rgba(0, 0, 0, 0)";
  const isUnseen = (element) => getComputedStyle(element).clipPath !== "none";

  function texts() {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const found = [];
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement;
      if (!node.data.trim() || foreign.some((selector) => element.closest(selector)) || !element.checkVisibility({ visibilityProperty: true })) continue;
      if (element.closest("option, title, [hidden]") || (!front && element.closest("dialog, [popover], #toasts, #bulk"))) continue;
      let above = element;
      while (above && !isUnseen(above)) above = above.parentElement;
      if (!above) found.push([node, element]);
    }
    return found;
  }
  // A line is as high as its font says, not as its line.
  function lines(node) {
    const range = document.createRange();
    range.selectNodeContents(node);
    return [...range.getClientRects()].filter((rect) => rect.width > 1);
  }
  // What lies over the page, or stays while the rest is scrolled, may lie over a text.
  function layerOf(element) {
    for (let each = element; each; each = each.parentElement) {
      const style = getComputedStyle(each);
      if (style.position === "fixed" || style.position === "sticky" || (style.position === "absolute" && style.zIndex !== "auto")) return each;
    }
    return null;
  }
  // The part of a line that is not scrolled out of sight.
  function seen(element, rect) {
    let { left, right, top, bottom } = rect;
    for (let each = element; each && each !== document.body; each = each.parentElement) {
      const style = getComputedStyle(each);
      if (style.display !== "inline" && (clips(style) || scrolls(style))) {
        const box = each.getBoundingClientRect();
        [left, right, top, bottom] = [Math.max(left, box.left), Math.min(right, box.right), Math.max(top, box.top), Math.min(bottom, box.bottom)];
      }
      if (style.position === "fixed") break;
    }
    return right - left > 1 && bottom - top > 4 ? { left, right, top, bottom } : null;
  }
  function faultOf(element, rects) {
    for (let each = element; each && each !== document.documentElement; each = each.parentElement) {
      const style = getComputedStyle(each);
      const box = each.getBoundingClientRect();
      if (scrolls(style) || style.position === "fixed") return "";
      if ((clips(style) || isFramed(style)) && style.display !== "inline" && rects.some((rect) => isOutside(rect, box))) return `${clips(style) ? "is cut off by" : "leaves"} ${say(each)}`;
    }
    return "";
  }
  function look() {
    const faults = new Map();
    const all = [];
    for (const [node, element] of texts()) {
      const rects = lines(node);
      const fault = faultOf(element, rects);
      if (fault) faults.set(node, fault);
      const layer = layerOf(element);
      for (const rect of rects.map((each) => seen(element, each))) if (rect) all.push({ node, element, layer, rect });
    }
    const pairs = new Map();
    all.sort((one, other) => one.rect.top - other.rect.top);
    all.forEach((one, index) => {
      for (let next = index + 1; next < all.length && all[next].rect.top < one.rect.bottom - 4; next += 1) {
        const other = all[next];
        if (other.node === one.node || other.layer !== one.layer || other.rect.left > one.rect.right - 3 || other.rect.right < one.rect.left + 3) continue;
        if (!pairs.has(one.node)) pairs.set(one.node, new Map());
        pairs.get(one.node).set(other.node, other.element);
      }
    });
    return { faults, pairs };
  }
  const before = look();
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(rule);
  document.adoptedStyleSheets.push(sheet);
  const after = look();
  const found = [];
  if (document.documentElement.scrollWidth > innerWidth) {
    const wide = [...document.querySelectorAll("body *")].filter((each) => each.checkVisibility() && each.getBoundingClientRect().right > innerWidth + 1);
    found.push(`scrolls sideways: ${document.documentElement.scrollWidth} > ${innerWidth}: ${wide.slice(0, 3).map(say)}`);
  }
  for (const [node, fault] of after.faults) if (!before.faults.has(node)) found.push(`"${node.data.trim()}" ${fault}`);
  for (const [node, others] of after.pairs) for (const [other, element] of others) {
    if (!before.pairs.get(node)?.has(other) && !before.pairs.get(other)?.has(node)) found.push(`"${node.data.trim()}" lies over "${other.data.trim()}" ${say(element)}`);
  }
  return found;
}
"""

# What is chosen, current or open, and what it is to be told apart from: of each pair that is on the page, by more than weight.
TOLD_APART = """
() => {
  const say = (element) => element.outerHTML.replace(/\\s+/g, " ").slice(0, 140);
  const pairs = [
    [".top nav a[aria-current]", ".top nav a:not([aria-current])"],
    [".forms a[aria-current]", ".forms a:not([aria-current])"],
    [".tabs a[aria-current]", ".tabs a:not([aria-current])"],
    [".item[aria-current]", ".item:not([aria-current])"],
    ["[role=option][aria-selected=true]", "[role=option]:not([aria-selected=true])"],
    [".card.current", ".card:not(.current, .open, .selected)"],
    ["[data-card].open", "[data-card]:not(.open, .selected, .current)"],
    ["[data-card].selected", "[data-card]:not(.selected, .open, .current)"],
    [".day.today .day-number", ".day:not(.today) .day-number"],
    [".event.late", ".event:not(.late)"],
    [".node.here .frame", ".node:not(.here) .frame"],
    [".way.taken", ".way:not(.taken)"],
    [".button.primary", ".button:not(.primary, .ghost)"],
    [".jump a.now", ".jump a:not(.now)"],
  ];
  const parts = ["borderTopWidth", "borderLeftWidth", "borderBottomWidth", "borderTopStyle", "borderTopColor", "borderBottomColor", "outlineStyle", "outlineWidth", "backgroundColor", "color", "textDecorationLine", "stroke", "strokeWidth", "strokeDasharray", "fill"];
  const look = (element) => parts.map((part) => getComputedStyle(element)[part]).join();
  const seen = (selector) => [...document.querySelectorAll(selector)].find((each) => each.checkVisibility());
  const found = [];
  for (const [special, usual] of pairs) {
    const [one, other] = [seen(special), seen(usual)];
    if (one && other && look(one) === look(other)) found.push(`looks like any other: ${say(one)}`);
  }
  // What is drawn takes its colours from the system, too.
  const canvas = getComputedStyle(document.body).backgroundColor;
  for (const element of document.querySelectorAll("svg:not(.mark) path, svg text, svg rect, progress")) {
    const style = getComputedStyle(element);
    if (!element.checkVisibility() || element.closest(".flag")) continue;
    const drawn = element.matches("progress") ? style.borderTopColor : element.matches("text") ? style.fill : style.stroke;
    if (drawn === canvas) found.push(`is not to be seen: ${say(element)}`);
  }
  return found;
}
"""


def space(page: Page, foreign: tuple[str, ...] = (), front: str | None = None) -> list[str]:
    """Set the spacing, and return what does not bear it."""
    found: list[str] = page.evaluate(SPACE, [list(foreign), front])
    return found


def tell_apart(page: Page) -> list[str]:
    """Return what looks like the rest where it should not, with the colours of the system."""
    found: list[str] = page.evaluate(TOLD_APART)
    return found
