// What the server cannot do: focus, keys, dragging, dialogs and announcements. Every act ends in a button that htmx sends.
"use strict";

const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

// One polite region; a short pause lets a screen reader hear the change even when the text is the same again.
function announce(text) {
  const region = $("#live");
  region.textContent = "";
  setTimeout(() => { region.textContent = text; }, 100);
}

// --- htmx ---------------------------------------------------------------------------------------------------------

document.addEventListener("announce", (event) => {
  announce(event.detail.text);
  $("#dialog").close();
  $("#alerts").replaceChildren();
});

// The answer to an edit renews the pane that is open.
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb !== "post") return;
  event.detail.parameters.open = $("#open-task")?.value ?? "";
  event.detail.parameters.shown = shownGroups();
});
let returnTo = null; // the card whose task is being closed
let openMenu = null; // a menu that stays open while its choices are saved

document.addEventListener("htmx:beforeRequest", (event) => {
  const source = event.detail.elt;
  if (source.id === "pane-close") returnTo = source.dataset.return;
  openMenu = source.closest("details[data-keep]")?.dataset.keep ?? null;
  for (const menu of $$("details[data-menu][open]")) if (!menu.dataset.keep && !source.matches("summary")) menu.open = false;
});

document.addEventListener("htmx:afterSettle", (event) => {
  const target = event.detail.target;
  markOpen();
  closeOffWhatIsBehind();
  if (target?.id === "dialog" && target.childElementCount && !target.open) {
    target.showModal();
    $("input:not([type=hidden]), select, textarea, button", target)?.focus();
  }
  const kept = openMenu && $(`details[data-keep="${openMenu}"]`);
  if (kept) kept.open = true;
  if ($("#clash")) $("#clash").focus();
  const source = event.detail.requestConfig?.elt;
  if (source?.matches(".card-name, #keep-theirs")) {
    // Who only peeks stays on the card, unless the pane lies over it.
    if (!source.matches("[data-peek]") || narrow.matches) $("#pane-title")?.focus({ preventScroll: true });
    $(".card.open")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  if (returnTo) document.getElementById(returnTo)?.focus();
  returnTo = null;
});

// --- clicks -------------------------------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  for (const menu of $$("details[data-menu][open]")) if (!menu.contains(event.target)) menu.open = false;
  const target = event.target.closest("[data-dismiss], [data-close], [data-dialog], [data-copy]");
  if (!target) return;
  if (target.hasAttribute("data-dismiss")) target.closest(".alert").remove();
  if (target.hasAttribute("data-close")) target.closest("dialog").close();
  if (target.dataset.dialog) $(target.dataset.dialog).showModal();
  if (target.dataset.copy && navigator.clipboard && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    navigator.clipboard.writeText(target.href).then(() => announce(target.dataset.copy));
  }
});

// A sheet that would leave the window opens the other way.
document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (!menu.matches?.("details[data-menu]")) return;
  // The first click beside a card's menu closes it, and hits nothing that lies half under the sheet.
  const own = $(".card-menu[open]")?.closest("[data-card]");
  for (const card of $$("[data-card]")) card.inert = Boolean(own) && card !== own;
  if (!menu.open) return;
  for (const other of $$("details[data-menu][open]")) if (other !== menu && !other.contains(menu)) other.open = false;
  placeSheet(menu);
}, true);

function placeSheet(menu) {
  const sheet = $(".sheet", menu);
  sheet.classList.remove("up");
  const { bottom, right, height } = sheet.getBoundingClientRect();
  sheet.classList.toggle("up", bottom > innerHeight && menu.getBoundingClientRect().top > height);
  if (right > innerWidth) sheet.classList.add("end");
}

// --- dragging a card between the lanes of its phase --------------------------------------------------------------------

let lifted = null;

function offers(card, lane) {
  return Boolean(lane.dataset.lane) && card.dataset.lanes.split(" ").includes(lane.dataset.lane);
}

document.addEventListener("dragstart", (event) => {
  lifted = event.target.closest?.("#board [data-card]");
  if (!lifted) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", lifted.id);
  lifted.classList.add("lifted");
  const column = lifted.closest(".column");
  for (const lane of $$(".lane", column)) lane.classList.toggle("closed", !offers(lifted, lane));
  setTimeout(() => column.classList.add("dragging"));
});

document.addEventListener("dragover", (event) => {
  const lane = event.target.closest?.(".lane");
  for (const other of $$(".lane.over")) if (other !== lane) other.classList.remove("over");
  if (!lifted || !lane || lane.closest(".column") !== lifted.closest(".column") || !offers(lifted, lane)) return;
  event.preventDefault();
  lane.classList.add("over");
});

document.addEventListener("drop", (event) => {
  const lane = event.target.closest?.(".lane");
  if (!lifted || !lane) return;
  event.preventDefault();
  if (offers(lifted, lane)) moveTo(lifted, lane.dataset.lane);
  else if (lane !== lifted.closest(".lane")) announce($("#board").dataset.refused);
});

function moveTo(card, status) {
  const own = $("#board").dataset.tasks + card.id.replace("card-", "");
  const runs = status === "IN_PROGRESS" && "runs" in card.dataset;
  const values = runs ? {} : { status, was: card.dataset.was };
  htmx.ajax("POST", `${own}/${runs ? "run" : "status"}`, { source: card, swap: "none", values });
}

document.addEventListener("dragend", () => {
  for (const marked of $$(".dragging, .lifted, .over")) marked.classList.remove("dragging", "lifted", "over");
  lifted = null;
});

// --- where the flow is ------------------------------------------------------------------------------------------------

function markOpen() {
  const open = $("#open-task")?.value;
  for (const card of $$("[data-card]")) {
    const isOpen = Boolean(open) && (card.dataset.task ?? card.id.replace("card-", "")) === open;
    card.classList.toggle("open", isOpen);
    $(".card-name", card).ariaCurrent = isOpen ? "true" : null;
  }
}

// On a small screen the pane covers everything else, which then cannot be reached by keys either.
const narrow = matchMedia("(max-width: 1023px)");

function closeOffWhatIsBehind() {
  const isCovered = narrow.matches && Boolean($("#open-task"));
  for (const part of $$(".top, .skip, #bulk, .workplace > :not(.split), .split > :not(.pane)")) part.inert = isCovered;
}

narrow.addEventListener("change", closeOffWhatIsBehind);

// A board that is wider than the window begins at the open task, or where the flow is; so do the names of its phases.
function showWhereItIs() {
  const [card, scroll, name] = [$(".card.open") ?? $(".card.current"), $("#board-scroll"), $(".jump .now")];
  const column = card?.closest(".column");
  if (column) scroll.scrollLeft = column.offsetLeft - (scroll.clientWidth - column.offsetWidth) / 2;
  if (name) name.parentElement.scrollLeft = name.offsetLeft - 12;
}

markOpen();
closeOffWhatIsBehind();
showWhereItIs();

// A task that the address names is where reading begins.
if ($("#open-task") && matchMedia("(max-width: 1023px)").matches) $("#pane-title").focus();
