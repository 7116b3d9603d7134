// The detail view of one message: request, response, and the decisions between them.

import { translated } from "./check_values.js";
import { el, fill, outside } from "./dom.js";
import { describeHolders, describeValue } from "./field_notes.js";
import { laneOf } from "./lanes.js";
import { lineOf, stepMark, titleOf, verdict } from "./messages.js";
import { duration, has, text, timeOfDay } from "./texts.js";
import { tokenCard } from "./token.js";

/** Space in pixels above a section after scrolling to it. */
const HEADING = 72;
const LOCATIONS = ["header", "query", "body"];

/** A digest of the displayed message, to detect changes. */
let displayed = null;

/** Shows the message of a line, and scrolls the view to the part that the line draws. */
export function show(box, flow, at, close) {
  box.hidden = false;
  render(box, flow, at, close);
  const current = flow.lines[at].part.kind === "request" ? null : box.querySelector('[aria-current="true"]');
  box.scrollTop = 0;
  if (current) box.scrollTop = current.getBoundingClientRect().top - box.getBoundingClientRect().top - HEADING;
}

/** Updates the view if the message has changed. */
export function update(box, flow, at, close) {
  if (snapshot(flow, at) !== displayed) render(box, flow, at, close);
}

/** Closes the view. */
export function hide(box) {
  displayed = null;
  box.hidden = true;
  box.replaceChildren();
}

const snapshot = (flow, at) => JSON.stringify([flow.messages[flow.lines[at].message], flow.lines[at].part, Object.keys(flow.tokens)]);

function render(box, flow, at, close) {
  displayed = snapshot(flow, at);
  const line = flow.lines[at];
  const { message, kind } = lineOf(flow, line);
  const current = (part) => (part === kind ? "true" : undefined);
  fill(box,
    el("div", { class: "row" }, el("h2", {}, titleOf(message)), el("button", { id: "detail-close", class: "quiet", click: close }, `✕ ${text("detail.close")}`)),
    el("p", { class: "between" }, participant(message, message.from), " → ", participant(message, message.to)),
    has(`about.${message.title}`) && el("p", {}, text(`about.${message.title}`)),
    reference(message),
    el("section", { "aria-current": current("request"), "data-part": "request" },
      el("h3", {}, text("detail.request")),
      el("p", { class: "address" }, el("b", {}, message.method), " ", el("code", {}, message.url)),
      message.external && el("p", { class: "small muted" }, text("detail.external")),
      el("p", { class: "small muted" }, text("detail.sent", { at: timeOfDay(message.sent_micros) })),
      fields(flow, message, message.fields)),
    message.logged && logged(message.logged, current),
    decisions(flow, message, kind === "decision" ? line.part.index : null),
    response(flow, message, current),
  );
}

function participant(message, party) {
  const { name, role } = laneOf(message, party);
  return [el("span", { class: `who ${party}` }, name), " ", el("span", { class: "small muted" }, role)];
}

/** The step of the source document and the specification of a message. */
function reference(message) {
  const step = message.step && text(`step.${message.step.sequence}`, { number: stepMark(message.step.number) });
  const source = message.source && outside(message.source.url, message.source.text);
  if (!step && !source) return null;
  return el("p", { class: "rule" }, step && el("span", { class: "step" }, step), source);
}

/** What logs keep of the secret in a message, and that this B keeps nothing. */
function logged({ location, line }, current) {
  return el("section", { "data-part": "log", "aria-current": current("log") },
    el("h3", {}, text("logged.heading")),
    el("p", {}, el("code", {}, line)),
    el("p", {}, text(`logged.${location}.meaning`)),
    el("p", { class: "small muted" }, text("logged.here")));
}

function response(flow, message, current) {
  const { response, failure } = message;
  const part = { "data-part": response ? "response" : "failure", "aria-current": current("response") ?? current("failure") };
  if (!response) {
    return el("section", part, el("h3", {}, text("detail.response")), el("p", failure ? { class: "problem" } : { class: "muted" },
      failure ? [text("scenario_errors.no_response"), " ", el("code", {}, failure)] : text("detail.no_response_yet")));
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

/** Returns a public value. A sender that leaves out fields says in English how many. */
function publicText(name, value) {
  const [, n] = (name === "…" && /^(\d+) more fields$/.exec(value)) || [];
  return n === undefined ? el("code", {}, value) : el("span", { class: "small muted" }, text("detail.more_fields", { n }));
}

function valueOf(flow, message, { name, value }) {
  if (value === "secret") {
    return el("dd", { "data-secret": name }, el("b", { class: "hidden-value" }, "•••"), el("span", { class: "small muted" }, describeHolders(name, message)));
  }
  if (value.fingerprint === undefined) return el("dd", {}, publicText(name, value.text));
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
    return [el("p", { class: "problem" }, text("decision.token_request_rejected", { error: decision.error })), el("p", {}, translated(decision.description) ?? decision.description)];
  }
  const description = decision.event === "token_reused"
    ? text("decision.reused_long", { n: decision.expires_in })
    : text(decision.event === "id_token_issued" ? "decision.id_issued_long" : "decision.issued_long", { aud: [decision.claims.aud].flat().join(text("list.and")) });
  const kind = decision.event === "id_token_issued" ? "id_token" : "access_token";
  const token = decision.claims ? { kind, header: decision.header, claims: decision.claims } : flow.tokens[decision.token];
  return [el("p", {}, description), token ? tokenCard(decision.token, token, Boolean(decision.claims)) : el("code", {}, decision.token)];
}

function check(decision, current) {
  return el("li", { "data-check": decision.rule, "data-passed": String(decision.passed), "aria-current": current },
    el("p", { class: "verdict" }, el("b", {}, decision.passed ? `✓ ${text("check.passed")}` : `✗ ${text("check.failed")}`), " ",
      el("span", {}, text(`rules.${decision.rule}.name`)), " ", ruleSource(decision.rule)),
    el("p", { class: "small" }, text(`rules.${decision.rule}.${decision.passed ? "meaning" : "failed"}`)),
    el("dl", { class: "compared" },
      el("dt", {}, text("check.expected")), el("dd", { class: "expected" }, compared(decision.expected)),
      el("dt", {}, text("check.found")), el("dd", { class: "found" }, compared(decision.found))));
}

const compared = (value) => translated(value) ?? el("code", {}, value || "–");

/** Returns a link to a section such as `RFC 7515 5.2` or `OpenID Connect Core 5.7`. */
function ruleSource(rule) {
  const source = text(`rules.${rule}.source`);
  if (source.startsWith("OpenID")) {
    return outside("https://openid.net/specs/openid-connect-core-1_0.html", source.replace(/ (?=[\d.]+$)/, " §"));
  }
  const [, number, section] = source.split(" ");
  return outside(`https://www.rfc-editor.org/rfc/rfc${number}#section-${section}`, `RFC ${number} §${section}`);
}
