// The table of secret holders: who has received A's secret, with OAuth and without, and a person's
// password.

import { el } from "./dom.js";
import { text } from "./texts.js";

const PARTIES = ["browser", "client", "authorization_server", "resource_server"];

/** Fetches the counts and draws the table. */
export async function refresh(box) {
  const response = await fetch("/api/secret-holders");
  if (!response.ok) return;
  const rows = await response.json();
  box.replaceChildren(el("table", {},
    el("thead", {}, el("tr", {}, el("td"), PARTIES.map((name) => el("th", { scope: "col" }, el("span", { class: `who ${name}` }, text(`party.${name}`)))))),
    el("tbody", {}, rows.map(row))));
}

function row(holders) {
  const { secret, method, received_by: received } = holders;
  const isPlayed = Object.keys(received).length > 0;
  return el("tr", { "data-secret": secret, "data-method": method },
    el("th", { scope: "row" }, el("span", { class: "secret" }, text(`secrets.kinds.${secret}`)), " ",
      el("span", { class: "small muted" }, text(`secrets.methods.${secret}.${method}`))),
    isPlayed
      ? PARTIES.map((name) => cell(name, holders, received[name] ?? 0))
      : el("td", { colspan: PARTIES.length, class: "unseen", "data-state": "not_played" }, text("secrets.not_played")));
}

function cell(name, { owner, needed_by: needed }, count) {
  const state = stateOf(name, owner, needed, count);
  return el("td", { "data-party": name, "data-count": count, "data-state": state }, text(`secrets.states.${state}`, { n: count }));
}

function stateOf(name, owner, needed, count) {
  if (name === owner) return "owner";
  if (count === 0) return "never";
  return name === needed ? "needs_it" : "saw_it";
}
