// The two tokens of a login, side by side: who the user is, and what may be done.

import { el, fill } from "./dom.js";
import { text } from "./texts.js";
import { opened } from "./token.js";

/** Shows an ID token and an access token of the flow, if it has both. */
export function show(box, flow) {
  const pair = pairOf(flow);
  box.hidden = !pair;
  if (!pair) return fill(box);
  const key = pair.map(({ token }) => token).join(" ");
  if (box.dataset.of === key) return;
  box.dataset.of = key;
  fill(box,
    el("summary", {}, el("h2", {}, text("two_tokens.heading"))),
    el("div", { class: "pair" }, pair.map(({ token, header, claims }, at) => {
      const kind = at === 0 ? "id_token" : "access_token";
      return el("section", { "data-kind": kind },
        el("h3", {}, text(`two_tokens.${kind}.name`)),
        el("p", { class: "small" }, text(`two_tokens.${kind}.says`, { aud: [claims.aud].flat().join(text("list.and")) })),
        el("p", { class: "small muted" }, el("code", {}, token)),
        opened({ kind, header, claims }));
    })));
}

function pairOf(flow) {
  const issued = (event) => flow.messages.flatMap(({ decisions }) => decisions.filter((decision) => decision.event === event));
  const [idToken] = issued("id_token_issued");
  // The first access token is for userinfo, at C itself; those for the Bs say more.
  const accessTokens = issued("token_issued");
  const accessToken = accessTokens.find(({ claims }) => claims.aud !== claims.iss) ?? accessTokens[0];
  return idToken && accessToken ? [idToken, accessToken] : null;
}
