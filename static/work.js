// Pages over all executions: lists that keep their length and the focus when a task is done with.
"use strict";

// How many tasks of a group are shown, where one has asked for more.
function shownGroups() {
  return $$("[data-group]")
    .map((group) => [group.dataset.group, $$("[data-card]", group).length])
    .filter(([, count]) => count > 50)
    .map((pair) => pair.join(":"));
}

let left = null; // the links to focus when the task that was worked on has gone from the list

function nextLeft() {
  return left?.map((id) => document.getElementById(id)).find(Boolean);
}

let firstNew = null; // the last task that was shown before one asked for more

document.addEventListener("htmx:beforeRequest", (event) => {
  const source = event.detail.elt;
  if (source.matches("[data-more]")) firstNew = source.closest("li, tr").previousElementSibling?.id;
  const row = cardOf(source);
  if (!row?.closest("[data-list]") || event.detail.requestConfig.verb !== "post") return;
  const rows = $$("[data-list] [data-card]");
  const index = rows.indexOf(row);
  left = [...rows.slice(index), ...rows.slice(0, index).reverse()].map((each) => $(".card-name", each).id);
});

document.addEventListener("htmx:afterSettle", () => {
  if (firstNew) {
    const next = document.getElementById(firstNew)?.nextElementSibling;
    if (next?.matches("[data-card]")) {
      $(".card-name", next).focus();
      firstNew = null;
    }
  }
  if (!left || document.activeElement !== document.body) return;
  (nextLeft() ?? $("#board-scroll"))?.focus();
  left = null;
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) document.getElementById(opener.dataset.open).click();
});

// --- the work board -----------------------------------------------------------------------------------------------

let focused = null; // what had the focus when something was asked: its id, and the task of its card

document.addEventListener("htmx:beforeRequest", () => {
  const here = document.activeElement;
  focused = { id: here.id, task: cardOf(here)?.dataset.task };
});

// The card may stand elsewhere now, and its link have another id.
function findFocused() {
  const same = focused.id ? document.getElementById(focused.id) : null;
  if (same?.checkVisibility()) return same;
  return focused.task && $(`[data-card][data-task="${focused.task}"] .card-name`);
}

document.addEventListener("htmx:afterSettle", (event) => {
  const target = event.detail.target;
  // A menu that was loaded: it may have to open the other way, and its first choice is next.
  if (target?.matches?.("[data-moves]")) {
    placeSheet(target.closest("details"));
    $(".item", target)?.focus();
  }
  const words = $("#work-q");
  if (words && words !== document.activeElement) words.value = $("#work-state [name=q]")?.value ?? "";
  // What is swapped with its menu closed cannot take the focus back before the menu is open again.
  if (focused && document.activeElement === document.body) findFocused()?.focus();
});

document.addEventListener("moved", (event) => {
  const card = $(`#${event.detail.column} [data-task="${event.detail.task}"]`) ?? $(`[data-task="${event.detail.task}"]`);
  const goal = card ? $(".card-name", card) : $(`#${event.detail.column} h2`);
  goal?.focus();
  card?.scrollIntoView({ block: "nearest", inline: "nearest" });
});

// Why a card cannot be moved to a column; empty when it can. `data-no` holds one reason for all, or one for each column.
function refusal(card, column) {
  const lines = card.dataset.no.split("\n").filter(Boolean);
  if (lines.length === 1 && !lines[0].includes(" ")) return lines[0];
  return lines.find((line) => line.slice(line.indexOf(" ") + 1) === column.dataset.group)?.split(" ", 1)[0] ?? "";
}

let held = null; // the card that is being dragged over the work board

document.addEventListener("dragstart", (event) => {
  held = event.target.closest?.("#work-board [data-card]");
  if (!held) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", held.dataset.task);
  held.classList.add("lifted");
  for (const column of $$("#work-board .column")) {
    if (column.contains(held)) continue;
    const reason = refusal(held, column);
    const note = $(".why-not", column);
    note.textContent = reason ? $(`#reasons [data-reason="${reason}"]`).textContent : "";
    note.hidden = !reason;
    column.classList.add(reason ? "refuses" : "takes");
  }
});

document.addEventListener("dragover", (event) => {
  if (!held) return;
  const column = event.target.closest?.("#work-board .column");
  for (const other of $$("#work-board .over")) if (other !== column) other.classList.remove("over");
  if (!column?.classList.contains("takes")) return;
  event.preventDefault();
  column.classList.add("over");
});

document.addEventListener("drop", (event) => {
  const column = held && event.target.closest?.("#work-board .column.takes");
  if (!column) return;
  event.preventDefault();
  drop(held, column);
});

document.addEventListener("dragend", () => {
  for (const column of $$("#work-board .column")) {
    if (column.classList.contains("refuses")) $(".why-not", column).hidden = true;
    column.classList.remove("takes", "refuses", "over");
  }
  held?.classList.remove("lifted");
  held = null;
});

// The card moves at once; when the server refuses, it goes back to where it was.
function drop(card, column) {
  const [list, behind, origin] = [card.parentElement, card.nextElementSibling, card.closest(".column").dataset.group];
  $(".cards", column).prepend(card);
  card.classList.add("moving");
  const settle = (event) => {
    if (event.detail.elt !== card) return;
    document.removeEventListener("htmx:afterRequest", settle);
    card.classList.remove("moving");
    // 0: nobody answered.
    const { status } = event.detail.xhr;
    if ((status === 0 || status >= 400) && card.isConnected) list.insertBefore(card, behind);
  };
  document.addEventListener("htmx:afterRequest", settle);
  const values = { to: column.dataset.group, from: origin, was: card.dataset.was };
  htmx.ajax("POST", card.dataset.moveTo, { source: card, swap: "none", values });
}

// --- the calendar --------------------------------------------------------------------------------------------------

const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };

document.addEventListener("keydown", (event) => {
  const month = document.activeElement?.closest(".month");
  if (!month || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "PageUp" || event.key === "PageDown") {
    event.preventDefault();
    event.stopImmediatePropagation();
    $(event.key === "PageUp" ? "#month-before" : "#month-after").click();
    return;
  }
  const step = STEPS[event.key];
  if (!step) return;
  const days = $$(".day-number", month);
  const here = days.indexOf($(".day-number", document.activeElement.closest(".day")));
  event.preventDefault();
  event.stopImmediatePropagation();
  days[here + step]?.focus();
}, true);
