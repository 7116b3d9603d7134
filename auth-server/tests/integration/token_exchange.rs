//! Token exchange (RFC 8693): a service acts for a user at another service.

use std::time::Duration;

use serde_json::json;

use crate::{
    browser::{AuthorizationRequest, Browser},
    client::wait_until,
    jwt,
    registration::{enable_registration, register_client, text, website_metadata},
    test_server::{ALICE, ORDERS, ORDERS_API, SHOP, SITE, STOCK, STOCK_API, TestServer},
};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const KIND: (&str, &str) = ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token");

#[tokio::test]
async fn token_exchange_issues_a_token_with_an_act_claim() {
    let server = TestServer::start().await;
    let clients = std::fs::read_to_string(server.clients_file()).unwrap();
    let further = "client_id = \"orders\"\ntoken_exchange = [{ resource = \"https://stock.example\", scopes = \"stock:read\", beyond_grant = true }]";
    std::fs::write(server.clients_file(), clients.replace("client_id = \"orders\"", further))
        .unwrap();
    let browser = Browser::new(&server);
    let auth_request = AuthorizationRequest::site().with("scope", "openid orders:read");
    let tokens = browser.tokens(&auth_request, ALICE, SITE).await;
    let subject = tokens["access_token"].as_str().unwrap();
    let fields = [("subject_token", subject), KIND, ("resource", STOCK_API)];
    wait_until("the changed client is known", async || {
        server.token_request(EXCHANGE, ORDERS, &fields).await.status == 200
    })
    .await;
    server.clock.advance(Duration::from_secs(60));
    let exchanged = server.token_request(EXCHANGE, ORDERS, &fields).await.json();
    assert_eq!(exchanged["issued_token_type"], "urn:ietf:params:oauth:token-type:access_token");
    assert!(exchanged.get("refresh_token").is_none() && exchanged.get("id_token").is_none());
    let token = exchanged["access_token"].as_str().unwrap();
    let claims = jwt::claims(token);
    assert_eq!(claims["sub"], jwt::claims(subject)["sub"]);
    assert_eq!(
        (claims["act"]["sub"].as_str(), claims["client_id"].as_str()),
        (Some("orders"), Some("orders"))
    );
    assert_eq!(
        (claims["aud"].as_str(), claims["scope"].as_str()),
        (Some(STOCK_API), Some("stock:read"))
    );
    assert_eq!(claims["iat"], server.clock.seconds());
    assert_eq!(claims["exp"], jwt::claims(subject)["exp"], "not a minute later");
    let introspected = server.introspect(STOCK, token).await;
    assert_eq!(introspected["act"]["sub"], "orders");
    // Revoking the consent revokes the exchanged token.
    let page = browser.open("/account").await;
    let csrf = page.csrf();
    browser.post("/account/withdraw-consent", &[("csrf", &csrf), ("client_id", "site")]).await;
    assert!(!server.is_active(STOCK, token).await);
    server.token_request(EXCHANGE, ORDERS, &fields).await.assert_error(
        400,
        "invalid_request",
        "invalid, expired or revoked",
    );
}

#[tokio::test]
async fn token_exchange_rejects_invalid_requests() {
    let server = TestServer::start().await;
    let tokens = Browser::new(&server)
        .tokens(&AuthorizationRequest::site().with("scope", "openid orders:read"), ALICE, SITE)
        .await;
    let subject = ("subject_token", tokens["access_token"].as_str().unwrap());
    let to_orders = ("resource", ORDERS_API);
    for (client, fields, code, expected) in [
        (
            SHOP,
            vec![subject, KIND, to_orders],
            "invalid_request",
            "neither issued to this client nor for it",
        ),
        (SITE, vec![subject, KIND], "invalid_request", "resource is missing"),
        (SITE, vec![subject, to_orders], "invalid_request", "subject_token_type is missing"),
        (
            SITE,
            vec![subject, ("subject_token_type", "else"), to_orders],
            "invalid_request",
            "subject_token_type",
        ),
        (
            SITE,
            vec![subject, KIND, to_orders, ("actor_token", "x")],
            "invalid_request",
            "actor_token",
        ),
        (
            SITE,
            vec![subject, KIND, to_orders, ("actor_token_type", KIND.1)],
            "invalid_request",
            "actor_token, which is missing",
        ),
        (
            SITE,
            vec![("subject_token", "x"), KIND, to_orders],
            "invalid_request",
            "invalid, expired or revoked",
        ),
        (
            SITE,
            vec![subject, KIND, ("resource", "https://vault.example")],
            "invalid_target",
            "vault",
        ),
        (
            SITE,
            vec![subject, KIND, to_orders, ("scope", "orders:write")],
            "invalid_scope",
            "orders:write",
        ),
        (
            SITE,
            vec![subject, KIND, to_orders, ("resource", STOCK_API)],
            "invalid_target",
            "one resource",
        ),
        // Its own scopes and resources do not allow an exchange.
        (SITE, vec![subject, KIND, ("resource", STOCK_API)], "invalid_target", "stock"),
        (("app", ""), vec![subject, KIND, to_orders], "unauthorized_client", "a public"),
    ] {
        server.token_request(EXCHANGE, client, &fields).await.assert_error(400, code, expected);
    }
    assert_eq!(server.token_request(EXCHANGE, SITE, &[subject, KIND, to_orders]).await.status, 200);
}

