// Everything on the first page but the running calls: today, campaigns, lines, last calls.

import { clock, el, lang, nameOf, query, redraw, words } from "./dom.js";

const parts = Object.fromEntries(
  ["today", "campaigns", "lines", "recent"].map((id) => [id, document.getElementById(id)]));
let token = "";

/** What a form must carry; another one after the service has restarted. */
export function setToken(value) {
  token = value;
  for (const field of document.querySelectorAll("input[name=token]")) field.value = value;
}

export function drawOverview(overview) {
  redraw(parts.today, overview.today, drawToday);
  redraw(parts.campaigns, overview.campaigns, drawCampaigns);
  redraw(parts.lines, overview.lines, drawLines);
  redraw(parts.recent, overview.recent, (calls) => calls.map(drawRecent));
  document.getElementById("no-calls").hidden = overview.recent.length > 0;
  parts.recent.parentElement.hidden = overview.recent.length === 0;
}

const empty = (key) => [el("p", { class: "empty" }, words[key])];

function drawToday(today) {
  if (!today.calls) return empty("nothing_today");
  const rate = today.connect_percent == null ? "–" : `${today.connect_percent} %`;
  return [
    el("dl", { class: "figures" },
      figure("calls", today.calls), figure("answered_calls", today.answered),
      figure("connect_rate", rate)),
    el("h3", {}, words.how_ended), bars("disposition", today.dispositions),
    ...(today.outcomes.length
      ? [el("h3", {}, words.what_came), bars("outcome", today.outcomes)] : []),
  ];
}

const figure = (key, value) =>
  el("div", {}, el("dt", {}, words[key]), el("dd", {}, String(value)));

function bars(group, counts) {
  const most = Math.max(...counts.map(([, n]) => n));
  return el("dl", { class: "bars" }, ...counts.map(([name, n]) => {
    const fill = el("i");
    fill.style.width = `${(100 * n) / most}%`;
    return el("div", {}, el("dt", {}, nameOf(group, name)),
      el("dd", { class: "bar", "aria-hidden": "true" }, fill), el("dd", {}, String(n)));
  }));
}

function drawCampaigns(campaigns) {
  return campaigns.length ? campaigns.map(drawCampaign) : empty("no_campaigns");
}

function drawCampaign(campaign) {
  const total = campaign.done + campaign.waiting + campaign.blocked;
  const running = campaign.state === "running";
  const bar = el("div", { class: "progress", "aria-hidden": "true" },
    ...["done", "blocked"].map((part) => {
      const piece = el("i", { class: part });
      piece.style.width = `${total ? (100 * campaign[part]) / total : 0}%`;
      return piece;
    }));
  const counts = ["done", "waiting", "blocked"]
    .map((part) => `${campaign[part]} ${words[part]}`).join(" · ");
  return el("div", { class: "row" },
    el("div", { class: "head" },
      el("span", { class: "name" }, campaign.name),
      campaign.asked ? el("span", { class: "tag warn" }, words.requested) : null,
      el("span", { class: `tag ${running ? "good" : ""}` }, words[campaign.state] ?? campaign.state)),
    bar,
    el("p", {}, counts),
    el("div", { class: "foot" },
      el("p", {}, `${campaign.scenario} · ${nameOf("lang", campaign.lang)}`),
      askForm(campaign.name, running ? "stop" : "start")));
}

function askForm(name, action) {
  const hidden = (key, value) => el("input", { type: "hidden", name: key, value });
  return el("form", { method: "post", action: `/campaigns/${action}` },
    hidden("campaign", name), hidden("token", token), hidden("lang", lang),
    el("button", { "aria-label": `${words[action]} ${name}` }, words[action]));
}

function drawLines(lines) {
  return lines.length ? lines.map(drawLine) : empty("no_lines");
}

function drawLine(line) {
  const tags = [];
  if (line.state) {
    const kind = { ready: "good", failed: "bad", down: "bad" }[line.state] ?? "warn";
    tags.push(el("span", { class: `tag ${kind}` }, words[line.state] ?? line.state));
  }
  if (line.registered != null) {
    tags.push(el("span", { class: `tag ${line.registered ? "good" : "bad"}` },
      words[line.registered ? "registered" : "unregistered"]));
  }
  const channels = line.channels == null ? null
    : el("p", {}, `${line.channels_in_use ?? 0} / ${line.channels} ${words.channels_in_use} · ${line.time}`);
  return el("div", { class: "row" },
    el("div", { class: "head" }, el("span", { class: "name" }, line.name), ...tags), channels,
    line.error ? el("p", { class: "fault" }, line.error) : null);
}

function drawRecent(call) {
  return el("tr", {},
    el("td", {}, el("a", { href: `/calls/${encodeURIComponent(call.id)}${query}` }, call.time)),
    el("td", {}, call.number),
    el("td", {}, call.running ? words.talking : nameOf("disposition", call.disposition)),
    el("td", {}, call.outcome ? nameOf("outcome", call.outcome) : ""),
    el("td", { class: "number" }, call.duration_ms ? clock(call.duration_ms) : ""));
}
