// What goes wrong between page and server is said where the person is, and nothing that was typed is lost.
"use strict";

const pageTexts = document.body.dataset;

// Behind an open dialog everything is inert, and a sheet lies on top of everything: what has to be read then is put into it.
function bringForward() {
  const [over, note] = [$("dialog[open]") ?? $("#popover:popover-open"), $("#alerts .alert")];
  if (!over || !note) return;
  for (const old of $$(".alert", over)) old.remove();
  const heading = $("h2", over);
  if (heading) heading.after(note);
  else over.prepend(note);
}

function showNote(note) {
  if (!note) return;
  for (const old of $$("dialog .alert, #popover .alert")) old.remove();
  $("#alerts").replaceChildren(note);
  bringForward();
}

const copyOf = (id) => document.getElementById(id)?.content.firstElementChild.cloneNode(true);

function showAlert(text, kind = "") {
  const note = copyOf("alert-words") ?? Object.assign(document.createElement("div"), { className: "alert", role: "alert" });
  note.dataset.kind = kind;
  if (!$("p", note)) note.append(document.createElement("p"));
  $("p", note).textContent = text;
  showNote(note);
}

function removeAlerts(selector) {
  for (const note of $$(`.alert${selector}`)) note.remove();
}

// --- answers ------------------------------------------------------------------------------------------------------

// Ours say where they belong. What else comes with such a status, such as a proxy's page, is shown nowhere.
const isOurs = (xhr) => xhr.status < 400 || xhr.status === 409 || xhr.status === 422 || Boolean(xhr.getResponseHeader("HX-Retarget"));

document.addEventListener("htmx:beforeSwap", (event) => {
  if (isOurs(event.detail.xhr)) return;
  event.detail.shouldSwap = false;
  event.detail.isError = true;
});
document.addEventListener("htmx:responseError", () => showAlert(pageTexts.fault));
document.addEventListener("htmx:sendError", showAway);
document.addEventListener("htmx:timeout", showAway);
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target?.id === "alerts") bringForward();
  if (event.detail.xhr?.status === 401) awaitSignIn();
});

// An answer may come when what asked for it is gone, swapped away by the answer to a request before it. htmx would look for the
// places to swap in what is gone; they are in the page.
document.addEventListener("htmx:beforeRequest", (event) => {
  const source = event.detail.elt;
  source.addEventListener("htmx:beforeOnLoad", (answer) => {
    const { xhr } = answer.detail;
    if (source.isConnected || xhr.status === 204 || !isOurs(xhr)) return;
    answer.preventDefault();
    const place = xhr.getResponseHeader("HX-Retarget");
    window.htmx.swap(place ?? document.body, xhr.responseText, { swapStyle: place ? "innerHTML" : "none" });
    if (place) bringForward();
    if (xhr.status === 401) awaitSignIn();
  }, { once: true });
});

// --- the network ----------------------------------------------------------------------------------------------------

function showAway() {
  showAlert(navigator.onLine ? pageTexts.offline : pageTexts.network, "away");
}

addEventListener("online", () => {
  if (!$('.alert[data-kind="away"]')) return;
  removeAlerts('[data-kind="away"]');
  announce(pageTexts.online);
});

// --- the session ----------------------------------------------------------------------------------------------------

let isOut = false; // the session has ended, and one may be signing in beside this page

function awaitSignIn() {
  isOut = true;
}

function showSignedOut() {
  showNote(copyOf("alert-signed-out"));
  awaitSignIn();
}

// Returns who is signed in and the secret that forms need; nothing when the server does not answer.
async function askSession() {
  try {
    const answer = await fetch(pageTexts.session, { cache: "no-store" });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

function renewSecret(token) {
  document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
  for (const field of $$("[name=csrfmiddlewaretoken]")) field.value = token;
}

async function comeBack() {
  if (!isOut) return;
  const session = await askSession();
  if (!isOut || !session?.user) return;
  if (session.user !== pageTexts.user) return showAlert(pageTexts.other);
  isOut = false;
  renewSecret(session.token);
  removeAlerts("[data-signed-out]");
  announce(pageTexts.back);
  document.dispatchEvent(new CustomEvent("signed-in"));
}

document.addEventListener("visibilitychange", () => { if (!document.hidden) comeBack(); });
addEventListener("focus", comeBack);

// Whoever signed in elsewhere has another secret now.
document.addEventListener("stale", async () => {
  const session = await askSession();
  if (session?.user === pageTexts.user) renewSecret(session.token);
  else showSignedOut();
});

const FRESH = 60000;
let heard = Date.now(); // when the server last answered as it should

document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.xhr?.status && event.detail.xhr.status < 400) heard = Date.now(); });

const isDoubtful = () => isOut || !navigator.onLine || Date.now() - heard > FRESH;

// Forms that htmx does not send would leave the page with what was typed into them: on a page that has stood for a while, first see
// whether they can arrive.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (event.defaultPrevented || !isDoubtful() || !pageTexts.user || form.getAttribute("method") !== "post" || !form.closest("main")) return;
  if ("checked" in form.dataset) return delete form.dataset.checked;
  event.preventDefault();
  const { submitter } = event;
  const session = await askSession();
  if (!session) return showAway();
  if (session.user !== pageTexts.user) return session.user ? showAlert(pageTexts.other) : showSignedOut();
  renewSecret(session.token);
  form.dataset.checked = "";
  form.requestSubmit(submitter);
});
