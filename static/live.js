// Keeps a page true while others work: asks the server whether anything changed, and takes over what differs without moving what
// is being read or typed. Events of the server (where it can send them) only make the question come sooner.
"use strict";

{
  const says = $("#live-page");
  const [FAST, SLOW, IDLE_AFTER, MOST_WAIT] = [2000, 10000, 60000, 30000];
  const [WITH_STREAM, HERE_AGAIN, ANSWER_WITHIN, MOST_ERRORS] = [20000, 10000, 10000, 2];

  let mark = says.dataset.mark;
  let [errors, edits, timer] = [0, 0, null];
  let [sent, sentAt] = [0, 0]; // requests under way that htmx has made, and when the last began
  let state = "live";
  let lastAct = Date.now();
  let waiting = null; // the newest page, while something of it could not be shown yet
  let asking = null; // aborts the question under way
  let source = null;

  // --- when to ask ------------------------------------------------------------------------------------------------

  const isSending = () => sent > 0 && Date.now() - sentAt < ANSWER_WITHIN;
  const isOn = () => !document.hidden && (state === "live" || state === "lost");

  function delay() {
    const jitter = 0.9 + Math.random() * 0.2;
    if (errors) return Math.min(FAST * 2 ** errors, MOST_WAIT) * jitter;
    if (source?.readyState === EventSource.OPEN) return WITH_STREAM * jitter;
    return (Date.now() - lastAct > IDLE_AFTER ? SLOW : FAST) * jitter;
  }

  function plan(after = delay()) {
    clearTimeout(timer);
    if (isOn()) timer = setTimeout(ask, after);
  }

  async function ask() {
    if (asking || !isOn()) return;
    if (isSending() || document.querySelector(".lifted")) return plan(200);
    asking = new AbortController();
    const [edit, address, limit] = [edits, location.href, setTimeout(() => asking?.abort(), ANSWER_WITHIN)];
    try {
      const headers = { Live: new URLSearchParams(shownGroups().map((each) => ["shown", each])).toString(), "If-None-Match": mark };
      const answer = await fetch(location.pathname + location.search, { headers, cache: "no-store", signal: asking.signal });
      const text = answer.status === 200 ? await answer.text() : "";
      // An answer that was on its way while something was saved, opened or closed here may be older than what is shown.
      if (edit === edits && !isSending() && address === location.href) take(answer, text);
    } catch {
      if (!document.hidden) fail();
    } finally {
      clearTimeout(limit);
      asking = null;
      plan();
    }
  }

  function take(answer, text) {
    if (answer.redirected && new URL(answer.url).pathname === says.dataset.login) return tell("out");
    if (answer.status === 304) {
      recover();
      if (waiting) apply(waiting);
    } else if (answer.status === 200) {
      recover();
      mark = answer.headers.get("ETag") ?? mark;
      apply(new DOMParser().parseFromString(text, "text/html"), true);
    } else if ([401, 403, 404].includes(answer.status)) tell("gone");
    else fail();
  }

  function fail() {
    errors += 1;
    if (errors >= MOST_ERRORS) tell("lost");
  }

  function recover() {
    errors = 0;
    if (state === "lost") tell("live");
  }

  // --- how it stands ----------------------------------------------------------------------------------------------

  function tell(next) {
    if (state === next) return;
    state = next;
    const button = $("#live-state");
    button.dataset.state = next;
    button.title = says.dataset[`${next}Help`];
    button.setAttribute("aria-pressed", String(next === "live"));
    $(".live-word", button).textContent = says.dataset[next];
    announce(`${says.dataset[next]}. ${next === "live" ? "" : says.dataset[`${next}Help`]}`);
    listen();
  }

  $("#live-state").addEventListener("click", () => {
    if (state === "out") return showSignedOut();
    errors = 0;
    if (state !== "lost") tell(state === "live" ? "paused" : "live");
    plan(0);
  });

  document.addEventListener("signed-in", () => {
    if (state === "out") tell("live");
    plan(0);
  });

  for (const kind of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
    document.addEventListener(kind, () => {
      const wasIdle = Date.now() - lastAct > IDLE_AFTER;
      lastAct = Date.now();
      if (wasIdle) plan(0);
    }, { passive: true });
  }
  document.addEventListener("visibilitychange", () => {
    listen();
    if (document.hidden) return clearTimeout(timer);
    plan(0);
    come();
  });
  addEventListener("online", () => plan(0));
  // A menu that was left alone has closed.
  document.addEventListener("toggle", (event) => {
    if (waiting && !event.target.open && !isSending()) apply(waiting);
  }, true);

  // What is saved here comes back with the answer; a question that was asked before is out of date then.
  document.addEventListener("htmx:beforeRequest", () => { sent += 1; edits += 1; sentAt = Date.now(); });
  document.addEventListener("htmx:afterRequest", () => { sent = Math.max(0, sent - 1); });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target?.closest?.("[data-live]") || event.detail.elt?.matches?.("[data-live]")) waiting = null;
    countNew(0);
  });

  // --- events of the server: they say only that there is something to ask for ----------------------------------------

  function listen() {
    const wanted = says.dataset.stream && isOn();
    if (!wanted) {
      source?.close();
      source = null;
      return;
    }
    if (source) return;
    source = new EventSource(says.dataset.stream);
    source.onmessage = (event) => { if (event.data !== mark) plan(0); };
    source.onerror = () => plan();
    source.addEventListener("gone", () => { source?.close(); plan(0); });
  }

  // --- who is there -----------------------------------------------------------------------------------------------

  function sayPresent(words = {}) {
    if (!says.dataset.presence) return;
    const headers = JSON.parse(document.body.getAttribute("hx-headers"));
    fetch(says.dataset.presence, { method: "POST", headers, body: new URLSearchParams(words), keepalive: true }).catch(() => {});
  }

  function come() {
    if (isOn()) sayPresent();
  }

  setInterval(come, HERE_AGAIN);
  addEventListener("pagehide", () => sayPresent({ left: "1" }));

  // --- taking over what differs -------------------------------------------------------------------------------------

  const keyOf = (item) => item.dataset.task ?? item.id.replace("card-", "");
  const itemsOf = (region) => $$("[data-card], [data-item]", region);
  const labelOf = (form) => $("label", form)?.firstChild?.textContent.trim() ?? "";

  function apply(page, isNews = false, all = false) {
    if (document.querySelector(".lifted, .dragging")) { waiting = page; return; }
    waiting = null;
    const regions = $$("[data-live]").filter((region) => region.id && page.getElementById(region.id));
    const kept = regions.map((region) => update(region, page.getElementById(region.id).cloneNode(true), page, all));
    if (kept.some((each) => each.isHeld)) waiting = page;
    countNew(kept.reduce((sum, each) => sum + each.fresh, 0), page);
    markOpen();
    closeOffWhatIsBehind();
    document.dispatchEvent(new CustomEvent("live:applied"));
    if (isNews) tellNews(page);
  }

  // Returns how many new items were left out, and whether something else has to wait.
  function update(region, fresh, page, all) {
    // A clash is a question: both texts stay until it is answered.
    if ($("#clash", region)) return { fresh: 0, isHeld: true };
    const isList = region.dataset.live === "list";
    const left = isList && !all ? leaveOutNew(region, fresh) : 0;
    const before = new Map(itemsOf(region).map((item) => [item.id, item.textContent]));
    const anchor = findAnchor(region);
    let isHeld = false;
    for (const menu of $$("details[data-menu]:not([open]) [data-moves]:not(:empty)", region)) forgetMenu(menu.closest("details"));
    Idiomorph.morph(region, fresh, {
      callbacks: {
        beforeNodeMorphed(old, next) {
          if (old.nodeType !== Node.ELEMENT_NODE) return true;
          if (old.matches("details[data-menu][open]")) return !(isHeld = true);
          if (!isTouched(old)) return true;
          isHeld = true;
          if (old.matches("form")) note(old, next, page);
          return false;
        },
        beforeNodeRemoved(old) {
          if (old.nodeType !== Node.ELEMENT_NODE) return true;
          // What only the browser has: the boxes of bulk.js.
          if (old.matches(".pick-box")) return false;
          const isUsed = $$("form, input, textarea, select", old).some(isTouched) || isTouched(old);
          if (!isUsed && !$("details[data-menu][open]", old) && !(isList && old.matches("[data-card]:hover"))) return true;
          old.classList.add("gone");
          return !(isHeld = true);
        },
        // What the browser's own state is made of.
        beforeAttributeUpdated: (name) => !["open", "inert"].includes(name),
      },
    });
    if (anchor) restore(anchor);
    window.htmx.process(region);
    for (const item of itemsOf(region)) {
      if (before.has(item.id) && before.get(item.id) !== item.textContent) flash(item);
    }
    return { fresh: left, isHeld };
  }

  // A list does not grow while it is read: what is new waits behind a button. Where nothing stands, nothing is read.
  function leaveOutNew(region, fresh) {
    const known = new Set(itemsOf(region).map(keyOf));
    if (!known.size) return 0;
    const found = new Set();
    for (const item of itemsOf(fresh)) {
      if (known.has(keyOf(item))) continue;
      found.add(keyOf(item));
      item.remove();
    }
    for (const group of $$("section[data-group]", fresh)) {
      if (!document.getElementById(group.id) && !itemsOf(group).length) group.remove();
    }
    return found.size;
  }

  // The choices of a menu that was loaded once are out of date; it is loaded anew the next time.
  function forgetMenu(menu) {
    const hadFocus = menu.contains(document.activeElement);
    $("[data-moves]", menu).replaceChildren();
    const copy = menu.cloneNode(true);
    menu.replaceWith(copy);
    if (hadFocus) $("summary", copy).focus();
  }

  const TEXTS = "input:not([type=checkbox], [type=radio], [type=hidden], [type=submit], [type=button]), textarea";

  // Whether somebody is typing in it, or has changed something that is not saved yet.
  function isTouched(element) {
    const fields = element.matches("form") ? [...element.elements] : element.matches("input, textarea, select") ? [element] : [];
    return fields.some((field) => {
      if (field.type === "hidden" || field.matches(".pick-box")) return false;
      if (field === document.activeElement && field.matches(TEXTS)) return true;
      if (field.matches("select")) return [...field.options].some((option) => option.selected !== option.defaultSelected) && field.selectedIndex > 0;
      if (field.matches("[type=checkbox], [type=radio]")) return field.checked !== field.defaultChecked;
      return field.matches(TEXTS) && field.value !== field.defaultValue;
    });
  }

  // --- somebody else has changed what is being edited -----------------------------------------------------------------

  function seen(form) {
    return $$("[name=was]", form).map((field) => field.value).join("\n");
  }

  function note(form, next, page) {
    if (!$("[name=was]", form) || seen(form) === seen(next)) return;
    const value = valueOf(next);
    const old = $(".live-note", form);
    if (old?.dataset.value === value) return;
    old?.remove();
    const field = (form.getAttribute("hx-post") ?? "").split("/").pop();
    const task = $("#open-task")?.value ?? "";
    const news = $$("#live-news li", page).filter((each) => each.dataset.task === task);
    const who = (news.find((each) => each.dataset.field === field) ?? news[0])?.dataset.who ?? says.dataset.somebody;
    const words = says.dataset.changed.replace("#", who);
    form.append(buildNote(words, value));
    announce(`${labelOf(form)}: ${words}`);
  }

  function buildNote(words, value) {
    const box = document.createElement("div");
    box.className = "live-note";
    box.dataset.value = value;
    const [text, button, quote] = ["span", "button", "blockquote"].map((name) => document.createElement(name));
    text.textContent = words;
    button.type = "button";
    button.className = "button ghost small";
    button.textContent = says.dataset.show;
    button.setAttribute("aria-expanded", "false");
    quote.textContent = value || says.dataset.empty;
    quote.hidden = true;
    button.addEventListener("click", () => {
      quote.hidden = !quote.hidden;
      button.textContent = quote.hidden ? says.dataset.show : says.dataset.hide;
      button.setAttribute("aria-expanded", String(!quote.hidden));
    });
    box.append(text, button, quote);
    return box;
  }

  function valueOf(form) {
    const field = $("textarea, select, input:not([type=hidden], [type=checkbox], [type=radio])", form);
    if (!field) return $$("input:checked", form).map((box) => box.closest("label")?.textContent.trim() ?? box.value).join(", ");
    if (field.type === "date" && field.value) return new Date(`${field.value}T12:00`).toLocaleDateString(document.documentElement.lang, { dateStyle: "long" });
    return field.matches("select") ? field.selectedOptions[0]?.textContent ?? "" : field.value;
  }

  // --- what is read stays where it is -----------------------------------------------------------------------------------

  function scrollerOf(region) {
    const box = region.closest(".board-scroll, .pane");
    return box && getComputedStyle(box).overflowY !== "visible" && box.scrollHeight > box.clientHeight ? box : document.scrollingElement;
  }

  function findAnchor(region) {
    const scroller = scrollerOf(region);
    const top = scroller === document.scrollingElement ? 0 : scroller.getBoundingClientRect().top;
    const bottom = top + scroller.clientHeight;
    const isSeen = (each) => { const box = each.getBoundingClientRect(); return box.height > 0 && box.bottom > top && box.top < bottom; };
    const focus = document.activeElement;
    const places = [...(region.contains(focus) && focus !== region ? [focus] : []), ...$$("[data-card], [data-item], .pane-part, h2", region)];
    const seenOnes = places.filter(isSeen).slice(0, 6);
    return seenOnes.length ? { scroller, places: seenOnes.map((each) => [each, each.getBoundingClientRect().top]) } : null;
  }

  function restore({ scroller, places }) {
    const place = places.find(([each]) => each.isConnected);
    if (place) scroller.scrollTop += place[0].getBoundingClientRect().top - place[1];
  }

  function flash(item) {
    item.classList.remove("live-changed");
    requestAnimationFrame(() => item.classList.add("live-changed"));
    item.addEventListener("animationend", () => item.classList.remove("live-changed"), { once: true });
  }

  // --- telling --------------------------------------------------------------------------------------------------------

  let [shownCount, telling] = [0, null];

  function tellSoon(text) {
    clearTimeout(telling);
    telling = setTimeout(() => announce(text), 250);
  }

  function countNew(count, page = null) {
    const bar = newBar(Boolean(count));
    if (!bar) return;
    bar.hidden = !count;
    const words = count === 1 ? says.dataset.newOne : says.dataset.newMany.replace("#", count);
    $("button", bar).textContent = words;
    if (page) $("button", bar).onclick = () => showNew(page);
    if (count > shownCount) tellSoon(words);
    shownCount = count;
  }

  function newBar(isWanted) {
    const known = $("#live-new");
    const list = $("[data-live=list]");
    if (known?.isConnected || !isWanted || !list) return known;
    const bar = document.createElement("div");
    bar.id = "live-new";
    bar.className = "live-new";
    bar.innerHTML = '<button type="button" class="button primary"></button>';
    list.before(bar);
    return bar;
  }

  function showNew(page) {
    const known = new Set(itemsOf(document).map((item) => item.id));
    apply(page, false, true);
    const first = itemsOf(document).find((item) => !known.has(item.id));
    (first && $("a", first))?.focus();
    first?.scrollIntoView({ block: "nearest" });
    tellSoon(says.dataset.newShown);
  }

  function tellNews(page) {
    if ($("[data-live=list]")) return;
    const news = $$("#live-news li", page).map((item) => item.textContent);
    if (news.length) tellSoon(news.slice(0, 2).join(". "));
  }

  listen();
  come();
  plan();
}
