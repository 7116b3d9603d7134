//! Servers that have not cached the metadata document of a client, as after a restart or as another
//! replica. Users and resource servers see no difference.

use auth_server::AuthServerSettings;
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::{
    browser::{AuthorizationRequest, Browser},
    client_id_metadata_documents::{CALLBACK, Website, accept_documents, auth_request},
    device_grant::at_the_page,
    jwt,
    process::succeed,
    registration::text,
    test_server::{ALICE, ORDERS, ORDERS_API, STOCK, STOCK_API, TestServer},
};

const NAME: &str = "client.json";

async fn start(change: impl FnOnce(&mut AuthServerSettings)) -> (TestServer, Website, String) {
    let server = TestServer::start_with(|settings| {
        accept_documents(settings);
        change(settings);
    })
    .await;
    let website = Website::start().await;
    let more = json!({ "post_logout_redirect_uris": ["http://127.0.0.1/bye"] });
    let client_id = website.publish(NAME, more).await;
    (server, website, client_id)
}

async fn tokens(server: &TestServer, request: &AuthorizationRequest, client_id: &str) -> Value {
    Browser::new(server).tokens(request, ALICE, (client_id, "")).await
}

async fn set_alice(server: &TestServer, attribute: &str) {
    let update = ["user", "update", "alice", "--attribute", attribute];
    succeed(&update, &server.cli_arguments()).await;
}

async fn signed_in(server: &TestServer) -> Browser<'_> {
    let browser = Browser::new(server);
    let page = browser.open("/account").await;
    browser.sign_in(&page, ALICE).await;
    browser
}

