// Shows the account page, or the button that starts the login.

import { OAuthClient } from "./oauth-client.js";

const element = (id) => document.getElementById(id);

const config = await (await fetch("config.json")).json();
const client = await OAuthClient.discover(config, location.origin + location.pathname);
let refreshes = 0;

function showLogin() {
  element("status").textContent = "Logged out";
  element("log-in").hidden = false;
  element("account").hidden = true;
}

async function showAccount() {
  const user = await client.userInfo();
  element("name").textContent = user.name ?? user.sub;
  element("status").textContent = "Logged in";
  element("log-in").hidden = true;
  element("account").hidden = false;
}

function showError(error) {
  element("error").textContent = error.message;
  element("error").hidden = false;
}

function onPress(id, action) {
  element(id).addEventListener("click", () => action().catch(showError));
}

onPress("log-in", () => client.beginLogin());
onPress("refresh", async () => {
  await client.refresh();
  refreshes += 1;
  element("refreshes").textContent = String(refreshes);
});
onPress("call-api", async () => {
  const response = await client.call(config.api);
  const text = await response.text();
  // B exposes the header, which says why it rejected a token.
  element("api-answer").textContent = response.ok ? text : response.headers.get("www-authenticate");
});
onPress("log-out", () => client.logOut());

try {
  if (await client.finishLogin()) {
    await showAccount();
  } else {
    showLogin();
  }
} catch (error) {
  showLogin();
  showError(error);
}
