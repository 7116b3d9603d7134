// A decoded access token: header and claims with explanations, and the remaining lifetime.

import { el, outside } from "./dom.js";
import { dateTime, span, text } from "./texts.js";

/** Returns a collapsible card for the token with this fingerprint. */
export function tokenCard(fingerprint, token, open = false) {
  return el("details", { class: "token-card", "data-token": fingerprint, open },
    el("summary", {}, el("code", {}, fingerprint), " ", el("span", { class: "muted" }, text("token.open"))),
    timeLeft(token.claims),
    el("dl", { class: "words" }, sentences(token).map(([name, sentence]) => [el("dt", {}, el("code", {}, name)), el("dd", {}, sentence)])),
    el("p", { class: "small" }, outside("https://www.rfc-editor.org/rfc/rfc9068#section-2.2", "RFC 9068 §2.2")));
}

function sentences({ header, claims }) {
  const rows = [];
  const add = (name, key, values) => rows.push([name, text(`token.claims.${key}`, values)]);
  if (header) {
    add("typ", "typ", header);
    add("alg", "alg", header);
    add("kid", "kid", header);
  } else {
    add("–", "opaque", {});
  }
  add("iss", "iss", claims);
  add("sub", claims.sub === claims.client_id ? "sub_client" : "sub_user", claims);
  add("client_id", "client_id", claims);
  add("aud", "aud", { aud: [claims.aud].flat().join(text("list.and")) });
  add("scope", claims.scope ? "scope" : "no_scope", { scope: scopeList(claims.scope) });
  add("iat", "iat", { at: dateTime(claims.iat) });
  if (claims.nbf !== undefined) add("nbf", "nbf", { at: dateTime(claims.nbf) });
  add("exp", "exp", { at: dateTime(claims.exp) });
  add("jti", "jti", claims);
  if (claims.act) add("act", "act", { actor: claims.act.sub, sub: claims.sub });
  return rows;
}

const scopeList = (scope) => [scope ?? []].flat().join(" ").split(" ").join(text("list.and"));

function timeLeft({ iat, exp }) {
  const bar = el("span", { class: "bar" });
  const label = el("span", { class: "small" });
  const meter = el("div", {
    class: "meter", role: "meter", "aria-label": text("token.time_left"), "aria-valuemin": 0, "aria-valuemax": Math.max(exp - iat, 0),
    "data-time-left": true, "data-iat": iat, "data-exp": exp,
  }, el("span", { class: "track" }, bar), label);
  tick(meter);
  return meter;
}

function tick(meter) {
  const [iat, exp] = [Number(meter.dataset.iat), Number(meter.dataset.exp)];
  const left = Math.max(0, Math.round(exp - Date.now() / 1000));
  const [track, label] = meter.children;
  // Set through the object model, because the content security policy forbids style attributes.
  track.firstChild.style.width = `${exp > iat ? Math.min(100, (100 * left) / (exp - iat)) : 0}%`;
  meter.dataset.left = left > 0 ? "some" : "none";
  meter.setAttribute("aria-valuenow", Math.min(left, Math.max(exp - iat, 0)));
  label.textContent = left > 0 ? text("token.valid_for", { span: span(left) }) : text("token.expired");
}

/** Updates the remaining lifetime of every visible token once a second. */
export function startTicking() {
  setInterval(() => {
    if (document.hidden) return;
    document.querySelectorAll("[data-time-left]").forEach(tick);
  }, 1000);
}
