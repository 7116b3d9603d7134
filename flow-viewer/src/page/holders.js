// Who holds what a message carries: by its name, and by whom it goes between.

import { text } from "./texts.js";

/** The server, where one side is the browser. */
const server = ({ from, to }) => (from === "browser" ? to : from);

/** Of a hidden value. */
export function whoHolds(name, message) {
  const holder = (party) => text(`holder.${party}`);
  const between = { from: holder(message.from), to: holder(message.to), server: holder(server(message)) };
  switch (name) {
    case "password":
      return text("held.password", between);
    case "cookie":
    case "set-cookie":
      return text("held.cookie", between);
    case "user_code":
      return text("held.user_code", between);
    default:
      return text("held.by", between);
  }
}

const NAMED = {
  access_token: "token", authorization: "token", token: "token", subject_token: "token", actor_token: "token",
  refresh_token: "refresh_token", id_token: "id_token", id_token_hint: "id_token", logout_token: "id_token",
  code: "code", device_code: "device_code", state: "state", nonce: "nonce", code_challenge: "code_challenge",
  request_uri: "request_uri",
};

/** Of a value that is shown by its fingerprint. */
export function whatItIs(name) {
  return text(`held.${NAMED[name] ?? "named"}`);
}
