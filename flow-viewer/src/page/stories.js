// The buttons that play stories: each tells before what should happen, and afterwards what did.

import { el, fill, outside } from "./dom.js";
import { has, text } from "./texts.js";

const GROUPS = ["flow", "old_way", "trade_off", "attack"];

/** Offer what can be played here. `begun` is told of each story that begins, `played` of what came of it. */
export async function offer(box, { begun, played, login }) {
  const [stories, places] = await Promise.all(["/api/stories", "/api/places"].map(async (path) => (await fetch(path)).json()));
  const groups = GROUPS.map((group) => [group, stories.filter((story) => story.group === group)]);
  // On a phone the flow itself would be far below an open list.
  const roomy = matchMedia("(min-width: 40rem)").matches;
  fill(box,
    groups.filter(([, some]) => some.length > 0).map(([group, some], at) =>
      el("details", { class: "group", name: "stories", "data-group": group, open: roomy && at === 0 },
        el("summary", {}, text(`playing.groups.${group}`), " ", el("span", { class: "muted small" }, String(some.length))),
        el("ul", {}, group === "flow" && yourself(places.login, login), some.map(({ name }) => item(name, begun, played))))),
    stories.length === 0 && [el("p", { class: "muted" }, text("playing.none")), el("ul", { class: "group" }, yourself(places.login, login))]);
}

function yourself(address, pressed) {
  const link = outside(address, text("playing.login_link"));
  link.id = "login-yourself";
  link.className = "button quiet";
  link.addEventListener("click", pressed);
  return el("li", {}, el("b", {}, text("playing.login_title")), link, el("p", { class: "small" }, text("playing.login_before")));
}

function item(name, begun, played) {
  const title = text(`stories.${name}.title`);
  const before = el("p", { class: "small", id: `before-${name}` }, text(`stories.${name}.before`));
  const button = el("button", {
    class: "quiet", "data-story": name, "aria-label": text("playing.play_named", { title }), "aria-describedby": before.id,
    click: () => play(name, button, begun, played),
  }, text("playing.play"));
  return el("li", {}, el("b", {}, title), button, before);
}

async function play(name, button, begun, played) {
  if (button.getAttribute("aria-disabled")) return;
  button.setAttribute("aria-disabled", "true");
  begun(name);
  try {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`/api/stories/${name}`, { method: "POST", headers, body: "{}" });
    const said = await answer.json();
    played(name, answer.ok ? said : unplayed(name, said.error_description));
  } catch {
    played(name, unplayed(name, text("playing.unreachable")));
  }
  button.removeAttribute("aria-disabled");
}

const unplayed = (story, why) => ({ story, claims: [], as_expected: false, broke_off: why });

/** A story that is being played. */
export function showPlaying(box, name) {
  box.dataset.story = name;
  delete box.dataset.asExpected;
  fill(box,
    el("p", { class: "telling" }, el("b", {}, text("playing.plays", { title: text(`stories.${name}.title`) }))),
    el("p", {}, text(`stories.${name}.before`)));
}

/** A story that was played: what was told before, beside what happened. */
export function showPlayed(box, { story, claims, as_expected: asExpected, broke_off: why }) {
  box.dataset.story = story;
  box.dataset.asExpected = String(asExpected);
  fill(box,
    el("p", { class: "telling" }, el("b", { class: asExpected ? "yes" : "no" },
      asExpected ? `✓ ${text("playing.as_expected")}` : `✗ ${text("playing.not_expected")}`), " ", text(`stories.${story}.title`)),
    claims.length > 0 && table(claims),
    why && el("p", { class: "problem", "data-broke-off": true }, text("playing.broke_off", { why })),
    el("p", { class: "small" }, text(`stories.${story}.why`)));
}

/** No story is told of this flow. */
export function showNone(box) {
  delete box.dataset.story;
  delete box.dataset.asExpected;
  box.replaceChildren();
}

function table(claims) {
  return el("table", { class: "claims" },
    el("thead", {}, el("tr", {}, el("td"), ["expected", "found"].map((name) => el("th", { scope: "col" }, text(`playing.${name}`))), el("td"))),
    el("tbody", {}, claims.map(({ what, expected, found, held }) =>
      el("tr", { "data-claim": what, "data-held": String(held) },
        el("th", { scope: "row" }, text(`claims.${what}`)),
        el("td", { class: "expected", "data-label": text("playing.expected") }, value(expected)),
        el("td", { class: "found", "data-label": text("playing.found") }, value(found)),
        el("td", { class: held ? "yes" : "no" }, held ? `✓ ${text("playing.held")}` : `✗ ${text("playing.not_held")}`)))));
}

/** `401 invalid_token` stays as it goes over the wire; words are put into the reader's language. */
function value(said) {
  return has(`playing.values.${said}`) ? text(`playing.values.${said}`) : el("code", {}, said);
}
