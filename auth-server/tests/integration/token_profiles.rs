//! Access tokens of resources that set their type, algorithm and lifetime.

use auth_server::{
    domain::{Actor, Client},
    storage::{AuditedChange, SqliteStore, Store},
};
use jsonwebtoken::Algorithm as Jws;

use crate::{
    browser::{AuthorizationRequest, Browser},
    jwt,
    process::run,
    test_server::{ALICE, ORDERS, ORDERS_API, SHOP, SITE, TestServer},
};

/// Gives the resource for orders these settings.
fn with_orders(clients: &str, settings: &str) -> String {
    let identifier = format!("identifier = \"{ORDERS_API}\"\n");
    clients.replacen(&identifier, &format!("{identifier}{settings}\n"), 1)
}

async fn start(settings: &str) -> TestServer {
    let server = TestServer::start().await;
    server.change_clients_file(|clients| with_orders(&clients, settings)).await;
    server
}

#[tokio::test]
async fn resource_sets_type_algorithm_and_lifetime_of_its_tokens() {
    let server = start("typ = \"JWT\"\nalgorithm = \"EdDSA\"\naccess_token_ttl_seconds = 60").await;
    let response = server.client_credentials(SHOP, &[("resource", ORDERS_API)]).await;
    assert_eq!(response.status, 200, "{response:?}");
    assert_eq!(response.json()["expires_in"], 60);
    let token = response.json()["access_token"].as_str().unwrap().to_owned();
    let header = jwt::header(&token);
    assert_eq!((&header["typ"], &header["alg"]), (&"JWT".into(), &"EdDSA".into()));
    let claims = jwt::claims(&token);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
    let jwks = server.get_json("/.well-known/jwks.json").await;
    assert!(jwt::is_signed_by(&token, &jwks, Jws::EdDSA), "{jwks}");
    assert!(server.is_active(ORDERS, &token).await);
    assert_eq!(server.revoke(SHOP, &token).await.status, 200);
    assert!(!server.is_active(ORDERS, &token).await);
    // Other resources are as before.
    let other = server.access_token(SHOP, &[("resource", "https://stock.example")]).await;
    assert_eq!(jwt::header(&other)["typ"], "at+jwt");
}

#[tokio::test]
async fn access_token_of_type_jwt_is_no_id_token_hint() {
    let server = start("typ = \"JWT\"").await;
    let browser = Browser::new(&server);
    let request = AuthorizationRequest::site().with("resource", ORDERS_API);
    let tokens = browser.tokens(&request, ALICE, SITE).await;
    let access_token = tokens["access_token"].as_str().unwrap();
    assert_eq!(jwt::header(access_token)["typ"], "JWT");
    let hint = |token: &str| {
        AuthorizationRequest::site().with("prompt", "none").with("id_token_hint", token)
    };
    browser.authorize(&hint(access_token)).await.assert_client_error("invalid_request");
    let id_token = tokens["id_token"].as_str().unwrap();
    assert!(!browser.authorize(&hint(id_token)).await.redirect_parameter("code").is_empty());
}

#[tokio::test]
async fn id_token_is_no_access_token_beside_a_resource_of_type_jwt() {
    let server = start("typ = \"JWT\"").await;
    let browser = Browser::new(&server);
    let tokens = browser.tokens(&AuthorizationRequest::site(), ALICE, SITE).await;
    let id_token = tokens["id_token"].as_str().unwrap();
    assert!(!server.is_active(ORDERS, id_token).await);
    assert_eq!(server.userinfo(id_token).await.status, 401);
}

#[tokio::test]
async fn resource_cannot_lengthen_the_lifetime() {
    let server = TestServer::start().await;
    let text = std::fs::read_to_string(server.clients_file()).unwrap();
    let longer = with_orders(&text, "access_token_ttl_seconds = 1801");
    std::fs::write(server.clients_file(), longer).unwrap();
    let output = run(&["check-config"], &server.cli_arguments()).await;
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("tokens.access_token_ttl_seconds = 1800"), "{}", output.stderr);
}

#[tokio::test]
async fn stored_client_with_the_identifier_of_a_jwt_resource_is_not_in_force() {
    let mut server = TestServer::start().await;
    let store = SqliteStore::open(&server.settings.data_dir.join("auth-server.db")).await.unwrap();
    let client = Client::without_access(ORDERS_API);
    let add = AuditedChange::add_client(client, Actor::Cli, server.clock.millis());
    store.apply(add).await.unwrap();
    server.change_clients_file(|clients| with_orders(&clients, "typ = \"JWT\"")).await;
    let query = AuthorizationRequest::new(ORDERS_API, "https://x.example/cb", "openid");
    let browser = Browser::new(&server);
    browser.authorize(&query).await.assert_error_page("client_id is unknown");
    server.stop().await;
    let mut arguments = server.cli_arguments();
    for setting in ["listen=127.0.0.1:0", "tls_listen="] {
        arguments.extend(["--set".to_owned(), setting.to_owned()]);
    }
    let output = run(&["serve"], &arguments).await;
    assert!(output.code != Some(0) && output.stderr.contains(ORDERS_API), "{}", output.stderr);
}
