use service_kit::{
    BoundListener, CancellationToken,
    tls::{DevCa, ServerCertificate},
};
use test_support::wait::until;

use crate::{issuer::Issuer, resource_server::serve};

#[tokio::test]
async fn resource_server_has_tls_health_metrics_and_a_graceful_stop() {
    let issuer = Issuer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let ca = DevCa::open_or_create(folder.path(), &clock::Clock::system()).unwrap();
    let [chain, key] =
        ca.issue(&["localhost".to_owned()], folder.path(), &clock::Clock::system()).unwrap();
    let certificate = ServerCertificate::load(Some(&chain), Some(&key)).unwrap();
    let bind = || BoundListener::bind("127.0.0.1:0", "listen").unwrap();
    let (public, manage) = (bind(), bind());
    let url = format!("https://localhost:{}/orders", public.address().port());
    let manage_url = format!("http://{}", manage.address());
    let stop = CancellationToken::new();
    let server =
        tokio::spawn(serve([public, manage], certificate, issuer.verifier(), stop.clone()));

    let ca = reqwest::Certificate::from_pem(&std::fs::read(ca.certificate()).unwrap()).unwrap();
    let http = reqwest::Client::builder().tls_certs_only([ca]).build().unwrap();
    let ready = async || {
        let response = http.get(format!("{manage_url}/readyz")).send().await;
        response.is_ok_and(|response| response.status() == 200)
    };
    until("readiness", ready).await;
    let ask = async |scope: &str| {
        let response = http.get(&url).bearer_auth(issuer.token(scope)).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    assert_eq!(ask("resource:read").await, (200, "orders of alice".to_owned()));
    assert_eq!(ask("other").await.0, 403);
    let metrics = http.get(format!("{manage_url}/metrics")).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(metrics.contains("orders_http_requests_total"), "{metrics}");
    stop.cancel();
    server.await.unwrap().unwrap();
}

/// The promise of the README of the examples.
#[test]
fn resource_server_has_under_60_lines_of_its_own() {
    let text = include_str!("../../resource_server.rs");
    let own = text.lines().filter(|line| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with("//")
    });
    let imports = text.split("\n\n").find(|block| block.starts_with("use ")).unwrap();
    assert!(own.count() - imports.lines().count() < 60);
}
