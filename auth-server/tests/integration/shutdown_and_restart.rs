use crate::{
    jwt,
    process::succeed,
    test_server::{C, OPAQUE_SHOP, ORDERS, ORDERS_API, SHOP},
};

#[tokio::test]
async fn tokens_revocations_and_keys_survive_a_restart() {
    let c = C::start().await;
    let for_orders = [("resource", ORDERS_API)];
    let kept = [c.pass(SHOP, &for_orders).await, c.pass(OPAQUE_SHOP, &[]).await];
    let gone = [c.pass(SHOP, &for_orders).await, c.pass(OPAQUE_SHOP, &[]).await];
    assert_eq!(c.revoke(SHOP, &gone[0]).await.status, 200);
    assert_eq!(c.revoke(OPAQUE_SHOP, &gone[1]).await.status, 200);
    let keys = c.published_keys().await;

    let c = c.restart_with(|_| ()).await;
    for pass in &kept {
        assert!(c.is_active(ORDERS, pass).await);
    }
    for pass in &gone {
        assert!(!c.is_active(ORDERS, pass).await);
    }
    // Keys of RS256, for ID tokens, may have been made meanwhile: none may be gone.
    let kept_keys = c.published_keys().await;
    assert!(
        !keys.is_empty() && keys.iter().all(|key| kept_keys.contains(key)),
        "{keys:?} {kept_keys:?}"
    );
    let told = succeed(&["audit", "--jti", &jwt::jti(&gone[0])], &c.arguments()).await;
    assert!(told.contains("issued") && told.contains("revoked"), "{told}");
}

#[tokio::test]
async fn shutdown_finishes_requests_in_flight() {
    use std::{
        io::{Read, Write},
        net::TcpStream,
    };
    let mut c = C::start().await;
    let address = c.base.trim_start_matches("http://").to_owned();
    let body =
        format!("grant_type=client_credentials&client_id={}&client_secret={}", SHOP.0, SHOP.1);
    let (first, rest) = body.split_at(10);
    let mut stream = TcpStream::connect(&address).unwrap();
    let form = "Content-Type: application/x-www-form-urlencoded";
    let length = body.len();
    write!(
        stream,
        "POST /oauth/token HTTP/1.1\r\nHost: c\r\n{form}\r\nContent-Length: {length}\r\n\r\n{first}"
    )
    .unwrap();
    // The other connection's answer comes after the server has taken up this one.
    assert_eq!(c.get("/healthz").await.status, 200);
    let rest = rest.to_owned();
    let answered = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        stream.write_all(rest.as_bytes()).unwrap();
        stream.read_to_string(&mut text).unwrap();
        text
    });
    c.stop().await;
    let text = answered.await.unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK") && text.contains("access_token"), "{text}");
}
