// The note that offers to take back what was just done. It waits while it is pointed at or holds the focus (WCAG 2.2.1).
"use strict";

const STAYS = 10000;
let gone = null; // the timer after which the note goes

function isHeld() {
  const toast = $("#toast");
  return Boolean(toast) && (toast.matches(":hover") || toast.contains(document.activeElement));
}

function countDown() {
  clearTimeout(gone);
  gone = setTimeout(() => { if (!isHeld()) closeToast(); }, STAYS);
}

function closeToast() {
  clearTimeout(gone);
  const toast = $("#toast");
  if (!toast) return;
  const [hadFocus, task] = [toast.contains(document.activeElement), toast.dataset.task];
  toast.remove();
  if (hadFocus) focusTask(task);
}

function focusTask(task) {
  const card = $(`[data-card][data-task="${task}"]`);
  (card ? $(".card-name", card) : $("#board-scroll"))?.focus();
}

document.addEventListener("htmx:oobAfterSwap", (event) => { if (event.detail.target.id === "toasts") countDown(); });
document.addEventListener("pointerout", (event) => { if (event.target.closest?.("#toast")) countDown(); });
document.addEventListener("focusout", (event) => { if (event.target.closest("#toast")) countDown(); });
document.addEventListener("click", (event) => { if (event.target.closest("[data-toast-close]")) closeToast(); });

// What was taken back is what one looks at next.
document.addEventListener("undone", (event) => {
  clearTimeout(gone);
  $("#toast")?.remove();
  focusTask(event.detail.task);
});

function undoLast() {
  const button = $("#undo");
  if (button) button.click();
  else htmx.ajax("POST", "/undo", { source: document.body, swap: "none" });
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
  if (isTyping(document.activeElement) || $("dialog[open]")) return;
  event.preventDefault();
  undoLast();
});
