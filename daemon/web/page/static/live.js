// Keeps a page true while it is looked at: when something happens, what is live on it is fetched anew; and when
// the daemon is not heard any more, the page says so, and does not look well.
//
// The events themselves are not read here: what they mean is the server's business.

const STREAM = document.body.dataset.stream;
const SILENCE_MS = 18_000; // the stream says something at least every 15 s
const AGAIN_MS = 1_000; // between two tries to reach the daemon
const STALE_MS = 15_000; // what no event tells (when something was last seen) is fetched so often
const GATHER_MS = 60; // what happens within this is fetched once

const lost = document.getElementById("lost");
let source = null;
let heard = performance.now();
let fetched = performance.now();
let gathering = null;
let busy = false;
let again = false;

function isBeingEdited(element) {
  const active = document.activeElement;
  return element.contains(active) && active.matches("input, select, textarea");
}

function keep(element, work) {
  const focused = element.contains(document.activeElement) ? document.activeElement.id : "";
  const open = [...element.querySelectorAll("details[open][id]")].map((one) => one.id);
  work();
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

function put(fresh) {
  for (const now of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(now.id);
    if (!next || isBeingEdited(now) || next.innerHTML === now.innerHTML) continue;
    const before = new Set([...now.querySelectorAll("[data-key]")].map((one) => one.dataset.key));
    keep(now, () => now.replaceChildren(...next.childNodes));
    for (const one of now.querySelectorAll("[data-key]")) {
      if (!before.has(one.dataset.key)) one.classList.add("fresh");
    }
  }
  const title = fresh.querySelector("title");
  if (title) document.title = title.textContent;
}

async function refresh() {
  gathering = null;
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
    if (answer.redirected || answer.status === 401) {
      location.reload(); // the session is over: to the door
      return;
    }
    if (answer.ok) {
      put(new DOMParser().parseFromString(await answer.text(), "text/html"));
      fetched = performance.now();
    }
  } catch {
    // the stream notices, and says so
  } finally {
    busy = false;
    if (again) {
      again = false;
      soon();
    }
  }
}

function soon() {
  gathering ??= setTimeout(refresh, GATHER_MS);
}

function show(isLost) {
  if (lost.hidden === isLost) {
    lost.hidden = !isLost;
    document.documentElement.classList.toggle("is-lost", isLost);
    if (!isLost) soon();
  }
}

function listen() {
  source?.close();
  heard = performance.now();
  source = new EventSource(STREAM);
  const alive = () => {
    heard = performance.now();
    show(false);
  };
  source.onopen = alive;
  source.onmessage = () => {
    alive();
    soon();
  };
  source.addEventListener("beat", alive);
  source.onerror = () => {
    show(true);
    // A browser gives up where the answer is no stream, as a proxy's is while the daemon is away.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN_MS);
  };
}

function tick() {
  const now = performance.now();
  if (now - heard > SILENCE_MS) {
    show(true);
    listen();
  }
  if (!document.hidden && now - fetched > STALE_MS) soon();
}

if (STREAM) {
  listen();
  setInterval(tick, 1_000);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) soon();
  });
}
