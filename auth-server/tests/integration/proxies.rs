//! The client's address behind a reverse proxy.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
};

use reqwest::header::{HeaderMap, HeaderName};
use service_kit::ForwardingHeader;
use test_support::http::{TestClient, TestResponse, client_builder};

use crate::{
    browser::{AuthorizationRequest, Browser},
    client::{HttpClient, send, wait_until},
    process::{ServerProcess, server_settings, set, succeed},
    test_server::{ALICE, SHOP, TestServer},
};

const ATTACKER: &str = "198.51.100.66";
const USER: &str = "203.0.113.7";

/// A server behind a proxy at 127.0.0.1.
async fn behind_proxy() -> TestServer {
    TestServer::start_with(|settings| {
        settings.proxies.trusted = "127.0.0.1".parse().unwrap();
        settings.proxies.header = Some(ForwardingHeader::XForwardedFor);
        settings.rate_limits.sign_in_address.burst = 10;
    })
    .await
}

/// Requests that the proxy forwards with this header.
fn forwarded(server: &TestServer, header: &'static str, value: &str) -> HttpClient {
    let headers = HeaderMap::from_iter([(HeaderName::from_static(header), value.parse().unwrap())]);
    let http = client_builder().default_headers(headers).build().unwrap();
    HttpClient(TestClient { base: server.base.clone(), http })
}

fn from(server: &TestServer, address: &str) -> HttpClient {
    forwarded(server, "x-forwarded-for", address)
}

async fn audited_addresses(server: &TestServer) -> Vec<String> {
    let arguments = server.cli_arguments();
    let lines = succeed(&["audit", "--json", "--limit", "1000"], &arguments).await;
    let address = |line: &str| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        record["address"].as_str().map(str::to_owned)
    };
    lines.lines().filter_map(address).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_from_one_client_do_not_lock_out_another_behind_the_same_proxy() {
    let server = behind_proxy().await;
    let attacker = from(&server, ATTACKER);
    let browser = Browser::with_client(&attacker);
    let mut page = browser.authorize(&AuthorizationRequest::site()).await;
    let mut rejected = 0;
    for number in 0..400 {
        page = browser.sign_in(&page, (&format!("made-up-{number}"), "123456")).await;
        rejected += usize::from(page.status() == 429);
    }
    assert_eq!(rejected, 390, "the attacker has used up its own limit");

    let user = from(&server, USER);
    let browser = Browser::with_client(&user);
    let page = browser.authorize(&AuthorizationRequest::site()).await;
    assert_eq!(browser.sign_in(&page, ALICE).await.path, "/consent");
    let addresses = audited_addresses(&server).await;
    assert!(addresses.iter().all(|address| address == ATTACKER || address == USER));
    assert!(addresses.contains(&ATTACKER.to_owned()) && addresses.contains(&USER.to_owned()));
    // The page of the user's sessions shows the same address.
    browser.open("/account").await.assert_contains(USER);
}

#[tokio::test]
async fn user_code_guesses_of_one_client_do_not_stop_another_behind_the_same_proxy() {
    let server = behind_proxy().await;
    let guess = async |address: &str| {
        let client = from(&server, address);
        let browser = Browser::with_client(&client);
        browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
        let page = browser.open("/device").await;
        browser.submit(&page, &[("user_code", "BCDF-GHJK")]).await.status()
    };
    for expected in [400, 400, 400, 400, 400, 429] {
        assert_eq!(guess(ATTACKER).await, expected);
    }
    assert_eq!(guess(USER).await, 400);
}

#[tokio::test]
async fn log_has_the_address_of_the_client() {
    let folder = tempfile::tempdir().unwrap();
    let proxies = [("proxies.trusted", "127.0.0.1"), ("proxies.header", "x-forwarded-for")];
    let settings = server_settings(folder.path(), Path::new("/dev/null"));
    let server = ServerProcess::start(&[settings, set(&proxies)].concat());
    let unknown = server.request("GET", "/unknown").header("x-forwarded-for", USER);
    assert_eq!(send(unknown).await.status, 404);
    let logged = format!("\"client\":\"{USER}\"");
    wait_until("the request is logged", async || server.has_logged(&logged)).await;
}

