// The detail view of one message: request, response, and the decisions between them.

import { el, fill, outside } from "./dom.js";
import { describeHolders, describeValue } from "./field_notes.js";
import { lineOf, stepMark, titleOf, verdict } from "./messages.js";
import { duration, has, party, text, timeOfDay } from "./texts.js";
import { tokenCard } from "./token.js";

/** Space in pixels above a section after scrolling to it. */
const HEADING = 72;
const LOCATIONS = ["header", "query", "body"];

/** A digest of the displayed message, to detect changes. */
let displayed = null;

/** Shows the message of a line and scrolls to it. */
export function show(box, flow, at, back) {
  render(box, flow, at, back);
  const { kind } = flow.lines[at].part;
  scrollTo(box, kind === "request" ? null : box.querySelector('[aria-current="true"]'));
}

/** Updates the view if the message has changed. */
export function update(box, flow, at, back) {
  if (snapshot(flow, at) !== displayed) render(box, flow, at, back);
}

const snapshot = (flow, at) => JSON.stringify([flow.messages[flow.lines[at].message], flow.lines[at].part, Object.keys(flow.tokens)]);

function render(box, flow, at, back) {
  displayed = snapshot(flow, at);
  const line = flow.lines[at];
  const { message, kind } = lineOf(flow, line);
  const current = (part) => (part === kind ? "true" : undefined);
  fill(box,
    el("div", { class: "row" }, el("h2", {}, titleOf(message)), el("button", { id: "detail-back", class: "quiet", click: back }, text("detail.back"))),
    el("p", { class: "between" }, el("span", { class: `who ${message.from}` }, party(message.from)), " → ",
      el("span", { class: `who ${message.to}` }, party(message.to))),
    has(`about.${message.title}`) && el("p", {}, text(`about.${message.title}`)),
    reference(message),
    el("section", { "aria-current": current("request"), "data-part": "request" },
      el("h3", {}, text("detail.request")),
      el("p", { class: "address" }, el("b", {}, message.method), " ", el("code", {}, message.url)),
      message.external && el("p", { class: "small muted" }, text("detail.external")),
      el("p", { class: "small muted" }, text("detail.sent", { at: timeOfDay(message.sent_micros) })),
      fields(flow, message, message.fields)),
    decisions(flow, message, kind === "decision" ? line.part.index : null),
    response(flow, message, current),
  );
}

/** Beside the diagram the detail box scrolls. Below the diagram the page scrolls. */
function scrollTo(box, current) {
  if (getComputedStyle(box).position !== "sticky") return (current ?? box).scrollIntoView();
  box.scrollTop = 0;
  if (current) box.scrollTop = current.getBoundingClientRect().top - box.getBoundingClientRect().top - HEADING;
}

/** The step of the source document and the specification of a message. */
function reference(message) {
  const step = message.step && text(`step.${message.step.sequence}`, { number: stepMark(message.step.number) });
  const source = message.source && outside(message.source.url, message.source.text);
  if (!step && !source) return null;
  return el("p", { class: "rule" }, step && el("span", { class: "step" }, step), source);
}

function response(flow, message, current) {
  const { response, failure } = message;
  const part = { "data-part": response ? "response" : "failure", "aria-current": current("response") ?? current("failure") };
  if (!response) {
    return el("section", part, el("h3", {}, text("detail.response")), el("p", failure ? { class: "problem" } : { class: "muted" },
      failure ?? text("detail.no_response_yet")));
  }
  return el("section", part,
    el("h3", {}, text("detail.response")),
    el("p", {}, el("b", { class: `status ${verdict(response.status)}`, "data-status": response.status }, String(response.status)),
      " ", text("detail.took", { time: duration(response.elapsed_micros) })),
    fields(flow, message, response.fields, true));
}

function fields(flow, message, all, isResponse = false) {
  const titles = { header: "detail.headers", query: isResponse ? "detail.location_query" : "detail.query", body: "detail.body" };
  const groups = LOCATIONS.map((location) => [location, all.filter((field) => field.location === location)]).filter(([, group]) => group.length > 0);
  if (groups.length === 0) return el("p", { class: "small muted" }, text("detail.no_fields"));
  return groups.map(([location, group]) => [
    el("h4", {}, text(titles[location])),
    el("dl", { class: "fields", "data-location": location }, group.map((field) => [el("dt", {}, el("code", {}, field.name)), valueOf(flow, message, field)])),
  ]);
}

function valueOf(flow, message, { name, value }) {
  if (value === "secret") {
    return el("dd", { "data-secret": name }, el("b", { class: "hidden-value" }, "•••"), el("span", { class: "small muted" }, describeHolders(name, message)));
  }
  if (value.fingerprint === undefined) return el("dd", {}, el("code", {}, value.text));
  const token = flow.tokens[value.fingerprint];
  const description = el("span", { class: "small muted" }, describeValue(name));
  if (token) return el("dd", {}, tokenCard(value.fingerprint, token), description);
  return el("dd", {}, el("code", { class: "fingerprint" }, `${value.fingerprint}…`), description);
}

function decisions(flow, message, selected) {
  if (message.decisions.length === 0) return null;
  const all = message.decisions.map((decision, at) => [decision, at === selected ? "true" : undefined]);
  const checks = all.filter(([decision]) => decision.event === "token_checked");
  const others = all.filter(([decision]) => decision.event !== "token_checked");
  return el("section", { "data-part": "decisions" },
    el("h3", {}, text("detail.decisions")),
    others.map(([decision, current]) =>
      el("div", { class: "decision", "aria-current": current, "data-decision": decision.event }, tokenDecision(flow, decision))),
    checks.length > 0 && el("ul", { class: "checks" }, checks.map(([decision, current]) => check(decision, current))));
}

function tokenDecision(flow, decision) {
  if (decision.event === "token_request_rejected") {
    return [el("p", { class: "problem" }, text("decision.token_request_rejected", { error: decision.error })), el("p", {}, decision.description)];
  }
  const description = decision.event === "token_reused"
    ? text("decision.reused_long", { n: decision.expires_in })
    : text("decision.issued_long", { aud: [decision.claims.aud].flat().join(text("list.and")) });
  const token = decision.claims ? { header: decision.header, claims: decision.claims } : flow.tokens[decision.token];
  return [el("p", {}, description), token ? tokenCard(decision.token, token, decision.event === "token_issued") : el("code", {}, decision.token)];
}

function check(decision, current) {
  return el("li", { "data-check": decision.rule, "data-passed": String(decision.passed), "aria-current": current },
    el("p", { class: "verdict" }, el("b", {}, decision.passed ? `✓ ${text("check.passed")}` : `✗ ${text("check.failed")}`), " ",
      el("span", {}, text(`rules.${decision.rule}.name`)), " ", ruleSource(decision.rule)),
    el("p", { class: "small" }, text(`rules.${decision.rule}.meaning`)),
    el("dl", { class: "compared" },
      el("dt", {}, text("check.expected")), el("dd", { class: "expected" }, el("code", {}, decision.expected || "–")),
      el("dt", {}, text("check.found")), el("dd", { class: "found" }, el("code", {}, decision.found || "–"))));
}

/** Returns a link to a section such as `RFC 7515 5.2`. */
function ruleSource(rule) {
  const [, number, section] = text(`rules.${rule}.source`).split(" ");
  return outside(`https://www.rfc-editor.org/rfc/rfc${number}#section-${section}`, `RFC ${number} §${section}`);
}
