//! Clients that identify themselves by the URL of their metadata
//! (draft-ietf-oauth-client-id-metadata-document).

use std::{net::TcpListener, time::Duration};

use auth_server::AuthServerSettings;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

use crate::{
    browser::{AuthorizationRequest, Browser, VERIFIER},
    client::{send, wait_until},
    process::succeed,
    registration::{start_with_registration, text},
    test_server::{ALICE, ORDERS, ORDERS_API, TestServer},
};

pub const CALLBACK: &str = "http://127.0.0.1:4242/cb";

pub fn accept_documents(settings: &mut AuthServerSettings) {
    settings.client_id_metadata_documents.enabled = true;
    settings.registration.scopes = "openid profile offline_access orders:read".parse().unwrap();
    settings.registration.resources = vec![ORDERS_API.to_owned()];
    settings.rate_limits.registration.burst = 1_000;
    // The documents of these tests are on this machine.
    settings.registration.allow_private_urls = true;
}

/// The website of a client, with its metadata document.
pub struct Website(MockServer);

impl Website {
    pub async fn start() -> Self {
        Self(MockServer::start().await)
    }

    fn client_id(&self, name: &str) -> String {
        format!("{}/{name}", self.0.uri())
    }

    pub async fn respond(&self, name: &str, response: ResponseTemplate) -> String {
        self.0.reset().await;
        Mock::given(path(format!("/{name}"))).respond_with(response).mount(&self.0).await;
        self.client_id(name)
    }

    /// Publishes a document with these members. Returns the client id.
    pub async fn publish(&self, name: &str, more: Value) -> String {
        let document = document(&self.client_id(name), more);
        self.respond(name, ResponseTemplate::new(200).set_body_json(document)).await
    }

    async fn requests(&self) -> usize {
        self.0.received_requests().await.unwrap().len()
    }
}

fn document(client_id: &str, more: Value) -> Value {
    let mut document = json!({
        "client_id": client_id, "client_name": "Command line",
        "redirect_uris": ["http://127.0.0.1/cb"],
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    });
    let Value::Object(more) = more else { panic!("members are an object") };
    document.as_object_mut().unwrap().extend(more);
    document
}

pub fn auth_request(client_id: &str) -> AuthorizationRequest {
    AuthorizationRequest::new(client_id, CALLBACK, "openid orders:read")
        .with("resource", ORDERS_API)
}

#[tokio::test]
async fn client_with_a_metadata_document_logs_users_in_without_registration() {
    let (server, website) =
        (TestServer::start_with(accept_documents).await, Website::start().await);
    let metadata = server.get_json("/.well-known/oauth-authorization-server").await;
    assert_eq!(metadata["client_id_metadata_document_supported"], true);
    let client_id = website.publish("client.json", json!({})).await;
    let browser = Browser::new(&server);
    let page = browser.authorize(&auth_request(&client_id)).await;
    let page = browser.sign_in(&page, ALICE).await;
    assert_eq!(page.path, "/consent");
    page.assert_contains("id=\"metadata-host\"");
    page.assert_contains("This app is published by 127.0.0.1.");
    page.assert_contains("id=\"self-registered\"");
    let code = browser.allow(&page).await.redirect_parameter("code");
    let client = (&*client_id, "");
    let tokens = server.redeem_code(client, &auth_request(&client_id), &code).await.json();
    assert!(server.is_active(ORDERS, text(&tokens, "access_token")).await);
    let refreshed = server.refresh(client, text(&tokens, "refresh_token"), &[]).await;
    assert_eq!(refreshed.status, 200, "{refreshed:?}");
    assert_eq!(website.requests().await, 1, "the document is cached");
    // Any app can listen on a loopback port.
    assert_eq!(browser.authorize(&auth_request(&client_id)).await.path, "/consent");
}

