// The list of scenarios, and the result of the last one: expectations and observations.

import { translatedError } from "./check_values.js";
import { el, fill, outside } from "./dom.js";
import { has, text } from "./texts.js";

const GROUPS = ["flow", "legacy", "trade_off", "attack"];

/**
 * Lists the scenarios. Calls `started` when one begins, `finished` with its result, and `login` when
 * the login link is opened.
 */
export function list(box, config, callbacks) {
  const { scenarios } = config;
  const { login } = callbacks;
  const groups = GROUPS.map((group) => [group, scenarios.filter((scenario) => scenario.group === group)]);
  // On a phone an open list would push the diagram far down.
  const isWide = matchMedia("(min-width: 40rem)").matches;
  fill(box,
    groups.filter(([, members]) => members.length > 0).map(([group, members], at) =>
      el("details", { class: "group", name: "scenarios", "data-group": group, open: isWide && at === 0 },
        el("summary", {}, text(`play.groups.${group}`), " ", el("span", { class: "muted small" }, String(members.length))),
        el("ul", {}, group === "flow" && loginItem(config.login_url, login), members.map(({ name }) => item(name, callbacks))))),
    scenarios.length === 0 && [el("p", { class: "muted" }, text("play.none")), el("ul", { class: "group" }, loginItem(config.login_url, login))]);
}

function loginItem(url, opened) {
  const link = outside(url, text("play.login_link"));
  link.id = "login-yourself";
  link.className = "button quiet";
  link.addEventListener("click", opened);
  return el("li", {}, el("b", {}, text("play.login_title")), link, el("p", { class: "small" }, text("play.login_description")));
}

function item(name, callbacks) {
  const title = text(`scenarios.${name}.title`);
  const description = el("p", { class: "small", id: `description-${name}` }, text(`scenarios.${name}.description`));
  const button = el("button", {
    class: "quiet", "data-scenario": name, "aria-label": text("play.button_label", { title }), "aria-describedby": description.id,
    click: () => press(name, button, callbacks),
  }, text("play.button"));
  return el("li", {}, el("b", {}, title), button, description);
}

async function press(name, button, callbacks) {
  if (button.getAttribute("aria-disabled")) return;
  button.setAttribute("aria-disabled", "true");
  await play(name, callbacks);
  button.removeAttribute("aria-disabled");
}

/** Plays a scenario. */
export async function play(name, { started, finished }) {
  started(name);
  try {
    const headers = { "content-type": "application/json" };
    const response = await fetch(`/api/scenarios/${name}`, { method: "POST", headers, body: "{}" });
    const result = await response.json();
    finished(name, response.ok ? result : failed(name, result.error_description));
  } catch {
    finished(name, failed(name, text("play.unreachable")));
  }
}

const failed = (scenario, error) => ({ scenario, expectations: [], as_expected: false, error });

/** Shows a scenario in progress. */
export function showRunning(box, name) {
  box.dataset.scenario = name;
  delete box.dataset.asExpected;
  delete box.dataset.verdict;
  fill(box,
    el("p", { class: "result-heading" }, el("b", {}, text("play.running", { title: text(`scenarios.${name}.title`) }))),
    el("p", {}, text(`scenarios.${name}.description`)));
}

/** Shows the result of a scenario. */
export function showResult(box, { scenario, group, expectations, as_expected: asExpected, error }) {
  box.dataset.scenario = scenario;
  box.dataset.asExpected = String(asExpected);
  box.dataset.verdict = verdictOf(group, asExpected);
  fill(box,
    el("p", { class: "result-heading" }, el("b", { class: box.dataset.verdict }, text(`play.verdict.${box.dataset.verdict}`)), " ",
      text(`scenarios.${scenario}.explanation`)),
    error && el("p", { class: "problem", "data-error": true }, text("play.aborted", { error: translatedError(error) })),
    expectations.length > 0 && el("details", { open: !asExpected },
      el("summary", { class: "small" }, text("play.compare")), table(expectations)));
}

/** Without OAuth, what was announced is a leak. */
function verdictOf(group, asExpected) {
  if (!asExpected) return "no";
  return group === "legacy" ? "warn" : "yes";
}

/** Clears the result, because the open flow is not a scenario played on this page. */
export function clearResult(box) {
  delete box.dataset.scenario;
  delete box.dataset.asExpected;
  delete box.dataset.verdict;
  box.replaceChildren();
}

function table(expectations) {
  return el("table", { class: "expectations" },
    el("thead", {}, el("tr", {}, el("td"), ["expected", "found"].map((name) => el("th", { scope: "col" }, text(`play.${name}`))), el("td"))),
    el("tbody", {}, expectations.map(({ name, expected, found, met }) =>
      el("tr", { "data-expectation": name, "data-met": String(met) },
        el("th", { scope: "row" }, text(`expectations.${name}`)),
        el("td", { class: "expected", "data-label": text("play.expected") }, value(expected)),
        el("td", { class: "found", "data-label": text("play.found") }, value(found)),
        el("td", { class: met ? "yes" : "no" }, met ? `✓ ${text("play.met")}` : `✗ ${text("play.not_met")}`)))));
}

/** Translates a value. Values without a translation, such as `401 invalid_token`, become code. */
function value(found) {
  return has(`play.values.${found}`) ? text(`play.values.${found}`) : el("code", {}, found);
}
