//! Logs and responses of a resource server contain no secrets, at every log level of every library.
//! A test binary of its own, because the logger is global to the process.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test reports a failure by panicking")]

#[path = "integration/setup.rs"]
#[expect(dead_code, reason = "the integration tests use the rest")]
mod setup;
#[path = "integration/signer.rs"]
#[expect(dead_code, reason = "the integration tests use the rest")]
mod signer;

use axum::{Router, routing::get};
use oauth_types::{AccessToken, ClientSecret, basic};
use serde_json::json;
use test_support::{
    log::LogCapture,
    mock::{json, status},
    signer::Signer,
};
use token_verifier::{Authorized, ErrorDetail, LocalSettings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use wiremock::ResponseTemplate;

use crate::{
    setup::{AuthServer, RESOURCE, ResourceRead, SECRET, inactive, introspection_settings, serve},
    signer::SignAccessToken,
};

const HS256_SECRET: &str = "a shared secret of thirty-two bytes and more";

/// Sends a request without a client library, which could log the token. Returns the whole response.
async fn call(address: &str, target: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nhost: b\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

#[tokio::test]
async fn logs_and_responses_contain_no_token_and_no_secret() {
    let log = LogCapture::install();
    let (signer, attacker) = (Signer::es256("1"), Signer::es256("1"));
    let c = AuthServer::with_keys([&signer]).await;
    let local = LocalSettings::default().hs256_secret(ClientSecret::new(HS256_SECRET));
    let verifier = c
        .builder()
        .local(local)
        .introspection(introspection_settings())
        .detail(ErrorDetail::Full)
        .build()
        .unwrap();
    let app = Router::new()
        .route("/", get(async |_: Authorized<ResourceRead>| "open"))
        .with_state(verifier);
    let origin = serve(app).await;
    let b = origin.trim_start_matches("http://");

    let tokens = [
        signer.token(),
        attacker.token(),
        signer.token_with(|_, claims| claims["exp"] = json!(1)),
        signer.token_with(|_, claims| claims["scope"] = json!("resource:write")),
        signer.token_with(|_, claims| claims["exp"] = json!("never")),
        Signer::hs256("shared", HS256_SECRET.as_bytes()).token(),
        Signer::es256("unknown").token(),
        AccessToken::new("gpat_must-not-be-logged"),
        AccessToken::new("must-not-be-logged.must-not-be-logged.must-not-be-logged"),
    ];
    let echo = tokens.iter().map(AccessToken::expose).collect::<Vec<_>>().join(" ");
    let responses = [
        json(200, &json!({ "active": true, "aud": RESOURCE, "scope": "resource:read" })),
        inactive(),
        json(200, &json!({ "active": echo })),
        ResponseTemplate::new(200).set_body_string(&echo),
        status(401).set_body_string(SECRET),
        status(500).set_body_string(&echo),
    ];
    let mut output = String::new();
    for response in responses {
        c.introspection.respond(response);
        for token in &tokens {
            let header = format!("authorization: Bearer {}\r\n", token.expose());
            output += &call(b, "/", &header).await;
            output += &call(b, "/", &format!("{header}{header}")).await;
            output += &call(b, &format!("/?access_token={}", token.expose()), &header).await;
            output +=
                &call(b, "/", &format!("authorization: Bearer {},\r\n", token.expose())).await;
        }
        c.advance_clock(60);
    }
    for status in ["200 OK", "400 Bad", "401 Un", "403 For", "503 Ser"] {
        assert!(output.contains(&format!("HTTP/1.1 {status}")), "no response has status {status}");
    }
    output += &log.text();
    for text in ["TRACE", "DEBUG", "access token rejected", &tokens[1].fingerprint().to_string()] {
        assert!(output.contains(text), "{text} was not logged, so the log is incomplete");
    }
    let header = basic::format("service-b", &ClientSecret::new(SECRET));
    let secret_parts = tokens
        .iter()
        .flat_map(|token| [token.expose()].into_iter().chain(token.expose().split('.').skip(1)));
    for hidden in
        secret_parts.chain([SECRET, "s3cr%3Dt", HS256_SECRET, header.trim_start_matches("Basic ")])
    {
        assert!(!output.contains(hidden), "{hidden} in the logs or responses");
    }
}
