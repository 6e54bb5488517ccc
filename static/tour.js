// The tour of the pages: five notes, each beside what it is about. It is no modal: whoever goes on working ends it with Esc or its button.
"use strict";

{
  const note = $("#tour");
  const steps = $$("#tour-steps li");
  const returnFocus = document.activeElement;
  let at = 0;

  function showStep(index) {
    at = index;
    const step = steps[at];
    $("#tour-place").textContent = $("#tour-place").dataset.words.replace("#", at + 1);
    $("#tour-title").textContent = $("b", step).textContent;
    $("#tour-words").textContent = $("p", step).textContent;
    $("#tour-before").hidden = at === 0;
    const next = $("#tour-next");
    next.dataset.next ??= next.textContent;
    next.textContent = at === steps.length - 1 ? next.dataset.last : next.dataset.next;
    for (const old of $$(".tour-at")) old.classList.remove("tour-at");
    const target = $(step.dataset.at);
    target?.classList.add("tour-at");
    target?.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (!note.matches(":popover-open")) note.showPopover();
    placeNote(target);
    // The name, place and words of the note are read anew when it takes the focus.
    note.focus();
  }

  // Below what it is about; on a small screen it lies at the bottom (tour.css).
  function placeNote(target) {
    note.style.left = note.style.top = "";
    if (matchMedia("(max-width: 640px)").matches) return;
    const box = target?.getBoundingClientRect();
    const [left, top] = box ? [box.left, box.bottom + 10] : [(innerWidth - note.offsetWidth) / 2, innerHeight / 4];
    note.style.left = `${Math.max(8, Math.min(left, innerWidth - note.offsetWidth - 8))}px`;
    note.style.top = `${Math.max(8, Math.min(top, innerHeight - note.offsetHeight - 8))}px`;
  }

  function endTour() {
    for (const old of $$(".tour-at")) old.classList.remove("tour-at");
    const hadFocus = note.contains(document.activeElement);
    note.hidePopover();
    if (hadFocus) (returnFocus === document.body ? $("#main") : returnFocus)?.focus({ preventScroll: true });
    document.removeEventListener("keydown", readKeys);
    fetch(note.dataset.seen, { method: "POST", headers: JSON.parse(document.body.getAttribute("hx-headers")), keepalive: true }).catch(() => {});
    const address = new URL(location.href);
    address.searchParams.delete("tour");
    history.replaceState(history.state, "", address);
  }

  function readKeys(event) {
    if (event.key !== "Escape" || $("dialog[open]")) return;
    event.preventDefault();
    endTour();
  }

  $("#tour-end").addEventListener("click", endTour);
  $("#tour-before").addEventListener("click", () => showStep(at - 1));
  $("#tour-next").addEventListener("click", () => { if (at === steps.length - 1) endTour(); else showStep(at + 1); });
  addEventListener("resize", () => { if (note.matches(":popover-open")) placeNote($(steps[at].dataset.at)); });
  document.addEventListener("keydown", readKeys);
  showStep(0);
}
