//! Revocations by the control API.

use serde_json::{Value, json};

use super::{Controlled, assert_error_at};
use crate::{
    browser::{AuthorizationRequest, Browser},
    client::Response,
    jwt,
    test_server::{ALICE, BOB, FORUM, ORDERS, ORDERS_API, SHOP, SITE, VAULT_API},
};

const REVOCATIONS: &str = "/control/revocations";

impl Controlled {
    async fn revoke(&self, body: Value) -> Value {
        let response = self.call("POST", REVOCATIONS, &body).await;
        assert_eq!(response.status, 200, "{response:?}");
        response.json()
    }

    /// A login at the site, with a refresh token that outlives the session.
    async fn tokens(&self, browser: &Browser<'_>) -> Value {
        let scope = "openid offline_access orders:read";
        let request = AuthorizationRequest::site().with("scope", scope).with("prompt", "consent");
        browser.tokens(&request, ALICE, SITE).await
    }

    async fn refresh(&self, tokens: &Value) -> Response {
        self.server.refresh(SITE, text(tokens, "refresh_token"), &[]).await
    }
}

fn text<'a>(tokens: &'a Value, member: &str) -> &'a str {
    tokens[member].as_str().unwrap()
}

#[tokio::test]
async fn access_token_is_revoked_by_itself() {
    let controlled = Controlled::start().await;
    let server = &controlled.server;
    for resource in [ORDERS_API, VAULT_API] {
        let token = server.access_token(SHOP, &[("resource", resource)]).await;
        let other = server.access_token(SHOP, &[("resource", resource)]).await;
        let revoked = controlled.revoke(json!({ "token": token })).await;
        assert_eq!(revoked["tokens"].as_array().unwrap().len(), 1);
        assert_eq!((&revoked["grants"], &revoked["sessions"]), (&json!([]), &json!([])));
        assert!(!server.is_active(ORDERS, &token).await);
        assert!(server.is_active(ORDERS, &other).await);
    }
}

#[tokio::test]
async fn any_token_of_a_grant_revokes_the_grant() {
    let controlled = Controlled::start().await;
    let browser = Browser::new(&controlled.server);
    for (kind, member) in
        [("grant", "access_token"), ("grant", "refresh_token"), ("token", "refresh_token")]
    {
        let tokens = controlled.tokens(&browser).await;
        let revoked = controlled.revoke(json!({ kind: text(&tokens, member) })).await;
        assert_eq!(revoked["grants"].as_array().unwrap().len(), 1, "{revoked}");
        assert!(!controlled.server.is_active(ORDERS, text(&tokens, "access_token")).await);
        controlled.refresh(&tokens).await.assert_error(400, "invalid_grant", "revoked");
    }
    let request = AuthorizationRequest::site();
    let code = browser.authorization_code(&request, ALICE).await;
    controlled.revoke(json!({ "grant": code })).await;
    let redeemed = controlled.server.redeem_code(SITE, &request, &code).await;
    redeemed.assert_error(400, "invalid_grant", "revoked");
}

#[tokio::test]
async fn session_ends_with_the_grants_that_depend_on_it() {
    let controlled = Controlled::start().await;
    let browser = Browser::new(&controlled.server);
    let offline = controlled.tokens(&browser).await;
    let online = browser.tokens(&AuthorizationRequest::forum(), ALICE, FORUM).await;
    let sid = jwt::claims(text(&offline, "id_token"))["sid"].clone();
    let revoked = controlled.revoke(json!({ "session": sid })).await;
    assert_eq!(revoked["sessions"], json!([sid]));
    assert_eq!(revoked["grants"].as_array().unwrap().len(), 1, "{revoked}");
    let refreshed = controlled.server.refresh(FORUM, text(&online, "refresh_token"), &[]).await;
    refreshed.assert_error(400, "invalid_grant", "revoked");
    assert_eq!(controlled.refresh(&offline).await.status, 200);
    assert_eq!(browser.authorize(&AuthorizationRequest::site()).await.path, "/login");
}

