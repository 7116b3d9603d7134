//! Grants after an operator took scopes or resources from their client.

use std::time::Duration;

use serde_json::Value;

use crate::{
    browser::{AuthorizationRequest, Browser},
    device_grant::{at_the_page, begin, poll},
    jwt,
    test_server::{ALICE, DEPOT, ORDERS_API, SITE, STOCK_API, TestServer},
};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const KIND: (&str, &str) = ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token");
const SITE_SCOPES: &str =
    "scopes = \"openid profile email phone address offline_access orders:read stock:read\"";
const DEPOT_SCOPES: &str =
    "scopes = \"openid profile offline_access orders:read stock:read branch:open\"";

async fn replace(server: &TestServer, old: &str, new: &str) {
    server
        .change_clients_file(|text| {
            assert!(text.contains(old));
            text.replacen(old, new, 1)
        })
        .await;
}

async fn offline_tokens(server: &TestServer) -> Value {
    let request =
        AuthorizationRequest::site().with("scope", "openid profile offline_access orders:read");
    Browser::new(server).tokens(&request, ALICE, SITE).await
}

fn refresh_token(tokens: &Value) -> String {
    tokens["refresh_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn refresh_is_limited_to_the_present_scopes_of_the_client() {
    let server = TestServer::start().await;
    let first = offline_tokens(&server).await;
    replace(&server, SITE_SCOPES, "scopes = \"openid offline_access stock:read\"").await;
    let old = refresh_token(&first);
    for scope in ["orders:read", "profile", "openid profile"] {
        let rejected = server.refresh(SITE, &old, &[("scope", scope)]).await;
        rejected.assert_error(400, "invalid_scope", "is not allowed for this client");
    }
    let rejected = server.refresh(SITE, &old, &[]).await;
    rejected.assert_error(400, "invalid_grant", ORDERS_API);
    let issuer = server.issuer();
    let at_issuer = server.refresh(SITE, &old, &[("resource", &issuer)]).await.json();
    assert_eq!(at_issuer["scope"], "openid offline_access");
    // The grant itself is whole: the client can get the scope back.
    let all = "scopes = \"openid profile offline_access orders:read\"";
    replace(&server, "scopes = \"openid offline_access stock:read\"", all).await;
    let again = server.refresh(SITE, &refresh_token(&at_issuer), &[]).await.json();
    assert_eq!(again["scope"], "orders:read");
}

#[tokio::test]
async fn refresh_is_limited_to_the_present_resources_of_the_client() {
    let server = TestServer::start().await;
    let first = offline_tokens(&server).await;
    replace(
        &server,
        "resources = [\"https://orders.example/api\", \"https://stock.example\"]\ndefault_resource = \"https://orders.example/api\"\ntoken_exchange",
        "resources = [\"https://stock.example\"]\ntoken_exchange",
    )
    .await;
    let old = refresh_token(&first);
    for more in [&[][..], &[("resource", ORDERS_API)]] {
        let rejected = server.refresh(SITE, &old, more).await;
        rejected.assert_error(400, "invalid_target", ORDERS_API);
    }
    assert_eq!(server.refresh(SITE, &old, &[("scope", "openid")]).await.status, 200);
}

#[tokio::test]
async fn grant_without_offline_access_of_the_client_ends_with_the_session() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let request = AuthorizationRequest::site().with("scope", "openid offline_access orders:read");
    let first = browser.tokens(&request, ALICE, SITE).await;
    replace(&server, SITE_SCOPES, "scopes = \"openid orders:read\"").await;
    let second = server.refresh(SITE, &refresh_token(&first), &[]).await.json();
    let csrf = browser.open("/account").await.csrf();
    browser.post("/logout/confirm", &[("csrf", &csrf)]).await;
    let ended = server.refresh(SITE, &refresh_token(&second), &[]).await;
    ended.assert_error(400, "invalid_grant", "the session of this grant has ended");
}

#[tokio::test]
async fn code_in_flight_is_limited_to_the_present_scopes_of_the_client() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let request = AuthorizationRequest::new(
        DEPOT.0,
        "https://depot.example/cb",
        "openid profile branch:open stock:read",
    )
    .with("resource", "https://branch.example");
    let code = browser.authorization_code(&request, ALICE).await;
    replace(&server, DEPOT_SCOPES, "scopes = \"openid branch:open\"").await;
    let tokens = server.redeem_code(DEPOT, &request, &code).await.json();
    assert_eq!(tokens["scope"], "branch:open");
    let code = browser.authorization_code(&request.with("scope", "branch:open"), ALICE).await;
    replace(&server, "scopes = \"openid branch:open\"", "scopes = \"openid\"").await;
    let request = AuthorizationRequest::new(DEPOT.0, "https://depot.example/cb", "branch:open");
    let rejected = server.redeem_code(DEPOT, &request, &code).await;
    rejected.assert_error(400, "invalid_grant", "https://branch.example");
}

