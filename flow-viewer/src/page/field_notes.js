// Notes about the hidden values of a message: the parties that hold a secret, and the value behind
// a fingerprint.

import { text } from "./texts.js";

/** Returns the sender, or the receiver if the sender is the browser. */
const server = ({ from, to }) => (from === "browser" ? to : from);

/** Returns a note about the parties that hold the secret in this field. */
export function describeHolders(name, message) {
  const holder = (party) => text(party === "browser" ? `holder.${message.actor ?? "person"}` : `party.${party}`);
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

/** Returns a note about the value behind the fingerprint in this field. */
export function describeValue(name) {
  return text(`field.${KINDS[name] ?? "fingerprint"}`);
}
