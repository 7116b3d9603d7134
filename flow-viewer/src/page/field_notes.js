// Notes about the hidden values of a message: who holds a secret, and what a fingerprint stands for.

import { text } from "./texts.js";

/** The server, if the other party is the browser. */
const server = ({ from, to }) => (from === "browser" ? to : from);

/** Who holds a secret with this field name. */
export function describeHolders(name, message) {
  const holder = (party) => text(`holder.${party}`);
  const parties = { from: holder(message.from), to: holder(message.to), server: holder(server(message)) };
  switch (name) {
    case "password":
      return text("field.password", parties);
    case "cookie":
    case "set-cookie":
      return text("field.cookie", parties);
    case "user_code":
      return text("field.user_code", parties);
    default:
      return text("field.secret", parties);
  }
}

const KINDS = {
  access_token: "access_token", authorization: "access_token", token: "access_token", subject_token: "access_token", actor_token: "access_token",
  refresh_token: "refresh_token", id_token: "id_token", id_token_hint: "id_token", logout_token: "id_token",
  code: "code", device_code: "device_code", state: "state", nonce: "nonce", code_challenge: "code_challenge",
  request_uri: "request_uri",
};

/** What the fingerprint under this field name stands for. */
export function describeValue(name) {
  return text(`field.${KINDS[name] ?? "fingerprint"}`);
}
