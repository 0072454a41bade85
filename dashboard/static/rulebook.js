// Line numbers beside the editor, a problem's link that goes to its line, and the eye led to the result.
// Without it the page works all the same: problems name their lines, and the text stands numbered below.
"use strict";
for (const area of document.querySelectorAll("textarea[data-numbered]")) {
  const gutter = document.createElement("div");
  gutter.className = "gutter";
  gutter.setAttribute("aria-hidden", "true");
  area.before(gutter);
  const wrong = new Set([...document.querySelectorAll("a[data-line]")].map((link) => link.dataset.line));
  const number = () => {
    const lines = area.value.split("\n").length;
    if (gutter.childElementCount === lines) return;
    gutter.replaceChildren(
      ...Array.from({ length: lines }, (_, index) => {
        const line = document.createElement("span");
        line.textContent = String(index + 1);
        if (wrong.has(line.textContent)) line.className = "wrong";
        return line;
      }),
    );
  };
  const follow = () => { gutter.scrollTop = area.scrollTop; };
  area.addEventListener("input", number);
  area.addEventListener("scroll", follow, { passive: true });
  number();
  document.querySelector("#numbered-text")?.setAttribute("hidden", "");
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-line]");
    if (!link) return;
    event.preventDefault();
    const lines = area.value.split("\n");
    const at = Number(link.dataset.line) - 1;
    const start = lines.slice(0, at).join("\n").length + (at ? 1 : 0);
    area.focus();
    area.setSelectionRange(start, start + lines[at].length);
    area.scrollTop = (area.scrollHeight / lines.length) * Math.max(0, at - 3);
  });
}
const arrived = document.querySelector("#problems") ?? document.querySelector("[data-arrived] h2");
if (arrived) {
  arrived.focus({ preventScroll: true });
  arrived.scrollIntoView({ block: "start" });
}
