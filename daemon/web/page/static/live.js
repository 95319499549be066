// Keeps a page true while it is looked at: when something happens, what is live on it is fetched anew; and when
// the daemon is not heard any more, the page says so, and does not look well.
//
// The events themselves are not read here: what they mean is the server's business.

const STREAM = document.body.dataset.stream;
const SILENCE_MS = 16_000; // nothing heard for so long: the daemon stands still, or the way to it is cut
const STALE_MS = 10_000; // what no event tells (when something was last seen) is fetched so often
const PATIENCE_MS = 5_000; // for one answer
const AGAIN_MS = 1_000; // between two tries to reach the daemon
const GATHER_MS = 40; // what happens within this is fetched once
const REST = 4; // of the time that a fetch took, at least, before the next: a busy hour must not load the daemon

const lost = document.getElementById("lost");
let source = null;
let heard = performance.now();
let fetched = performance.now();
let resting = 0; // until then
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
  const notice = fresh.getElementById("lost");
  if (notice) lost.replaceChildren(...notice.childNodes); // it says as of when the page is true
  const title = fresh.querySelector("title");
  if (title) document.title = title.textContent;
}

function alive() {
  heard = performance.now();
  show(false);
}

async function refresh() {
  gathering = null;
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  const began = performance.now();
  try {
    const answer = await fetch(location.href, {
      headers: { accept: "text/html" },
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (answer.redirected || answer.status === 401) {
      location.reload(); // the session is over: to the door
      return;
    }
    if (answer.ok) {
      put(new DOMParser().parseFromString(await answer.text(), "text/html"));
      fetched = performance.now();
      alive();
    }
  } catch {
    // silence tells
  } finally {
    busy = false;
    resting = performance.now() + REST * (performance.now() - began);
    if (again) {
      again = false;
      soon();
    }
  }
}

function soon() {
  gathering ??= setTimeout(refresh, Math.max(GATHER_MS, resting - performance.now()));
}

function show(isLost) {
  if (lost.hidden !== isLost) return;
  lost.hidden = !isLost;
  document.documentElement.classList.toggle("is-lost", isLost);
  if (!isLost) soon();
}

function listen() {
  source?.close();
  source = new EventSource(STREAM);
  source.onopen = alive;
  source.onmessage = () => {
    alive();
    soon();
  };
  source.onerror = () => {
    show(true);
    // A browser gives up where the answer is no stream, as a proxy's is while the daemon is away.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN_MS);
  };
}

function tick() {
  const now = performance.now();
  if (now - heard > SILENCE_MS) show(true);
  if (!document.hidden && now - fetched > STALE_MS) soon();
}

if (STREAM) {
  listen();
  setInterval(tick, 1_000);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) soon();
  });
}
