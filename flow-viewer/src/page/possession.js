// What travels on each arrow, and who holds it afterwards: keys are secrets, tickets are tokens.

import { laneOf } from "./lanes.js";

const KEYS = { client_secret: "client_secret", authorization: "client_secret", secret: "client_secret", password: "password" };
const TICKETS = {
  authorization: "access_token", access_token: "access_token", token: "access_token", subject_token: "access_token",
  refresh_token: "refresh_token", id_token: "id_token", code: "code",
};
/** Where a token is issued, what is in the response besides the fields that its receiver reports. */
const ISSUED = { token_issued: "access_token", id_token_issued: "id_token" };

/** Returns the kinds of the secrets and tokens in a part of a message. */
export function carriedBy(message, kind) {
  const fields = kind === "request" ? message.fields : (kind === "response" && message.response?.fields) || [];
  const kinds = fields.map(({ name, value }) => (value === "secret" ? KEYS[name] : value.fingerprint !== undefined && TICKETS[name]));
  const issued = kind === "response" ? message.decisions.map(({ event }) => ISSUED[event]) : [];
  return [...new Set([...kinds, ...issued].filter(Boolean))];
}

export const isKey = (kind) => kind === "client_secret" || kind === "password";

/**
 * Returns what each lifeline holds after a line: a map from the lifeline to its holdings, each with
 * the lifeline of its owner, and whether someone holds it who should not.
 */
export function holdingsAfter(flow, lastLine) {
  const held = new Map();
  const give = (lane, kind, owner, leaked = false) => {
    const own = held.get(lane.id) ?? new Map();
    const key = isKey(kind) ? `${kind} ${owner.id}` : kind;
    if (!own.has(key)) own.set(key, { kind, owner, leaked });
    held.set(lane.id, own);
  };
  // A secret lies with its owner and with C before anything happens.
  for (const message of flow.messages) {
    for (const kind of carriedBy(message, "request").filter(isKey)) {
      if (isGuess(message, kind)) continue;
      const [from, to] = [laneOf(message, message.from), laneOf(message, message.to)];
      give(from, kind, from);
      if (message.to === "authorization_server") give(to, kind, from);
    }
  }
  for (const line of flow.lines.slice(0, lastLine + 1)) {
    const message = flow.messages[line.message];
    const { kind: part } = line.part;
    const [from, to] = [laneOf(message, message.from), laneOf(message, message.to)];
    for (const kind of carriedBy(message, part)) {
      if (part === "response") give(from, kind, to);
      else if (!isKey(kind)) [from, to].forEach((lane) => give(lane, kind, from));
      else if (!isGuess(message, kind)) give(to, kind, from, message.to !== "authorization_server");
    }
    if (part === "response" && message.title === "code_exchange" && message.response.status < 400) {
      for (const own of held.values()) own.delete("code");
    }
  }
  return held;
}

/** A secret that its receiver rejects may be a guess. */
const isGuess = ({ response }, kind) => kind === "client_secret" && [401, 429].includes(response?.status);
