// The table of secret holders: legacy calls and OAuth side by side, counted from the messages.

import { el } from "./dom.js";
import { party, text } from "./texts.js";

const PARTIES = ["browser", "client", "authorization_server", "resource_server"];
/** Listed even if no message contains them. */
const ALWAYS = ["secret_of_a", "secret_of_b"];

/** Fetches the counts and draws both tables. */
export async function refresh(box) {
  const response = await fetch("/api/secret-holders");
  if (!response.ok) return;
  const { oauth, legacy } = await response.json();
  box.replaceChildren(table("oauth", oauth), table("legacy", legacy));
}

function table(method, holders) {
  const secrets = [...new Set([...ALWAYS, ...holders.map((entry) => entry.secret)])];
  const entryOf = (secret) => holders.find((entry) => entry.secret === secret);
  return el("figure", { "data-method": method },
    el("figcaption", {}, text(`secrets.methods.${method}.name`)),
    el("table", {},
      el("thead", {}, el("tr", {}, el("td"), secrets.map((secret) => el("th", { scope: "col" }, text(`secrets.kinds.${secret}`))))),
      el("tbody", {}, PARTIES.map((name) => el("tr", { "data-party": name },
        el("th", { scope: "row" }, el("span", { class: `who ${name}` }, party(name))),
        secrets.map((secret) => cell(name, secret, entryOf(secret)?.held_by[name] ?? 0)))))),
    el("p", { class: "small muted" }, text(holders.length > 0 ? `secrets.methods.${method}.summary` : "secrets.none")));
}

function cell(name, secret, count) {
  // The purpose of OAuth: B never receives A's secret.
  const leaked = count > 0 && name === "resource_server" && secret === "secret_of_a";
  return el("td", { "data-secret": secret, "data-count": count, class: leaked ? "leaked" : count > 0 ? "seen" : "unseen" },
    count > 0 ? text("secrets.times", { n: count }) : text("secrets.never"));
}