#[tokio::test]
async fn pushed_request_of_a_client_with_a_metadata_document_is_accepted() {
    let (server, website) =
        (TestServer::start_with(accept_documents).await, Website::start().await);
    let client_id = website.publish("client.json", json!({})).await;
    let request = auth_request(&client_id);
    let pushed = server.post_form("/oauth/par", &request.pairs()).await;
    assert_eq!(pushed.status, 201, "{pushed:?}");
    let uri = pushed.json()["request_uri"].as_str().unwrap().to_owned();
    let request = AuthorizationRequest::new(&client_id, CALLBACK, "openid");
    let browser = Browser::new(&server);
    let code = browser.authorization_code(&request.with("request_uri", &uri), ALICE).await;
    let fields = [("code", &*code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
    let tokens = server.redeem_code_with((&client_id, ""), &fields).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
}

#[tokio::test]
async fn metadata_documents_are_not_fetched_unless_enabled() {
    let (server, website) = (start_with_registration().await, Website::start().await);
    let metadata = server.get_json("/.well-known/oauth-authorization-server").await;
    assert!(metadata.get("client_id_metadata_document_supported").is_none());
    let client_id = website.publish("client.json", json!({})).await;
    let browser = Browser::new(&server);
    browser.authorize(&auth_request(&client_id)).await.assert_error_page("client_id is unknown");
    let token = server.redeem_code((&client_id, ""), &auth_request(&client_id), "c").await;
    assert_eq!(token.status, 401);
    assert_eq!(website.requests().await, 0);
}

#[tokio::test]
async fn unusable_metadata_documents_are_error_pages() {
    let (server, website) =
        (TestServer::start_with(accept_documents).await, Website::start().await);
    let json = |status: u16, name: &str| {
        let document = document(&website.client_id(name), json!({}));
        ResponseTemplate::new(status).set_body_json(document)
    };
    let long = json!({ "client_name": "x".repeat(70_000) });
    let long = document(&website.client_id("long"), long);
    for (name, response, expected) in [
        ("created", json(201, "created"), "status 201"),
        ("missing", json(404, "missing"), "status 404"),
        ("moved", json(302, "moved").insert_header("location", "/client.json"), "status 302"),
        ("long", ResponseTemplate::new(200).set_body_json(long), "longer than"),
        ("text", ResponseTemplate::new(200).set_body_string("no JSON"), "not JSON"),
        ("other", json(200, "another"), "client_id is not the URL"),
    ] {
        let client_id = website.respond(name, response).await;
        let browser = Browser::new(&server);
        browser.authorize(&auth_request(&client_id)).await.assert_error_page(expected);
    }
    let secret = website.publish("secret", json!({ "client_secret": "s" })).await;
    let browser = Browser::new(&server);
    browser.authorize(&auth_request(&secret)).await.assert_error_page("client_secret");
    let token = server.redeem_code((&secret, ""), &auth_request(&secret), "c").await;
    token.assert_error(401, "invalid_client", "client_secret");
    let gone = website.respond("gone", ResponseTemplate::new(500)).await;
    let token = server.redeem_code((&gone, ""), &auth_request(&gone), "c").await;
    token.assert_error(503, "temporarily_unavailable", "status 500");
    assert_eq!(token.header("retry-after"), "10");
    // The client may be all right: its user can try again.
    let page = Browser::new(&server).authorize(&auth_request(&gone)).await;
    page.assert_contains("The app is not available right now");
    page.assert_contains("status 500");
    assert_eq!((page.status(), page.response.header("retry-after")), (503, "10"));
    let missing = website.respond("missing", ResponseTemplate::new(404)).await;
    let token = server.redeem_code((&missing, ""), &auth_request(&missing), "c").await;
    token.assert_error(401, "invalid_client", "status 404");
}

/// A client of the database that has such an id, until it is removed.
#[tokio::test]
async fn token_of_a_removed_client_whose_id_is_a_url_is_invalid() {
    let server = TestServer::start_at(clock::Clock::system(), accept_documents).await;
    let client_id = "https://app.example/c";
    let add = ["client", "add", client_id, "--scope", "orders:read", "--resource", ORDERS_API];
    let secret = succeed(&add, &server.cli_arguments()).await;
    wait_until("the client can authenticate", async || {
        server.can_authenticate((client_id, &secret)).await
    })
    .await;
    let token = server.access_token((client_id, &secret), &[]).await;
    assert!(server.is_active(ORDERS, &token).await);
    succeed(&["client", "remove", client_id], &server.cli_arguments()).await;
    wait_until("the client is removed", async || {
        !server.can_authenticate((client_id, &secret)).await
    })
    .await;
    assert!(!server.is_active(ORDERS, &token).await);
}

#[tokio::test]
async fn only_redirect_uris_of_the_document_are_used() {
    let (server, website) =
        (TestServer::start_with(accept_documents).await, Website::start().await);
    let client_id = website.publish("client.json", json!({})).await;
    let browser = Browser::new(&server);
    for foreign in [website.client_id("elsewhere"), "http://127.0.0.1:4242/other".to_owned()] {
        let request = AuthorizationRequest::new(&client_id, &foreign, "openid");
        browser.authorize(&request).await.assert_error_page("redirect_uri is not registered");
    }
}

#[tokio::test]
async fn document_is_fetched_again_when_its_headers_say_so_within_bounds() {
    let (server, website) =
        (TestServer::start_with(accept_documents).await, Website::start().await);
    let fetches = async |cache_control: &str, name: &str, seconds: u64| {
        let client_id = website.client_id(name);
        let response = ResponseTemplate::new(200)
            .insert_header("cache-control", cache_control)
            .set_body_json(document(&client_id, json!({})));
        website.respond(name, response).await;
        let browser = Browser::new(&server);
        assert_eq!(browser.authorize(&auth_request(&client_id)).await.path, "/login");
        server.clock.advance(Duration::from_secs(seconds));
        assert_eq!(browser.authorize(&auth_request(&client_id)).await.path, "/login");
        website.requests().await
    };
    for (cache_control, seconds, expected) in [
        ("no-store", 59, 1),
        ("no-store", 60, 2),
        ("public, max-age=120", 119, 1),
        ("public, max-age=120", 120, 2),
        ("max-age=31536000", 3_599, 1),
        ("max-age=31536000", 3_600, 2),
        ("public", 299, 1),
        ("public", 300, 2),
    ] {
        let name = format!("{seconds}.json");
        assert_eq!(fetches(cache_control, &name, seconds).await, expected, "{cache_control}");
    }
}

#[tokio::test]
async fn failed_document_is_not_fetched_again_at_once() {
    let (server, website) =
        (TestServer::start_with(accept_documents).await, Website::start().await);
    let other = document("https://other.example/c", json!({}));
    let response = ResponseTemplate::new(200).set_body_json(other);
    let client_id = website.respond("client.json", response).await;
    let browser = Browser::new(&server);
    for (seconds, fetches) in [(0, 1), (9, 1), (1, 2)] {
        server.clock.advance(Duration::from_secs(seconds));
        browser.authorize(&auth_request(&client_id)).await.assert_error_page("client_id");
        assert_eq!(website.requests().await, fetches, "{seconds}");
    }
}

#[tokio::test]
async fn documents_at_private_addresses_are_not_fetched() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = TestServer::start_with(|settings| {
        accept_documents(settings);
        settings.registration.allow_private_urls = false;
    })
    .await;
    let browser = Browser::new(&server);
    for (client_id, status) in [
        (format!("https://127.0.0.1:{port}/c"), 400),
        // The response does not tell whether the host is internal or does not respond.
        (format!("https://localhost:{port}/c"), 503),
        (format!("https://[::1]:{port}/c"), 400),
        (format!("http://localhost:{port}/c"), 400),
        (format!("https://localhost:{port}/"), 400),
        (format!("https://localhost:{port}/a/../c"), 400),
    ] {
        let page = browser.authorize(&auth_request(&client_id)).await;
        assert_eq!(page.status(), status, "{client_id}");
        page.assert_contains("metadata document");
        assert!(listener.accept().is_err(), "{client_id}");
    }
}

#[tokio::test]
async fn fetched_documents_are_limited_per_address() {
    let (server, website) = (
        TestServer::start_with(|settings| {
            accept_documents(settings);
            settings.rate_limits.registration.burst = 2;
        })
        .await,
        Website::start().await,
    );
    for name in ["a", "b"] {
        let client_id = website.publish(name, json!({})).await;
        let browser = Browser::new(&server);
        assert_eq!(browser.authorize(&auth_request(&client_id)).await.path, "/login");
    }
    let client_id = website.publish("c", json!({})).await;
    let browser = Browser::new(&server);
    let page = browser.authorize(&auth_request(&client_id)).await;
    page.assert_contains("try again in");
    assert_eq!(page.status(), 429);
    assert!(page.response.header("retry-after").parse::<u64>().unwrap() > 0, "{page:?}");
    let token = server.redeem_code((&client_id, ""), &auth_request(&client_id), "c").await;
    token.assert_error(429, "temporarily_unavailable", "too often");
    assert_eq!(website.requests().await, 0);
}

#[tokio::test]
async fn client_of_the_operator_comes_before_a_metadata_document() {
    let website = Website::start().await;
    let client_id = website.publish("client.json", json!({})).await;
    let server = TestServer::start_with(|settings| {
        accept_documents(settings);
        let file = settings.clients_file.clone().unwrap();
        let clients = std::fs::read_to_string(&file).unwrap();
        let own =
            format!("\n[[clients]]\nclient_id = \"{client_id}\"\nclient_secret = \"its own\"\n");
        std::fs::write(file, clients + &own).unwrap();
    })
    .await;
    let browser = Browser::new(&server);
    browser.authorize(&auth_request(&client_id)).await.assert_error_page("has no user login");
    assert!(server.can_authenticate((&client_id, "its own")).await);
    assert_eq!(website.requests().await, 0);
}

#[tokio::test]
async fn pages_of_a_client_read_responses_for_an_hour_after_its_document_was_used() {
    let (server, website) =
        (TestServer::start_with(accept_documents).await, Website::start().await);
    let origin = "https://spa.example";
    let redirect_uri = json!({ "redirect_uris": ["https://spa.example/cb"] });
    let client_id = website.publish("spa.json", redirect_uri).await;
    let allowed = async |request: RequestBuilder, origin: &str| {
        let response = send(request.header("origin", origin)).await;
        response.headers.get("access-control-allow-origin").cloned()
    };
    let preflight =
        || server.request("OPTIONS", "/userinfo").header("access-control-request-method", "GET");
    let token = |client_id: &str| server.post("/oauth/token").form(&[("client_id", client_id)]);
    assert_eq!(allowed(preflight(), origin).await, None, "the client is unknown");
    // This request needs no preflight, and C fetches the document for it.
    assert_eq!(allowed(token(&client_id), origin).await.unwrap(), origin);
    assert_eq!(allowed(preflight(), origin).await.unwrap(), origin);
    assert_eq!(allowed(preflight(), "https://other.example").await, None);
    server.clock.advance(Duration::from_secs(3_599));
    assert_eq!(allowed(preflight(), origin).await.unwrap(), origin);
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(allowed(preflight(), origin).await, None);
    assert_eq!(allowed(token(&client_id), origin).await.unwrap(), origin);

    let unusable = json!({ "redirect_uris": ["https://evil.example/cb"], "client_secret": "s" });
    let client_id = website.publish("evil.json", unusable).await;
    assert_eq!(allowed(token(&client_id), "https://evil.example").await, None);
}
