use clock::Clock;
use reqwest::{Certificate, Client};
use service_kit::{TlsFiles, tls::DevCa};
use test_support::http::TestClient;

use crate::test_servers::TestServers;

#[tokio::test]
async fn tls_setting_serves_https_only() {
    let dir = tempfile::tempdir().unwrap();
    let ca = DevCa::open_or_create(&dir.path().join("ca"), &Clock::system()).unwrap();
    let [cert_file, key_file] =
        ca.issue(&["localhost".to_owned()], dir.path(), &Clock::system()).unwrap().map(Some);
    let servers = TestServers::start().await;
    let a = servers.start_a_with(|settings| settings.tls = TlsFiles { cert_file, key_file }).await;

    let base = a.base.replace("http://127.0.0.1", "https://localhost");
    let authority = Certificate::from_pem(&std::fs::read(ca.certificate()).unwrap()).unwrap();
    let believer = Client::builder().no_proxy().tls_certs_only([authority]).build().unwrap();
    let response = TestClient { base: base.clone(), http: believer }.get("/api/call-b").await;
    assert_eq!(
        (response.status, response.json()["b"].as_str()),
        (200, Some("local")),
        "{response:?}"
    );
    assert!(
        a.http.get(format!("{base}/api/call-b")).send().await.is_err(),
        "a client without the CA rejects the certificate"
    );
    assert!(
        a.http.get(format!("{}/api/call-b", a.base)).send().await.is_err(),
        "plain http is not served"
    );
}
