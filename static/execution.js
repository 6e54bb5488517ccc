// The page of an execution, and comments wherever a task is open. The helpers are those of app.js.
"use strict";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-disclose]");
  if (!button) return;
  const part = document.getElementById(button.getAttribute("aria-controls"));
  part.hidden = !part.hidden;
  button.ariaExpanded = String(!part.hidden);
});

// htmx knows links of HTML; those in a drawing would be followed besides.
document.addEventListener("click", (event) => {
  if (event.target.closest?.(".graph a") && !event.ctrlKey && !event.metaKey && !event.shiftKey) event.preventDefault();
});

// In the drawing, arrows lead to the nearest task on that side.
const SIDES = { ArrowDown: [0, 1], ArrowUp: [0, -1], ArrowRight: [1, 0], ArrowLeft: [-1, 0] };

document.addEventListener("keydown", (event) => {
  const link = document.activeElement.closest(".graph a");
  const side = SIDES[event.key];
  if (!link || !side || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  const from = middleOf(link);
  let [nearest, least] = [null, Infinity];
  for (const other of $$(".graph a")) {
    const to = middleOf(other);
    const along = (to.x - from.x) * side[0] + (to.y - from.y) * side[1];
    const aside = Math.abs((to.x - from.x) * side[1]) + Math.abs((to.y - from.y) * side[0]);
    const distance = along + 2 * aside;
    if (other !== link && along > 8 && aside <= 4 * along && distance < least) [nearest, least] = [other, distance];
  }
  nearest?.focus();
});

function middleOf(link) {
  const { left, top, width, height } = $(".frame", link).getBoundingClientRect();
  return { x: left + width / 2, y: top + height / 2 };
}

// A drawing that is larger than the window begins at the open task, or where the flow is.
(function showHere() {
  const node = $(".graph .node.open") ?? $(".graph .node.here");
  const scroll = $("#view-scroll");
  if (!node || !scroll) return;
  const [box, frame] = [node.getBoundingClientRect(), scroll.getBoundingClientRect()];
  scroll.scrollLeft += box.left + box.width / 2 - frame.left - frame.width / 2;
  scroll.scrollTop += box.top - frame.top - frame.height / 3;
})();

// --- comments: what is half written is kept, and @ offers people --------------------------------------------------------

const draftKey = (field) => `draft:${field.dataset.draft}`;

function restoreDrafts() {
  for (const field of $$("[data-draft]")) if (!field.value) field.value = sessionStorage.getItem(draftKey(field)) ?? "";
}

document.addEventListener("input", (event) => {
  const field = event.target;
  if (field.matches("[data-draft]")) sessionStorage.setItem(draftKey(field), field.value);
  if (field.matches("[data-mentions]")) offerPeople(field);
});

document.addEventListener("htmx:beforeOnLoad", (event) => {
  const field = event.detail.elt.matches("[data-comment]") && $("[data-draft]", event.detail.elt);
  if (field && event.detail.xhr.status < 400) sessionStorage.removeItem(draftKey(field));
});

document.addEventListener("htmx:afterSettle", (event) => {
  restoreDrafts();
  const list = event.detail.target;
  if (list?.matches(".mention-list")) showPeople(list);
  const editing = $("[data-editing] textarea");
  if (editing && event.detail.requestConfig?.elt.id.startsWith("edit-")) {
    editing.focus();
    editing.setSelectionRange(editing.value.length, editing.value.length);
  }
});

// What stands behind the last @ before the caret; a name may have a space in it.
function begunMention(field) {
  return /(?:^|[^\w@.])@([^\n@]{0,40})$/u.exec(field.value.slice(0, field.selectionStart))?.[1];
}

const listOf = (field) => document.getElementById(field.getAttribute("aria-controls"));

function offerPeople(field) {
  const [begun, list] = [begunMention(field), listOf(field)];
  if (begun === undefined || /\s$/.test(begun)) return hidePeople(field);
  list.dataset.begun = begun;
  const address = `${field.dataset.mentions}?q=${encodeURIComponent(begun)}&list=${list.id}`;
  window.htmx.ajax("GET", address, { target: list, swap: "innerHTML", source: list });
}

function showPeople(list) {
  const field = $("textarea", list.parentElement);
  const options = $$("[role=option]", list);
  const { begun, words } = $("[data-words]", list).dataset;
  list.hidden = !options.length || begun !== list.dataset.begun;
  if (list.hidden) return field.removeAttribute("aria-activedescendant");
  choosePerson(field, options[0]);
  announce(words);
}

// An answer that is still on its way does not open them again.
function hidePeople(field) {
  const list = listOf(field);
  list.hidden = true;
  delete list.dataset.begun;
  field.removeAttribute("aria-activedescendant");
}

function choosePerson(field, option) {
  for (const other of $$("[role=option]", listOf(field))) other.ariaSelected = String(other === option);
  field.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

function insertMention(field, option) {
  const [begun, caret] = [begunMention(field) ?? "", field.selectionStart];
  field.setRangeText(`${option.dataset.handle} `, caret - begun.length, caret, "end");
  hidePeople(field);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

// Before the keys of the page: while people are offered, arrows, Enter, Tab and Escape are the list's.
document.addEventListener("keydown", (event) => {
  const field = event.target;
  if (!field.matches?.("[data-mentions]") || listOf(field).hidden) return;
  const options = $$("[role=option]", listOf(field));
  const at = options.findIndex((option) => option.ariaSelected === "true");
  if (event.key === "ArrowDown") choosePerson(field, options[(at + 1) % options.length]);
  else if (event.key === "ArrowUp") choosePerson(field, options[(at + options.length - 1) % options.length]);
  else if ((event.key === "Enter" && !event.ctrlKey && !event.metaKey) || event.key === "Tab") insertMention(field, options[at]);
  else if (event.key === "Escape") hidePeople(field);
  else return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);

document.addEventListener("mousedown", (event) => {
  const option = event.target.closest(".mention-list [role=option]");
  if (!option) return;
  event.preventDefault();
  insertMention($("textarea", option.closest(".mentionable")), option);
});

document.addEventListener("focusout", (event) => {
  if (event.target.matches("[data-mentions]")) hidePeople(event.target);
});

restoreDrafts();
