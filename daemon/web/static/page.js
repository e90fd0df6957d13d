// The first page: drawn from what came with it, then kept current by one stream.

import { first, words } from "./dom.js";
import { drawOverview, setToken } from "./overview.js";
import { keepOnly, showCall } from "./live.js";

const link = document.getElementById("link");
const noDatabase = document.getElementById("no-database");
const CROWDED_MS = 20000;

let lastId = first.last_id;

function say(state) {
  link.dataset.state = state;
  link.textContent = words[state];
}

function take(event) {
  lastId = event.lastEventId || lastId;
  return JSON.parse(event.data);
}

function follow() {
  const source = new EventSource(`/events?since=${lastId}`);
  source.addEventListener("open", () => say("connected"));
  source.addEventListener("error", () => {
    // The browser reconnects by itself, except where the answer was no (503).
    if (source.readyState !== EventSource.CLOSED) return say("reconnecting");
    say("crowded");
    setTimeout(follow, CROWDED_MS);
  });
  source.addEventListener("hello", (event) => {
    const hello = take(event);
    setToken(hello.token);
    keepOnly(new Set(hello.calls));
    noDatabase.hidden = hello.database;
  });
  source.addEventListener("call", (event) => showCall(take(event)));
  source.addEventListener("overview", (event) => {
    drawOverview(take(event));
    noDatabase.hidden = true;
  });
  // Frees the place at once; a page brought back from the browser's memory begins anew.
  addEventListener("pagehide", () => source.close(), { once: true });
}

addEventListener("pageshow", (event) => {
  if (event.persisted) follow();
});

setToken(first.token);
noDatabase.hidden = first.database;
drawOverview(first.overview);
for (const call of first.calls) showCall(call);
follow();
