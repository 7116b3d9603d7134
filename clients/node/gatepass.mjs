// The control API of Gatepass, for tests in Node.js 18 or later. Needs no package.

import { AssertionError } from "node:assert";

function verdict(match, count, { matched, dropped, nearest }) {
  let text = `${matched} requests match ${JSON.stringify(match)}, expected ${JSON.stringify(count)}`;
  if (dropped) text += `; the journal has lost ${dropped} requests`;
  if (nearest) {
    text += `; the nearest differs in ${nearest.differs.join(", ")}: `;
    text += JSON.stringify(nearest.request);
  }
  return text;
}

export class ControlError extends Error {
  constructor(status, body) {
    const at = body.pointer === undefined ? "" : ` (at "${body.pointer}")`;
    const expected = body.expected === undefined ? "" : `; expected: ${body.expected}`;
    super(`${status} ${body.error}: ${body.error_description}${at}${expected}`);
    Object.assign(this, { status, body, error: body.error, pointer: body.pointer });
  }
}

export class Control {
  #url;
  #token;
  #issuer;

  /** `url` is that of the control listener, such as http://localhost:9005. */
  constructor(url, { token, issuer } = {}) {
    this.#url = url.replace(/\/+$/, "");
    this.#token = token;
    this.#issuer = issuer;
  }

  /** Returns a client whose calls are for another issuer of the server, by its name or its URL. */
  ofIssuer(issuer) {
    return new Control(this.#url, { token: this.#token, issuer });
  }

  /** Sends a request and returns the JSON of the response. */
  async call(method, path, body) {
    const headers = {};
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (this.#token !== undefined) headers.Authorization = `Bearer ${this.#token}`;
    const init = { method, headers, body: body && JSON.stringify(body) };
    const url = new URL(this.#url + path);
    if (this.#issuer !== undefined) url.searchParams.append("issuer", this.#issuer);
    const response = await fetch(url, init);
    const text = await response.text();
    let json;
    try {
      json = text ? JSON.parse(text) : undefined;
    } catch {
      throw new ControlError(response.status, { error: "no_json", error_description: text });
    }
    if (!response.ok) throw new ControlError(response.status, json ?? {});
    return json;
  }

  state() {
    return this.call("GET", "/control");
  }

  /** Issues a token; `members` are those of POST /control/tokens. */
  mint(members) {
    return this.call("POST", "/control/tokens", { token: "access", ...members });
  }

  /** Takes an authorization URL to its redirect: `{ user }` or `{ error }`. */
  login(authorizationUrl, outcome) {
    const body = { authorization_url: String(authorizationUrl), ...outcome };
    return this.call("POST", "/control/logins", body);
  }

  nextLogin(clientId, outcome, times = 1) {
    return this.call("POST", "/control/next-logins", { client_id: clientId, times, ...outcome });
  }

  /** Makes an endpoint fail: `fault("jwks", { status: 503 }, { times: 1 })`. */
  fault(on, action, { times, clientId } = {}) {
    const match = clientId === undefined ? undefined : { client_id: clientId };
    return this.call("POST", "/control/faults", { on, times, match, do: action });
  }

  async clearFaults() {
    await this.call("DELETE", "/control/faults");
  }

  async requests() {
    return (await this.call("GET", "/control/requests")).requests;
  }

  /** Asserts what the server received: `verify({ endpoint: "token" }, { exactly: 1 })`. */
  async verify(match, count = { at_least: 1 }, withinMs = 0) {
    const body = { match, count, within_ms: withinMs };
    try {
      return (await this.call("POST", "/control/requests/verify", body)).matched;
    } catch (error) {
      if (error.status !== 422) throw error;
      throw new AssertionError({ message: verdict(match, count, error.body) });
    }
  }

  /** Moves the clock forward and returns the new time, in seconds since 1970. */
  async advance(seconds) {
    return (await this.call("POST", "/control/clock/advance", { seconds })).now;
  }

  async reset() {
    await this.call("POST", "/control/reset", {});
  }
}
