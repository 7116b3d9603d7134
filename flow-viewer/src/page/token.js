// A token opened: header, payload and signature, with a sentence for each claim, and its lifetime.

import { el, outside } from "./dom.js";
import { dateTime, has, span, text } from "./texts.js";

/** Returns a collapsible card for the token with this fingerprint. */
export function tokenCard(fingerprint, token, open = false) {
  return el("details", { class: "token-card", "data-token": fingerprint, "data-kind": token.kind, open },
    el("summary", {}, el("code", {}, fingerprint), " ", el("span", { class: "muted" }, text("token.open"))),
    opened(token));
}

/** Returns the contents of a token. */
export function opened(token) {
  const isId = token.kind === "id_token";
  return [
    timeLeft(token.claims),
    token.header
      ? part("header", ["typ", "alg", "kid"].map((name) => claim(name, token.header[name], token.header, isId)))
      : el("p", { class: "small" }, text("token.claims.opaque")),
    part("payload", payload(token.claims, isId)),
    token.header && part("signature", [el("p", { class: "small" }, el("b", { class: "hidden-value" }, "••••••"), " ", text("token.signature"))]),
    el("p", { class: "small" }, isId
      ? outside("https://openid.net/specs/openid-connect-core-1_0.html#IDToken", "OpenID Connect Core §2")
      : outside("https://www.rfc-editor.org/rfc/rfc9068#section-2.2", "RFC 9068 §2.2")),
  ];
}

function part(name, content) {
  return el("div", { class: `part ${name}` }, el("h4", {}, text(`token.${name}_heading`)), content);
}

const TIMES = ["iat", "nbf", "exp", "auth_time"];

function payload(claims, isId) {
  return Object.entries(claims).flatMap(([name, value]) =>
    (isId && name === "others" ? value.map((other) => claim(other, null, claims, true)) : [claim(name, value, claims, isId)]));
}

/** Returns the row of a claim. Its sentence is shown while the row has the focus, or once pressed. */
function claim(name, value, claims, isId) {
  const says = el("p", { class: "says small" }, sentence(name, value, claims, isId));
  const row = el("div", { class: "claim", "data-claim": name });
  const update = () => button.setAttribute("aria-expanded", String(says.checkVisibility()));
  const button = el("button", {
    class: "claim-name", "aria-expanded": "false",
    click: () => { row.classList.remove("dismissed"); row.classList.toggle("open"); update(); },
    focus: update,
    blur: () => { row.classList.remove("dismissed"); update(); },
    keydown: (event) => {
      if (event.key !== "Escape" || !says.checkVisibility()) return;
      event.stopPropagation();
      row.classList.remove("open");
      row.classList.add("dismissed");
      update();
    },
  }, el("code", {}, name));
  row.append(button, shown(name, value), says);
  return row;
}

function shown(name, value) {
  if (value === null) return el("span", { class: "small muted" }, "•••");
  if (TIMES.includes(name)) return el("span", {}, el("code", {}, String(value)), " ", el("span", { class: "small muted" }, dateTime(value)));
  return el("code", {}, typeof value === "string" ? value : JSON.stringify(value));
}

function sentence(name, value, claims, isId) {
  const values = { ...claims, [name]: value, at: TIMES.includes(name) ? dateTime(value) : "", actor: claims.act?.sub, lifetime: span(claims.exp - claims.iat),
    aud: [claims.aud].flat().join(text("list.and")), scope: scopeList(claims.scope), value: JSON.stringify(value), name };
  if (value === null) return text("token.claims.person", values);
  if (isId && has(`token.claims.id_${name}`)) return text(`token.claims.id_${name}`, values);
  if (name === "sub") return text(claims.sub === claims.client_id ? "token.claims.sub_client" : "token.claims.sub_user", values);
  if (name === "scope" && !claims.scope) return text("token.claims.no_scope");
  return text(has(`token.claims.${name}`) ? `token.claims.${name}` : "token.claims.custom", values);
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
