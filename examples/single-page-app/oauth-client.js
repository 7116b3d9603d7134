// The authorization code flow with PKCE of a client in a browser (RFC 9700, OpenID Connect Core).
//
// Tokens are kept in memory alone: a reload logs in again, without a password while the session at
// the authorization server lasts. The values of one login survive the redirect in `sessionStorage`.

const PENDING = "login";

export class OAuthClient {
  #config;
  #metadata;
  #redirectUri;
  #tokens;

  constructor(config, metadata, redirectUri) {
    this.#config = config;
    this.#metadata = metadata;
    this.#redirectUri = redirectUri;
  }

  // Reads the metadata of the issuer (OpenID Connect Discovery).
  static async discover(config, redirectUri) {
    const response = await fetch(`${config.issuer}/.well-known/openid-configuration`);
    const metadata = await response.json();
    if (metadata.issuer !== config.issuer) {
      throw new Error(`the metadata is of another issuer: ${metadata.issuer}`);
    }
    return new OAuthClient(config, metadata, redirectUri);
  }

  // Goes to the authorization endpoint, which no script may fetch.
  async beginLogin() {
    const pending = { state: random(), nonce: random(), verifier: random() };
    sessionStorage.setItem(PENDING, JSON.stringify(pending));
    const query = new URLSearchParams({
      response_type: "code",
      client_id: this.#config.clientId,
      redirect_uri: this.#redirectUri,
      scope: this.#config.scope,
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await s256(pending.verifier),
      code_challenge_method: "S256",
    });
    location.assign(`${this.#metadata.authorization_endpoint}?${query}`);
  }

  // Redeems the code in the URL, if there is one. Returns whether the user is logged in.
  async finishLogin() {
    const response = new URLSearchParams(location.search);
    if (!response.has("state")) {
      return false;
    }
    // The code must not stay in the history.
    history.replaceState(null, "", this.#redirectUri);
    const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "{}");
    sessionStorage.removeItem(PENDING);
    if (response.get("state") !== pending.state) {
      throw new Error("the response is not for the login that this tab began");
    }
    // Mix-up of authorization servers (RFC 9207).
    if (response.get("iss") !== this.#config.issuer) {
      throw new Error("the response comes from another issuer");
    }
    if (response.has("error")) {
      throw new Error(response.get("error_description") ?? response.get("error"));
    }
    await this.#requestTokens({
      grant_type: "authorization_code",
      code: response.get("code"),
      redirect_uri: this.#redirectUri,
      code_verifier: pending.verifier,
    });
    checkIdToken(this.#tokens.id_token, pending.nonce, this.#config);
    return true;
  }

  // Replaces the tokens. The refresh token is used once; the response has the next one.
  async refresh(scope) {
    const narrower = scope === undefined ? {} : { scope };
    await this.#requestTokens({
      grant_type: "refresh_token",
      refresh_token: this.#tokens.refresh_token,
      ...narrower,
    });
  }

  // Each access token is for one resource, so userinfo needs its own: `openid` alone selects it.
  async userInfo() {
    await this.refresh("openid profile");
    const response = await this.#fetchWithToken(this.#metadata.userinfo_endpoint);
    if (!response.ok) {
      throw new Error(response.headers.get("www-authenticate"));
    }
    return response.json();
  }

  // Calls the API with an access token for it.
  async call(url) {
    await this.refresh();
    return this.#fetchWithToken(url);
  }

  // Revokes the grant, then ends the session at the authorization server.
  async logOut() {
    const { refresh_token, id_token } = this.#tokens;
    this.#tokens = undefined;
    await this.#post(this.#metadata.revocation_endpoint, { token: refresh_token });
    const query = new URLSearchParams({
      id_token_hint: id_token,
      post_logout_redirect_uri: this.#redirectUri,
    });
    location.assign(`${this.#metadata.end_session_endpoint}?${query}`);
  }

  async #requestTokens(fields) {
    const response = await this.#post(this.#metadata.token_endpoint, fields);
    // A refresh without `openid` returns no ID token.
    this.#tokens = { ...this.#tokens, ...(await response.json()) };
  }

  async #post(url, fields) {
    const body = new URLSearchParams({ client_id: this.#config.clientId, ...fields });
    const response = await fetch(url, { method: "POST", body });
    if (!response.ok) {
      const { error, error_description } = await response.json();
      throw new Error(`${error}: ${error_description}`);
    }
    return response;
  }

  #fetchWithToken(url) {
    return fetch(url, { headers: { authorization: `Bearer ${this.#tokens.access_token}` } });
  }
}

// The token comes from the token endpoint over TLS, so its signature need not be verified (OpenID
// Connect Core §3.1.3.7).
function checkIdToken(token, nonce, { issuer, clientId }) {
  const claims = JSON.parse(utf8(fromBase64Url(token.split(".")[1])));
  const isExpired = claims.exp * 1000 <= Date.now();
  if (claims.iss !== issuer || claims.aud !== clientId || claims.nonce !== nonce || isExpired) {
    throw new Error("the ID token is not for this login");
  }
}

function random() {
  return toBase64Url(crypto.getRandomValues(new Uint8Array(32)));
}

// The code challenge (RFC 7636 §4.2).
async function s256(verifier) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  return toBase64Url(new Uint8Array(digest));
}

function toBase64Url(bytes) {
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function fromBase64Url(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function utf8(bytes) {
  return new TextDecoder().decode(bytes);
}