#[tokio::test]
async fn tokens_of_a_client_are_revoked_and_new_ones_are_not() {
    let controlled = Controlled::start().await;
    let server = &controlled.server;
    let browser = Browser::new(server);
    let of_user = controlled.tokens(&browser).await;
    let site = [("resource", ORDERS_API), ("scope", "orders:read")];
    let own = server.access_token(SITE, &site).await;
    let foreign = server.access_token(SHOP, &[("resource", ORDERS_API)]).await;
    let revoked = controlled.revoke(json!({ "client_id": SITE.0 })).await;
    assert_eq!(revoked["tokens"], json!([jwt::claims(&own)["jti"]]));
    assert_eq!(revoked["grants"].as_array().unwrap().len(), 1, "{revoked}");
    for token in [&own, text(&of_user, "access_token")] {
        assert!(!server.is_active(ORDERS, token).await);
    }
    assert!(server.is_active(ORDERS, &foreign).await);
    let new = server.access_token(SITE, &site).await;
    assert!(server.is_active(ORDERS, &new).await);
    let again = controlled.revoke(json!({ "client_id": SITE.0 })).await;
    assert_eq!(again["tokens"], json!([jwt::claims(&new)["jti"]]));
}

#[tokio::test]
async fn user_loses_grants_and_sessions_or_the_grants_at_one_client() {
    let controlled = Controlled::start().await;
    let (browser, bobs) = (Browser::new(&controlled.server), Browser::new(&controlled.server));
    let site = controlled.tokens(&browser).await;
    let forum = browser.tokens(&AuthorizationRequest::forum(), ALICE, FORUM).await;
    let bob = bobs.tokens(&AuthorizationRequest::forum(), BOB, FORUM).await;
    let at_client = json!({ "user": "alice", "client_id": SITE.0 });
    let revoked = controlled.revoke(at_client).await;
    assert_eq!(
        (&revoked["sessions"], revoked["grants"].as_array().unwrap().len()),
        (&json!([]), 1)
    );
    controlled.refresh(&site).await.assert_error(400, "invalid_grant", "revoked");
    let refresh = async |tokens: &Value| {
        controlled.server.refresh(FORUM, text(tokens, "refresh_token"), &[]).await
    };
    let forum = refresh(&forum).await.json();
    let revoked = controlled.revoke(json!({ "user": "alice" })).await;
    assert_eq!(revoked["sessions"], json!([jwt::claims(text(&site, "id_token"))["sid"]]));
    refresh(&forum).await.assert_error(400, "invalid_grant", "revoked");
    assert_eq!(browser.authorize(&AuthorizationRequest::site()).await.path, "/login");
    assert_eq!(refresh(&bob).await.status, 200);
}

#[tokio::test]
async fn revocation_of_nothing_or_of_something_unknown_is_rejected() {
    let controlled = Controlled::start().await;
    let own = controlled.server.access_token(SHOP, &[("resource", ORDERS_API)]).await;
    for (body, pointer, words) in [
        (json!({}), "", "names nothing"),
        (json!({ "token": "x", "session": "y" }), "", "more than one"),
        (json!({ "client_id": "site", "session": "y" }), "", "more than one"),
        (json!({ "token": 1 }), "/token", "not what is expected"),
        (json!({ "tokens": "x" }), "/tokens", "unknown member"),
        (json!({ "grant": own }), "/grant", "belongs to no grant"),
    ] {
        let response = controlled.call("POST", REVOCATIONS, &body).await;
        assert_error_at(&response, 400, pointer, words);
    }
    for (body, code, pointer) in [
        (json!({ "token": "x" }), "unknown_token", "/token"),
        (json!({ "token": "gprt_x.0.y" }), "unknown_token", "/token"),
        (json!({ "grant": "gpac_x" }), "unknown_token", "/grant"),
        (json!({ "grant": "x" }), "unknown_token", "/grant"),
        (json!({ "session": "x" }), "unknown_session", "/session"),
        (json!({ "client_id": "x" }), "unknown_client", "/client_id"),
        (json!({ "user": "x" }), "unknown_user", "/user"),
        (json!({ "user": "alice", "client_id": "x" }), "unknown_client", "/client_id"),
    ] {
        let response = controlled.call("POST", REVOCATIONS, &body).await;
        response.assert_error(404, code, "");
        assert_eq!(response.member("pointer"), pointer, "{body}");
    }
}
