// What people see of each other: who looks and who types, and what can still be taken back.
// Everything works without it: the server asks before it sends over somebody's typing, and the toast is a form.
"use strict";
(() => {
  const LOOK_MS = 10000; // how often an open conversation says that somebody looks
  const TYPE_MS = 2000; // how often, while somebody types
  const FADE_MS = 7000; // who was typing and says no more, types no more
  const here = () => document.querySelector("#looking");
  const me = document.body.dataset.me;

  // ---- who is here ---------------------------------------------------------------------------
  const known = new Map(); // conversation id > [name, isTyping, at] of everybody but the reader

  function hear(id, who) {
    known.set(String(id), who.filter(([name]) => name !== me).map(([name, types]) => [name, types, Date.now()]));
    show(String(id));
  }

  function show(id) {
    for (const spot of document.querySelectorAll(`[data-lookers="${CSS.escape(id)}"]`)) {
      const there = (known.get(id) || []).map(([name, types, at]) => [name, types && Date.now() - at < FADE_MS]);
      // Beside the words only who types there too.
      const chips = there.filter(([, types]) => types || !spot.matches(".beside-words")).map((one) => chip(...one));
      const said = chips.map((one) => one.textContent).join();
      if ([...spot.children].map((one) => one.textContent).join() === said) continue;
      spot.replaceChildren(...chips);
    }
  }

  function chip(name, types) {
    const words = document.body.dataset;
    const made = document.createElement("span");
    made.className = types ? "chip soon" : "chip wait";
    const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    icon.setAttribute("class", "icon");
    icon.setAttribute("aria-hidden", "true");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", types ? "#i-pencil" : "#i-person");
    icon.append(use);
    const said = document.createElement("span");
    said.textContent = (types ? words.typing : words.looking).replace("{name}", name);
    made.append(icon, said);
    return made;
  }

  let isAt = ""; // the address that hears where the reader is
  let typedAt = 0;

  function tell(does, address, options = {}) {
    const token = document.querySelector('input[name="csrf"]');
    if (!address || !token) return;
    const body = new URLSearchParams({ csrf: token.value, does, ...options.more });
    fetch(address, { method: "POST", body, keepalive: does === "gone" }).catch(() => {});
  }

  // A pane that shows another conversation now: gone from there, looking here.
  function move() {
    const now = here() ? here().getAttribute("action") : "";
    if (now === isAt) return;
    tell("gone", isAt);
    isAt = now;
    tell("looking", isAt, { more: { first: "yes" } });
    ask();
  }

  function look() {
    if (!document.hidden) tell("looking", isAt);
  }

  async function ask() {
    if (!document.querySelector("[data-lookers]")) return;
    try {
      const answer = await fetch("/lookers", { headers: { Accept: "application/json" } });
      if (answer.ok) for (const one of await answer.json()) hear(one.id, one.who);
    } catch {
      // Offline: the line says so.
    }
  }

  document.addEventListener("genlyd:lookers", (event) => hear(event.detail.id, event.detail.who));
  document.addEventListener("input", (event) => {
    if (!event.target.matches("form[data-types] textarea") || Date.now() - typedAt < TYPE_MS) return;
    typedAt = Date.now();
    tell("typing", isAt);
  });
  addEventListener("pagehide", () => tell("gone", isAt));
  document.addEventListener("visibilitychange", look);
  setInterval(look, LOOK_MS);
  setInterval(() => known.forEach((_who, id) => show(id)), 1000);

  // ---- what can be taken back ----------------------------------------------------------------
  const toast = () => document.querySelector("#held .toast");
  let endsAt = 0;

  function begin() {
    endsAt = toast() ? Date.now() + Number(toast().dataset.held) * 1000 : 0;
  }

  async function fetchToast() {
    const old = document.getElementById("held");
    if (!old) return;
    try {
      const answer = await fetch("/held", { headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      const now = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("held");
      const key = (place) => place.querySelector(".toast")?.dataset.reply;
      if (key(now) === key(old)) return;
      // The place itself stays: only what is put into it is read aloud.
      old.replaceChildren(...now.childNodes);
      begin();
    } catch {
      // Offline: what is held leaves by itself.
    }
  }

  function tick() {
    if (!toast()) return;
    const left = Math.ceil((endsAt - Date.now()) / 1000);
    if (left > 0) toast().querySelector("[data-left]").textContent = toast().dataset.pattern.replace("{n}", left);
    else fetchToast();
  }

  // Only what this reader did holds something: asked after a form, and when the held reply itself changed.
  document.addEventListener("htmx:after:swap", (event) => {
    move();
    for (const id of known.keys()) show(id);
    if (event.detail.ctx.request?.method === "POST") fetchToast();
  });
  document.addEventListener("genlyd:changed", (event) => {
    if (toast()?.dataset.conversation === event.detail) fetchToast();
  });
  setInterval(tick, 500);

  // ---- keys and buttons that only point ------------------------------------------------------
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-focus-on], [data-opens]");
    if (!button) return;
    const target = document.getElementById(button.dataset.focusOn || button.dataset.opens);
    const fold = button.dataset.opens ? target.querySelector("details") : target.closest("details");
    if (fold) fold.open = true;
    const field = button.dataset.opens ? target.querySelector("details button") : target;
    field.focus();
    if (field.setSelectionRange) field.setSelectionRange(field.value.length, field.value.length);
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (isTyping || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    const isOff = document.documentElement.dataset.keys === "off" || event.getModifierState("AltGraph");
    const open = !isOff && !document.querySelector("dialog[open]") && document.querySelector("details.reject[open]");
    const button = open && /^[0-9]$/.test(event.key) && open.querySelector(`[data-digit="${event.key}"]`);
    if (button) button.click();
  });

  begin();
  if (here()) move();
  else ask();
})();
