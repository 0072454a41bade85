// Owns the sandbox page: asks for the posts once a second, shows them as threads, sends what is written.
"use strict";

const body = document.body;
const at = body.dataset.platform === "reddit" ? "u/" : "@";
const form = document.getElementById("compose");
const threads = document.getElementById("threads");
const live = document.getElementById("live");
const status = document.getElementById("status");
const target = document.getElementById("target");
const SHOWN_THREADS = 150;
let version = null;
let posts = [];
let chosen = null;

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function waited(post, parent) {
  const seconds = (new Date(post.time) - new Date(parent.time)) / 1000;
  return seconds < 60 ? `answered after ${seconds.toFixed(seconds < 10 ? 2 : 1)} s` : `answered after ${Math.round(seconds)} s`;
}

function card(post, depth, byId) {
  const card = element("button", `post depth-${Math.min(depth, 3)}`);
  card.type = "button";
  card.dataset.id = post.id;
  card.classList.toggle("ours", post.ours);
  card.classList.toggle("deleted", post.deleted);
  card.classList.toggle("chosen", post.id === chosen);
  const meta = element("span", "meta");
  meta.append(element("b", "", at + post.author));
  if (post.subreddit && depth === 0) meta.append(element("span", "", `r/${post.subreddit}`));
  meta.append(element("span", "", new Date(post.time).toLocaleTimeString([], { hour12: false })));
  if (!post.ours) meta.append(element("span", "", `${post.followers} followers`));
  if (post.ours && byId.has(post.parent)) meta.append(element("span", "wait", waited(post, byId.get(post.parent))));
  card.append(meta);
  if (post.title) card.append(element("span", "title", post.title));
  card.append(element("span", "text", post.text));
  return card;
}

function show() {
  const byId = new Map(posts.map((post) => [post.id, post]));
  const children = new Map();
  const latest = new Map();
  for (const post of posts) {
    latest.set(post.root, post.time > (latest.get(post.root) || "") ? post.time : latest.get(post.root));
    if (!post.parent) continue;
    if (!children.has(post.parent)) children.set(post.parent, []);
    children.get(post.parent).push(post);
  }
  const roots = posts.filter((post) => !post.parent);
  roots.sort((a, b) => (latest.get(a.id) < latest.get(b.id) ? 1 : -1));
  const made = roots.slice(0, SHOWN_THREADS).map((root) => {
    const thread = element("article", "thread");
    const add = (post, depth) => {
      thread.append(card(post, depth, byId));
      for (const child of children.get(post.id) || []) add(child, depth + 1);
    };
    add(root, 0);
    return thread;
  });
  const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.id : null;
  threads.replaceChildren(...(made.length ? made : [element("p", "empty", "Nobody has written anything yet.")]));
  if (focused) threads.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

async function refresh() {
  try {
    const headers = version ? { "If-None-Match": version } : {};
    const answer = await fetch("/sandbox/posts", { headers, cache: "no-store" });
    if (answer.status === 200) {
      version = answer.headers.get("ETag");
      posts = await answer.json();
      show();
    }
    live.textContent = `live · ${posts.length} posts`;
    live.className = "live on";
  } catch {
    live.textContent = "the emulator has stopped";
    live.className = "live off";
  }
}

async function refreshAlerts() {
  try {
    const told = await (await fetch("/sandbox/alerts", { cache: "no-store" })).json();
    document.getElementById("alerts-section").hidden = told.length === 0;
    document.getElementById("alerts").replaceChildren(...told.slice(0, 5).map((alert) => {
      const item = element("li", "alert");
      item.append(element("span", "meta", new Date(alert.at).toLocaleTimeString([], { hour12: false })));
      item.append(element("b", "", alert.title), element("span", "text", alert.message));
      return item;
    }));
  } catch {
    // `refresh` says that the emulator has stopped
  }
}

async function send(post) {
  try {
    const answer = await fetch("/sandbox/posts", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(post),
    });
    const said = await answer.json();
    status.textContent = answer.ok ? "Posted." : said.error;
    status.classList.toggle("bad", !answer.ok);
    if (answer.ok) await refresh();
    return answer.ok;
  } catch {
    status.textContent = "The emulator does not answer.";
    status.classList.add("bad");
    return false;
  }
}

function choose(id) {
  const post = posts.find((p) => p.id === id && !p.deleted);
  chosen = post ? post.id : null;
  target.hidden = !post;
  document.getElementById("target-text").textContent = post ? `Answering ${at}${post.author}: ${(post.title || post.text).slice(0, 80)}` : "";
  for (const other of threads.querySelectorAll(".post")) other.classList.toggle("chosen", other.dataset.id === chosen);
  if (post) form.elements.text.focus({ preventScroll: false });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const post = { author: form.elements.author.value.trim(), text: form.elements.text.value };
  if (form.elements.followers.value !== "") post.followers = Number(form.elements.followers.value);
  if (form.elements.subreddit) post.subreddit = form.elements.subreddit.value.trim();
  if (form.elements.kind && !chosen) post.kind = form.elements.kind.value;
  if (chosen) post.in_reply_to = chosen;
  if (await send(post)) {
    form.elements.text.value = "";
    choose(null);
  }
});

threads.addEventListener("click", (event) => {
  const card = event.target.closest(".post");
  if (card) choose(card.dataset.id === chosen ? null : card.dataset.id);
});
document.getElementById("target-clear").addEventListener("click", () => choose(null));
for (const sample of document.querySelectorAll(".sample")) {
  sample.addEventListener("click", () => {
    const { author, followers, text } = sample.dataset;
    const post = { author, followers: Number(followers), text };
    if (form.elements.subreddit) post.subreddit = form.elements.subreddit.value.trim();
    send(post);
  });
}

refresh();
setInterval(refresh, 1000);
refreshAlerts();
setInterval(refreshAlerts, 2000);
