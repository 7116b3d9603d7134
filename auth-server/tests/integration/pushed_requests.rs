//! Pushed authorization requests (RFC 9126).

use std::time::Duration;

use serde_json::Value;

use crate::{
    browser::{AuthorizationRequest, Browser},
    client::Response,
    test_server::{ALICE, BANK, FORUM, SITE, TestServer},
};

async fn push(
    server: &TestServer,
    (id, secret): (&str, &str),
    auth_request: &AuthorizationRequest,
) -> Response {
    let form: Vec<_> =
        auth_request.pairs().into_iter().filter(|(name, _)| *name != "client_id").collect();
    server
        .post_form(
            "/oauth/par",
            &[&[("client_id", id), ("client_secret", secret)], &form[..]].concat(),
        )
        .await
}

fn short(client_id: &str, uri: &Value) -> String {
    let uri = uri.as_str().unwrap();
    format!("/oauth/authorize?client_id={client_id}&request_uri={uri}")
}

#[tokio::test]
async fn pushed_request_is_consumed_by_one_response() {
    let server = TestServer::start().await;
    let auth_request = AuthorizationRequest::new("bank", "https://bank.example/cb", "openid");
    let pushed = push(&server, BANK, &auth_request).await;
    assert_eq!((pushed.status, pushed.json()["expires_in"].as_i64()), (201, Some(60)));
    let uri = pushed.json()["request_uri"].clone();
    let browser = Browser::new(&server);
    // Opened twice, with delays: the response consumes the request, not a visit.
    server.clock.advance(Duration::from_secs(59));
    assert_eq!(browser.open(&short("bank", &uri)).await.path, "/login");
    server.clock.advance(Duration::from_secs(300));
    let page = browser.open(&short("bank", &uri)).await;
    let page = browser.sign_in(&page, ALICE).await;
    let code = browser.allow(&page).await.redirect_parameter("code");
    assert_eq!(server.redeem_code(BANK, &auth_request, &code).await.status, 200);
    browser.open(&short("bank", &uri)).await.assert_error_page("request_uri");
}

#[tokio::test]
async fn pushed_request_is_bound_to_its_client_and_expires() {
    let server = TestServer::start().await;
    let pushed = push(&server, SITE, &AuthorizationRequest::site()).await.json();
    let browser = Browser::new(&server);
    browser.open(&short("forum", &pushed["request_uri"])).await.assert_error_page("another client");
    server.clock.advance(Duration::from_secs(60));
    browser.open(&short("site", &pushed["request_uri"])).await.assert_error_page("expired");
    let made_up = Value::from("urn:ietf:params:oauth:request_uri:made-up");
    browser.open(&short("site", &made_up)).await.assert_error_page("unknown");
}

/// RFC 6749 section 3.1.
#[tokio::test]
async fn repeated_parameter_beside_a_request_uri_is_rejected() {
    let server = TestServer::start().await;
    let pushed = push(&server, SITE, &AuthorizationRequest::site()).await.json();
    let link = short("site", &pushed["request_uri"]);
    let browser = Browser::new(&server);
    for repeated in ["client_id=site", "request_uri=urn:ietf:params:oauth:request_uri:x"] {
        let name = repeated.split('=').next().unwrap();
        let page = browser.open(&format!("{link}&{repeated}")).await;
        page.assert_error_page(&format!("the parameter {name} was sent more than once"));
    }
    assert_eq!(browser.open(&link).await.path, "/login", "a rejected visit opens nothing");
}

#[tokio::test]
async fn pushed_request_continues_only_in_the_browser_that_opened_it() {
    let server = TestServer::start().await;
    let auth_request = AuthorizationRequest::site();
    let pushed = push(&server, SITE, &auth_request).await.json();
    let link = short("site", &pushed["request_uri"]);
    let (browser, other) = (Browser::new(&server), Browser::new(&server));
    let page = browser.open(&link).await;
    assert_eq!(page.path, "/login");
    server.clock.advance(Duration::from_secs(75));
    other.open(&link).await.assert_error_page("another browser");
    let login = link.replace("/oauth/authorize", "/login");
    other.open(&login).await.assert_error_page("another browser");
    Browser::new(&server).open(&login).await.assert_error_page("no cookie");
    let page = browser.sign_in(&page, ALICE).await;
    let code = browser.allow(&page).await.redirect_parameter("code");
    assert_eq!(server.redeem_code(SITE, &auth_request, &code).await.status, 200);
}

#[tokio::test]
async fn pushed_request_is_consumed_by_a_denial() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    // The user cancels on the sign-in page, denies on the consent page, or is not signed in.
    for step in ["cancel", "deny", "none"] {
        let auth_request = match step {
            "none" => AuthorizationRequest::forum().with("prompt", "none"),
            _ => AuthorizationRequest::site(),
        };
        let client = if step == "none" { FORUM } else { SITE };
        let pushed = push(&server, client, &auth_request).await.json();
        let link = short(client.0, &pushed["request_uri"]);
        let page = browser.open(&link).await;
        let (page, error) = match step {
            "cancel" => (browser.submit(&page, &[("cancel", "yes")]).await, "access_denied"),
            "deny" => {
                let page = browser.sign_in(&page, ALICE).await;
                (browser.submit(&page, &[("decision", "deny")]).await, "access_denied")
            }
            _ => (page, "consent_required"),
        };
        page.assert_client_error(error);
        browser.open(&link).await.assert_error_page("used");
    }
}

/// The client lost a scope after it had pushed the request.
#[tokio::test]
async fn pushed_request_is_consumed_by_an_error_for_the_client() {
    let server = TestServer::start().await;
    let auth_request = AuthorizationRequest::site().with("scope", "openid phone");
    let pushed = push(&server, SITE, &auth_request).await.json();
    let link = short("site", &pushed["request_uri"]);
    let lost = |clients: String| clients.replace(" phone ", " ");
    let before = std::fs::read_to_string(server.clients_file()).unwrap();
    server.change_clients_file(lost).await;
    let browser = Browser::new(&server);
    browser.open(&link).await.assert_client_error("invalid_scope");
    server.change_clients_file(|_| before + "# reload-marker-").await;
    browser.open(&link).await.assert_error_page("used");
}

#[tokio::test]
async fn invalid_pushed_requests_are_rejected_immediately() {
    let server = TestServer::start().await;
    let wrong = AuthorizationRequest::site().with("scope", "orders:write");
    push(&server, SITE, &wrong).await.assert_error(400, "invalid_scope", "orders:write");
    push(&server, SITE, &AuthorizationRequest::site().with("redirect_uri", "https://evil.example"))
        .await
        .assert_error(400, "invalid_request", "");
    push(&server, FORUM, &AuthorizationRequest::site().with("request_uri", "x"))
        .await
        .assert_error(400, "invalid_request", "must not contain request_uri");
    push(&server, ("site", "guess"), &AuthorizationRequest::site()).await.assert_error(
        401,
        "invalid_client",
        "",
    );
}