#[tokio::test]
async fn id_token_of_a_narrowed_grant_has_no_claims_of_lost_scopes() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let kiosk = ("kiosk", "kiosk-secret-90d4c7a1b3e5");
    let request = AuthorizationRequest::new(
        kiosk.0,
        "https://kiosk.example/cb",
        "openid profile orders:read",
    );
    let before = browser.tokens(&request, ALICE, kiosk).await;
    assert!(jwt::claims(before["id_token"].as_str().unwrap())["name"].is_string());
    let code = browser.authorization_code(&request, ALICE).await;
    replace(
        &server,
        "scopes = \"openid profile orders:read orders:write\"",
        "scopes = \"openid orders:read\"",
    )
    .await;
    let after = server.redeem_code(kiosk, &request, &code).await.json();
    let claims = jwt::claims(after["id_token"].as_str().unwrap());
    assert!(claims["sub"].is_string() && claims.get("name").is_none(), "{claims}");
}

#[tokio::test]
async fn device_is_limited_to_the_present_scopes_of_the_client() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let device = begin(&server).await;
    let app = "scopes = \"openid profile orders:read\"\nresources = [\"https://orders.example/api\"]\n\n[clients.login]\nclient_name = \"The App\"";
    let narrow = app.replace(" profile", "");
    replace(&server, app, &narrow).await;
    let page = at_the_page(&browser, &device).await;
    page.assert_contains("orders:read");
    assert!(!page.text().contains("profile"), "the page shows what the client would get");
    browser.submit(&page, &[("decision", "allow")]).await;
    replace(&server, &narrow, &narrow.replace(" orders:read", "")).await;
    server.clock.advance(Duration::from_secs(5));
    poll(&server, &device).await.assert_error(400, "invalid_grant", ORDERS_API);
}

#[tokio::test]
async fn token_exchange_is_limited_to_the_present_scopes_of_the_first_client() {
    let server = TestServer::start().await;
    let tokens = offline_tokens(&server).await;
    let subject = ("subject_token", tokens["access_token"].as_str().unwrap());
    let fields = [subject, KIND, ("resource", ORDERS_API), ("scope", "orders:read")];
    assert_eq!(server.token_request(EXCHANGE, SITE, &fields).await.status, 200);
    replace(&server, SITE_SCOPES, "scopes = \"openid stock:read\"").await;
    let rejected = server.token_request(EXCHANGE, SITE, &fields).await;
    rejected.assert_error(400, "invalid_scope", "orders:read is not part of the grant");
    let rejected = server.token_request(EXCHANGE, SITE, &fields[..3]).await;
    assert_eq!(rejected.status, 200, "the resource needs no scope");
    assert_eq!(rejected.json().get("scope"), None);
}

#[tokio::test]
async fn token_exchange_of_a_clients_own_token_is_limited_to_its_present_scopes() {
    let server = TestServer::start().await;
    let own = server.access_token(SITE, &[("resource", ORDERS_API)]).await;
    let fields = [("subject_token", own.as_str()), KIND, ("resource", ORDERS_API)];
    assert_eq!(server.token_request(EXCHANGE, SITE, &fields).await.status, 200);
    replace(
        &server,
        "token_exchange = [{ resource = \"https://orders.example/api\", scopes = \"orders:read orders:write\" }]",
        "token_exchange = [{ resource = \"https://orders.example/api\", scopes = \"orders:write\" }]",
    )
    .await;
    replace(&server, SITE_SCOPES, "scopes = \"openid stock:read\"").await;
    let rejected = server.token_request(EXCHANGE, SITE, &fields).await;
    rejected.assert_error(400, "invalid_scope", "no scope of the grant");
}

#[tokio::test]
async fn account_page_shows_the_present_access_of_the_client() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let request = AuthorizationRequest::site().with("scope", "openid email orders:read");
    browser.tokens(&request, ALICE, SITE).await;
    let page = browser.open("/account").await;
    page.assert_contains(ORDERS_API);
    replace(
        &server,
        "resources = [\"https://orders.example/api\", \"https://stock.example\"]\ndefault_resource = \"https://orders.example/api\"\ntoken_exchange",
        "resources = [\"https://stock.example\"]\ntoken_exchange",
    )
    .await;
    let page = browser.open("/account").await;
    page.assert_contains("value=\"site\"");
    assert!(!page.text().contains(ORDERS_API) && !page.text().contains(STOCK_API));
}
