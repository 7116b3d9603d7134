// The front page: seven questions, the roles, the terms and what has been seen.

import { allLessons, canPlay, guessFor, isDone, loginAddress } from "./course.js";
import { el, fill, outside } from "./dom.js";
import { guessOf, isPlayed, reset } from "./progress.js";
import { rich } from "./rich.js";
import { keysBelow, text } from "./texts.js";

const GRANTS = ["authorization_code", "client_credentials", "implicit", "password"];
const ROLES = ["resource_owner", "client", "authorization_server", "resource_server"];

/** Draws the page. `play(scenario, guess)` plays a scenario, `login` is called with its link. */
export function draw(box, { play, login }) {
  const opened = box.querySelector("details[open]")?.id;
  const done = allLessons().filter(isDone).length;
  fill(box,
    el("header", { class: "intro" },
      el("h1", {}, text("path.title")),
      el("p", {}, text("path.intro")),
      el("p", { class: "row" },
        el("progress", { value: done, max: allLessons().length, "aria-label": text("path.seen_label") }),
        el("span", { id: "path-seen" }, text("path.seen", { n: done, all: allLessons().length })),
        done > 0 && el("button", { id: "path-reset", class: "quiet", click: () => { reset(); draw(box, { play, login }); } }, text("path.reset")))),
    el("ol", { class: "lessons" }, allLessons().map((lesson) => card(lesson, play, login))),
    closing(), roles(), glossary());
  const first = allLessons().find((lesson) => !isDone(lesson));
  open(box, opened ?? (first && idOf(first)));
}

/** Opens the card with this id, or shows the place with it. */
export function open(box, id) {
  const found = id && box.querySelector(`#${CSS.escape(id)}`);
  if (found?.tagName === "DETAILS") found.open = true;
  return found;
}

export const idOf = (lesson) => `lesson-${lesson.name}`;

function card(lesson, play, login) {
  const { name, mark } = lesson;
  const of = (part) => text(`lessons.${name}.${part}`);
  const done = isDone(lesson);
  return el("li", {}, el("details", { class: "sheet lesson", name: "lesson", id: idOf(lesson), "data-lesson": name, "data-done": String(done) },
    el("summary", {},
      el("span", { class: "number", "aria-hidden": "true" }, mark),
      el("span", { class: "what" }, el("span", { class: "small muted" }, of("title")), el("h2", {}, of("question"))),
      done && el("span", { class: "yes small" }, `✓ ${text("path.done")}`)),
    el("div", { class: "body" },
      el("p", { class: "life" }, of("life")),
      el("p", {}, rich(of("text"))),
      name === "grants" && grants(),
      el("p", { class: "watch" }, el("b", {}, text("path.watch")), " ", of("watch")),
      actions(lesson, play, login),
      answer(lesson, done))));
}

/** The answer is shown once it has been seen, or on request. */
function answer(lesson, done) {
  return el("details", { class: "answer", open: done },
    el("summary", {}, text("path.answer")),
    el("p", {}, rich(text(`lessons.${lesson.name}.answer`))),
    el("ul", {}, keysBelow(`lessons.${lesson.name}.claims`).map((key) => el("li", {}, rich(text(key))))));
}

function actions(lesson, play, login) {
  const { name, scenarios, collection, isLogin } = lesson;
  if (isLogin) {
    const link = outside(loginAddress(), text("play.login_link"));
    [link.id, link.className] = ["path-login", "button"];
    link.addEventListener("click", login);
    return el("p", { class: "row" }, link);
  }
  const shown = (names) => names.filter(canPlay).map((scenario) => (name === "attacks" ? guess(scenario, play) : button(scenario, play)));
  const more = shown(collection);
  return [
    el("div", { class: name === "attacks" ? "guesses" : "row" }, shown(scenarios)),
    more.length > 0 && el("details", { class: "more" },
      el("summary", {}, text("path.collection", { n: collection.filter(isPlayed).length, all: collection.length })),
      el("div", { class: "guesses" }, more)),
  ];
}

function button(scenario, play) {
  return el("button", { "data-play": scenario, class: isPlayed(scenario) ? "played" : undefined, click: () => play(scenario) },
    `${isPlayed(scenario) ? "✓" : "▶"} ${text(`scenarios.${scenario}.title`)}`);
}

function guess(scenario, play) {
  const { right, options } = guessFor(scenario) ?? { options: [] };
  const guessed = guessOf(scenario);
  return el("fieldset", { "data-guess": scenario, "data-guessed": guessed ? String(guessed === right) : undefined },
    el("legend", {}, text(`scenarios.${scenario}.title`)),
    el("p", { class: "small muted" }, text("guess.ask")),
    el("div", { class: "row" }, options.map((option) => el("button", {
      class: "quiet", "data-option": option, "aria-pressed": String(guessed === option), click: () => play(scenario, option),
    }, text(`guess.options.${option}`)))),
    guessed && el("p", { class: guessed === right ? "yes small" : "no small" },
      text(guessed === right ? "guess.right" : "guess.wrong", { option: text(`guess.options.${right}`) })));
}

function grants() {
  return el("table", { class: "grants" },
    el("thead", {}, el("tr", {}, ["name", "use", "state"].map((part) => el("th", { scope: "col" }, text(`path.grants.${part}`))))),
    el("tbody", {}, GRANTS.map((name) => el("tr", {},
    el("th", { scope: "row" }, text(`lessons.grants.table.${name}.name`)),
    ["use", "state"].map((part) => el("td", {}, text(`lessons.grants.table.${name}.${part}`)))))));
}

function closing() {
  return el("section", { class: "sheet", id: "closing", "aria-labelledby": "closing-heading" },
    el("h2", { id: "closing-heading" }, text("closing.title")),
    el("ol", {}, allLessons().map((lesson) => el("li", { class: isDone(lesson) ? "seen" : undefined },
      el("span", { class: "number", "aria-hidden": "true" }, lesson.mark), el("span", {}, rich(text(`closing.${lesson.name}`)))))));
}

function roles() {
  return el("section", { class: "sheet", id: "roles", "aria-labelledby": "roles-heading" },
    el("h2", { id: "roles-heading" }, text("roles.heading")),
    el("table", {},
      el("thead", {}, el("tr", {}, ["role", "life", "here"].map((name) => el("th", { scope: "col" }, text(`roles.columns.${name}`))))),
      el("tbody", {}, ROLES.map((role) => el("tr", { "data-role": role },
        el("th", { scope: "row" }, rich(text(`roles.${role}.name`))),
        ["life", "here"].map((part) => el("td", {}, text(`roles.${role}.${part}`))))))));
}

function glossary() {
  const entries = keysBelow("glossary").filter((key) => key.endsWith(".term")).map((key) => key.split(".")[1]);
  return el("section", { class: "sheet", id: "glossary", "aria-labelledby": "glossary-heading" },
    el("h2", { id: "glossary-heading" }, text("glossary.heading")),
    el("dl", {}, entries.map((entry) => el("div", { id: entry, tabindex: -1 },
      el("dt", {}, text(`glossary.${entry}.term`)), el("dd", {}, text(`glossary.${entry}.meaning`))))));
}
