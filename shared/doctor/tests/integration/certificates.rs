//! Every way in which a certificate can be wrong, made for real.

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
    output::{Output, says},
    vendor::names,
};

/// An authority, and its certificate in a file.
struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn called(name: &str) -> Self {
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

    /// An issuer with a certificate of this authority; where it listens.
    fn serve(&self, name: &str, life: [OffsetDateTime; 2]) -> u16 {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        [params.not_before, params.not_after] = life;
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

fn good() -> [OffsetDateTime; 2] {
    [now() - Duration::hours(1), now() + Duration::hours(1)]
}

async fn look(issuer: String, ca_file: PathBuf) -> Output {
    let at = IssuerConfig {
        label: "issuer".to_owned(),
        names: names(),
        issuer,
        internal_url: None,
        reached_by: ReachedBy::ThisProcess,
        metadata_location: MetadataLocation::OAuthOrOpenId,
    };
    let wire = HttpProbe::new(
        &HttpClientSettings { ca_file: Some(ca_file), ..HttpClientSettings::default() },
        &Clock::system(),
    );
    let mut checks = Checks::default();
    check_issuer(&mut checks, &at, &wire, Leeway { seconds: 5, setting: None }).await;
    Output::of(checks)
}

#[tokio::test]
async fn a_good_certificate_is_well() {
    let authority = Authority::called("own");
    look(at(authority.serve("localhost", good())), authority.file()).await.all_ok();
}

#[tokio::test]
async fn an_unknown_authority_is_told_with_the_setting_that_would_believe_it() {
    let (believed, other) = (Authority::called("own"), Authority::called("other"));
    let told = look(at(other.serve("localhost", good())), believed.file()).await;
    says(
        told.failed("issuer: reached"),
        "signed by one of them",
        "signed by somebody else",
        "ca_file",
    );
}

#[tokio::test]
async fn a_file_of_an_older_authority_of_the_same_name_is_told_apart() {
    let (older, newer) = (Authority::called("development CA"), Authority::called("development CA"));
    let told = look(at(newer.serve("localhost", good())), older.file()).await;
    says(
        told.failed("issuer: reached"),
        "signed with their key",
        "the same name, signed with another key",
        "ca_file",
    );
}

#[tokio::test]
async fn an_expired_certificate_and_one_that_is_not_yet_valid_are_told_with_the_dates() {
    let day = |days| now() + Duration::days(days);
    let (past, future) = ([day(-3), day(-2)], [day(2), day(3)]);
    for (life, limit, words) in
        [(past, past[1], "an end after"), (future, future[0], "a beginning before")]
    {
        let authority = Authority::called("own");
        let told = look(at(authority.serve("localhost", life)), authority.file()).await;
        let finding = told.failed("issuer: reached");
        assert!(
            finding.expected.starts_with(words) && finding.expected.ends_with("GMT"),
            "{finding:#?}"
        );
        assert_eq!(finding.found, httpdate::fmt_http_date(limit.into()));
        assert!(
            finding.change.setting.is_none() && finding.change.advice.contains("tls.cert_file"),
            "{finding:#?}"
        );
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_told_with_the_names_in_it() {
    let authority = Authority::called("own");
    let told = look(at(authority.serve("auth-server", good())), authority.file()).await;
    let finding = told.failed("issuer: reached");
    says(finding, "localhost", "auth-server", "issuer");
    assert_eq!(finding.found, "auth-server");
}

#[tokio::test]
async fn http_and_https_taken_for_one_another_are_told() {
    let (authority, plain) = (Authority::called("own"), MockServer::start().await);
    let told = look(at(plain.address().port()), authority.file()).await;
    says(told.failed("issuer: reached"), "https", "plain http", "issuer");
    let told = look(
        format!("http://localhost:{}", authority.serve("localhost", good())),
        authority.file(),
    )
    .await;
    says(told.failed("issuer: reached"), "plain http", "perhaps TLS", "issuer");
}

#[tokio::test]
async fn a_file_of_authorities_that_cannot_be_read_is_told() {
    let told = look("https://localhost:1".to_owned(), "/nowhere/ca.pem".into()).await;
    says(told.failed("issuer: certificates"), "certificates in PEM", "/nowhere/ca.pem", "ca_file");
}
