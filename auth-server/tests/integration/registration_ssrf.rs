//! Server-side request forgery: URLs of registered clients do not reach the server's own network.

use std::{
    cell::Cell,
    net::TcpListener,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, path},
};

use crate::{
    browser::{AuthorizationRequest, Browser},
    client::wait_until,
    registration::{
        enable_registration, register, register_client, start_with_registration, text,
        website_metadata,
    },
    test_server::{ALICE, TestServer},
};

/// A listener on loopback that must not be called.
struct LoopbackListener(TcpListener);

impl LoopbackListener {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    fn was_called(&self) -> bool {
        self.0.accept().is_ok()
    }
}

/// Loopback in every notation, private and link-local networks, and cloud metadata addresses.
fn addresses(port: u16) -> Vec<String> {
    let hosts = [
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "0.0.0.0",
        "127.0.0.1.",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "224.0.0.1",
    ];
    hosts.map(|host| format!("https://{host}:{port}/x")).to_vec()
}

fn pairwise(uri: &str) -> Value {
    website_metadata(json!({ "subject_type": "pairwise", "sector_identifier_uri": uri }))
}

#[tokio::test]
async fn urls_with_ip_addresses_are_rejected() {
    let (server, loopback_listener) = (start_with_registration().await, LoopbackListener::new());
    for uri in addresses(loopback_listener.port()) {
        for name in ["jwks_uri", "sector_identifier_uri", "backchannel_logout_uri"] {
            register(&server, website_metadata(json!({ name: uri }))).await.assert_error(
                400,
                "invalid_client_metadata",
                name,
            );
        }
    }
    for other in
        ["http://shop.example/x", "ftp://shop.example/x", "file:///etc/passwd", "shop.example"]
    {
        register(&server, website_metadata(json!({ "jwks_uri": other }))).await.assert_error(
            400,
            "invalid_client_metadata",
            "jwks_uri",
        );
    }
    assert!(!loopback_listener.was_called());
}

#[tokio::test]
async fn hostnames_that_resolve_to_loopback_are_not_fetched() {
    let (server, loopback_listener) = (start_with_registration().await, LoopbackListener::new());
    for name in ["localhost", "LOCALHOST", "localhost."] {
        let uri = format!("https://{name}:{}/x", loopback_listener.port());
        register(&server, pairwise(&uri)).await.assert_error(
            400,
            "invalid_client_metadata",
            "cannot be used",
        );
        assert!(!loopback_listener.was_called(), "{name}");
    }
}

#[tokio::test]
async fn hostnames_are_resolved_and_checked_at_each_request() {
    let (loopback_listener, site) = (LoopbackListener::new(), MockServer::start().await);
    Mock::given(path("/logout-token")).respond_with(ResponseTemplate::new(200)).mount(&site).await;
    let server = TestServer::start_with(|settings| {
        enable_registration(settings);
        let file = settings.clients_file.clone().unwrap();
        let clients = std::fs::read_to_string(&file).unwrap();
        let registration = format!(
            "backchannel_logout_uri = \"{}/logout-token\"\nclient_uri = \"https://site.example\"",
            site.uri()
        );
        std::fs::write(
            file,
            clients.replace("client_uri = \"https://site.example\"", &registration),
        )
        .unwrap();
    })
    .await;
    let uri = format!("https://localhost:{}/x", loopback_listener.port());
    let registration = register_client(
        &server,
        website_metadata(json!({ "jwks_uri": uri, "backchannel_logout_uri": uri })),
    )
    .await;
    let auth_request = AuthorizationRequest::new(
        text(&registration, "client_id"),
        "https://shop.example/cb",
        "openid",
    );
    let browser = Browser::new(&server);
    let object = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsifQ.e30.eA";
    browser
        .authorize(&auth_request.clone().with("request", object))
        .await
        .assert_error_with_link("invalid_request_object", "https://shop.example/cb");
    assert!(!loopback_listener.was_called());
    browser.authorization_code(&auth_request, ALICE).await;
    browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    let page = browser.open("/logout").await;
    browser.submit(&page, &[("decision", "logout")]).await;
    // Clients from the clients file are trusted: their URLs can be private, and delivery comes
    // after the other's.
    wait_until("the site is notified", async || {
        !site.received_requests().await.unwrap().is_empty()
    })
    .await;
    assert!(!loopback_listener.was_called());
}

