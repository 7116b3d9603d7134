// A pass, opened: its header and its claims in plain words, and how long it is still good.

import { el, outside } from "./dom.js";
import { moment, span, text } from "./texts.js";

/** A pass by its fingerprint, closed until somebody opens it. */
export function pass(fingerprint, token, open = false) {
  return el("details", { class: "pass-card", "data-token": fingerprint, open },
    el("summary", {}, el("code", {}, fingerprint), " ", el("span", { class: "muted" }, text("pass.open"))),
    timeLeft(token.claims),
    el("dl", { class: "words" }, sentences(token).map(([name, words]) => [el("dt", {}, el("code", {}, name)), el("dd", {}, words)])),
    el("p", { class: "small" }, outside("https://www.rfc-editor.org/rfc/rfc9068#section-2.2", "RFC 9068 §2.2")));
}

function sentences({ header, claims }) {
  const said = [];
  const say = (name, key, values) => said.push([name, text(`pass.says.${key}`, values)]);
  if (header) {
    say("typ", "typ", header);
    say("alg", "alg", header);
    say("kid", "kid", header);
  } else {
    say("–", "opaque", {});
  }
  say("iss", "iss", claims);
  say("sub", claims.sub === claims.client_id ? "sub_client" : "sub_user", claims);
  say("client_id", "client_id", claims);
  say("aud", "aud", { aud: [claims.aud].flat().join(text("list.and")) });
  say("scope", claims.scope ? "scope" : "no_scope", { scope: words(claims.scope) });
  say("iat", "iat", { at: moment(claims.iat) });
  if (claims.nbf !== undefined) say("nbf", "nbf", { at: moment(claims.nbf) });
  say("exp", "exp", { at: moment(claims.exp) });
  say("jti", "jti", claims);
  if (claims.act) say("act", "act", { actor: claims.act.sub, sub: claims.sub });
  return said;
}

const words = (scope) => [scope ?? []].flat().join(" ").split(" ").join(text("list.and"));

function timeLeft({ iat, exp }) {
  const bar = el("span", { class: "bar" });
  const said = el("span", { class: "small" });
  const meter = el("div", {
    class: "meter", role: "meter", "aria-label": text("pass.time_left"), "aria-valuemin": 0, "aria-valuemax": Math.max(exp - iat, 0),
    "data-time-left": true, "data-iat": iat, "data-exp": exp,
  }, el("span", { class: "track" }, bar), said);
  tick(meter);
  return meter;
}

function tick(meter) {
  const [iat, exp] = [Number(meter.dataset.iat), Number(meter.dataset.exp)];
  const left = Math.max(0, Math.round(exp - Date.now() / 1000));
  const [track, said] = meter.children;
  // Through the object model: the page's policy allows no style attributes.
  track.firstChild.style.width = `${exp > iat ? Math.min(100, (100 * left) / (exp - iat)) : 0}%`;
  meter.dataset.left = left > 0 ? "some" : "none";
  meter.setAttribute("aria-valuenow", Math.min(left, Math.max(exp - iat, 0)));
  said.textContent = left > 0 ? text("pass.left", { span: span(left) }) : text("pass.void");
}

/** Let every bar that can be seen go on. */
export function everySecond() {
  setInterval(() => {
    if (document.hidden) return;
    document.querySelectorAll("[data-time-left]").forEach(tick);
  }, 1000);
}
