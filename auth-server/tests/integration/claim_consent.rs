//! Claims that the operator adds to a scope or resource after a user has allowed it.

use serde_json::{Value, json};

use crate::{
    browser::{AuthorizationRequest, Browser},
    device_grant::{at_the_page, begin, poll},
    jwt,
    process::succeed,
    test_server::{ALICE, DEPOT, ORDERS, ORDERS_API, PORTAL, SITE, TestServer},
};

/// Starts a server without custom claims, and records roles and a unit for Alice.
async fn server() -> TestServer {
    let server = TestServer::start().await;
    for attribute in [r#"roles=["auditor"]"#, r#"unit="rabbits""#] {
        let update = ["user", "update", "alice", "--attribute", attribute];
        succeed(&update, &server.cli_arguments()).await;
    }
    server
}

async fn with_claims(server: TestServer, claims: Value) -> TestServer {
    let claims = serde_json::from_value(claims).unwrap();
    server.restart_with(|settings| settings.claims = claims).await
}

fn roles() -> Value {
    json!({ "name": "roles", "from": "user.roles", "in": ["access_token", "introspection"],
            "scope": "orders:read" })
}

fn unit() -> Value {
    json!({ "name": "unit", "from": "user.unit", "in": ["id_token", "userinfo"],
            "scope": "profile" })
}

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap()
}

#[tokio::test]
async fn claim_that_is_added_to_a_scope_requires_new_consent() {
    let server = server().await;
    let request = AuthorizationRequest::site()
        .with("scope", "openid profile offline_access orders:read")
        .with("resource", ORDERS_API);
    let old = Browser::new(&server).tokens(&request, ALICE, SITE).await;
    let server = with_claims(server, json!([roles()])).await;

    // The earlier grant stays as it was agreed to.
    let refreshed = server.refresh(SITE, text(&old, "refresh_token"), &[]).await.json();
    for tokens in [&old, &refreshed] {
        let access_token = text(tokens, "access_token");
        assert_eq!(jwt::claims(access_token).get("roles"), None);
        let response = server.introspect(ORDERS, access_token).await;
        assert_eq!((&response["active"], response.get("roles")), (&json!(true), None));
    }

    let browser = Browser::new(&server);
    let page = browser.sign_in(&browser.authorize(&request).await, ALICE).await;
    assert_eq!(page.path, "/consent");
    page.assert_contains("It also shares what is recorded about you under: roles");
    let silent = browser.authorize(&request.clone().with("prompt", "none")).await;
    silent.assert_client_error("consent_required");
    let without = request.clone().with("scope", "openid profile").without("resource");
    assert!(browser.authorize(&without).await.redirected_to.is_some(), "a scope without claims");
    browser.allow(&page).await;
    browser.open("/account").await.assert_contains("recorded about you under: roles");
    let tokens = browser.tokens(&request, ALICE, SITE).await;
    assert_eq!(jwt::claims(text(&tokens, "access_token"))["roles"], json!(["auditor"]));
    let again = server.refresh(SITE, text(&refreshed, "refresh_token"), &[]).await.json();
    assert_eq!(jwt::claims(text(&again, "access_token")).get("roles"), None, "the earlier grant");
}

#[tokio::test]
async fn claims_of_userinfo_and_resources_require_consent_too() {
    let server = server().await;
    let scope = "openid profile offline_access orders:read";
    let request = AuthorizationRequest::new("depot", "https://depot.example/cb", scope)
        .with("resource", ORDERS_API);
    let old = Browser::new(&server).tokens(&request, ALICE, DEPOT).await;
    let of_resource = json!({ "name": "roles", "from": "user.roles", "in": ["access_token"],
                              "resource": ORDERS_API });
    let server = with_claims(server, json!([of_resource, unit()])).await;
    let issuer = server.issuer();
    let at_issuer = [("resource", issuer.as_str())];
    let read = async |refresh_token: &str| {
        let tokens = server.refresh(DEPOT, refresh_token, &[]).await.json();
        let roles = jwt::claims(text(&tokens, "access_token"))["roles"].clone();
        let unit = jwt::claims(text(&tokens, "id_token"))["unit"].clone();
        let own = server.refresh(DEPOT, text(&tokens, "refresh_token"), &at_issuer).await.json();
        let userinfo = server.userinfo(text(&own, "access_token")).await.json();
        [roles, unit, userinfo["unit"].clone()]
    };
    assert_eq!(read(text(&old, "refresh_token")).await, [json!(null), json!(null), json!(null)]);
    let browser = Browser::new(&server);
    let page = browser.sign_in(&browser.authorize(&request).await, ALICE).await;
    assert_eq!(page.path, "/consent");
    browser.allow(&page).await;
    let new = browser.tokens(&request, ALICE, DEPOT).await;
    let expected = [json!(["auditor"]), json!("rabbits"), json!("rabbits")];
    assert_eq!(read(text(&new, "refresh_token")).await, expected);
}