#[tokio::test]
async fn header_of_an_untrusted_peer_is_ignored() {
    let server = TestServer::start_with(|settings| {
        settings.proxies.trusted = "127.0.0.2".parse().unwrap();
        settings.proxies.header = Some(ForwardingHeader::XForwardedFor);
    })
    .await;
    from(&server, USER).access_token(SHOP, &[]).await;
    assert_eq!(audited_addresses(&server).await, ["127.0.0.1"]);
}

#[tokio::test]
async fn addresses_that_the_client_writes_itself_are_ignored() {
    let server = behind_proxy().await;
    // What the proxy sends if the client has sent a header of its own.
    from(&server, &format!("8.8.8.8, {USER}")).access_token(SHOP, &[]).await;
    // A header other than the configured one.
    forwarded(&server, "forwarded", "for=8.8.8.8").access_token(SHOP, &[]).await;
    assert_eq!(audited_addresses(&server).await, ["127.0.0.1", USER]);
}

#[tokio::test]
async fn forwarding_headers_change_neither_issuer_nor_scheme() {
    let server = behind_proxy().await;
    let plain = server.get("/.well-known/openid-configuration").await;
    for (name, value) in [
        ("x-forwarded-for", USER),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "evil.example"),
        ("forwarded", "for=203.0.113.7;proto=https;host=evil.example"),
    ] {
        let client = forwarded(&server, name, value);
        let metadata = client.get("/.well-known/openid-configuration").await;
        assert_eq!(metadata.text, plain.text, "{name}");
    }
}

/// Sends bytes from a local address and returns what the server sends before it closes.
fn exchange(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(bytes).unwrap();
    let mut received = String::new();
    // A reset means that the server closed with bytes unread.
    let _ = stream.read_to_string(&mut received);
    received
}

/// A PROXY protocol header of version 2: TCP over IPv4 from 203.0.113.7.
fn proxy_header() -> Vec<u8> {
    let addresses = [203, 0, 113, 7, 10, 0, 0, 1, 0xc3, 0x50, 1, 0xbb];
    [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..], &addresses].concat()
}

fn token_request() -> Vec<u8> {
    let body =
        format!("grant_type=client_credentials&client_id={}&client_secret={}", SHOP.0, SHOP.1);
    format!(
        "POST /oauth/token HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn proxy_protocol_gives_the_address_of_the_client() {
    let server = TestServer::start_with(|settings| {
        settings.proxies.proxy_protocol = "127.0.0.1".parse().unwrap();
        settings.limits.header_timeout_seconds = 1;
    })
    .await;
    let address = server.base.trim_start_matches("http://").to_owned();
    let request = [proxy_header(), token_request()].concat();
    assert_eq!(TestResponse::parse(&exchange(&address, &request)).status, 200);
    assert_eq!(audited_addresses(&server).await, [USER]);
    // Closed without a response: no header, version 1, and nothing at all until the timeout.
    let version_1 = [b"PROXY TCP4 203.0.113.7 10.0.0.1 1 2\r\n".to_vec(), token_request()].concat();
    for bytes in [token_request(), version_1, proxy_header()[..15].to_vec(), Vec::new()] {
        assert_eq!(exchange(&address, &bytes), "");
    }
    assert_eq!(audited_addresses(&server).await, [USER]);
}

#[tokio::test(flavor = "multi_thread")]
async fn proxy_protocol_is_refused_from_other_peers() {
    let server = TestServer::start_with(|settings| {
        settings.proxies.proxy_protocol = "127.0.0.2".parse().unwrap();
    })
    .await;
    let address = server.base.trim_start_matches("http://").to_owned();
    let response = exchange(&address, &[proxy_header(), token_request()].concat());
    assert!(response.is_empty() || TestResponse::parse(&response).status == 400, "{response}");
    assert_eq!(audited_addresses(&server).await, [""; 0]);
    assert_eq!(TestResponse::parse(&exchange(&address, &token_request())).status, 200);
}
