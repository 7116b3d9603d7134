// All that is known of one message: what was sent, what came of it, and what was decided meanwhile.

import { el, fill, outside } from "./dom.js";
import { whatItIs, whoHolds } from "./holders.js";
import { pass } from "./pass.js";
import { lineOf, stepMark, titleOf, verdict } from "./say.js";
import { duration, has, party, text, timeOfDay } from "./texts.js";

/** What stays above of the box when it scrolls, in pixels. */
const HEADING = 72;
const LOCATIONS = ["header", "query", "body"];

/** What stands in the box, to tell whether more has been heard of it. */
let shown = null;

/** Show the message of a line, and bring it into sight. */
export function show(box, flow, at, back) {
  write(box, flow, at, back);
  const { kind } = flow.lines[at].part;
  bring(box, kind === "request" ? null : box.querySelector('[aria-current="true"]'));
}

/** The flow has grown: show what has come of the message meanwhile. */
export function grown(box, flow, at, back) {
  if (state(flow, at) !== shown) write(box, flow, at, back);
}

const state = (flow, at) => JSON.stringify([flow.messages[flow.lines[at].message], flow.lines[at].part, Object.keys(flow.tokens)]);

function write(box, flow, at, back) {
  shown = state(flow, at);
  const line = flow.lines[at];
  const { message, kind } = lineOf(flow, line);
  const current = (part) => (part === kind ? "true" : undefined);
  fill(box,
    el("div", { class: "row" }, el("h2", {}, titleOf(message)), el("button", { id: "detail-back", class: "quiet", click: back }, text("detail.back"))),
    el("p", { class: "between" }, el("span", { class: `who ${message.from}` }, party(message.from)), " → ",
      el("span", { class: `who ${message.to}` }, party(message.to))),
    has(`about.${message.title}`) && el("p", {}, text(`about.${message.title}`)),
    rule(message),
    el("section", { "aria-current": current("request"), "data-part": "request" },
      el("h3", {}, text("detail.request")),
      el("p", { class: "address" }, el("b", {}, message.method), " ", el("code", {}, message.url)),
      message.from_outside && el("p", { class: "small muted" }, text("detail.from_outside")),
      el("p", { class: "small muted" }, text("detail.sent", { at: timeOfDay(message.sent_micros) })),
      fields(flow, message, message.fields)),
    decided(flow, message, kind === "fact" ? line.part.index : null),
    answered(flow, message, current),
  );
}

/** Beside the picture the box scrolls; below it, the page has to. */
function bring(box, current) {
  if (getComputedStyle(box).position !== "sticky") return (current ?? box).scrollIntoView();
  box.scrollTop = 0;
  if (current) box.scrollTop = current.getBoundingClientRect().top - box.getBoundingClientRect().top - HEADING;
}

function rule(message) {
  const step = message.step && text(`step.${message.step.half}`, { number: stepMark(message.step.number) });
  const source = message.source && outside(message.source.url, message.source.text);
  if (!step && !source) return null;
  return el("p", { class: "rule" }, step && el("span", { class: "step" }, step), source);
}

function answered(flow, message, current) {
  const { answer, failure } = message;
  const part = { "data-part": answer ? "answer" : "failure", "aria-current": current("answer") ?? current("failure") };
  if (!answer) {
    return el("section", part, el("h3", {}, text("detail.answer")), el("p", failure ? { class: "problem" } : { class: "muted" },
      failure ?? text("detail.no_answer_yet")));
  }
  return el("section", part,
    el("h3", {}, text("detail.answer")),
    el("p", {}, el("b", { class: `status ${verdict(answer.status)}`, "data-status": answer.status }, String(answer.status)),
      " ", text("detail.took", { time: duration(answer.elapsed_micros) })),
    fields(flow, message, answer.fields, true));
}

function fields(flow, message, all, answer = false) {
  const titles = { header: "detail.headers", query: answer ? "detail.location_query" : "detail.query", body: "detail.body" };
  const there = LOCATIONS.map((location) => [location, all.filter((field) => field.location === location)]).filter(([, found]) => found.length > 0);
  if (there.length === 0) return el("p", { class: "small muted" }, text("detail.nothing_shown"));
  return there.map(([location, found]) => [
    el("h4", {}, text(titles[location])),
    el("dl", { class: "fields", "data-location": location }, found.map((field) => [el("dt", {}, el("code", {}, field.name)), value(flow, message, field)])),
  ]);
}

function value(flow, message, { name, value: told }) {
  if (told === "secret") {
    return el("dd", { "data-secret": name }, el("b", { class: "hidden-value" }, "•••"), el("span", { class: "small muted" }, whoHolds(name, message)));
  }
  if (told.fingerprint === undefined) return el("dd", {}, el("code", {}, told.text));
  const known = flow.tokens[told.fingerprint];
  const what = el("span", { class: "small muted" }, whatItIs(name));
  if (known) return el("dd", {}, pass(told.fingerprint, known), what);
  return el("dd", {}, el("code", { class: "print" }, `${told.fingerprint}…`), what);
}

function decided(flow, message, chosen) {
  if (message.facts.length === 0) return null;
  const facts = message.facts.map((fact, at) => [fact, at === chosen ? "true" : undefined]);
  const checks = facts.filter(([fact]) => fact.event === "token_checked");
  const others = facts.filter(([fact]) => fact.event !== "token_checked");
  return el("section", { "data-part": "facts" },
    el("h3", {}, text("detail.decided")),
    others.map(([fact, current]) => el("div", { class: "fact", "aria-current": current, "data-fact": fact.event }, other(flow, fact))),
    checks.length > 0 && el("ul", { class: "checks" }, checks.map(([fact, current]) => check(fact, current))));
}

function other(flow, fact) {
  if (fact.event === "token_request_rejected") {
    return [el("p", { class: "problem" }, text("fact.token_request_rejected", { error: fact.error })), el("p", {}, fact.description)];
  }
  const said = fact.event === "token_reused"
    ? text("fact.reused_long", { n: fact.expires_in })
    : text("fact.issued_long", { aud: [fact.claims.aud].flat().join(text("list.and")) });
  const token = fact.claims ? { header: fact.header, claims: fact.claims } : flow.tokens[fact.token];
  return [el("p", {}, said), token ? pass(fact.token, token, fact.event === "token_issued") : el("code", {}, fact.token)];
}

function check(fact, current) {
  return el("li", { "data-check": fact.rule, "data-passed": String(fact.passed), "aria-current": current },
    el("p", { class: "verdict" }, el("b", {}, fact.passed ? `✓ ${text("check.yes")}` : `✗ ${text("check.no")}`), " ",
      el("span", {}, text(`rules.${fact.rule}.name`)), " ", source(fact.rule)),
    el("p", { class: "small" }, text(`rules.${fact.rule}.says`)),
    el("dl", { class: "compared" },
      el("dt", {}, text("check.expected")), el("dd", { class: "expected" }, el("code", {}, fact.expected || "–")),
      el("dt", {}, text("check.found")), el("dd", { class: "found" }, el("code", {}, fact.found || "–"))));
}

/** `RFC 7515 5.2`, as a link. */
function source(rule) {
  const [, number, section] = text(`rules.${rule}.source`).split(" ");
  return outside(`https://www.rfc-editor.org/rfc/rfc${number}#section-${section}`, `RFC ${number} §${section}`);
}
