// The lesson of the open flow: its question, and the answer once it has been played.

import { canPlay, guessFor, isDone, lessonOf, next } from "./course.js";
import { el, fill } from "./dom.js";
import { idOf } from "./path.js";
import { guessOf, isPlayed } from "./progress.js";
import { rich } from "./rich.js";
import { text } from "./texts.js";

/** Shows the lesson of a flow, or of a scenario in progress. `play` plays another scenario. */
export function show(box, name, hasEnded, play) {
  const lesson = lessonOf(name);
  box.hidden = !lesson;
  if (!lesson) return hide(box);
  if (box.dataset.of === `${name} ${hasEnded}`) return;
  box.dataset.of = `${name} ${hasEnded}`;
  box.dataset.lesson = lesson.name;
  const of = (part) => text(`lessons.${lesson.name}.${part}`);
  fill(box,
    el("div", { class: "row" },
      el("a", { href: `/#${idOf(lesson)}`, "data-view": true }, `◀ ${text("path.back")}`),
      el("h2", { id: "lesson-heading" }, `${lesson.mark} ${of("question")}`),
      hasEnded && lesson.name === "first_account" && el("button", { id: "compare-tokens", class: "quiet", click: compare }, text("two_tokens.compare")),
      hasEnded && onward(lesson, name, play)),
    hasEnded
      ? el("p", { class: "answer" }, guessed(name), (!guessFor(name) || isDone(lesson)) && rich(of("answer")))
      : el("p", { class: "watch" }, of("watch")));
}

/** Shows the two tokens, below the picture. */
function compare() {
  const box = document.getElementById("two-tokens");
  box.open = true;
  box.scrollIntoView();
  box.querySelector("summary").focus({ preventScroll: true });
}

/** What to do next: play the rest of this lesson, or go on to the next one. */
function onward(lesson, name, play) {
  const rest = lesson.scenarios.filter((scenario) => scenario !== name && canPlay(scenario) && !isPlayed(scenario));
  if (rest.length > 0 && guessFor(name)) return link(idOf(lesson), text("guess.next"));
  if (rest.length > 0) return rest.map((scenario) => el("button", { "data-play": scenario, click: () => play(scenario) }, `▶ ${text(`scenarios.${scenario}.title`)}`));
  const follows = next(lesson);
  return follows ? link(idOf(follows), `${follows.mark} ${text(`lessons.${follows.name}.title`)}`) : link("closing", text("closing.title"));
}

const link = (place, title) => el("a", { class: "button", id: "lesson-next", href: `/#${place}`, "data-view": true }, `${title} ▶`);

export function hide(box) {
  box.hidden = true;
  delete box.dataset.of;
  delete box.dataset.lesson;
  box.replaceChildren();
}

/** Says whether the reader guessed right. */
function guessed(name) {
  const [guess, right] = [guessOf(name), guessFor(name)?.right];
  if (!guess) return null;
  const isRight = guess === right;
  return el("b", { class: isRight ? "yes" : "no", "data-guessed": String(isRight) },
    text(isRight ? "guess.right" : "guess.wrong", { option: text(`guess.options.${right}`) }), " ");
}
