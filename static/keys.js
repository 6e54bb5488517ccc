// Single keys. They act while nothing is being typed, and can be switched off (WCAG 2.1.4); arrows, Enter, Esc and keys with Ctrl stay.
"use strict";

const ARROWS = { ArrowDown: "j", ArrowUp: "k", ArrowLeft: "h", ArrowRight: "l" };
const VIEWS = { b: "board", l: "list", c: "calendar", g: "graph", t: "timeline" };

function isTyping(element) {
  return element.matches("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
}

// The card that has the focus, or else that of the open task.
function cardInHand() {
  return document.activeElement.closest("[data-card]") ?? $("[data-card].open");
}

// --- from card to card ----------------------------------------------------------------------------------------------

function cardLinks(column) {
  return $$(".card-name", column).filter((link) => link.offsetParent !== null);
}

// Return the card that a key leads to; none where there is no further one.
function neighbour(current, key) {
  // A list is one column, whatever its groups.
  const found = $$("#board-scroll .column");
  const columns = found.length ? found : $$("#board-scroll");
  const column = columns.find((each) => each.contains(current)) ?? columns[0];
  if (!column) return null;
  const links = cardLinks(column);
  const index = links.indexOf(current);
  if (key === "j") return links[Math.min(index + 1, links.length - 1)];
  if (key === "k") return links[Math.max(index - 1, 0)];
  for (let near = columns.indexOf(column); columns[near]; near += key === "l" ? 1 : -1) {
    const there = columns[near] === column ? [] : cardLinks(columns[near]);
    if (there.length) return there[Math.min(Math.max(index, 0), there.length - 1)];
  }
  return null;
}

let follow = null; // the timer after which an open pane follows the focus

function step(key) {
  const link = neighbour(cardInHand()?.querySelector(".card-name"), key);
  if (!link) return null;
  link.focus();
  link.scrollIntoView({ block: "nearest", inline: "nearest" });
  clearTimeout(follow);
  if ($("#open-task") && matchMedia("(min-width: 1024px)").matches) follow = setTimeout(() => peek(link), 180);
  return link;
}

// Open the task beside the board; the focus stays on the card.
function peek(link) {
  if (!link.isConnected || link.closest("[data-card]").classList.contains("open")) return;
  link.dataset.peek = "";
  link.click();
}

document.addEventListener("htmx:afterSettle", (event) => {
  delete event.detail.requestConfig?.elt?.dataset?.peek;
});

// --- what each key does -----------------------------------------------------------------------------------------------

const onCard = (act) => (card) => { if (card) { act(card); return true; } return false; };
const press = (selector) => () => { const found = $(selector); found?.click(); return Boolean(found); };

function openCardMenu(card) {
  const menu = $(".card-menu", card);
  if (!menu) return false;
  // A menu that is loaded when it is opened takes the focus itself.
  if ($("summary[hx-get]", menu)) $("summary", menu).click();
  else { menu.open = true; $(".item", menu)?.focus(); }
  return true;
}

function focusSearch() {
  const field = $$("main input[type=search]").find((each) => each.checkVisibility());
  field?.focus();
  field?.select();
  return Boolean(field);
}

function peekOrClose(card) {
  if (!document.activeElement.matches(".card-name")) return false;
  if (card.classList.contains("open")) $("#pane-close").click();
  else peek($(".card-name", card));
  return true;
}

const KEYS = {
  j: () => Boolean(step("j")),
  k: () => Boolean(step("k")),
  h: () => Boolean(step("h")),
  l: () => Boolean(step("l")),
  " ": onCard(peekOrClose),
  s: onCard((card) => edit(card, "status")),
  a: onCard((card) => edit(card, "assignees")),
  d: onCard((card) => edit(card, "due_date")),
  i: onCard((card) => act(card, "mine")),
  m: onCard(openCardMenu),
  n: (card) => onCard((each) => edit(each, "add"))(card ?? $("[data-card].current")) || press("#quick-1")(),
  z: undoLast,
  x: onCard((card) => toggleSelected(card)),
  f: press("#filters"),
  c: () => { const field = $("#comment-task"); field?.focus(); return Boolean(field); },
  "/": focusSearch,
  "?": () => { $("#keys").showModal(); return true; },
};
const AFTER = {
  g: (key) => press(`[data-go="${key}"]`)(),
  v: (key) => press(`[data-view="${VIEWS[key]}"]`)(),
};
// Not characters, so they are nobody's accident.
const ALWAYS = new Set(["ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight", " "]);

let first = ""; // the key that waits for a second one
let forget = null;

function readKey(event) {
  const key = ARROWS[event.key] ?? event.key;
  if (first) {
    const done = AFTER[first](key);
    first = "";
    return done;
  }
  if (AFTER[key]) {
    first = key;
    clearTimeout(forget);
    forget = setTimeout(() => { first = ""; }, 1500);
    return true;
  }
  return KEYS[key]?.(cardInHand()) ?? false;
}

document.addEventListener("keydown", (event) => {
  const focus = document.activeElement;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && focus.form) return sendForm(event, focus);
  if (event.key === "a" && (event.ctrlKey || event.metaKey) && isOnBoard(focus) && selectAll()) return event.preventDefault();
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const overlay = $("dialog[open], :popover-open");
  if (event.key === "Escape" && !overlay) return escape(event);
  if (isTyping(focus) || overlay) return;
  const menu = focus.closest("details[data-menu][open]");
  if (menu) return walkMenu(event, menu, focus);
  if (ALWAYS.has(event.key) && !focus.closest("#board-scroll")) return;
  if (document.body.dataset.keys === "off" && !ALWAYS.has(event.key)) return;
  if (event.key === " " && !focus.matches(".card-name")) return;
  if (event.shiftKey && (event.key === "ArrowDown" || event.key === "ArrowUp")) return extendSelection(event);
  if (readKey(event)) event.preventDefault();
});

function isOnBoard(focus) {
  return Boolean($("#board-scroll")) && !isTyping(focus) && !$("dialog[open], :popover-open") && (focus === document.body || Boolean(focus.closest("#board-scroll")));
}

// The card that one leaves belongs to the range, and so does the one that one comes to.
function extendSelection(event) {
  const card = document.activeElement.closest("[data-card]");
  if (card && !selected.has(card.dataset.task)) toggleSelected(card);
  const link = step(ARROWS[event.key]);
  if (link) selectRange(link.closest("[data-card]"));
  event.preventDefault();
}

function walkMenu(event, menu, focus) {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const items = $$("summary, .item", menu);
  items[(items.indexOf(focus) + (event.key === "ArrowDown" ? 1 : items.length - 1)) % items.length].focus();
  event.preventDefault();
}

// Fields that save when they are left are left; others send their form.
function sendForm(event, field) {
  event.preventDefault();
  const trigger = field.form.getAttribute("hx-trigger") ?? "submit";
  if (trigger.includes("submit")) field.form.requestSubmit();
  else field.blur();
}

function escape(event) {
  const menu = $("details[data-menu][open]");
  if (menu) {
    menu.open = false;
    $("summary", menu).focus();
  } else if (clearSelection()) {
    // The selection goes first, then the open task.
  } else if ($("#open-task") && !document.activeElement.matches("textarea")) {
    $("#pane-close").click();
  } else return;
  event.preventDefault();
}
