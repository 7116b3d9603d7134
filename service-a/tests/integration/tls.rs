use clock::Clock;
use reqwest::{Certificate, Client};
use service_kit::{TlsFiles, tls::DevCa};

use crate::{client::Caller, test_servers::World};

#[tokio::test]
async fn with_certificates_of_its_own_a_serves_https_alone() {
    let folder = tempfile::tempdir().unwrap();
    let ca = DevCa::open_or_create(&folder.path().join("ca"), &Clock::system()).unwrap();
    let [cert_file, key_file] =
        ca.issue(&["localhost".to_owned()], folder.path(), &Clock::system()).unwrap().map(Some);
    let world = World::new().await;
    let a = world.start_with(|settings| settings.tls = TlsFiles { cert_file, key_file }).await;

    let base = a.base.replace("http://127.0.0.1", "https://localhost");
    let authority = Certificate::from_pem(&std::fs::read(ca.certificate()).unwrap()).unwrap();
    let believer = Client::builder().no_proxy().tls_certs_only([authority]).build().unwrap();
    let answer = Caller { base: base.clone(), http: believer }.get("/api/call-b").await;
    assert_eq!((answer.status, answer.json()["b"].as_str()), (200, Some("local")), "{answer:?}");
    assert!(
        a.http.get(format!("{base}/api/call-b")).send().await.is_err(),
        "who does not know it does not believe it"
    );
    assert!(
        a.http.get(format!("{}/api/call-b", a.base)).send().await.is_err(),
        "plain http is not served"
    );
}
