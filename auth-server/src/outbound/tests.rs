use std::{net::TcpListener, time::Duration};

use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, path},
};

use super::*;

/// The two ways in which C calls a URL of a client.
#[derive(Clone, Copy, Debug)]
enum Call {
    /// `jwks_uri`, `sector_identifier_uri`.
    Get,
    /// `backchannel_logout_uri`.
    Post,
}

const CALLS: [Call; 2] = [Call::Get, Call::Post];

impl Call {
    async fn send(
        self,
        outbound: &OutboundClient,
        url: &str,
        trust: UrlTrust,
    ) -> Result<(), OutboundError> {
        match self {
            Self::Get => outbound.json(url, trust).await.map(|_| ()),
            Self::Post => outbound.form(url, trust, &[("logout_token", "x")]).await,
        }
    }
}

fn outbound(allow_any_address: bool, timeout: Duration, burst: u32) -> OutboundClient {
    let mut settings = HttpClientSettings::default();
    settings.timeout = timeout;
    let clock = Clock::manual(1_000);
    OutboundClient::new(
        &settings,
        allow_any_address,
        RateLimiter::new("outbound", burst, 1, None),
        clock,
    )
    .unwrap()
}

/// Allows every address, so that only the rule under test rejects the call.
fn unrestricted() -> OutboundClient {
    outbound(true, Duration::from_secs(5), 1_000)
}

async fn responding(response: ResponseTemplate) -> MockServer {
    let site = MockServer::start().await;
    Mock::given(any()).respond_with(response).mount(&site).await;
    site
}

async fn calls(site: &MockServer) -> usize {
    site.received_requests().await.unwrap().len()
}

fn empty_list() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_string("[]")
}

#[tokio::test]
async fn only_https_urls_with_a_host_name_are_called() {
    let outbound = outbound(false, Duration::from_secs(5), 1_000);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    for call in CALLS {
        for url in [
            format!("http://localhost:{port}/"),
            format!("https://127.0.0.1:{port}/"),
            format!("https://[::1]:{port}/"),
            "no URL".to_owned(),
        ] {
            let error = call.send(&outbound, &url, UrlTrust::Untrusted).await.unwrap_err();
            assert!(matches!(error, OutboundError::InvalidUrl(_)), "{call:?} {url}: {error}");
        }
    }
    assert!(listener.accept().is_err());
}

