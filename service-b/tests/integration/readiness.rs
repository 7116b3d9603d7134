use service_b::settings::Mode;
use test_support::{mock::status, signer::Signer};
use tokio::net::TcpSocket;

use crate::{
    client::{read_resource, until},
    harness::{B, C, access_token, settings, valid_claims},
};

#[tokio::test]
async fn b_becomes_ready_once_c_is_reachable() {
    // Bound, so that no other program gets the port, and not listening yet.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let signer = Signer::es256("k1");
    let b = B::start(&settings(&format!("http://{address}")));
    let early = b.manage.get("/readyz").await;
    assert_eq!(
        (early.status, early.json()["reason"].as_str()),
        (503, Some("no keys of the issuer yet"))
    );
    assert_eq!(b.manage.get("/healthz").await.status, 200, "the process is alive");
    assert_eq!(
        read_resource(&b, &access_token(&signer, &valid_claims())).await.status,
        503,
        "B can neither accept nor reject the token"
    );
    let listener = socket.listen(64).unwrap().into_std().unwrap();
    let _c = C::start_on(listener, &signer).await;
    b.wait_until_ready().await;
    assert_eq!(read_resource(&b, &access_token(&signer, &valid_claims())).await.status, 200);
}

#[tokio::test]
async fn introspecting_b_is_ready_once_it_has_metadata() {
    for mode in [Mode::Introspection, Mode::Auto] {
        let c = C::start(&Signer::es256("k1")).await;
        c.metadata.respond(status(500));
        let b = c.start_b_with(|settings| settings.mode = mode);
        let ready = async || b.manage.get("/readyz").await.status == 200;
        assert!(!ready().await);
        c.metadata.respond(crate::harness::issuer_metadata());
        until("B is ready", ready).await;
    }
}

#[tokio::test]
async fn calls_are_counted_by_route_and_status() {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    let b = c.start_b();
    read_resource(&b, &access_token(&signer, &valid_claims())).await;
    b.get("/api/resource").await;
    b.get("/made/up").await;
    let metrics = b.manage.get("/metrics").await.text;
    for line in [
        r#"gatepass_http_requests_total{method="GET",route="/api/resource",status="200"} 1"#,
        r#"gatepass_http_requests_total{method="GET",route="/api/resource",status="401"} 1"#,
        r#"gatepass_http_requests_total{method="GET",route="unknown",status="404"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    assert!(!metrics.contains("made"));
}
