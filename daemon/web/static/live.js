// Running calls: one card each, bubbles added and changed as the words come.

import { clock, el, nameOf, query, word, words } from "./dom.js";

const LEAVE_MS = 20000;
const SLOW_MS = 800;
const box = document.getElementById("live");
const none = document.getElementById("no-live");
const count = document.getElementById("live-count");
const cards = new Map();

/** Take in a call's head and the turns that changed. */
export function showCall(call) {
  let card = cards.get(call.id);
  if (!card) {
    if (call.phase === "ended") return;
    card = makeCard(call);
    cards.set(call.id, card);
    box.append(card.root);
  }
  drawHead(card, call);
  const atEnd = card.list.scrollHeight - card.list.scrollTop - card.list.clientHeight < 60;
  for (const turn of call.turns) showTurn(card, turn);
  if (atEnd) card.list.scrollTop = card.list.scrollHeight;
  if (call.phase === "ended" && !card.leaving) leave(card, call.id);
  tally();
}

/** Remove the calls the service knows nothing of: they ended while we were away. */
export function keepOnly(ids) {
  for (const [id, card] of cards) if (!ids.has(id)) drop(card, id);
}

function makeCard(call) {
  const state = el("span", { class: "tag" });
  const time = el("span", { class: "time" });
  const list = el("ol", {
    class: "transcript", "aria-live": "polite", "aria-relevant": "additions text", tabindex: 0,
    "aria-label": `${words.transcript} ${call.number}`, lang: call.lang,
  });
  const about = [call.scenario, nameOf("lang", call.lang), call.line].filter(Boolean).join(" · ");
  const head = el("header", { class: "head" },
    el("a", { class: "who", href: `/calls/${encodeURIComponent(call.id)}${query}` }, call.number),
    state, time, el("span", { class: "about" }, about));
  const root = el("article", { class: "call card", "data-call": call.id }, head, list);
  return { root, state, time, list, turns: new Map(), began: 0, running: true, leaving: false };
}

function drawHead(card, call) {
  const ended = call.phase === "ended";
  card.running = !ended;
  card.began = performance.now() - call.elapsed_ms;
  card.time.textContent = clock(call.elapsed_ms);
  card.root.dataset.phase = call.phase;
  card.list.dataset.empty = words[call.phase];
  card.state.className = `tag ${{ talking: "good", ended: "" }[call.phase] ?? "warn"}`;
  card.state.textContent = ended ? endedIn(call) : words[call.phase];
}

function endedIn(call) {
  const parts = [call.disposition && nameOf("disposition", call.disposition),
    call.outcome && nameOf("outcome", call.outcome)].filter(Boolean);
  return parts.join(" · ") || words.ended;
}

function showTurn(card, turn) {
  const drawn = turn.who === "note" ? drawNote(turn) : drawTurn(turn);
  drawn.dataset.key = turn.key;
  const old = card.turns.get(turn.key);
  if (old) old.replaceWith(drawn);
  else card.list.append(drawn);
  card.turns.set(turn.key, drawn);
}

function drawTurn(turn) {
  const said = turn.note === "key" ? word("key_pressed", { digit: turn.text }) : turn.text ?? "";
  const open = turn.state === "open";
  // A screen reader waits while a turn is busy and reads it once, when it is whole.
  return el("li", { class: `turn ${turn.who} ${turn.state}`, "aria-busy": open && turn.who === "them" ? "true" : null },
    el("span", { class: "who" }, `${words[turn.who]}: `),
    el("p", { class: "words" }, said),
    el("p", { class: "marks" }, ...marks(turn)));
}

function marks(turn) {
  const found = [];
  if (turn.latency_ms != null) {
    const slow = turn.latency_ms > SLOW_MS ? " slow" : "";
    const title = word("reply_after", { ms: turn.latency_ms });
    found.push(el("span", { class: `chip latency${slow}`, title }, `${turn.latency_ms} ms`));
  }
  if (turn.interrupted) found.push(el("span", { class: "chip warn" }, words.interrupted));
  else if (turn.state === "cut") found.push(el("span", { class: "chip" }, words.cut));
  if (turn.intent) found.push(el("span", { class: "chip intent" }, turn.intent));
  if (turn.layer) {
    const title = [
      turn.confidence != null && word("sure", { percent: Math.round(turn.confidence * 100) }),
      turn.decode_ms != null && word("decoded_in", { ms: Math.round(turn.decode_ms) }),
    ].filter(Boolean).join(", ");
    found.push(el("span", { class: "chip", title }, nameOf("layer", turn.layer)));
  }
  return found;
}

function drawNote(turn) {
  const said = {
    effect: () => nameOf("effect", turn.intent),
    outcome: () => `${words.note_outcome}: ${nameOf("outcome", turn.intent)}`,
    hung_up: () => words[`note_hung_up_${turn.intent}`] ?? turn.intent,
  }[turn.note]?.() ?? words[`note_${turn.note}`];
  return el("li", { class: `note ${turn.note}` }, said,
    turn.text ? el("span", {}, ` ${turn.text}`) : null);
}

function leave(card, id) {
  card.leaving = true;
  setTimeout(() => card.root.classList.add("leaving"), LEAVE_MS - 600);
  setTimeout(() => drop(card, id), LEAVE_MS);
}

function drop(card, id) {
  card.root.remove();
  if (cards.get(id) === card) cards.delete(id);
  tally();
}

function tally() {
  const running = [...cards.values()].filter((card) => card.running).length;
  count.textContent = running || "";
  none.hidden = cards.size > 0;
}

// The only timer: it lets the running calls' clocks tick and asks nobody anything.
setInterval(() => {
  for (const card of cards.values()) {
    if (card.running) card.time.textContent = clock(performance.now() - card.began);
  }
}, 1000);