#[tokio::test]
async fn private_and_unknown_names_get_the_same_error() {
    for call in CALLS {
        let outbound = outbound(false, Duration::from_secs(5), 1_000);
        let mut messages = Vec::new();
        for url in ["https://localhost:1/", "https://unknown.invalid/"] {
            let error = call.send(&outbound, url, UrlTrust::Untrusted).await.unwrap_err();
            messages.push(error.to_string());
        }
        assert_eq!(messages, ["no public address of its host responds"; 2]);
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = responding(empty_list()).await;
    let away = ResponseTemplate::new(307).insert_header("location", elsewhere.uri());
    let site = responding(away).await;
    for (call, trust) in [
        (Call::Get, UrlTrust::Untrusted),
        (Call::Post, UrlTrust::Untrusted),
        (Call::Get, UrlTrust::Trusted),
        (Call::Post, UrlTrust::Trusted),
    ] {
        let error = call.send(&unrestricted(), &site.uri(), trust).await.unwrap_err();
        assert_eq!(error.to_string(), "the server responded with status 307 Temporary Redirect");
    }
    assert_eq!(calls(&elsewhere).await, 0);
}

#[tokio::test]
async fn response_body_is_bounded() {
    let long = format!("[\"{}\"]", "x".repeat(MAX_BODY_BYTES));
    let site = responding(ResponseTemplate::new(200).set_body_string(long)).await;
    let result = unrestricted().json(&site.uri(), UrlTrust::Untrusted).await;
    assert_eq!(result, Err(OutboundError::TooLong));
    // Only the status of a logout counts; a long body is not an error, and is not kept.
    let result = Call::Post.send(&unrestricted(), &site.uri(), UrlTrust::Untrusted).await;
    assert_eq!(result, Ok(()));
}

#[tokio::test]
async fn slow_server_is_not_awaited() {
    let site = responding(empty_list().set_delay(Duration::from_secs(3_600))).await;
    for call in CALLS {
        let outbound = outbound(true, Duration::from_millis(50), 1_000);
        let error = call.send(&outbound, &site.uri(), UrlTrust::Untrusted).await.unwrap_err();
        assert_eq!(error.log_reason(), "no response in time", "{call:?}");
    }
}

#[tokio::test]
async fn failed_url_is_not_called_again_at_once() {
    for call in CALLS {
        let (outbound, site) = (unrestricted(), MockServer::start().await);
        Mock::given(path("/fail")).respond_with(ResponseTemplate::new(500)).mount(&site).await;
        Mock::given(path("/other")).respond_with(empty_list()).mount(&site).await;
        let [fail, other] = ["/fail", "/other"].map(|path| format!("{}{path}", site.uri()));
        let first = call.send(&outbound, &fail, UrlTrust::Untrusted).await.unwrap_err();
        let second = call.send(&outbound, &fail, UrlTrust::Untrusted).await.unwrap_err();
        assert_eq!((first, calls(&site).await), (second, 1), "{call:?}");
        call.send(&outbound, &other, UrlTrust::Untrusted).await.unwrap();
        assert_eq!(calls(&site).await, 2, "other URLs are called");
        outbound.clock.advance(Duration::from_secs(10));
        call.send(&outbound, &fail, UrlTrust::Untrusted).await.unwrap_err();
        assert_eq!(calls(&site).await, 3, "{call:?}");
    }
}

#[tokio::test]
async fn failures_of_trusted_and_untrusted_calls_are_remembered_apart() {
    for (failing, other) in
        [(UrlTrust::Untrusted, UrlTrust::Trusted), (UrlTrust::Trusted, UrlTrust::Untrusted)]
    {
        let (outbound, site) = (unrestricted(), MockServer::start().await);
        let error = ResponseTemplate::new(500);
        Mock::given(any()).respond_with(error).up_to_n_times(1).mount(&site).await;
        Mock::given(any()).respond_with(empty_list()).mount(&site).await;
        outbound.json(&site.uri(), failing).await.unwrap_err();
        outbound.json(&site.uri(), other).await.unwrap();
        outbound.json(&site.uri(), failing).await.unwrap_err();
        assert_eq!(calls(&site).await, 2, "{failing:?}");
    }
}

#[tokio::test]
async fn client_keys_are_fetched_again_after_the_clock_was_set_back() {
    let (outbound, keys) = (unrestricted(), ClientKeys::new());
    let site = responding(ResponseTemplate::new(200).set_body_string("{\"keys\":[]}")).await;
    let fetch = async || {
        keys.at(&outbound, &site.uri(), UrlTrust::Untrusted, Some("new")).await;
    };
    fetch().await;
    outbound.clock.set_back(Duration::from_secs(3_600));
    outbound.clock.advance(Duration::from_secs(9));
    fetch().await;
    assert_eq!(calls(&site).await, 1);
    outbound.clock.advance(Duration::from_secs(1));
    fetch().await;
    assert_eq!(calls(&site).await, 2);
}

#[tokio::test]
async fn connections_to_one_address_are_limited_over_all_urls() {
    for call in CALLS {
        let (outbound, site) =
            (outbound(true, Duration::from_secs(5), 2), responding(empty_list()).await);
        let by_name = site.uri().replace("127.0.0.1", "localhost");
        let limited = loop {
            // `localhost` may have an IPv6 address too, which has a limit of its own.
            match call.send(&outbound, &by_name, UrlTrust::Untrusted).await {
                Err(error @ OutboundError::RateLimited(_)) => break error,
                other => assert!(calls(&site).await <= 3, "{call:?}: {other:?}"),
            }
        };
        assert_eq!(limited, OutboundError::RateLimited(1), "{call:?}");
        let called = calls(&site).await;
        let by_address = format!("{}/other", site.uri());
        let result = call.send(&outbound, &by_address, UrlTrust::Untrusted).await;
        assert_eq!(result, Err(OutboundError::RateLimited(1)), "{call:?}");
        assert_eq!(calls(&site).await, called);
        // The operator's clients are not limited.
        call.send(&outbound, &by_address, UrlTrust::Trusted).await.unwrap();
        outbound.clock.advance(Duration::from_secs(1));
        call.send(&outbound, &by_address, UrlTrust::Untrusted).await.unwrap();
    }
}