#[tokio::test]
async fn private_urls_are_not_fetched_once_the_setting_is_off() {
    let loopback_listener = LoopbackListener::new();
    let server = TestServer::start_with(|settings| {
        enable_registration(settings);
        settings.registration.allow_private_urls = true;
    })
    .await;
    let mut clients = Vec::new();
    for uri in [
        format!("https://127.0.0.1:{}/x", loopback_listener.port()),
        format!("http://localhost:{}/x", loopback_listener.port()),
    ] {
        clients.push(register_client(&server, website_metadata(json!({ "jwks_uri": uri }))).await);
    }
    let server =
        server.restart_with(|settings| settings.registration.allow_private_urls = false).await;
    for registration in clients {
        let auth_request = AuthorizationRequest::new(
            text(&registration, "client_id"),
            "https://shop.example/cb",
            "openid",
        );
        let object = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsifQ.e30.eA";
        Browser::new(&server)
            .authorize(&auth_request.with("request", object))
            .await
            .assert_error_with_link("invalid_request_object", "https://shop.example/cb");
        assert!(!loopback_listener.was_called());
    }
}

async fn allowing_private_urls() -> TestServer {
    TestServer::start_with(|settings| {
        enable_registration(settings);
        settings.registration.allow_private_urls = true;
    })
    .await
}

/// Sends a signed authorization request of a client that publishes its keys at `uri`.
async fn authorize_with_keys_at(server: &TestServer, uri: &str) {
    let registration = register_client(server, website_metadata(json!({ "jwks_uri": uri }))).await;
    let client_id = text(&registration, "client_id");
    let auth_request = AuthorizationRequest::new(client_id, "https://shop.example/cb", "openid");
    let object = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsifQ.e30.eA";
    let page = Browser::new(server).authorize(&auth_request.with("request", object)).await;
    page.assert_error_with_link("invalid_request_object", "https://shop.example/cb");
}

/// Signs in at a client with this `backchannel_logout_uri`, and out again.
async fn log_out_with_notification_to(server: &TestServer, uri: &str) {
    let metadata = website_metadata(json!({ "backchannel_logout_uri": uri }));
    let registration = register_client(server, metadata).await;
    let client_id = text(&registration, "client_id");
    let auth_request = AuthorizationRequest::new(client_id, "https://shop.example/cb", "openid");
    let browser = Browser::new(server);
    browser.authorization_code(&auth_request, ALICE).await;
    let page = browser.open("/logout").await;
    browser.submit(&page, &[("decision", "logout")]).await;
}

