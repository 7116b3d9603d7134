use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{CertificateParams, KeyPair};
use reqwest::{Certificate, Client};
use test_support::http::TestClient;

use crate::{
    client::{HttpClient, client_builder, wait_until},
    jwt,
    process::{ServerProcess, server_settings},
    test_server::{ORDERS, ORDERS_API, SHOP, TestServer},
};

fn believing(certificate: &Path) -> Client {
    let pem = fs::read(certificate).unwrap();
    client_builder().tls_certs_only([Certificate::from_pem(&pem).unwrap()]).build().unwrap()
}

/// A server on the system clock, because certificates are valid from today.
async fn with_tls(change: impl FnOnce(&mut auth_server::AuthServerSettings)) -> TestServer {
    TestServer::start_at(clock::Clock::system(), |settings| {
        settings.tls_listen = "127.0.0.1:0".to_owned();
        change(settings);
    })
    .await
}

fn over_tls(server: &TestServer, http: Client) -> HttpClient {
    HttpClient(TestClient { base: server.tls.clone().unwrap(), http })
}

#[tokio::test]
async fn start_logs_that_the_development_ca_issued_the_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let settings = server_settings(folder.path(), Path::new("/dev/null"));
    let log = ServerProcess::start(&settings).kill_and_read_log();
    let line = log.lines().find(|line| line.contains("issued by the development CA")).unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert!(Path::new(line["ca"].as_str().unwrap()).starts_with(folder.path()), "{line}");
    for name in ["ca_valid_until", "certificate_valid_until"] {
        assert!(line[name].is_string(), "{name}: {line}");
    }
}

#[tokio::test]
async fn tls_listener_requires_trust_in_the_development_ca() {
    let server = with_tls(|_| ()).await;
    let ca = auth_server::dev_ca_certificate(&server.settings);
    let machine = over_tls(&server, believing(&ca));
    let token = machine.access_token(SHOP, &[("resource", ORDERS_API)]).await;
    assert!(machine.is_active(ORDERS, &token).await);
    assert_eq!(
        jwt::claims(&token)["iss"],
        server.issuer(),
        "the issuer does not depend on the listener"
    );

    for untrusting_client in
        [client_builder().build().unwrap(), believing(&other_ca(&server.folder()))]
    {
        let result = over_tls(&server, untrusting_client)
            .http
            .get(format!("{}/openapi.json", server.tls.clone().unwrap()))
            .send()
            .await;
        assert!(result.unwrap_err().is_connect());
    }
    let named =
        with_tls(|settings| settings.tls.dev_cert_names = vec!["c.example".to_owned()]).await;
    let http = believing(&auth_server::dev_ca_certificate(&named.settings));
    assert!(
        http.get(format!("{}/openapi.json", named.tls.clone().unwrap()))
            .send()
            .await
            .unwrap_err()
            .is_connect()
    );
}

fn other_ca(folder: &Path) -> PathBuf {
    let path = folder.join("other-ca.pem");
    fs::write(&path, own_certificate().0).unwrap();
    path
}

fn own_certificate() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

#[tokio::test]
async fn development_ca_persists_and_its_certificate_is_published() {
    let elsewhere = tempfile::tempdir().unwrap();
    let published = elsewhere.path().join("for/others/ca.pem");
    let server = with_tls(|settings| settings.tls.publish_ca_file = Some(published.clone())).await;
    let before = fs::read(&published).unwrap();
    assert!(!String::from_utf8(before.clone()).unwrap().contains("PRIVATE"));
    let server = server.restart_with(|_| ()).await;
    assert_eq!(fs::read(&published).unwrap(), before);
    over_tls(&server, believing(&published)).access_token(SHOP, &[]).await;
}

async fn is_served(server: &TestServer, certificate: &Path) -> bool {
    believing(certificate)
        .get(format!("{}/openapi.json", server.tls.clone().unwrap()))
        .send()
        .await
        .is_ok()
}

#[tokio::test]
async fn configured_certificates_are_reloaded_while_running() {
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key, pinned] =
        ["c.pem", "k.pem", "pinned.pem"].map(|name| folder.path().join(name));
    let put = |(certificate_pem, key_pem): (String, String)| {
        fs::write(&key, key_pem).unwrap();
        fs::write(&pinned, &certificate_pem).unwrap();
        fs::write(&certificate, certificate_pem).unwrap();
    };
    put(own_certificate());
    let own = (certificate.clone(), key.clone());
    let server = with_tls(|settings| {
        (settings.tls.cert_file, settings.tls.key_file) = (Some(own.0), Some(own.1));
    })
    .await;
    assert!(is_served(&server, &pinned).await);
    assert!(
        !auth_server::dev_ca_certificate(&server.settings).exists(),
        "a configured certificate creates no development CA"
    );

    put(own_certificate());
    wait_until("the new certificate is served", async || is_served(&server, &pinned).await).await;

    // A broken key, and then a valid pair, which shows that the server has tried the broken one.
    let good = fs::read_to_string(&key).unwrap();
    fs::write(&key, "-----BEGIN PRIVATE KEY-----\nbroken\n-----END PRIVATE KEY-----\n").unwrap();
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(2)).await;
    tokio::time::resume();
    assert!(is_served(&server, &pinned).await, "the old pair stays in service");
    fs::write(&key, good).unwrap();
    put(own_certificate());
    wait_until("a sound pair is taken up after a broken one", async || {
        is_served(&server, &pinned).await
    })
    .await;
}

#[tokio::test]
async fn certificate_without_a_key_is_rejected() {
    use auth_server::{AuthServer, AuthServerSettings, Listeners, SecureRandom};
    let folder = tempfile::tempdir().unwrap();
    let mut settings = AuthServerSettings {
        data_dir: folder.path().to_owned(),
        listen: "127.0.0.1:0".to_owned(),
        tls_listen: "127.0.0.1:0".to_owned(),
        ..AuthServerSettings::default()
    };
    settings.tls.cert_file = Some(folder.path().join("c.pem"));
    let listeners = Listeners::bind(&settings).unwrap();
    let (clock, events) = (clock::Clock::system(), flow_events::EventSink::disabled());
    let error = AuthServer::prepare(settings, listeners, clock, SecureRandom::system(), events)
        .await
        .err()
        .unwrap();
    assert!(
        error.to_string().contains("tls.cert_file and tls.key_file belong together"),
        "{error}"
    );
}
