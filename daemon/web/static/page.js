// The first page: drawn from what came with it, then kept current by one stream.

import { first, words } from "./dom.js";
import { drawOverview, setToken } from "./overview.js";
import { keepOnly, showCall } from "./live.js";

const link = document.getElementById("link");
const noDatabase = document.getElementById("no-database");
const CROWDED_MS = 20000;

let lastId = first.last_id;
let source = null;

function say(state) {
  link.dataset.state = state;
  link.textContent = words[state];
}

function take(event) {
  lastId = event.lastEventId || lastId;
  return JSON.parse(event.data);
}

function follow() {
  if (source || document.hidden) return;
  const stream = (source = new EventSource(`/events?since=${lastId}`));
  stream.addEventListener("open", () => say("connected"));
  stream.addEventListener("error", () => {
    // The browser reconnects by itself, except where the answer was no (503).
    if (stream.readyState !== EventSource.CLOSED) return say("reconnecting");
    rest();
    say("crowded");
    setTimeout(follow, CROWDED_MS);
  });
  stream.addEventListener("hello", (event) => {
    const hello = take(event);
    setToken(hello.token);
    keepOnly(new Set(hello.calls));
    noDatabase.hidden = hello.database;
  });
  stream.addEventListener("call", (event) => showCall(take(event)));
  stream.addEventListener("overview", (event) => {
    drawOverview(take(event));
    noDatabase.hidden = true;
  });
}

function rest() {
  source?.close();
  source = null;
}

// A browser opens only six connections to a host, so a tab nobody sees gives its own
// back; seen again, it is sent what it missed.
document.addEventListener("visibilitychange", () => (document.hidden ? rest() : follow()));
addEventListener("pagehide", rest);
addEventListener("pageshow", follow);

setToken(first.token);
noDatabase.hidden = first.database;
drawOverview(first.overview);
for (const call of first.calls) showCall(call);
follow();
