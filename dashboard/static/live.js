// Keeps an open page true: hears what changed, fetches the open conversation again, says when the line is down,
// shows times in the reader's zone and counts what is typed. Everything works without it, only staler.
"use strict";
(() => {
  const state = document.getElementById("live-state");
  const live = document.querySelector("[data-live]");
  const reading = () => document.getElementById("reading");

  // The page's own tongue, as the server writes it: a day reads "23. nov." in a Danish desk, whatever the browser speaks.
  const tongue = (document.documentElement.lang || "en").replace(/^en$/, "en-GB");

  function localise(root) {
    for (const time of root.querySelectorAll("time[data-local]")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      const isToday = at.toDateString() === new Date().toDateString();
      const clock = [at.getHours(), at.getMinutes()].map((n) => String(n).padStart(2, "0")).join(":");
      const day = at.toLocaleDateString(tongue, { day: "numeric", month: "short" });
      time.textContent = isToday ? clock : `${day} ${clock}`;
      time.title = at.toLocaleString(tongue);
    }
  }

  // ---- the open conversation -----------------------------------------------------------------
  // What has been typed or is being typed is never taken away: then the page only says that something is new.
  function isWriting() {
    const fields = [...reading().querySelectorAll("textarea:not([readonly]), input:is([type=text], :not([type]))")];
    return fields.some((field) => field.value !== field.defaultValue || (field === document.activeElement && field.value));
  }

  function readAgain(id) {
    const pane = reading();
    if (!pane?.dataset.id || (id !== "all" && id !== pane.dataset.id)) return;
    const isSelecting = !document.getSelection().isCollapsed && pane.contains(document.getSelection().anchorNode);
    if (isWriting() || isSelecting || pane.querySelector("details:not(.why)[open] form :is(input, select):focus")) {
      document.getElementById("changed")?.removeAttribute("hidden");
    } else {
      // The page asks by itself, and no person: that must not keep a session awake.
      const headers = { "X-Genlyd-By": "itself" };
      htmx.ajax("GET", pane.dataset.at, { target: "#reading", swap: "outerMorph show:none", source: "#reading", headers });
    }
  }

  document.addEventListener("genlyd:changed", (event) => readAgain(event.detail));

  // ---- where it opens ------------------------------------------------------------------------
  // A long thread opens at what waits to be approved, else at the newest post; one that stands already does not move.
  let openedId = "";

  function openAtWork() {
    const pane = reading();
    const id = pane?.dataset.id || "";
    if (id === openedId || location.hash) return;
    openedId = id;
    const entry = pane.querySelector(".entry:has([data-submit][data-key])") || pane.querySelector(".entry.latest");
    // Only what scrolls by itself is moved: `scrollIntoView` would shift the page around it as well.
    const places = [...document.querySelectorAll("#thread, #reading"), document.scrollingElement];
    const place = places.find((one) => one === document.scrollingElement || getComputedStyle(one).overflowY === "auto");
    place.scrollTop = 0;
    if (!entry?.previousElementSibling) return;
    const heads = [...pane.querySelectorAll(".thread-head, .thread-top")];
    const over = place === document.scrollingElement ? document.querySelector(".top") : place;
    const top = over.getBoundingClientRect()[over === place ? "top" : "bottom"] + Math.max(...heads.map((one) => one.offsetHeight));
    place.scrollTop = entry.getBoundingClientRect().top - top - parseFloat(getComputedStyle(entry.parentElement).rowGap);
  }

  // Links in a conversation lead where they say; its forms and what is marked change the pane.
  document.addEventListener("htmx:before:init", (event) => {
    if (event.target.matches("#reading a:not([data-swap])")) event.preventDefault();
  });
  // A whole page in place of a part: signed out, or sent elsewhere. Then go there.
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx } = event.detail;
    if (ctx.select || !/^\s*<!doctype/i.test(ctx.text || "") || !ctx.response) {
      // What was noted stands in the notes now; left in its field it would be noted twice.
      if (ctx.sourceElement?.matches?.("aside form")) ctx.sourceElement.reset();
      return;
    }
    event.preventDefault();
    location.assign(ctx.response.raw.url);
  });
  document.addEventListener("htmx:error", (event) => {
    if (event.detail.ctx?.target !== reading() || !state) return;
    show(false);
    setTimeout(connect, 2000);
  });
  document.addEventListener("htmx:after:swap", () => {
    localise(document);
    giveBack();
    for (const area of document.querySelectorAll("textarea[data-counts]")) count(area);
    openAtWork();
  });
  // What the reader unfolded stays so.
  window.htmx?.registerExtension("keep-open", {
    htmx_before_morph_attr: (element, detail) => !(element.matches("details") && detail.attrName === "open"),
  });

  // A form that is on its way is not sent again: a key pressed twice would be told that somebody was first.
  const ANSWER_MS = 5000; // after this somebody may press again
  const onTheirWay = new Set();
  const arrived = () => onTheirWay.clear();
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post") return;
    if (onTheirWay.has(event.target.action)) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
    onTheirWay.add(event.target.action);
    setTimeout(arrived, ANSWER_MS);
  }, { capture: true });
  for (const end of ["htmx:after:swap", "htmx:error", "pageshow"]) addEventListener(end, arrived);

  // ---- the line ------------------------------------------------------------------------------
  let source = null;
  let seen = "";

  function show(isUp) {
    state.hidden = false;
    state.textContent = isUp ? state.dataset.up : state.dataset.down;
    state.classList.toggle("offline", !isUp);
    document.dispatchEvent(new CustomEvent("genlyd:line", { detail: isUp }));
  }

  const tell = (id) => document.dispatchEvent(new CustomEvent("genlyd:changed", { detail: id }));

  // Last-Event-ID, or `since` after a restart: what happened meanwhile is sent again, so nothing is missed.
  function connect() {
    source?.close();
    source = new EventSource(`/live?since=${encodeURIComponent(seen)}`);
    source.onopen = () => show(true);
    source.addEventListener("changed", (event) => {
      seen = event.lastEventId || seen;
      tell(event.data);
    });
    source.addEventListener("lookers", (event) => {
      document.dispatchEvent(new CustomEvent("genlyd:lookers", { detail: JSON.parse(event.data) }));
    });
    source.addEventListener("refresh", () => tell("all"));
    source.onerror = () => {
      show(false);
      // The browser reconnects by itself but for a plain refusal, such as a restart behind a proxy.
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, 5000);
    };
  }

  // ---- typing --------------------------------------------------------------------------------
  // A guide while typing; the server counts exactly when the form is sent.
  function lengthOf(text, platform) {
    if (platform !== "X") return [...text].length;
    let links = 0;
    const rest = text.normalize("NFC").replace(/https?:\/\/\S+/g, () => ((links += 1), ""));
    const light = (code) => code <= 0x10ff || (code >= 0x2000 && code <= 0x200d) || (code >= 0x2010 && code <= 0x201f) || (code >= 0x2032 && code <= 0x2037);
    return links * 23 + [...rest].reduce((sum, one) => sum + (light(one.codePointAt(0)) ? 1 : 2), 0);
  }

  function count(area) {
    const output = document.querySelector(`output[for="${area.id}"]`);
    if (!output) return;
    const length = lengthOf(area.value, area.dataset.counts);
    output.value = String(length);
    output.closest(".count").classList.toggle("over", length > Number(output.dataset.limit));
  }

  // Whoever leaves a conversation half answered finds the words again in this tab, while the draft is the same.
  const keyOf = (area) => `genlyd-typed ${area.form?.action} ${area.id}`;

  function giveBack() {
    for (const area of document.querySelectorAll("textarea[data-counts][id]")) {
      const [was, typed] = JSON.parse(sessionStorage.getItem(keyOf(area)) || "[]");
      if (typed && was === area.defaultValue && area.value === was) area.value = typed;
    }
  }

  document.addEventListener("input", (event) => {
    if (!event.target.matches("textarea[data-counts]")) return;
    count(event.target);
    sessionStorage.setItem(keyOf(event.target), JSON.stringify([event.target.defaultValue, event.target.value]));
  });
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[action='/sign-out']")) sessionStorage.clear();
    for (const area of event.target.querySelectorAll("textarea[data-counts]")) sessionStorage.removeItem(keyOf(area));
  });
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });

  // On a page that a form led to, focus is where its address points, or on what was done; never nowhere.
  // Once the browser has gone there itself, which takes focus away.
  addEventListener("load", () => setTimeout(() => {
    const done = document.querySelector(".flash.done[tabindex]");
    if (!done || document.activeElement !== document.body) return;
    const place = document.getElementById(location.hash.slice(1)) || done;
    place.tabIndex = -1;
    place.focus({ preventScroll: true });
  }));

  localise(document);
  giveBack();
  for (const area of document.querySelectorAll("textarea[data-counts]")) count(area);
  openAtWork();
  if (!live || !state) return;
  seen = live.dataset.since;
  connect();
  window.addEventListener("offline", () => show(false));
  window.addEventListener("online", connect);
  window.addEventListener("pagehide", () => source.close());
  window.addEventListener("pageshow", (event) => event.persisted && connect());
})();
