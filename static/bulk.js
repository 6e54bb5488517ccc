// Selecting many tasks and changing them together. What is selected is remembered by the ids of tasks, whatever is swapped.
"use strict";

const bar = $("#bulk");
const selected = new Set();
let anchor = null; // the task from which a range is selected
let allOf = ""; // the address of the list of which everything is selected, shown or not

const taskCards = () => $$("#board-scroll [data-card][data-task]").filter((card) => card.offsetParent !== null || card.matches("tr"));

// Each card gets a checkbox; it needs script to mean anything.
function addBox(card) {
  if ($(".pick-box", card)) return;
  const box = Object.assign(document.createElement("input"), { type: "checkbox", className: "pick-box" });
  box.ariaLabel = bar.dataset.select.replace("{name}", $(".card-name", card)?.textContent ?? "");
  const holder = $(".row-acts", card) ?? $(".card-top", card);
  holder?.insertBefore(box, holder.matches(".card-top") ? $(":scope > .card-menu", holder) : null);
}

function showSelection() {
  if (!bar) return;
  const here = new Set();
  for (const card of taskCards()) {
    addBox(card);
    here.add(card.dataset.task);
    const is = selected.has(card.dataset.task);
    card.classList.toggle("selected", is);
    const box = $(".pick-box", card);
    if (box) box.checked = is;
  }
  for (const task of selected) if (!here.has(task)) selected.delete(task);
  if (allOf !== listAddress() || here.size > selected.size) allOf = "";
  // More match than are shown, and all that are shown are selected.
  $("#bulk-all").hidden = Boolean(allOf) || !$("#more-rows") || here.size === 0 || selected.size < here.size;
  const hadFocus = bar.contains(document.activeElement);
  bar.hidden = selected.size === 0;
  document.body.classList.toggle("selecting", selected.size > 0);
  $("#bulk-count").textContent = words();
  if (hadFocus && bar.hidden) $(`[data-card][data-task="${anchor}"] .card-name`)?.focus();
}

// What the list asks for, whichever task is open beside it.
function listAddress() {
  const asked = new URLSearchParams(location.search);
  asked.delete("task");
  return `?${asked}`;
}

function words() {
  if (allOf) return `${$("#work-count")?.textContent ?? ""}: ${$("#bulk-all").dataset.all}`;
  if (selected.size === 0) return bar.dataset.none;
  return selected.size === 1 ? bar.dataset.one : bar.dataset.many.replace("{count}", selected.size);
}

function mark(card, is) {
  if (is) selected.add(card.dataset.task);
  else selected.delete(card.dataset.task);
  anchor = card.dataset.task;
}

function toggleSelected(card) {
  mark(card, !selected.has(card.dataset.task));
  showSelection();
  announce(words());
}

function selectRange(card) {
  const cards = taskCards();
  const from = cards.findIndex((each) => each.dataset.task === anchor);
  const to = cards.indexOf(card);
  const range = cards.slice(Math.min(from < 0 ? to : from, to), Math.max(from, to) + 1);
  for (const each of range) selected.add(each.dataset.task);
  anchor = card.dataset.task;
  showSelection();
  announce(words());
}

function selectAll() {
  for (const card of taskCards()) selected.add(card.dataset.task);
  showSelection();
  announce(words());
  return selected.size > 0;
}

// What is not shown is selected by what the list asks for; the server finds it.
function selectMatching() {
  allOf = listAddress();
  showSelection();
  $("#bulk-status").focus();
  announce(words());
}

// Return whether there was a selection to give up.
function clearSelection() {
  if (!selected.size) return false;
  selected.clear();
  allOf = "";
  showSelection();
  announce(words());
  return true;
}

document.addEventListener("change", (event) => {
  if (!event.target.matches(".pick-box")) return;
  mark(event.target.closest("[data-card]"), event.target.checked);
  showSelection();
  announce(words());
});

document.addEventListener("click", (event) => {
  if (event.target.closest("#bulk-clear")) clearSelection();
  if (event.target.closest("#bulk-all:not([hidden])")) selectMatching();
  const card = event.shiftKey && event.target.closest("[data-card]");
  if (!card || !bar || !event.target.closest(".card-name, .pick-box")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  selectRange(card);
}, true);

// Text between two cards is not meant when a range of them is.
document.addEventListener("mousedown", (event) => {
  if (event.shiftKey && event.target.closest(".card-name")) event.preventDefault();
});

document.addEventListener("htmx:configRequest", (event) => {
  if (!event.detail.elt.matches("[data-bulk]")) return;
  if (allOf) event.detail.parameters.all = "1";
  else event.detail.parameters.task = [...selected];
});

document.addEventListener("changed-many", () => {
  selected.clear();
  allOf = "";
  showSelection();
  if (document.activeElement === document.body) ($(`[data-card][data-task="${anchor}"] .card-name`) ?? $("#board-scroll"))?.focus();
});
document.addEventListener("htmx:afterSettle", showSelection);
document.addEventListener("live:applied", showSelection);
showSelection();
