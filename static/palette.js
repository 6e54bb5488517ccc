// The command palette: a combobox whose choices the server renders. The focus stays in the field; the choice is pointed at.
"use strict";

const palette = $("#palette");
const field = $("#palette-words");
let isWaited = false; // Enter was pressed before the answer came

function openPalette() {
  if (!palette || palette.open) return;
  const card = cardInHand();
  const task = card?.dataset.task ?? $("#open-task")?.value ?? "";
  if (task) origin = { task, link: card && $(".card-name", card).id, anchor: card && $(".card-name", card) };
  $("#palette-task").value = task;
  field.value = "";
  $("#palette-found").replaceChildren();
  for (const other of $$("dialog[open]")) other.close();
  if (sheet.matches(":popover-open")) sheet.hidePopover();
  palette.showModal();
  htmx.trigger(field, "ask");
}

const choices = () => $$("[role=option]", palette);

function pointAt(choice) {
  for (const other of choices()) other.ariaSelected = String(other === choice);
  if (choice) field.setAttribute("aria-activedescendant", choice.id);
  else field.removeAttribute("aria-activedescendant");
  choice?.scrollIntoView({ block: "nearest" });
}

const pointed = () => document.getElementById(field.getAttribute("aria-activedescendant"));

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target?.id !== "palette-found") return;
  const found = $("[data-count]", palette);
  if (!$(`[data-card][data-task="${origin?.task}"] .card-menu`)) $("[data-does=move]", palette)?.remove();
  field.ariaExpanded = String(found.id === "palette-list");
  $("#palette-count").textContent = found.dataset.count;
  pointAt(choices()[0] ?? null);
  $("#palette-found").scrollTop = 0;
  if (isWaited && isCurrent()) choose();
});

// Whether what is shown answers what has been typed.
function isCurrent() {
  return $("[data-words]", palette)?.dataset.words === field.value.trim().replace(/\s+/g, " ");
}

function choose(event) {
  isWaited = !isCurrent();
  const choice = pointed();
  if (isWaited || !choice) return;
  if (choice.href && (event?.ctrlKey || event?.metaKey)) window.open(choice.href);
  else choice.click();
}

field?.addEventListener("keydown", (event) => {
  const all = choices();
  const index = all.indexOf(pointed());
  const steps = { ArrowDown: index + 1, ArrowUp: index - 1 + all.length, PageDown: Math.min(index + 8, all.length - 1), PageUp: Math.max(index - 8, 0) };
  if (event.key in steps && all.length) pointAt(all[steps[event.key] % all.length]);
  else if (event.key === "Enter") choose(event);
  else return;
  event.preventDefault();
});
field?.addEventListener("input", () => { isWaited = false; });

palette?.addEventListener("pointermove", (event) => {
  const choice = event.target.closest("[role=option]");
  if (choice && choice !== pointed()) pointAt(choice);
});

// What was chosen is done on the page, where the focus was; this comes after htmx has taken the click.
palette?.addEventListener("click", (event) => {
  if (event.target === palette) return palette.close();
  if (event.target.closest("[data-palette-all]")) {
    field.value = "";
    field.focus();
    return htmx.trigger(field, "ask");
  }
  const choice = event.target.closest("[role=option]");
  if (!choice || choice.href) return;
  palette.close();
  if (choice.dataset.does === "keys") $("#keys").showModal();
  if (choice.dataset.does === "move") openCardMenu($(`[data-card][data-task="${origin.task}"]`));
});

document.addEventListener("click", (event) => { if (event.target.closest("#open-palette")) openPalette(); });

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
  if (!palette) return;
  event.preventDefault();
  if (palette.open) palette.close();
  else openPalette();
});
