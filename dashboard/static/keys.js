// One listener for every key of the desk. Which keys there are stands in the help dialog (dashboard/keys.py):
// a row says what its key does, or the key presses whatever on the page names it (data-key).
"use strict";
(() => {
  const OFF = "genlyd-keys-off";
  const PREFIX_MS = 1500; // "g", then a letter
  const dialog = document.getElementById("keys");
  if (!dialog) return;
  const table = new Map([...dialog.querySelectorAll("[data-press]")].map((row) => [row.dataset.press, row.dataset]));
  const isOn = () => document.documentElement.dataset.keys !== "off";
  const isShown = (element) => element.checkVisibility({ visibilityProperty: true });
  const isField = (element) => element.matches?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");

  // ---- what a key does ------------------------------------------------------------------------
  const acts = {
    help: () => dialog.showModal(),
    search: () => document.querySelector(".search input")?.focus(),
    leave: () => {
      const menu = document.querySelector("details.menu[open]");
      if (menu) {
        menu.open = false;
        return menu.querySelector("summary").focus();
      }
      if (isField(document.activeElement)) {
        document.activeElement.blur();
        return acts.rest?.();
      }
      if (!acts.clear?.()) document.querySelector("#reading [data-closes]")?.click();
    },
  };
  // The list adds what it can do: next, previous, open, news, pick, range, clear, and where focus rests.
  window.genlydKeys = acts;

  // The bar of what is selected comes before the conversation, and both before everything else.
  function named(key) {
    const all = [...document.querySelectorAll("[data-key]")].filter((one) => one.dataset.key === key && !one.disabled);
    const shown = all.filter((one) => isShown(one.closest("details:not([open])") && isField(one) ? one.closest("details") : one));
    const within = (selector) => shown.find((one) => one.closest(selector));
    return within("#toast") || within("#held") || within("#bulk") || within("#reading") || shown[0];
  }

  function press(element) {
    if (!isField(element)) {
      element.click();
      if (element.matches("summary")) element.parentElement.querySelector("input:not([type=hidden]), select, textarea")?.focus();
      return;
    }
    const folded = element.closest("details:not([open])");
    if (folded) folded.open = true;
    element.focus();
    element.setSelectionRange?.(element.value.length, element.value.length);
  }

  function act(key) {
    const row = table.get(key);
    if (row?.to) location.assign(row.to);
    else if (row?.does && row.does !== "native") acts[row.does]?.();
    else if (row?.does !== "native") {
      const element = named(key) || (acts.pickFocused?.(key) && named(key));
      if (!element) return false;
      press(element);
    }
    return Boolean(row?.to || row?.does !== "native");
  }

  // ---- the listener ---------------------------------------------------------------------------
  let prefix = "";
  let pressedAt = 0;

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") return acts.leave();
    if (isField(event.target) || !isOn() || event.key.length !== 1 || event.getModifierState("AltGraph")) return;
    // With caps lock on a letter is still the letter.
    const letter = event.getModifierState("CapsLock") && !event.shiftKey ? event.key.toLowerCase() : event.key;
    const isSecond = prefix && event.timeStamp - pressedAt < PREFIX_MS;
    const key = isSecond ? `${prefix} ${letter}` : letter;
    prefix = "";
    if (event.repeat && !["j", "k"].includes(key)) return;
    if (!isSecond && [...table.keys()].some((one) => one.startsWith(`${letter} `))) {
      prefix = letter;
      pressedAt = event.timeStamp;
      return event.preventDefault();
    }
    if (act(key)) event.preventDefault();
  });

  document.addEventListener("keydown", (event) => {
    const form = event.target.form;
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !form || !event.target.matches("textarea")) return;
    event.preventDefault();
    // Held down, it is one press.
    if (!event.repeat) form.requestSubmit(form.querySelector("[data-submit]"));
  });

  // ---- the switch -----------------------------------------------------------------------------
  const box = document.getElementById("keys-on");
  function turn(on) {
    document.documentElement.dataset.keys = on ? "on" : "off";
    box.checked = on;
  }
  let isOff = false;
  try {
    isOff = localStorage.getItem(OFF) === "yes";
  } catch {
    // A browser that keeps nothing has every key.
  }
  turn(!isOff);
  box.addEventListener("change", () => {
    turn(box.checked);
    try {
      localStorage.setItem(OFF, box.checked ? "no" : "yes");
    } catch {
      // For this page only, then.
    }
  });
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) document.getElementById(opener.dataset.dialog).showModal();
    // Where one writes comes into sight, and one can type at once.
    const compose = event.target.closest(".compose > summary")?.parentElement;
    if (compose && !compose.open) setTimeout(() => compose.querySelector("textarea").focus());
  });
})();