#[tokio::test]
async fn introspection_returns_current_claims_of_a_client_whose_document_is_not_cached() {
    let (server, website, client_id) = start(|settings| {
        settings.claims = serde_json::from_value(json!([
            { "name": "roles", "from": "user.roles", "in": ["access_token", "introspection"],
              "resource": ORDERS_API },
        ]))
        .unwrap();
    })
    .await;
    set_alice(&server, r#"roles=["auditor"]"#).await;
    let tokens = tokens(&server, &auth_request(&client_id), &client_id).await;
    let token = text(&tokens, "access_token");
    assert_eq!(jwt::claims(token)["roles"], json!(["auditor"]));
    set_alice(&server, "roles=").await;
    let server = server.restart_with(|_| ()).await;
    let introspected = server.introspect(ORDERS, token).await;
    assert_eq!((&introspected["active"], introspected.get("roles")), (&json!(true), None));

    // Without its document, the client no longer exists.
    let server = server.restart_with(|_| ()).await;
    website.respond(NAME, ResponseTemplate::new(404)).await;
    assert_eq!(server.introspect(ORDERS, token).await, json!({ "active": false }));
    let server = server.restart_with(|_| ()).await;
    website.respond(NAME, ResponseTemplate::new(500)).await;
    let fields = [("token", token), ("client_id", ORDERS.0), ("client_secret", ORDERS.1)];
    let response = server.post_form("/oauth/introspect", &fields).await;
    response.assert_error(503, "temporarily_unavailable", "status 500");
}

#[tokio::test]
async fn userinfo_returns_claims_to_a_client_whose_document_is_not_cached() {
    let (server, website, client_id) = start(|settings| {
        settings.claims = serde_json::from_value(json!([
            { "name": "unit", "from": "user.unit", "in": ["userinfo"], "scope": "profile" },
        ]))
        .unwrap();
    })
    .await;
    set_alice(&server, r#"unit="rabbits""#).await;
    let claims = r#"{"userinfo":{"nickname":null}}"#;
    let request = AuthorizationRequest::new(&client_id, CALLBACK, "openid profile");
    let request = request.with("claims", claims);
    let tokens = tokens(&server, &request, &client_id).await;
    let token = text(&tokens, "access_token");
    let before = server.userinfo(token).await.json();
    assert_eq!(before["unit"], "rabbits");
    let server = server.restart_with(|_| ()).await;
    assert_eq!(server.userinfo(token).await.json(), before);

    let server = server.restart_with(|_| ()).await;
    website.respond(NAME, ResponseTemplate::new(500)).await;
    let response = server.userinfo(token).await;
    response.assert_error(503, "temporarily_unavailable", "status 500");
    let server = server.restart_with(|_| ()).await;
    website.respond(NAME, ResponseTemplate::new(404)).await;
    let response = server.userinfo(token).await;
    response.assert_error(401, "invalid_token", "its client no longer exists");
}

#[tokio::test]
async fn device_page_shows_who_publishes_a_client_whose_document_is_not_cached() {
    let (server, website, _) = start(|_| ()).await;
    let grants = json!({ "grant_types": ["urn:ietf:params:oauth:grant-type:device_code"] });
    let client_id = website.publish(NAME, grants).await;
    let fields = [("client_id", &*client_id), ("scope", "openid profile")];
    let device = server.post_form("/oauth/device_authorization", &fields).await.json();
    let server = server.restart_with(|_| ()).await;
    let page = at_the_page(&Browser::new(&server), &device).await;
    page.assert_contains("Command line");
    page.assert_contains("id=\"self-registered\"");
    page.assert_contains("id=\"metadata-host\"");

    let server = server.restart_with(|_| ()).await;
    website.respond(NAME, ResponseTemplate::new(500)).await;
    let page = at_the_page(&Browser::new(&server), &device).await;
    assert_eq!((page.status(), page.response.header("retry-after")), (503, "10"));
}

#[tokio::test]
async fn sign_out_returns_to_a_client_whose_document_is_not_cached() {
    let (server, _, client_id) = start(|_| ()).await;
    let browser = signed_in(&server).await;
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", &client_id)
        .append_pair("post_logout_redirect_uri", "http://127.0.0.1/bye")
        .finish();
    let page = browser.open(&format!("/logout?{query}")).await;
    page.assert_contains("Command line");
    let back = browser.submit(&page, &[("decision", "logout")]).await;
    assert_eq!(back.redirected_to.as_ref().unwrap().as_str(), "http://127.0.0.1/bye");
}

#[tokio::test]
async fn account_page_names_clients_whose_documents_are_not_cached() {
    let (server, website, client_id) = start(|_| ()).await;
    tokens(&server, &auth_request(&client_id), &client_id).await;
    let server = server.restart_with(|_| ()).await;
    let page = signed_in(&server).await.open("/account").await;
    let named = page.text().matches("Command line").count();
    assert!(named >= 2, "in the session and in the consent: {page:?}");

    // A client with access is shown, whatever its document says.
    let server = server.restart_with(|_| ()).await;
    website.respond(NAME, ResponseTemplate::new(404)).await;
    let page = signed_in(&server).await.open("/account").await;
    assert!(page.text().matches(&*client_id).count() >= 2, "{page:?}");
}

#[tokio::test]
async fn token_of_a_user_of_a_client_with_a_metadata_document_can_be_exchanged() {
    let (server, _, client_id) = start(|_| ()).await;
    let rule = "client_id = \"orders\"\ntoken_exchange = [{ resource = \"https://stock.example\", scopes = \"stock:read\", beyond_grant = true }]";
    server.change_clients_file(|text| text.replace("client_id = \"orders\"", rule)).await;
    let tokens = tokens(&server, &auth_request(&client_id), &client_id).await;
    let server = server.restart_with(|_| ()).await;
    let fields = [
        ("subject_token", text(&tokens, "access_token")),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("resource", STOCK_API),
    ];
    let exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
    let exchanged = server.token_request(exchange, ORDERS, &fields).await;
    assert_eq!(exchanged.status, 200, "{exchanged:?}");
    assert!(server.is_active(STOCK, text(&exchanged.json(), "access_token")).await);
}
