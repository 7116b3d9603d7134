// The texts of the lines in the diagram.

import { translated } from "./check_values.js";
import { laneOf } from "./lanes.js";
import { duration, has, text } from "./texts.js";

/** The first of the characters that hold a number in a circle, for 1, 21 and 36. */
const CIRCLED = [[36, 0x32b1], [21, 0x3251], [1, 0x2460]];
const LAST_CIRCLED = 50;

/** Returns the part of a message that a line draws, with its texts. */
export function lineOf(flow, line) {
  const message = flow.messages[line.message];
  const { kind, index } = line.part;
  const decision = kind === "decision" ? message.decisions[index] : null;
  return { message, kind, decision, number: line.number, ...describe(message, kind, decision) };
}

/** Returns a sentence about what a line shows, for the player. */
export function sentenceOf(flow, line) {
  const { message, kind, decision, label, from, to } = lineOf(flow, line);
  if (kind === "request" && has(`about.${message.title}`)) {
    return text("player.request", { from: from.name, to: to.name, what: text(`about.${message.title}`) });
  }
  if (kind === "log") return text("player.check", { check: label, what: text(`logged.${message.logged.location}.meaning`) });
  if (decision?.rule) return text("player.check", { check: label, what: text(`rules.${decision.rule}.${decision.passed ? "meaning" : "failed"}`) });
  return label;
}

function describe(message, kind, decision) {
  const [from, to] = [laneOf(message, message.from), laneOf(message, message.to)];
  if (kind === "request") return request(message, from, to);
  if (kind === "response") return response(message, from, to);
  if (kind === "failure") return failure(message, from, to);
  if (kind === "log") return log(message, to);
  return note(decision, laneOf(message, decision.reported_by));
}

function request(message, from, to) {
  const what = `${message.method} ${pathOf(message.url)}`;
  return {
    from, to, verdict: isLegacy(message) ? "warn" : "sent", head: titleOf(message), under: message.title ? what : "",
    label: text("line.request", { from: from.name, to: to.name, title: titleOf(message), what }),
  };
}

function response(message, from, to) {
  const { status, elapsed_micros: elapsed } = message.response;
  const error = message.response.fields.find((field) => field.name === "error")?.value.text;
  const head = error ? `${status} ${error}` : `${status}`;
  return {
    from: to, to: from, verdict: isLegacy(message) && status < 400 ? "warn" : error ? "no" : verdict(status), head: `${head} · ${duration(elapsed)}`,
    label: text("line.response", { from: to.name, to: from.name, status: head, title: titleOf(message) }),
  };
}

function failure(message, from, to) {
  return {
    from: to, to: from, verdict: "no", head: text("scenario_errors.no_response"),
    label: text("line.failure", { from: from.name, to: to.name }),
  };
}

function log({ logged }, at) {
  const head = text(`logged.${logged.location}.note`);
  return { at, verdict: "warn", mark: "⚠", head, label: text("line.decision", { at: at.name, what: head }) };
}

function note(decision, at) {
  const line = (verdict, mark, head) => ({ at, verdict, mark, head, label: text("line.decision", { at: at.name, what: head }) });
  switch (decision.event) {
    case "token_issued": return line("token", "", text("decision.token_issued", { token: decision.token }));
    case "id_token_issued": return line("token", "", text("decision.id_token_issued", { token: decision.token }));
    case "token_reused": return line("token", "", text("decision.token_reused", { token: decision.token }));
    case "token_request_rejected": return line("no", "✗", rejection(decision));
    default: {
      const rule = text(`rules.${decision.rule}.name`);
      return {
        ...line(decision.passed ? "yes" : "no", decision.passed ? "✓" : "✗", rule),
        label: text(decision.passed ? "line.check_yes" : "line.check_no", { at: at.name, rule }),
      };
    }
  }
}

/** Returns the error of a token request, with the part of the request that C rejects if it names one. */
function rejection({ error, description }) {
  if (!description) return text("decision.token_request_rejected", { error });
  return text("decision.token_request_rejected_at", { error, what: translated(description) ?? description });
}

/** Whether the message belongs to a call in which A sends its secret to B. */
const isLegacy = ({ title }) => title === "legacy" || title === "call_a_legacy";

export function titleOf(message) {
  return message.title ? text(`titles.${message.title}`) : `${message.method} ${pathOf(message.url)}`;
}

/** Whether a line is a note on a lifeline, not an arrow. */
export const isNote = (kind) => kind === "decision" || kind === "log";

/** Returns a number in a circle. */
export function stepMark(number) {
  if (!number) return "";
  if (number > LAST_CIRCLED) return `(${number})`;
  const [first, code] = CIRCLED.find(([begin]) => number >= begin);
  return String.fromCodePoint(code + number - first);
}

/** A redirect is neither success nor failure. */
export function verdict(status) {
  if (status >= 400) return "no";
  return status >= 300 ? "on" : "yes";
}

/** Returns the path of a URL. The detail view shows all of it. */
function pathOf(url) {
  const path = url.split("?")[0].replace(/^https?:\/\/[^/]*/, "");
  return path || "/";
}
