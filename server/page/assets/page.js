// What pages do besides: they follow what happens while they are open. Without this script they show the same,
// as it was when they were read. It makes nodes and texts, never markup.
"use strict";

const sections = () => document.querySelectorAll("[data-live]");

// refresh reads this page again and takes over the sections that are other ones now.
let reading = false, again = false;
function refresh() {
  if (reading) { again = true; return; }
  reading = true;
  const request = new XMLHttpRequest();
  request.open("GET", location.pathname + location.search);
  request.responseType = "document"; // parsed, and nothing in it runs
  request.onload = () => {
    if (request.status === 200 && request.response?.querySelector("[data-live]")) take(request.response);
    else if (request.responseURL.includes("/login")) location.reload();
  };
  request.onloadend = () => {
    setTimeout(() => {
      reading = false;
      if (again) { again = false; refresh(); }
    }, 1000); // at most one a second, however much happens
  };
  request.send();
}

function take(fresh) {
  for (const old of sections()) {
    const now = fresh.querySelector(`[data-live="${old.dataset.live}"]`);
    if (!now) continue;
    old.hidden = now.hidden;
    merge(old, now);
  }
}

// merge makes old's children those of now, and keeps every node that is the same, with its focus and what is open.
function merge(old, now) {
  if (old.isEqualNode(now)) return;
  const rows = old.hasAttribute("data-keyed");
  const nested = old.children.length === now.children.length && old.children.length > 0 && !rows &&
    [...old.children].every((child, i) => child.tagName === now.children[i].tagName) && !hasText(old) && !hasText(now);
  if (nested) {
    const theirs = [...now.children];
    [...old.children].forEach((child, i) => merge(child, theirs[i]));
    return;
  }
  if (rows) { mergeRows(old, now); return; }
  if (old.tagName === now.tagName && old.hasAttribute("data-live")) { old.replaceChildren(...now.childNodes); return; }
  if (old.tagName === "DETAILS") now.open = old.open;
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  old.replaceWith(now);
  if (focused?.id) document.getElementById(focused.id)?.focus();
  else if (focused?.href) [...now.querySelectorAll("a")].find((a) => a.href === focused.href)?.focus();
}

const hasText = (node) => [...node.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim());

function mergeRows(old, now) {
  const before = new Map([...old.children].map((row) => [row.id, row]));
  let at = old.firstElementChild;
  for (const row of [...now.children]) {
    const known = before.get(row.id);
    before.delete(row.id);
    if (known) {
      if (known === at) at = at.nextElementSibling; else old.insertBefore(known, at);
      if (!sameWords(known, row)) merge(known, row);
    } else {
      row.dataset.fresh = "";
      old.insertBefore(row, at);
    }
  }
  for (const gone of before.values()) gone.remove();
}

// sameWords compares what is read, less what only the clock changes.
function sameWords(a, b) {
  const words = (row) => { const copy = row.cloneNode(true); copy.querySelectorAll("time").forEach((t) => t.remove()); return copy.textContent; };
  return words(a) === words(b);
}

// scans shows how far judgings are.
function scans(list) {
  for (const scan of list) {
    for (const place of document.querySelectorAll(`[data-scan="${CSS.escape(scan.key)}"]`)) {
      place.querySelector("[data-doing]").textContent = scan.doing;
      layers(place.querySelector("[data-layers]"), scan.layers);
    }
  }
}

function layers(place, list) {
  const kept = new Set();
  for (const layer of list) {
    const key = String(layer.number);
    kept.add(key);
    let line = [...place.children].find((child) => child.dataset.layer === key);
    if (!line) { line = newLayer(layer); place.append(line); }
    const bar = line.querySelector("progress");
    bar.max = layer.size;
    bar.value = layer.read;
    line.lastElementChild.textContent = layer.words;
  }
  for (const line of [...place.children]) if (!kept.has(line.dataset.layer)) line.remove();
}

function newLayer(layer) {
  const line = document.createElement("div"), name = document.createElement("span"), bar = document.createElement("progress");
  line.className = "layer";
  line.dataset.layer = layer.number;
  name.textContent = `Layer ${layer.number}`;
  bar.setAttribute("aria-label", name.textContent);
  line.append(name, bar, document.createElement("span"));
  return line;
}

// follow listens to the server. A browser comes back by itself when the connection breaks, and may have missed something.
function follow() {
  const pulse = document.getElementById("pulse"), news = document.getElementById("news");
  if (!pulse || sections().length === 0) return;
  const stream = new EventSource("/live");
  const state = (live) => { pulse.hidden = false; pulse.dataset.state = live ? "live" : "off"; pulse.textContent = live ? "Live" : "Not live"; };
  stream.addEventListener("hello", (event) => { state(true); if (event.data !== pulse.dataset.lists) refresh(); });
  stream.addEventListener("error", () => { state(false); if (stream.readyState === EventSource.CLOSED) setTimeout(follow, 15000); });
  stream.addEventListener("message", (event) => {
    const message = JSON.parse(event.data);
    scans(message.scans ?? []);
    if (message.news) news.textContent = message.news;
    if (message.changed) refresh();
  });
}

// ago is what the server writes for a time, as time goes on.
function ago(then, now) {
  let seconds = (now - then) / 1000;
  const [before, after] = seconds < 0 ? ["in ", ""] : ["", " ago"];
  seconds = Math.abs(seconds);
  const so = (n, unit) => `${before}${Math.floor(n)} ${unit}${after}`;
  if (seconds < 10 && !before) return "just now";
  if (seconds < 60) return so(seconds, "s");
  if (seconds < 3600) return so(seconds / 60, "min");
  if (seconds < 86400) return so(seconds / 3600, "h");
  if (seconds < 604800) return so(seconds / 86400, "d");
  return null; // it stands as a date
}

function clock() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const words = ago(Date.parse(time.dateTime), Date.now());
    if (words && words !== time.textContent) time.textContent = words;
  }
}

// theme takes a choice of colours at once, and tells the server for the next page.
function theme() {
  const choice = document.getElementById("theme");
  if (!choice) return;
  document.getElementById("theme-set").hidden = true;
  choice.addEventListener("change", () => {
    if (choice.value) document.documentElement.dataset.theme = choice.value;
    else delete document.documentElement.dataset.theme;
    fetch("/theme", { method: "POST", body: new URLSearchParams({ theme: choice.value, next: "/" }), redirect: "manual" });
  });
}

theme();
follow();
setInterval(clock, 15000);
