use std::net::TcpListener;

use service_b::settings::Mode;

use crate::{
    client::until,
    harness::{B, C, good, settings, status},
    signer::Signer,
};

#[tokio::test]
async fn b_becomes_ready_when_c_comes_up_without_a_restart() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let signer = Signer::es256("k1");
    let b = B::start(&settings(&format!("http://{address}")));
    let early = b.get("/readyz").await;
    assert_eq!(
        (early.status, early.json()["reason"].as_str()),
        (503, Some("no keys of the issuer yet"))
    );
    assert_eq!(b.get("/healthz").await.status, 200, "it runs all the same");
    assert_eq!(b.resource(&signer.pass(&good())).await.status, 503, "not a no, and never a yes");
    let _c = C::start_on(TcpListener::bind(address).unwrap(), &signer).await;
    b.until_ready().await;
    assert_eq!(b.resource(&signer.pass(&good())).await.status, 200);
}

#[tokio::test]
async fn a_b_that_asks_is_ready_when_it_knows_where() {
    for mode in [Mode::Introspection, Mode::Auto] {
        let c = C::start(&Signer::es256("k1")).await;
        c.metadata.answers(status(500));
        let b = c.b_with(|settings| settings.mode = mode);
        let ready = async || b.get("/readyz").await.status == 200;
        assert!(!ready().await);
        c.metadata.answers(crate::harness::about_c());
        until("B is ready", ready).await;
    }
}

#[tokio::test]
async fn calls_are_counted_by_route_and_status() {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    let b = c.b();
    b.resource(&signer.pass(&good())).await;
    b.get("/api/resource").await;
    b.get("/made/up").await;
    let metrics = b.get("/metrics").await.text;
    for line in [
        r#"gatepass_http_requests_total{method="GET",route="/api/resource",status="200"} 1"#,
        r#"gatepass_http_requests_total{method="GET",route="/api/resource",status="401"} 1"#,
        r#"gatepass_http_requests_total{method="GET",route="unknown",status="404"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    assert!(!metrics.contains("made"));
}