async fn calls(site: &MockServer) -> usize {
    site.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn redirects_of_registered_urls_are_not_followed() {
    let server = allowing_private_urls().await;
    let (client_site, elsewhere) = (MockServer::start().await, MockServer::start().await);
    let away =
        ResponseTemplate::new(307).insert_header("location", format!("{}/secret", elsewhere.uri()));
    Mock::given(any()).respond_with(away).mount(&client_site).await;
    let at = |path: &str| format!("{}{path}", client_site.uri());
    let sector = register(&server, pairwise(&at("/sector"))).await;
    sector.assert_error(400, "invalid_client_metadata", "307");
    authorize_with_keys_at(&server, &at("/keys")).await;
    assert_eq!(calls(&client_site).await, 2);
    log_out_with_notification_to(&server, &at("/logout")).await;
    wait_until("the logout is sent", async || calls(&client_site).await == 3).await;
    // Retried after a minute, because the redirect counts as a failure. The failure may be recorded
    // after the clock has moved, which delays the retry by another minute. A step every two seconds
    // leaves C time to retry before the notification expires.
    let last_step = Cell::new(None::<Instant>);
    wait_until("the logout is sent again", async || {
        if last_step.get().is_none_or(|last| last.elapsed() > Duration::from_secs(2)) {
            server.clock.advance(Duration::from_secs(61));
            last_step.set(Some(Instant::now()));
        }
        calls(&client_site).await >= 4
    })
    .await;
    assert_eq!(calls(&elsewhere).await, 0);
}

#[tokio::test]
async fn long_documents_of_clients_are_rejected() {
    let server = allowing_private_urls().await;
    let client_site = MockServer::start().await;
    let long = ResponseTemplate::new(200).set_body_json(vec!["https://shop.example/cb"; 10_000]);
    Mock::given(any()).respond_with(long).mount(&client_site).await;
    let sector = register(&server, pairwise(&format!("{}/sector", client_site.uri()))).await;
    sector.assert_error(400, "invalid_client_metadata", "longer than");
    authorize_with_keys_at(&server, &format!("{}/keys", client_site.uri())).await;
}

#[tokio::test]
async fn private_and_unknown_hosts_get_the_same_answer() {
    let (server, loopback_listener) = (start_with_registration().await, LoopbackListener::new());
    let mut answers = Vec::new();
    for uri in [
        format!("https://localhost:{}/x", loopback_listener.port()),
        "https://localhost:1/x".to_owned(),
        "https://unknown.invalid/x".to_owned(),
    ] {
        let answer = register(&server, pairwise(&uri)).await;
        answer.assert_error(400, "invalid_client_metadata", "cannot be used");
        answers.push(answer.text);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert!(!loopback_listener.was_called());
}

#[tokio::test]
async fn failed_urls_of_clients_are_not_called_again_at_once() {
    let (server, client_site) = (allowing_private_urls().await, MockServer::start().await);
    let uri = format!("{}/sector", client_site.uri());
    for _ in 0..3 {
        let answer = register(&server, pairwise(&uri)).await;
        answer.assert_error(400, "invalid_client_metadata", "404");
    }
    assert_eq!(calls(&client_site).await, 1);
    // Another client with the same URL does not cause a call either.
    authorize_with_keys_at(&server, &uri).await;
    assert_eq!(calls(&client_site).await, 1);
    server.clock.advance(Duration::from_secs(10));
    register(&server, pairwise(&uri)).await;
    assert_eq!(calls(&client_site).await, 2);
}

#[tokio::test]
async fn calls_to_one_address_are_limited_over_all_clients() {
    let server = TestServer::start_with(|settings| {
        enable_registration(settings);
        settings.registration.allow_private_urls = true;
        settings.rate_limits.outbound_address.burst = 2;
    })
    .await;
    let client_site = MockServer::start().await;
    let at = |path: &str| format!("{}{path}", client_site.uri());
    register(&server, pairwise(&at("/sector"))).await;
    authorize_with_keys_at(&server, &at("/keys")).await;
    assert_eq!(calls(&client_site).await, 2);
    let limited = register(&server, pairwise(&at("/other"))).await;
    limited.assert_error(400, "invalid_client_metadata", "too many connections");
    authorize_with_keys_at(&server, &at("/more-keys")).await;
    assert_eq!(calls(&client_site).await, 2);
    log_out_with_notification_to(&server, &at("/logout")).await;
    server.clock.advance(Duration::from_secs(61));
    wait_until("the logout is sent", async || calls(&client_site).await == 3).await;
}

#[tokio::test]
async fn request_uri_of_a_client_is_never_fetched() {
    let (server, client_site) = (allowing_private_urls().await, MockServer::start().await);
    let request = AuthorizationRequest::site().with("request_uri", &client_site.uri());
    let page = Browser::new(&server).authorize(&request).await;
    page.assert_client_error("request_uri_not_supported");
    assert_eq!(calls(&client_site).await, 0);
}
