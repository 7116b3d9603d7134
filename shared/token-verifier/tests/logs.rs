//! What B logs, at every level of every library, while it takes and refuses tokens over a socket. A
//! test binary of its own: what is logged is the whole process's.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests say what they expect by failing")]

#[path = "integration/setup.rs"]
#[expect(dead_code, reason = "the stories use all of it")]
mod setup;
#[path = "integration/signer.rs"]
#[expect(dead_code, reason = "the stories use all of it")]
mod signer;

use std::{
    io,
    sync::{Arc, Mutex},
};

use axum::{Router, routing::get};
use oauth_types::{AccessToken, ClientSecret, basic};
use serde_json::json;
use token_verifier::{Authorized, ErrorDetail, LocalSettings, RequiredScope};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tracing_subscriber::filter::LevelFilter;
use wiremock::ResponseTemplate;

use crate::{
    setup::{C, RESOURCE, SECRET, introspection, said, status},
    signer::Signer,
};

const SHARED: &str = "a shared secret of thirty-two bytes and more";

struct ResourceRead;

impl RequiredScope for ResourceRead {
    const SCOPE: &'static str = "resource:read";
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Call B as a client does that logs nothing itself. The whole answer.
async fn call(address: std::net::SocketAddr, target: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nhost: b\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_log_of_everything_and_every_answer_hold_no_token_and_no_secret() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(move || writer.clone());
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();

    let (signer, thief) = (Signer::es256("1"), Signer::es256("1"));
    let c = C::with_keys([&signer]).await;
    let local =
        LocalSettings { hs256_secret: Some(ClientSecret::new(SHARED)), ..LocalSettings::default() };
    let verifier = c
        .builder()
        .local(local)
        .introspection(introspection())
        .detail(ErrorDetail::Full)
        .build()
        .unwrap();
    let app = Router::new()
        .route("/", get(async |_: Authorized<ResourceRead>| "open"))
        .with_state(verifier);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let b = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });

    let tokens = [
        signer.token(),
        thief.token(),
        signer.token_with(|_, claims| claims["exp"] = json!(1)),
        signer.token_with(|_, claims| claims["scope"] = json!("resource:write")),
        signer.token_with(|_, claims| claims["exp"] = json!("never")),
        Signer::hs256(SHARED.as_bytes()).token(),
        Signer::es256("unknown").token(),
        AccessToken::new("gpat_not-to-be-seen-by-anybody"),
        AccessToken::new("not-to-be-seen.not-to-be-seen.not-to-be-seen"),
    ];
    let echo = tokens.iter().map(AccessToken::expose).collect::<Vec<_>>().join(" ");
    let words = [
        said(&json!({ "active": true, "aud": RESOURCE, "scope": "resource:read" })),
        said(&json!({ "active": false })),
        said(&json!({ "active": echo })),
        ResponseTemplate::new(200).set_body_string(&echo),
        status(401).set_body_string(SECRET),
        status(500).set_body_string(&echo),
    ];
    let mut seen = String::new();
    for word in words {
        c.introspection.answers(word);
        for token in &tokens {
            let header = format!("authorization: Bearer {}\r\n", token.expose());
            seen += &call(b, "/", &header).await;
            seen += &call(b, "/", &format!("{header}{header}")).await;
            seen += &call(b, &format!("/?access_token={}", token.expose()), &header).await;
            seen += &call(b, "/", &format!("authorization: Bearer {},\r\n", token.expose())).await;
        }
        c.wait(60);
    }
    for status in ["200 OK", "400 Bad", "401 Un", "403 For", "503 Ser"] {
        assert!(seen.contains(&format!("HTTP/1.1 {status}")), "{status} did not come");
    }
    seen += &String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for word in ["TRACE", "DEBUG", "access token rejected", &tokens[1].fingerprint().to_string()] {
        assert!(seen.contains(word), "{word} was not logged: this test sees nothing");
    }
    let header = basic::format("service-b", &ClientSecret::new(SECRET));
    let pieces = tokens
        .iter()
        .flat_map(|token| [token.expose()].into_iter().chain(token.expose().split('.').skip(1)));
    for hidden in pieces.chain([SECRET, "s3cr%3Dt", SHARED, header.trim_start_matches("Basic ")]) {
        assert!(!seen.contains(hidden), "{hidden} was seen");
    }
}
