// What a line of the picture says, in words.

import { duration, party, text } from "./texts.js";

const STEPS = ["", "①", "②", "③", "④", "⑤", "⑥"];

/** The part of a message that a line draws, with all that is said of it. */
export function lineOf(flow, line) {
  const message = flow.messages[line.message];
  const { kind, index } = line.part;
  const fact = kind === "fact" ? message.facts[index] : null;
  return { message, kind, fact, ...saying(message, kind, fact) };
}

function saying(message, kind, fact) {
  if (kind === "request") return request(message);
  if (kind === "answer") return answer(message);
  if (kind === "failure") return failure(message);
  return noted(fact);
}

function request(message) {
  const { from, to } = message;
  const what = `${message.method} ${place(message.url)}`;
  return {
    from, to, step: message.step?.number, verdict: "sent",
    head: titleOf(message), under: message.source ? `${what} · ${message.source.text}` : what,
    aloud: text("say.request", { from: party(from), to: party(to), title: titleOf(message), what }),
  };
}

function answer(message) {
  const { from, to } = message;
  const { status, elapsed_micros } = message.answer;
  const error = message.answer.fields.find((field) => field.name === "error")?.value.text;
  const head = error ? `${status} ${error}` : `${status}`;
  return {
    from: to, to: from, step: message.step?.answer, verdict: verdict(status), head: `${head} · ${duration(elapsed_micros)}`,
    aloud: text("say.answer", { from: party(to), to: party(from), status: head, title: titleOf(message) }),
  };
}

function failure(message) {
  const { from, to } = message;
  return {
    from: to, to: from, verdict: "no", head: message.failure,
    aloud: text("say.failure", { from: party(from), to: party(to), reason: message.failure }),
  };
}

function noted(fact) {
  const note = (verdict, mark, head) =>
    ({ at: fact.reported_by, verdict, mark, head, aloud: text("say.fact", { at: party(fact.reported_by), what: head }) });
  switch (fact.event) {
    case "token_issued": return note("token", "", text("fact.token_issued", { token: fact.token }));
    case "token_reused": return note("token", "", text("fact.token_reused", { token: fact.token }));
    case "token_request_rejected": return note("no", "✗", text("fact.token_request_rejected", { error: fact.error }));
    default: return {
      ...note(fact.passed ? "yes" : "no", fact.passed ? "✓" : "✗", text(`rules.${fact.rule}.name`)),
      aloud: text(fact.passed ? "say.check_yes" : "say.check_no", { at: party(fact.reported_by), rule: text(`rules.${fact.rule}.name`) }),
    };
  }
}

export function titleOf(message) {
  return message.title ? text(`titles.${message.title}`) : `${message.method} ${place(message.url)}`;
}

export const stepMark = (number) => STEPS[number] ?? "";

/** How a status went: a redirect is neither a yes nor a no. */
export function verdict(status) {
  if (status >= 400) return "no";
  return status >= 300 ? "on" : "yes";
}

/** An address without what is told elsewhere: its scheme and its query. */
function place(url) {
  return url.split("?")[0].replace(/^https?:\/\//, "");
}
