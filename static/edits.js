// Edits on a card: a small sheet for one field, loaded when it is opened, beside what it is about.
"use strict";

const sheet = $("#popover");
let origin = null; // where the sheet was opened: the ids of the card and of its link, and the task

// Ask for the sheet of one field of a card's task.
function edit(card, field) {
  const anchor = $(`[data-edit="${field}"]`, card) ?? $(".card-name", card);
  origin = { task: card.dataset.task, link: $(".card-name", card).id, anchor };
  loadSheet(card, field);
}

function loadSheet(source, field) {
  htmx.ajax("GET", `/tasks/${origin.task}/edit/${field}`, { source, target: sheet, swap: "innerHTML" });
}

// Do something to a card's task that needs no more to be said.
function act(card, verb) {
  origin = { task: card.dataset.task, link: $(".card-name", card).id };
  htmx.ajax("POST", `/tasks/${card.dataset.task}/${verb}`, { source: card, swap: "none" });
}

document.addEventListener("click", (event) => {
  // A button that loads a sheet about no one task.
  const opener = event.target.closest("[data-sheet]");
  if (opener) origin = { link: opener.id, anchor: opener };
  const button = event.target.closest("[data-edit]");
  if (!button) return;
  const card = button.closest("[data-card]");
  if (card) edit(card, button.dataset.edit);
  // From one sheet to another, or from the palette, it stays the same task.
  else loadSheet(document.body, button.dataset.edit);
});

// Below what it is about, or above it where there is no room; on a small screen it lies at the bottom (act.css).
function place(anchor) {
  if (matchMedia("(max-width: 640px)").matches) return;
  const at = (anchor?.isConnected ? anchor : $("#main")).getBoundingClientRect();
  const [width, height] = [sheet.offsetWidth, sheet.offsetHeight];
  const below = at.bottom + 4;
  sheet.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
  sheet.style.top = `${below + height > innerHeight - 8 ? Math.max(8, at.top - height - 4) : below}px`;
}

function focusFirst() {
  const first = $("[data-first]", sheet) ?? $("button, input:not([type=hidden]), a", sheet);
  first?.focus();
}

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target !== sheet) return;
  const stays = sheet.contains(document.activeElement);
  if (!sheet.matches(":popover-open")) sheet.showPopover();
  place(origin?.anchor);
  if (!stays) focusFirst();
});

// What is chosen is saved, and the sheet goes; one in which several things are chosen stays, and knows what is saved now.
document.addEventListener("htmx:afterRequest", (event) => {
  const { elt, xhr, requestConfig } = event.detail;
  if (requestConfig?.verb !== "post" || !sheet.contains(elt)) return;
  if (xhr.status === 200 && elt.matches("[data-empty]")) emptyForNext(elt);
  else if (xhr.status === 200 && elt.matches("[data-stay]")) noteSaved(elt, requestConfig.formData.getAll(elt.dataset.stay));
  // What was typed stays where nothing of it was saved.
  else if (xhr.status < 400 ? xhr.status > 0 : [404, 409].includes(xhr.status)) sheet.hidePopover();
});

function emptyForNext(form) {
  const input = $("[data-first]", form);
  input.value = "";
  input.focus();
}

function noteSaved(form, values) {
  for (const old of $$("[name=was]", form)) old.remove();
  for (const value of values) {
    const input = Object.assign(document.createElement("input"), { type: "hidden", name: "was", value });
    form.append(input);
  }
}

sheet.addEventListener("toggle", (event) => {
  if (event.newState === "closed" && (document.activeElement === document.body || sheet.contains(document.activeElement))) returnFocus();
});

// The card that something belongs to: the one it stands in, or the one for which the sheet was opened.
function cardOf(element) {
  if (element.closest("#popover, #palette")) return origin && $(`[data-card][data-task="${origin.task}"]`);
  return element.closest("[data-card]");
}

function returnFocus() {
  const card = origin && $(`[data-card][data-task="${origin.task}"]`);
  const link = document.getElementById(origin?.link) ?? (card && $(".card-name", card)) ?? nextLeft() ?? $("#board-scroll");
  link?.focus();
}

// In a sheet arrows go from choice to choice.
sheet.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  if (document.activeElement.matches("input[type=date]")) return;
  const items = $$(".item, .item input", sheet).filter((item) => !item.matches("label"));
  const index = items.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
  items[(index + items.length) % items.length]?.focus();
  event.preventDefault();
});
