// Keeps a page true while it is looked at: when something happens, what is live on it is fetched anew; and when
// the daemon is not heard any more, the page says so, and does not look well.
//
// The events themselves are not read here: what they mean is the server's business.

const STREAM = document.body.dataset.stream;
const SILENCE_MS = 16_000; // nothing fetched for so long: the daemon stands still, or the way to it is cut
const STALE_MS = 10_000; // what no event tells (when something was last seen) is fetched so often
const ASIDE_MS = 60_000; // the same, while nobody sees more than the title
const ASIDE_SILENCE_MS = 150_000; // browsers wake what nobody sees once a minute
const PATIENCE_MS = 5_000; // for one answer
const AGAIN_MS = 1_000; // between two tries to reach the daemon, at first
const SELDOM_MS = 10_000; // and at most
const GATHER_MS = 40; // what happens within this is fetched once
const REST = 4; // of the time that a fetch took, at least, before the next: a busy hour must not load the daemon

const lost = document.getElementById("lost");
const outdated = document.getElementById("outdated");
let source = null;
let fetched = mark();
let resting = 0; // until then
let gathering = null;
let listening = null;
let again_ms = AGAIN_MS;
let busy = false;
let again = false;
const posted = "posted" in document.body.dataset; // it answered a form; its address has another page
let typed = posted; // there is something on the page that a reload would lose

function mark() {
  return { steady: performance.now(), wall: Date.now() };
}

// Of a computer that slept only one of the two clocks tells; one that was set costs no more than a fetch.
function since(then) {
  return Math.max(performance.now() - then.steady, Date.now() - then.wall);
}

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
  if (title && !posted) document.title = title.textContent;
}

// What a page consists of, and by which files it is read. Another session, another version of the daemon, and
// what a proxy says in its place have another one.
function shape(page) {
  const files = [...page.head.querySelectorAll("script, link[rel=stylesheet]")].map((one) => one.outerHTML);
  const live = [...page.querySelectorAll("[data-live]")].map((one) => one.id);
  return JSON.stringify([page.body.dataset.stream, page.documentElement.lang, files, live]);
}

// To how it is now; where that would lose what somebody has typed, it is said instead.
function leave() {
  if (!typed) location.reload();
  outdated.hidden = false;
  document.documentElement.classList.add("is-lost");
}

function isOver(answer) {
  // The session is, or there is no such page any more. The two others say: not now.
  const isRefused = answer.status >= 400 && answer.status < 500 && ![408, 429].includes(answer.status);
  return answer.redirected || isRefused;
}

async function refresh() {
  clearTimeout(gathering);
  gathering = null;
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  const began = performance.now();
  let isTrue = false;
  try {
    const answer = await fetch(location.href, {
      headers: { accept: "text/html" },
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (isOver(answer)) {
      leave();
    } else if (answer.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (shape(fresh) === shape(document)) {
        put(fresh);
        isTrue = true;
      } else {
        leave();
      }
    }
  } catch {
    // silence tells
  } finally {
    busy = false;
    resting = performance.now() + Math.min(REST * (performance.now() - began), STALE_MS);
  }
  if (isTrue) {
    fetched = mark();
    show(false);
  } else if (source?.readyState !== EventSource.OPEN || since(fetched) > SILENCE_MS) {
    show(true);
  }
  if (again) {
    again = false;
    soon();
  }
}

function soon() {
  gathering ??= setTimeout(refresh, Math.max(GATHER_MS, resting - performance.now()));
}

// That events come does not make the page true: only what was fetched does.
function show(isLost) {
  lost.hidden = !isLost || !outdated.hidden;
  document.documentElement.classList.toggle("is-lost", isLost || !outdated.hidden);
  if (isLost) document.title = lost.dataset.title;
}

function listen() {
  source?.close();
  clearTimeout(listening);
  source = new EventSource(STREAM);
  source.onopen = () => {
    again_ms = AGAIN_MS;
    soon(); // something may have happened since the page was drawn
  };
  source.onmessage = soon;
  source.onerror = () => {
    refresh(); // whether it is the daemon that is away
    // A browser gives up where the answer is no stream, as a proxy's is while the daemon is away.
    if (source.readyState === EventSource.CLOSED) {
      listening = setTimeout(listen, again_ms);
      again_ms = Math.min(2 * again_ms, SELDOM_MS);
    }
  };
}

// A browser opens six connections to one host, and the streams of tabs that nobody sees would take them all.
function turn() {
  if (document.hidden) {
    clearTimeout(listening);
    source?.close();
  } else {
    listen();
    refresh();
  }
}

function tick() {
  const age = since(fetched);
  if (age > (document.hidden ? ASIDE_SILENCE_MS : SILENCE_MS)) show(true);
  if (age > (document.hidden ? ASIDE_MS : STALE_MS)) {
    if (document.hidden) refresh();
    else soon();
  }
}

if (STREAM) {
  addEventListener("input", () => {
    typed = true;
  });
  if (!document.hidden) listen();
  setInterval(tick, 1_000);
  document.addEventListener("visibilitychange", turn);
}
