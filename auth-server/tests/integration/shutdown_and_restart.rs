use tokio::net::TcpListener;

use crate::{
    jwt,
    process::{AUTH_SERVER, set, succeed, terminate},
    test_server::{OPAQUE_SHOP, ORDERS, ORDERS_API, SHOP, TestServer},
};

#[tokio::test]
async fn tokens_revocations_and_keys_survive_a_restart() {
    let server = TestServer::start().await;
    let for_orders = [("resource", ORDERS_API)];
    let kept =
        [server.access_token(SHOP, &for_orders).await, server.access_token(OPAQUE_SHOP, &[]).await];
    let gone =
        [server.access_token(SHOP, &for_orders).await, server.access_token(OPAQUE_SHOP, &[]).await];
    assert_eq!(server.revoke(SHOP, &gone[0]).await.status, 200);
    assert_eq!(server.revoke(OPAQUE_SHOP, &gone[1]).await.status, 200);
    let keys = server.published_keys().await;

    let server = server.restart_with(|_| ()).await;
    for token in &kept {
        assert!(server.is_active(ORDERS, token).await);
    }
    for token in &gone {
        assert!(!server.is_active(ORDERS, token).await);
    }
    // RSA keys for ID tokens may have been added; no key may be missing.
    let kept_keys = server.published_keys().await;
    assert!(
        !keys.is_empty() && keys.iter().all(|key| kept_keys.contains(key)),
        "{keys:?} {kept_keys:?}"
    );
    let audit = succeed(&["audit", "--jti", &jwt::jti(&gone[0])], &server.cli_arguments()).await;
    assert!(audit.contains("issued") && audit.contains("revoked"), "{audit}");
}

#[tokio::test]
async fn shutdown_finishes_requests_in_flight() {
    use std::{
        io::{Read, Write},
        net::TcpStream,
    };
    let mut server = TestServer::start().await;
    let address = server.base.trim_start_matches("http://").to_owned();
    let body =
        format!("grant_type=client_credentials&client_id={}&client_secret={}", SHOP.0, SHOP.1);
    let (first, rest) = body.split_at(10);
    let mut stream = TcpStream::connect(&address).unwrap();
    let form = "Content-Type: application/x-www-form-urlencoded";
    let length = body.len();
    write!(
        stream,
        "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\n{form}\r\nContent-Length: {length}\r\n\r\n{first}"
    )
    .unwrap();
    // The response on another connection shows that the server has accepted this one.
    assert_eq!(server.get("/.well-known/jwks.json").await.status, 200);
    let rest = rest.to_owned();
    let answered = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        stream.write_all(rest.as_bytes()).unwrap();
        stream.read_to_string(&mut text).unwrap();
        text
    });
    server.stop().await;
    let text = answered.await.unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK") && text.contains("access_token"), "{text}");
}

#[tokio::test]
async fn server_that_waits_for_its_database_stops_when_it_is_asked_to() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let settings = set(&[
        ("data_dir", &data.path().display().to_string()),
        ("database_url", &format!("postgres://c@{}/c", silent.local_addr().unwrap())),
        ("listen", "127.0.0.1:0"),
        ("tls_listen", ""),
    ]);
    let server = AUTH_SERVER.command(&settings).spawn().unwrap();
    let _connection = silent.accept().await.unwrap();
    let output = terminate(server).await;
    assert_eq!(output.code, Some(0), "{output:?}");
}
