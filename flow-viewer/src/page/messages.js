// The texts of the lines in the diagram.

import { duration, party, text } from "./texts.js";

const STEPS = ["", "①", "②", "③", "④", "⑤", "⑥"];

/** Returns the part of a message that a line draws, with its texts. */
export function lineOf(flow, line) {
  const message = flow.messages[line.message];
  const { kind, index } = line.part;
  const decision = kind === "decision" ? message.decisions[index] : null;
  return { message, kind, decision, ...describe(message, kind, decision) };
}

function describe(message, kind, decision) {
  if (kind === "request") return request(message);
  if (kind === "response") return response(message);
  if (kind === "failure") return failure(message);
  return note(decision);
}

function request(message) {
  const { from, to } = message;
  const what = `${message.method} ${bareUrl(message.url)}`;
  return {
    from, to, step: message.step?.number, verdict: "sent",
    head: titleOf(message), under: message.source ? `${what} · ${message.source.text}` : what,
    label: text("line.request", { from: party(from), to: party(to), title: titleOf(message), what }),
  };
}

function response(message) {
  const { from, to } = message;
  const { status, elapsed_micros } = message.response;
  const error = message.response.fields.find((field) => field.name === "error")?.value.text;
  const head = error ? `${status} ${error}` : `${status}`;
  return {
    from: to, to: from, step: message.step?.response_number, verdict: verdict(status), head: `${head} · ${duration(elapsed_micros)}`,
    label: text("line.response", { from: party(to), to: party(from), status: head, title: titleOf(message) }),
  };
}

function failure(message) {
  const { from, to } = message;
  return {
    from: to, to: from, verdict: "no", head: message.failure,
    label: text("line.failure", { from: party(from), to: party(to), reason: message.failure }),
  };
}

function note(decision) {
  const line = (verdict, mark, head) =>
    ({ at: decision.reported_by, verdict, mark, head, label: text("line.decision", { at: party(decision.reported_by), what: head }) });
  switch (decision.event) {
    case "token_issued": return line("token", "", text("decision.token_issued", { token: decision.token }));
    case "token_reused": return line("token", "", text("decision.token_reused", { token: decision.token }));
    case "token_request_rejected": return line("no", "✗", text("decision.token_request_rejected", { error: decision.error }));
    default: return {
      ...line(decision.passed ? "yes" : "no", decision.passed ? "✓" : "✗", text(`rules.${decision.rule}.name`)),
      label: text(decision.passed ? "line.check_yes" : "line.check_no", { at: party(decision.reported_by), rule: text(`rules.${decision.rule}.name`) }),
    };
  }
}

export function titleOf(message) {
  return message.title ? text(`titles.${message.title}`) : `${message.method} ${bareUrl(message.url)}`;
}

export const stepMark = (number) => STEPS[number] ?? "";

/** A redirect is neither success nor failure. */
export function verdict(status) {
  if (status >= 400) return "no";
  return status >= 300 ? "on" : "yes";
}

/** Shortens a URL by its scheme and its query, which the detail view shows. */
function bareUrl(url) {
  return url.split("?")[0].replace(/^https?:\/\//, "");
}
