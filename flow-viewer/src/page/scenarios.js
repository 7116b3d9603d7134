// The list of scenarios, and the result of the last one: expectations and observations.

import { el, fill, outside } from "./dom.js";
import { has, text } from "./texts.js";

const GROUPS = ["flow", "legacy", "trade_off", "attack"];

/**
 * Lists the scenarios. Calls `started` when one begins, `finished` with its result, and `login` when
 * the login link is opened.
 */
export async function list(box, { started, finished, login }) {
  const [scenarios, config] = await Promise.all(["/api/scenarios", "/api/config"].map(async (path) => (await fetch(path)).json()));
  const groups = GROUPS.map((group) => [group, scenarios.filter((scenario) => scenario.group === group)]);
  // On a phone an open list would push the diagram far down.
  const isWide = matchMedia("(min-width: 40rem)").matches;
  fill(box,
    groups.filter(([, members]) => members.length > 0).map(([group, members], at) =>
      el("details", { class: "group", name: "scenarios", "data-group": group, open: isWide && at === 0 },
        el("summary", {}, text(`play.groups.${group}`), " ", el("span", { class: "muted small" }, String(members.length))),
        el("ul", {}, group === "flow" && loginItem(config.login_url, login), members.map(({ name }) => item(name, started, finished))))),
    scenarios.length === 0 && [el("p", { class: "muted" }, text("play.none")), el("ul", { class: "group" }, loginItem(config.login_url, login))]);
}

function loginItem(url, opened) {
  const link = outside(url, text("play.login_link"));
  link.id = "login-yourself";
  link.className = "button quiet";
  link.addEventListener("click", opened);
  return el("li", {}, el("b", {}, text("play.login_title")), link, el("p", { class: "small" }, text("play.login_description")));
}

function item(name, started, finished) {
  const title = text(`scenarios.${name}.title`);
  const description = el("p", { class: "small", id: `description-${name}` }, text(`scenarios.${name}.description`));
  const button = el("button", {
    class: "quiet", "data-scenario": name, "aria-label": text("play.button_label", { title }), "aria-describedby": description.id,
    click: () => play(name, button, started, finished),
  }, text("play.button"));
  return el("li", {}, el("b", {}, title), button, description);
}

async function play(name, button, started, finished) {
  if (button.getAttribute("aria-disabled")) return;
  button.setAttribute("aria-disabled", "true");
  started(name);
  try {
    const headers = { "content-type": "application/json" };
    const response = await fetch(`/api/scenarios/${name}`, { method: "POST", headers, body: "{}" });
    const result = await response.json();
    finished(name, response.ok ? result : failed(name, result.error_description));
  } catch {
    finished(name, failed(name, text("play.unreachable")));
  }
  button.removeAttribute("aria-disabled");
}

const failed = (scenario, error) => ({ scenario, expectations: [], as_expected: false, error });

/** Shows a scenario in progress. */
export function showRunning(box, name) {
  box.dataset.scenario = name;
  delete box.dataset.asExpected;
  fill(box,
    el("p", { class: "result-heading" }, el("b", {}, text("play.running", { title: text(`scenarios.${name}.title`) }))),
    el("p", {}, text(`scenarios.${name}.description`)));
}

/** Shows the result of a scenario. */
export function showResult(box, { scenario, expectations, as_expected: asExpected, error }) {
  box.dataset.scenario = scenario;
  box.dataset.asExpected = String(asExpected);
  fill(box,
    el("p", { class: "result-heading" }, el("b", { class: asExpected ? "yes" : "no" },
      asExpected ? `✓ ${text("play.as_expected")}` : `✗ ${text("play.not_as_expected")}`), " ", text(`scenarios.${scenario}.title`)),
    expectations.length > 0 && table(expectations),
    error && el("p", { class: "problem", "data-error": true }, text("play.aborted", { error })),
    el("p", { class: "small" }, text(`scenarios.${scenario}.explanation`)));
}

/** Clears the result, because the open flow is not a scenario played on this page. */
export function clearResult(box) {
  delete box.dataset.scenario;
  delete box.dataset.asExpected;
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
