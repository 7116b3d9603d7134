//! An issuer that closes a connection at the moment in which it is reused.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use oauth_types::AccessToken;
use serde_json::{Value, json};
use test_support::signer::Signer;
use token_verifier::{LocalSettings, Verifier};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::{
    setup::{INTROSPECT, ISSUER, JWKS, RESOURCE, introspection_settings},
    signer::SignAccessToken,
};

/// Serves one response per connection and promises to keep it open. Closes it when the next request
/// has arrived.
struct ClosingIssuer {
    address: SocketAddr,
    /// Number of requests to which the connection was closed.
    closed: Arc<AtomicUsize>,
}

impl ClosingIssuer {
    async fn start(keys: Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = Self { address: listener.local_addr().unwrap(), closed: Arc::default() };
        let closed = Arc::clone(&issuer.closed);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(BufReader::new(stream), keys.clone(), Arc::clone(&closed)));
            }
        });
        issuer
    }
}

async fn serve(mut stream: BufReader<TcpStream>, keys: Value, closed: Arc<AtomicUsize>) {
    let Some(path) = request(&mut stream).await else { return };
    let body = match &*path {
        JWKS => keys,
        INTROSPECT => json!({ "active": true, "aud": RESOURCE, "iss": ISSUER }),
        _ => json!({
            "issuer": ISSUER,
            "jwks_uri": format!("{ISSUER}{JWKS}"),
            "introspection_endpoint": format!("{ISSUER}{INTROSPECT}"),
        }),
    };
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    if request(&mut stream).await.is_some() {
        closed.fetch_add(1, Ordering::Relaxed);
    }
}

/// Reads a request and returns its path. Returns `None` at the end of the connection.
async fn request(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let (mut first, mut length) = (None, 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|&read| read > 0)?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
        first.get_or_insert(line);
    }
    stream.read_exact(&mut vec![0; length]).await.ok()?;
    first?.split(' ').nth(1).map(str::to_owned)
}

#[tokio::test]
async fn introspection_is_repeated_when_the_issuer_closes_a_reused_connection() {
    let issuer = ClosingIssuer::start(json!({ "keys": [] })).await;
    let verifier = Verifier::builder(ISSUER, RESOURCE)
        .internal_url(format!("http://{}", issuer.address))
        .introspection(introspection_settings())
        .build()
        .unwrap();
    for number in 0..5 {
        verifier.verify(&AccessToken::new(format!("token {number}"))).await.unwrap();
    }
    assert!(issuer.closed.load(Ordering::Relaxed) > 0, "no connection was reused");
}

#[tokio::test]
async fn key_fetch_is_repeated_when_the_issuer_closes_a_reused_connection() {
    let signer = Signer::es256("1");
    let issuer = ClosingIssuer::start(json!({ "keys": [signer.jwk()] })).await;
    let verifier = Verifier::builder(ISSUER, RESOURCE)
        .internal_url(format!("http://{}", issuer.address))
        .clock(clock::Clock::manual(crate::setup::NOW))
        .local(LocalSettings::default())
        .build()
        .unwrap();
    // The keys are fetched on the connection of the metadata.
    verifier.verify(&signer.token()).await.unwrap();
    assert!(issuer.closed.load(Ordering::Relaxed) > 0, "no connection was reused");
}