#[tokio::test]
async fn exchanged_token_has_no_claim_that_the_user_did_not_agree_to() {
    let server = server().await;
    let request = AuthorizationRequest::site()
        .with("scope", "openid offline_access orders:read")
        .with("resource", ORDERS_API);
    let old = Browser::new(&server).tokens(&request, ALICE, SITE).await;
    let server = with_claims(server, json!([roles()])).await;
    let exchange = [
        ("subject_token", text(&old, "access_token")),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("resource", ORDERS_API),
        ("scope", "orders:read"),
    ];
    let grant_type = "urn:ietf:params:oauth:grant-type:token-exchange";
    let exchanged = server.token_request(grant_type, SITE, &exchange).await.json();
    let exchanged = text(&exchanged, "access_token");
    assert_eq!(jwt::claims(exchanged).get("roles"), None);
    assert_eq!(server.introspect(ORDERS, exchanged).await.get("roles"), None);
}

#[tokio::test]
async fn first_party_client_gets_a_new_claim_without_consent() {
    let server = server().await;
    let request = AuthorizationRequest::portal().with("scope", "openid profile offline_access");
    let old = Browser::new(&server).tokens(&request, ALICE, PORTAL).await;
    let server = with_claims(server, json!([unit()])).await;
    let tokens = server.refresh(PORTAL, text(&old, "refresh_token"), &[]).await.json();
    assert_eq!(jwt::claims(text(&tokens, "id_token"))["unit"], "rabbits");
    let userinfo = server.userinfo(text(&tokens, "access_token")).await.json();
    assert_eq!(userinfo["unit"], "rabbits");
}

#[tokio::test]
async fn form_with_other_claims_than_the_current_ones_is_displayed_again() {
    let server = with_claims(server().await, json!([roles(), unit()])).await;
    let request = AuthorizationRequest::site().with("scope", "openid profile orders:read");
    let browser = Browser::new(&server);
    let page = browser.sign_in(&browser.authorize(&request).await, ALICE).await;
    // As if the page had been opened before the operator added `unit`.
    let mut fields = page.hidden_fields();
    let shown = fields.iter_mut().find(|(name, _)| name == "shown_claims").unwrap();
    shown.1 = json!({ "scopes": { "orders:read": ["roles"] }, "resources": {} }).to_string();
    fields.push(("decision".to_owned(), "allow".to_owned()));
    let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    let again = browser.post(&page.form().action, &fields).await;
    assert_eq!((&*again.path, again.status()), ("/consent", 403));
    again.assert_contains("the request has changed");
    assert!(browser.allow(&again).await.redirected_to.is_some());
}

#[tokio::test]
async fn device_gets_the_claims_that_its_page_named() {
    let server = with_claims(server().await, json!([roles()])).await;
    let device = begin(&server).await;
    let browser = Browser::new(&server);
    let page = at_the_page(&browser, &device).await;
    page.assert_contains("It also shares what is recorded about you under: roles");
    browser.submit(&page, &[("decision", "allow")]).await;
    // The operator adds a claim between the approval and the first token.
    let server = with_claims(server, json!([roles(), unit()])).await;
    let tokens = poll(&server, &device).await.json();
    assert_eq!(jwt::claims(text(&tokens, "access_token"))["roles"], json!(["auditor"]));
    assert_eq!(jwt::claims(text(&tokens, "id_token")).get("unit"), None);
}
