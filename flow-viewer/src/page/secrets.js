// Who has seen the secret: the document's old way and OAuth side by side, counted from what was really sent.

import { el } from "./dom.js";
import { party, text } from "./texts.js";

const PARTIES = ["browser", "client", "authorization_server", "resource_server"];
/** Shown also while nobody has sent them. */
const ALWAYS = ["secret_of_a", "secret_of_b"];

/** Ask again, and draw both tables. */
export async function refresh(box) {
  const answer = await fetch("/api/secrets");
  if (!answer.ok) return;
  const { oauth, old_way: oldWay } = await answer.json();
  box.replaceChildren(table("oauth", oauth), table("old_way", oldWay));
}

function table(way, holders) {
  const shown = [...new Set([...ALWAYS, ...holders.map((found) => found.secret)])];
  const of = (secret) => holders.find((found) => found.secret === secret);
  return el("figure", { "data-way": way },
    el("figcaption", {}, text(`secrets.ways.${way}.name`)),
    el("table", {},
      el("thead", {}, el("tr", {}, el("td"), shown.map((secret) => el("th", { scope: "col" }, text(`secrets.kinds.${secret}`))))),
      el("tbody", {}, PARTIES.map((name) => el("tr", { "data-party": name },
        el("th", { scope: "row" }, el("span", { class: `who ${name}` }, party(name))),
        shown.map((secret) => cell(name, secret, of(secret)?.held_by[name] ?? 0)))))),
    el("p", { class: "small muted" }, text(holders.length > 0 ? `secrets.ways.${way}.says` : "secrets.none")));
}

function cell(name, secret, count) {
  // The one thing that OAuth is for: A's secret is none of B's business.
  const leaked = count > 0 && name === "resource_server" && secret === "secret_of_a";
  return el("td", { "data-secret": secret, "data-count": count, class: leaked ? "leaked" : count > 0 ? "seen" : "unseen" },
    count > 0 ? text("secrets.times", { n: count }) : text("secrets.never"));
}
