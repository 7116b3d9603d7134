//! Diagnoses of TLS certificates, with real servers.

use std::{net::TcpListener, path::PathBuf, sync::Arc};

use axum::Router;
use axum_server::tls_rustls::RustlsConfig;
use clock::Clock;
use doctor::{Checks, HttpProbe, IssuerConfig, Leeway, MetadataLocation, ReachedBy, check_issuer};
use oauth_types::AuthorizationServerMetadata;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::PrivateKeyDer;
use service_kit::HttpClientSettings;
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};
use wiremock::MockServer;

use crate::{
    output::{Output, assert_diagnosis},
    vendor::names,
};

/// A certificate authority with its certificate in a file.
struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn named(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let (key, folder) = (KeyPair::generate().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(folder.path().join("ca.pem"), params.self_signed(&key).unwrap().pem())
            .unwrap();
        Self { folder, issuer: Issuer::new(params, key) }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Starts an issuer with a certificate of this authority, and returns its port.
    fn serve(&self, name: &str, validity: [OffsetDateTime; 2]) -> u16 {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        [params.not_before, params.not_after] = validity;
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = config
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let tls = RustlsConfig::from_config(Arc::new(config));
        let metadata = AuthorizationServerMetadata {
            issuer: at(port),
            ..AuthorizationServerMetadata::default()
        };
        let body = serde_json::to_string(&metadata).unwrap();
        let routes = Router::new().fallback(move || std::future::ready(body.clone()));
        let server = axum_server::from_tcp_rustls(listener, tls).unwrap();
        tokio::spawn(server.serve(routes.into_make_service()));
        port
    }
}

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(Clock::system().seconds()).unwrap()
}

fn at(port: u16) -> String {
    format!("https://localhost:{port}")
}

fn valid() -> [OffsetDateTime; 2] {
    [now() - Duration::hours(1), now() + Duration::hours(1)]
}

async fn check(issuer: String, ca_file: PathBuf) -> Output {
    let at = IssuerConfig {
        label: "issuer".to_owned(),
        names: names(),
        issuer,
        internal_url: None,
        reached_by: ReachedBy::ThisProcess,
        metadata_location: MetadataLocation::OAuthOrOpenId,
    };
    let mut settings = HttpClientSettings::default();
    settings.ca_file = Some(ca_file);
    let probe = HttpProbe::new(&settings, &Clock::system());
    let mut checks = Checks::default();
    check_issuer(&mut checks, &at, &probe, Leeway { seconds: 5, setting: None }).await;
    Output::of(checks)
}

#[tokio::test]
async fn valid_certificate_passes() {
    let authority = Authority::named("own");
    check(at(authority.serve("localhost", valid())), authority.file()).await.all_ok();
}

#[tokio::test]
async fn unknown_authority_names_the_ca_file_setting() {
    let (trusted, other) = (Authority::named("own"), Authority::named("other"));
    let output = check(at(other.serve("localhost", valid())), trusted.file()).await;
    assert_diagnosis(
        output.failed("issuer: reached"),
        "signed by one of them",
        "signed by another authority",
        "ca_file",
    );
}

#[tokio::test]
async fn outdated_ca_file_is_distinguished_from_an_unknown_authority() {
    let (older, newer) = (Authority::named("development CA"), Authority::named("development CA"));
    let output = check(at(newer.serve("localhost", valid())), older.file()).await;
    assert_diagnosis(
        output.failed("issuer: reached"),
        "signed with the key of one of them",
        "the same name, another key",
        "ca_file",
    );
}

#[tokio::test]
async fn expired_and_not_yet_valid_certificates_show_both_dates() {
    let day = |days| now() + Duration::days(days);
    let (past, future) = ([day(-3), day(-2)], [day(2), day(3)]);
    for (validity, limit, words) in
        [(past, past[1], "valid until after"), (future, future[0], "valid from before")]
    {
        let authority = Authority::named("own");
        let output = check(at(authority.serve("localhost", validity)), authority.file()).await;
        let diagnosis = output.failed("issuer: reached");
        assert!(
            diagnosis.expected.starts_with(words) && diagnosis.expected.ends_with("GMT"),
            "{diagnosis:#?}"
        );
        assert_eq!(diagnosis.found, httpdate::fmt_http_date(limit.into()));
        assert!(
            diagnosis.change.setting.is_none() && diagnosis.change.advice.contains("tls.cert_file"),
            "{diagnosis:#?}"
        );
    }
}

#[tokio::test]
async fn certificate_for_another_name_shows_its_names() {
    let authority = Authority::named("own");
    let output = check(at(authority.serve("auth-server", valid())), authority.file()).await;
    let diagnosis = output.failed("issuer: reached");
    assert_diagnosis(diagnosis, "localhost", "auth-server", "issuer");
    assert_eq!(diagnosis.found, "auth-server");
}

#[tokio::test]
async fn http_and_https_mixed_up_is_diagnosed() {
    let (authority, plain) = (Authority::named("own"), MockServer::start().await);
    let output = check(at(plain.address().port()), authority.file()).await;
    assert_diagnosis(output.failed("issuer: reached"), "https", "plain http", "issuer");
    let output = check(
        format!("http://localhost:{}", authority.serve("localhost", valid())),
        authority.file(),
    )
    .await;
    assert_diagnosis(output.failed("issuer: reached"), "plain http", "perhaps TLS", "issuer");
}

#[tokio::test]
async fn unreadable_ca_file_is_diagnosed() {
    let output = check("https://localhost:1".to_owned(), "/nowhere/ca.pem".into()).await;
    assert_diagnosis(
        output.failed("issuer: certificates"),
        "certificates in PEM",
        "/nowhere/ca.pem",
        "ca_file",
    );
}
