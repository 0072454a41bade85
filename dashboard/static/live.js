// Keeps an open page true: fetches the list again when something changed, says when the line is down,
// shows times in the reader's zone and counts what is typed. Everything works without it, only staler.
"use strict";
(() => {
  const LEAST_MS = 1000; // between two fetches
  const CLOCKS_MS = 30000; // "waiting 4 min" grows old by itself
  const state = document.getElementById("live-state");
  const spoken = document.getElementById("spoken");
  const live = () => document.querySelector("[data-live]");

  function localise(root) {
    for (const time of root.querySelectorAll("time[data-local]")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      const isToday = at.toDateString() === new Date().toDateString();
      const clock = { hour: "2-digit", minute: "2-digit", hour12: false };
      time.textContent = at.toLocaleString([], isToday ? clock : { day: "numeric", month: "short", ...clock });
      time.title = at.toLocaleString();
    }
  }

  // ---- the list ------------------------------------------------------------------------------
  let last = 0;
  let timer = 0;
  let isFetching = false;

  function refreshSoon() {
    if (timer) return;
    timer = setTimeout(refresh, Math.max(150, last + LEAST_MS - Date.now()));
  }

  function isSelecting() {
    const selection = document.getSelection();
    return selection && !selection.isCollapsed && live().contains(selection.anchorNode);
  }

  async function refresh() {
    timer = 0;
    if (document.hidden) return; // caught up when the tab is looked at
    if (isFetching || isSelecting()) return refreshSoon();
    isFetching = true;
    last = Date.now();
    try {
      const answer = await fetch(live().dataset.fragment, { headers: { Accept: "text/html" } });
      if (answer.status === 401) return show("Signed out: reload to sign in", true);
      if (answer.ok) swap(await answer.text());
      else show("The list is stale, trying again", true);
    } catch {
      show("Offline, reconnecting", true);
    } finally {
      isFetching = false;
    }
  }

  const keysIn = (root) => new Set([...root.querySelectorAll("[data-key]")].map((card) => card.dataset.key));
  const byKey = (key) => document.querySelector(`[data-key="${CSS.escape(key)}"]`);

  function swap(html) {
    const now = new DOMParser().parseFromString(html, "text/html").querySelector("[data-live]");
    const old = live();
    if (!now) return;
    localise(now);
    const known = keysIn(old);
    const focus = focusIn(old);
    const anchor = window.scrollY > 0 ? anchorIn(old) : null;
    const rows = old.querySelector(".filters ul");
    const across = rows ? rows.scrollLeft : 0;
    old.replaceWith(now);
    const added = [...now.querySelectorAll("[data-key]")].filter((card) => !known.has(card.dataset.key));
    for (const card of added) card.classList.add("fresh");
    if (added.length) spoken.textContent = added.length === 1 ? "1 new conversation" : `${added.length} new conversations`;
    if (now.querySelector(".filters ul")) now.querySelector(".filters ul").scrollLeft = across;
    if (anchor && byKey(anchor.key)) window.scrollBy(0, byKey(anchor.key).getBoundingClientRect().top - anchor.top);
    if (focus) refocus(now, focus);
  }

  function anchorIn(root) {
    const card = [...root.querySelectorAll("[data-key]")].find((one) => one.getBoundingClientRect().bottom > 60);
    return card ? { key: card.dataset.key, top: card.getBoundingClientRect().top } : null;
  }

  function focusIn(root) {
    const active = document.activeElement;
    if (!active || !root.contains(active)) return null;
    const card = active.closest("[data-key]");
    return { key: card && card.dataset.key, name: active.dataset.focus };
  }

  function refocus(root, focus) {
    const within = focus.key ? byKey(focus.key) : root;
    const target = within && (within.querySelector(`[data-focus="${focus.name || "card"}"]`));
    if (target) target.focus({ preventScroll: true });
  }

  // ---- the line ------------------------------------------------------------------------------
  let source = null;
  let seen = "";

  function show(words, isOffline) {
    state.hidden = false;
    state.textContent = words;
    state.classList.toggle("offline", isOffline);
  }

  function connect() {
    source = new EventSource(`/live?since=${encodeURIComponent(seen)}`);
    source.onopen = () => show("Live", false);
    source.addEventListener("changed", (event) => {
      seen = event.lastEventId || seen;
      changed(event.data);
    });
    source.addEventListener("lookers", (event) => {
      document.dispatchEvent(new CustomEvent("genlyd:lookers", { detail: JSON.parse(event.data) }));
    });
    source.addEventListener("refresh", () => changed("all"));
    source.onerror = () => {
      show("Offline, reconnecting", true);
      // The browser reconnects by itself but for a plain refusal, such as a restart behind a proxy.
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, 5000);
    };
  }

  function changed(id) {
    document.dispatchEvent(new CustomEvent("genlyd:changed", { detail: id }));
    const page = live();
    if (page.dataset.live === "inbox") refreshSoon();
    else if (id === "all" || id === page.dataset.id) document.getElementById("changed").hidden = false;
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

  document.addEventListener("input", (event) => {
    if (event.target.matches("textarea[data-counts]")) count(event.target);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !event.target.matches("textarea[data-counts]")) return;
    event.target.form.requestSubmit(event.target.form.querySelector("[data-submit]"));
  });
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });

  localise(document);
  for (const area of document.querySelectorAll("textarea[data-counts]")) count(area);
  if (!live() || !state) return;
  seen = live().dataset.since;
  connect();
  if (live().dataset.live === "inbox") {
    setInterval(refresh, CLOCKS_MS);
    document.addEventListener("visibilitychange", () => document.hidden || refreshSoon());
  }
  window.addEventListener("pagehide", () => source.close());
  window.addEventListener("pageshow", (event) => event.persisted && connect());
})();
