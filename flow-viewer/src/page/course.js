// The seven lessons, as `/api/config` lists them.

import { isPlayed } from "./progress.js";
import { stepMark } from "./messages.js";

let [lessons, guesses, playable, loginUrl] = [[], new Map(), new Set(), ""];

/** The lesson in which the reader logs in. */
const LOGIN = "login";
/** The names of flows that belong to it. */
const LOGIN_FLOWS = ["login_button", "callback"];

export function setCourse(config) {
  lessons = config.lessons.map((lesson, at) => ({ ...lesson, mark: stepMark(at + 1), isLogin: lesson.name === LOGIN }));
  guesses = new Map(config.guesses.map((guess) => [guess.scenario, guess]));
  playable = new Set(config.scenarios.map(({ name }) => name));
  loginUrl = config.login_url;
}

export const allLessons = () => lessons;
export const loginAddress = () => loginUrl;
export const canPlay = (scenario) => playable.has(scenario);

/** Returns the options of a guess, of which `right` is one, or null. */
export function guessFor(scenario) {
  const guess = guesses.get(scenario);
  return guess ? { right: guess.right, options: [guess.right, ...guess.wrong].sort() } : null;
}

/** Returns the lesson to which a flow of this name belongs, or undefined. */
export function lessonOf(flowName) {
  return lessons.find(({ scenarios, collection, isLogin }) =>
    scenarios.includes(flowName) || collection.includes(flowName) || (isLogin && LOGIN_FLOWS.includes(flowName)));
}

export const next = (lesson) => lessons[lessons.indexOf(lesson) + 1];

/** The name under which a lesson's flow is noted. */
export const noteName = (flowName) => (LOGIN_FLOWS.includes(flowName) ? LOGIN_FLOWS[1] : flowName);

/** Whether everything that answers the question has been played. */
export function isDone({ scenarios, isLogin }) {
  return isLogin ? isPlayed(LOGIN_FLOWS[1]) : scenarios.every(isPlayed);
}
