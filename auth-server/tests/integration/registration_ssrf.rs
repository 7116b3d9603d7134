//! No client makes C call where only C's own machine or its neighbours are (SSRF).

use std::net::TcpListener;

use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

use crate::{
    browser::{Asking, Person},
    client::until,
    registration::{open, open_to_all, register, registered, text, website},
    test_server::{ALICE, C},
};

/// Somebody on this machine who is to be left alone.
struct Neighbour(TcpListener);

impl Neighbour {
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

/// This machine in all spellings, its neighbours, and where clouds keep their secrets.
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
    website(json!({ "subject_type": "pairwise", "sector_identifier_uri": uri }))
}

#[tokio::test]
async fn urls_with_ip_addresses_are_rejected() {
    let (c, neighbour) = (open().await, Neighbour::new());
    for uri in addresses(neighbour.port()) {
        for name in ["jwks_uri", "sector_identifier_uri", "backchannel_logout_uri"] {
            register(&c, website(json!({ name: uri }))).await.refused(
                400,
                "invalid_client_metadata",
                name,
            );
        }
    }
    for other in
        ["http://shop.example/x", "ftp://shop.example/x", "file:///etc/passwd", "shop.example"]
    {
        register(&c, website(json!({ "jwks_uri": other }))).await.refused(
            400,
            "invalid_client_metadata",
            "jwks_uri",
        );
    }
    assert!(!neighbour.was_called());
}

#[tokio::test]
async fn hostnames_that_resolve_to_loopback_are_not_fetched() {
    let (c, neighbour) = (open().await, Neighbour::new());
    for name in ["localhost", "LOCALHOST", "localhost."] {
        let uri = format!("https://{name}:{}/x", neighbour.port());
        register(&c, pairwise(&uri)).await.refused(
            400,
            "invalid_client_metadata",
            "cannot be used",
        );
        assert!(!neighbour.was_called(), "{name}");
    }
}

#[tokio::test]
async fn hostnames_are_resolved_and_checked_at_each_request() {
    let (neighbour, site) = (Neighbour::new(), MockServer::start().await);
    Mock::given(path("/told")).respond_with(ResponseTemplate::new(200)).mount(&site).await;
    let c = C::start_with(|settings| {
        open_to_all(settings);
        let file = settings.clients_file.clone().unwrap();
        let clients = std::fs::read_to_string(&file).unwrap();
        let told = format!(
            "backchannel_logout_uri = \"{}/told\"\nclient_uri = \"https://site.example\"",
            site.uri()
        );
        std::fs::write(file, clients.replace("client_uri = \"https://site.example\"", &told))
            .unwrap();
    })
    .await;
    let uri = format!("https://localhost:{}/x", neighbour.port());
    let told =
        registered(&c, website(json!({ "jwks_uri": uri, "backchannel_logout_uri": uri }))).await;
    let asking = Asking::of(text(&told, "client_id"), "https://shop.example/cb", "openid");
    let person = Person::at(&c);
    let object = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsifQ.e30.eA";
    person
        .asked(&asking.clone().with("request", object))
        .await
        .tells_client("invalid_request_object");
    assert!(!neighbour.was_called());
    person.code(&asking, ALICE).await;
    person.code(&Asking::site(), ALICE).await;
    let page = person.open("/logout").await;
    person.send(&page, &[("decision", "logout")]).await;
    // The operator's word counts: its own client may live anywhere, and is told after the other.
    until("the site is told", async || !site.received_requests().await.unwrap().is_empty()).await;
    assert!(!neighbour.was_called());
}

#[tokio::test]
async fn private_urls_are_not_fetched_once_the_setting_is_off() {
    let neighbour = Neighbour::new();
    let c = C::start_with(|settings| {
        open_to_all(settings);
        settings.registration.allow_private_urls = true;
    })
    .await;
    let mut clients = Vec::new();
    for uri in [
        format!("https://127.0.0.1:{}/x", neighbour.port()),
        format!("http://localhost:{}/x", neighbour.port()),
    ] {
        clients.push(registered(&c, website(json!({ "jwks_uri": uri }))).await);
    }
    let c = c.restart_with(|settings| settings.registration.allow_private_urls = false).await;
    for told in clients {
        let asking = Asking::of(text(&told, "client_id"), "https://shop.example/cb", "openid");
        let object = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsifQ.e30.eA";
        Person::at(&c)
            .asked(&asking.with("request", object))
            .await
            .tells_client("invalid_request_object");
        assert!(!neighbour.was_called());
    }
}

#[tokio::test]
async fn redirects_and_oversized_responses_are_rejected() {
    let c = C::start_with(|settings| {
        open_to_all(settings);
        settings.registration.allow_private_urls = true;
    })
    .await;
    let (server, elsewhere) = (MockServer::start().await, MockServer::start().await);
    let away =
        ResponseTemplate::new(302).insert_header("location", format!("{}/secret", elsewhere.uri()));
    Mock::given(path("/away")).respond_with(away).mount(&server).await;
    let long = ResponseTemplate::new(200).set_body_json(vec!["https://shop.example/cb"; 10_000]);
    Mock::given(path("/long")).respond_with(long).mount(&server).await;
    let at = |path: &str| pairwise(&format!("{}{path}", server.uri()));
    register(&c, at("/away")).await.refused(400, "invalid_client_metadata", "302");
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
    register(&c, at("/long")).await.refused(400, "invalid_client_metadata", "more than is read");
}