#[tokio::test]
async fn token_exchange_cannot_exceed_the_users_consent() {
    let server = TestServer::start().await;
    let tokens = Browser::new(&server)
        .tokens(&AuthorizationRequest::site().with("scope", "openid profile"), ALICE, SITE)
        .await;
    let fields = [
        ("subject_token", tokens["access_token"].as_str().unwrap()),
        KIND,
        ("scope", "orders:read"),
        ("resource", ORDERS_API),
    ];
    // The client may request `orders:read`, but this user has not consented to it.
    server.token_request(EXCHANGE, SITE, &fields).await.assert_error(
        400,
        "invalid_scope",
        "orders:read",
    );
    let without_scope = [fields[0], fields[1], fields[3]];
    server.token_request(EXCHANGE, SITE, &without_scope).await.assert_error(
        400,
        "invalid_scope",
        "",
    );
    let both = AuthorizationRequest::site().with("scope", "openid orders:read");
    let tokens = Browser::new(&server).tokens(&both, ALICE, SITE).await;
    let fields = [
        ("subject_token", tokens["access_token"].as_str().unwrap()),
        KIND,
        ("resource", ORDERS_API),
    ];
    let exchanged = server.token_request(EXCHANGE, SITE, &fields).await.json();
    let claims = jwt::claims(exchanged["access_token"].as_str().unwrap());
    assert_eq!(
        (claims["scope"].as_str(), claims["act"]["sub"].as_str()),
        (Some("orders:read"), Some(SITE.0))
    );
}

#[tokio::test]
async fn token_exchange_is_limited_to_the_rules_and_the_grant() {
    let server = TestServer::start().await;
    let subject = Browser::new(&server)
        .tokens(&AuthorizationRequest::site().with("scope", "openid orders:read"), ALICE, SITE)
        .await["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let fields = [("subject_token", subject.as_str()), KIND, ("resource", STOCK_API)];
    // A resource server gets nothing unless a rule allows it.
    server.token_request(EXCHANGE, ORDERS, &fields).await.assert_error(400, "invalid_target", "");
    let rule = |more: &str| {
        format!(
            "client_id = \"orders\"\ntoken_exchange = [{{ resource = \"{STOCK_API}\", scopes = \"stock:read\"{more} }}]"
        )
    };
    server
        .change_clients_file(|clients| clients.replace("client_id = \"orders\"", &rule("")))
        .await;
    server.token_request(EXCHANGE, ORDERS, &fields).await.assert_error(400, "invalid_scope", "");
    server
        .change_clients_file(|clients| clients.replace(&rule(""), &rule(", beyond_grant = true")))
        .await;
    let exchanged = server.token_request(EXCHANGE, ORDERS, &fields).await.json();
    assert_eq!(exchanged["scope"], "stock:read");
    let widened = [&fields[..], &[("scope", "stock:read orders:write")]].concat();
    server.token_request(EXCHANGE, ORDERS, &widened).await.assert_error(
        400,
        "invalid_scope",
        "orders:write",
    );
}

#[tokio::test]
async fn self_registered_client_cannot_exchange_tokens() {
    let server = TestServer::start_with(|settings| {
        enable_registration(settings);
        settings.registration.grant_types.push(EXCHANGE.to_owned());
    })
    .await;
    let metadata = json!({ "grant_types": ["authorization_code", EXCHANGE] });
    let registration = register_client(&server, website_metadata(metadata)).await;
    let client = (text(&registration, "client_id"), text(&registration, "client_secret"));
    let fields = [("subject_token", "x"), KIND, ("resource", ORDERS_API)];
    server.token_request(EXCHANGE, client, &fields).await.assert_error(
        400,
        "unauthorized_client",
        "dynamically registered",
    );
}
