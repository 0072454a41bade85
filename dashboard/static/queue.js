// The list of the inbox: moving in it, selecting, and keeping it true while nothing in it moves.
// The server makes every word and every card; htmx puts them in. Without this file the list is links and boxes.
"use strict";
(() => {
  const LEAST_MS = 2000; // between two questions, so that a storm costs the server little
  const CLOCKS_MS = 30000; // "4 min" grows old by itself
  const queue = document.getElementById("queue");
  if (!queue) return;
  const cards = () => [...queue.querySelectorAll(".card")];
  const linkOf = (card) => card?.querySelector(".card-link");
  const boxOf = (card) => card?.querySelector(".pick");
  const chosenId = () => document.getElementById("reading")?.dataset.id;
  const cardById = (id) => document.getElementById(`card-${id}`);

  // ---- where the reader is --------------------------------------------------------------------
  let currentId = "";
  let lastChosenId = "";
  const current = () => cardById(currentId) || cardById(chosenId()) || cardById(lastChosenId);

  // One card of the list is in the order of Tab; the open one says that it is open.
  function mark() {
    lastChosenId = chosenId() || lastChosenId;
    const at = current() || cards()[0];
    for (const card of cards()) {
      const link = linkOf(card);
      link.tabIndex = card === at ? 0 : -1;
      if (boxOf(card)) boxOf(card).tabIndex = link.tabIndex;
      card.classList.toggle("current", card === at && Boolean(currentId));
      if (card.dataset.id === chosenId()) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    const picked = queue.querySelectorAll(".pick:checked").length;
    for (const place of queue.querySelectorAll("[data-selected]")) place.textContent = String(picked);
  }

  function goTo(card) {
    if (!card) return;
    currentId = card.dataset.id;
    mark();
    linkOf(card).focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest" });
  }

  function step(by) {
    const all = cards();
    const at = all.indexOf(current());
    goTo(at < 0 ? all[0] : all[Math.min(Math.max(at + by, 0), all.length - 1)]);
  }

  queue.addEventListener("focusin", (event) => {
    const card = event.target.closest(".card");
    if (!card || card.dataset.id === currentId) return;
    currentId = card.dataset.id;
    mark();
  });
  queue.addEventListener("keydown", (event) => {
    if (!event.target.closest(".card") || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
    event.preventDefault();
    step(event.key === "ArrowDown" ? 1 : -1);
  });

  // What was in focus may be gone once a part was swapped. Then focus rests where the reader is, never nowhere.
  function rest() {
    const heading = document.querySelector("#reading h1");
    const at = current();
    if (!heading && at) return goTo(at);
    const place = heading || document.getElementById("main");
    place.tabIndex = -1;
    place.focus({ preventScroll: true });
  }

  let wasSomewhere = false;
  document.addEventListener("htmx:before:swap", () => {
    wasSomewhere ||= document.activeElement !== document.body;
  });
  document.addEventListener("htmx:after:swap", (event) => {
    const isForm = event.detail.ctx.request?.method === "POST";
    const isRefused = isForm && document.querySelector("#reading .notice");
    if (isRefused) return rest();
    setTimeout(() => {
      if ((isForm || wasSomewhere) && document.activeElement === document.body) rest();
      wasSomewhere = false;
    });
  });

  // ---- selecting ------------------------------------------------------------------------------
  let lastPicked = "";

  function pick(card, on) {
    const box = boxOf(card);
    if (!box || box.disabled) return;
    box.checked = on ?? !box.checked;
    lastPicked = card.dataset.id;
    mark();
  }

  function pickRange(to) {
    const all = cards();
    const ends = [all.indexOf(cardById(lastPicked)), all.indexOf(to)].sort((a, b) => a - b);
    for (const card of all.slice(Math.max(ends[0], 0), ends[1] + 1)) pick(card, true);
    lastPicked = to?.dataset.id || "";
  }

  function clear() {
    const picked = [...queue.querySelectorAll(".pick:checked")];
    for (const box of picked) box.checked = false;
    mark();
    return picked.length > 0;
  }

  queue.addEventListener("click", (event) => {
    if (event.target.closest("[data-clear]")) clear();
    if (event.target.closest("[data-news]")) takeIn();
    const box = event.target.closest(".pick");
    if (!box) return;
    if (event.shiftKey && lastPicked) pickRange(box.closest(".card"));
    lastPicked = box.closest(".card").dataset.id;
    mark();
  });

  const keys = window.genlydKeys || {};
  Object.assign(keys, {
    next: () => step(1),
    previous: () => step(-1),
    open: () => linkOf(current())?.click(),
    news: () => takeIn(),
    pick: () => pick(current()),
    range: () => pickRange(current()),
    clear,
    rest,
    // A key of the bar, while nothing is selected and no conversation is open, means the card in focus.
    pickFocused: (key) => {
      const isBars = Boolean(document.querySelector(`#bulk [data-key="${CSS.escape(key)}"]`));
      const card = cardById(currentId);
      if (!isBars || !card || queue.querySelector(".pick:checked")) return false;
      pick(card, true);
      return true;
    },
  });

  // ---- keeping it true ------------------------------------------------------------------------
  const changed = new Set();
  let timer = 0;
  let askedAt = 0;
  let isAsking = false;

  function soon() {
    if (!timer) timer = setTimeout(ask, Math.max(150, askedAt + LEAST_MS - Date.now()));
  }

  async function ask() {
    timer = 0;
    if (document.hidden) return; // caught up when the tab is looked at
    if (isAsking) return soon();
    const told = [...changed];
    changed.clear();
    const shown = cards().map((card) => card.dataset.id);
    const wanted = told.includes("all") ? shown : shown.filter((id) => told.includes(id));
    if (!(await bring(queue.dataset.fresh, { shown: shown.join("."), changed: wanted.join(".") }))) {
      for (const id of told) changed.add(id);
      setTimeout(soon, 5000);
    }
  }

  // Answers come as parts, each saying where it belongs.
  async function bring(path, values = {}) {
    const address = new URL(path, location.href);
    for (const [name, value] of Object.entries(values)) address.searchParams.set(name, value);
    isAsking = true;
    askedAt = Date.now();
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html", "HX-Request": "true" } });
      if (answer.status === 401) {
        const stale = queue.querySelector(".stale");
        stale.querySelector("span").textContent = stale.dataset.signedOut;
      }
      if (!answer.ok) {
        isStale(true);
        return false;
      }
      const before = new Set(cards().map((card) => card.dataset.id));
      await htmx.swap({ text: await answer.text(), target: queue, swap: "none", sourceElement: queue });
      for (const card of cards()) if (!before.has(card.dataset.id)) card.classList.add("fresh");
      isStale(false);
      return true;
    } catch {
      isStale(true);
      return false;
    } finally {
      isAsking = false;
      mark();
    }
  }

  async function takeIn() {
    const focus = document.activeElement?.closest?.(".card, #news") && currentId;
    if (!(await bring(queue.dataset.cards))) return;
    document.getElementById("queue-list").scrollTop = 0;
    if (!focus) return;
    // The reader keeps their place for the next key, and sees what is new.
    currentId = (cardById(currentId) || cards()[0])?.dataset.id || "";
    mark();
    linkOf(current())?.focus({ preventScroll: true });
  }

  function isStale(isSo) {
    queue.querySelector(".stale").hidden = !isSo;
  }

  document.addEventListener("genlyd:changed", (event) => {
    changed.add(event.detail);
    soon();
  });
  document.addEventListener("genlyd:line", (event) => {
    isStale(!event.detail);
    if (event.detail && changed.size) soon();
  });
  setInterval(() => {
    changed.add("all");
    soon();
  }, CLOCKS_MS);
  document.addEventListener("visibilitychange", () => document.hidden || soon());

  // ---- after a form ---------------------------------------------------------------------------
  document.addEventListener("htmx:after:swap", (event) => {
    const isBulk = event.detail.ctx.sourceElement?.id === "bulk" && event.detail.ctx.response?.status === 200;
    if (isBulk) clear();
    mark();
    if (event.detail.ctx.request?.method === "POST" && chosenId()) {
      changed.add(chosenId());
      soon();
    }
    if (isBulk && cardById(currentId)?.classList.contains("left")) {
      const rest = cards().slice(cards().indexOf(cardById(currentId)));
      goTo(rest.find((card) => !card.classList.contains("left")) || cardById(currentId));
    }
  });
  document.getElementById("find").addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name);
  });
  mark();
  // A form that led to a whole page, such as an undo: the reader is still in the conversation.
  if (chosenId() && new URLSearchParams(location.search).has("done")) rest();
})();
