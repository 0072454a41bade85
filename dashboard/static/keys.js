// One key for a button that names one (data-key), where the page has it once and nobody is typing.
"use strict";
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (isTyping || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
  const buttons = [...document.querySelectorAll("button[data-key]")].filter((one) => one.dataset.key === event.key);
  if (buttons.length !== 1) return;
  event.preventDefault();
  buttons[0].click();
});
