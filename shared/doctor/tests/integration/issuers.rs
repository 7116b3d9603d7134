use std::time::Duration;

use doctor::{Checks, IssuerConfig, ReachedBy, run_section};
use oauth_types::ClientAuthMethod;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, path},
};

use crate::{
    output::{Output, assert_diagnosis},
    vendor::{REALM, Vendor, check},
};

/// Nothing listens there.
const UNREACHABLE: &str = "http://127.0.0.1:1";

async fn output_of(at: &IssuerConfig) -> Output {
    let mut checks = Checks::default();
    check(&mut checks, at).await;
    Output::of(checks)
}

#[tokio::test]
async fn foreign_issuer_with_correct_settings_passes() {
    let vendor = Vendor::new().await;
    vendor.mount().await;
    vendor.check_all(ClientAuthMethod::Basic).await.all_ok();
    vendor.check_all(ClientAuthMethod::Post).await.all_ok();
    // Each obtained token was revoked.
    assert_eq!(
        (vendor.requests_to("token").await.len(), vendor.requests_to("revoke").await.len()),
        (2, 2)
    );
}

#[tokio::test]
async fn differently_spelled_issuer_shows_both_spellings() {
    let mut vendor = Vendor::new().await;
    let issuer = vendor.issuer();
    let port = vendor.server.address().port().to_string();
    for (named, how) in [
        (format!("{issuer}/"), "a trailing slash"),
        (issuer.replace("http", "https"), "the scheme"),
        (issuer.replace("127.0.0.1", "localhost"), "the host"),
        (issuer.replace(&port, "1"), "the port"),
        (issuer.replace("shop", "other"), "the path"),
    ] {
        vendor.server.reset().await;
        vendor.metadata["issuer"] = named.clone().into();
        vendor.mount().await;
        let mut checks = Checks::default();
        assert!(check(&mut checks, &vendor.at()).await.is_none(), "no secret may be sent to it");
        let lines = format!("{checks:?}");
        assert!(lines.contains(&format!("differ in {how}")), "{how}: {lines}");
        assert_diagnosis(Output::of(checks).failed("issuer: metadata"), &named, &issuer, "issuer");
    }
}

#[tokio::test]
async fn refused_connection_names_the_issuer_setting() {
    let vendor = Vendor::new().await;
    vendor.mount().await;
    let at = IssuerConfig { issuer: format!("{UNREACHABLE}{REALM}"), ..vendor.at() };
    let output = output_of(&at).await;
    assert_diagnosis(
        output.failed("issuer: reached"),
        "a response",
        "nothing is listening there",
        "issuer",
    );
    assert!(
        output.failed("issuer: reached").change.advice.contains("in a container"),
        "localhost is the container itself"
    );
}

#[tokio::test]
async fn unresolvable_host_is_named() {
    let vendor = Vendor::new().await;
    let at = IssuerConfig { issuer: "http://no-such-host.invalid:9000".to_owned(), ..vendor.at() };
    assert_diagnosis(
        output_of(&at).await.failed("issuer: reached"),
        "a host name that can be resolved here",
        "no-such-host.invalid",
        "issuer",
    );
}

#[tokio::test]
async fn loopback_issuer_with_internal_url_passes() {
    let mut vendor = Vendor::new().await;
    let browsers = format!("{UNREACHABLE}{REALM}");
    vendor.metadata["issuer"] = browsers.clone().into();
    vendor.mount().await;
    let at = IssuerConfig { issuer: browsers, internal_url: Some(vendor.issuer()), ..vendor.at() };
    output_of(&at).await.all_ok();
}

#[tokio::test]
async fn unreachable_internal_url_with_reachable_issuer_suggests_removing_it() {
    let vendor = Vendor::new().await;
    vendor.mount().await;
    let at = IssuerConfig { internal_url: Some(UNREACHABLE.to_owned()), ..vendor.at() };
    let output = output_of(&at).await;
    assert_diagnosis(
        output.failed("issuer: reached"),
        "a response at both",
        "nothing is listening there",
        "internal_url",
    );
    assert!(output.failed("issuer: reached").change.advice.contains("remove it"));
}

#[tokio::test]
async fn internal_host_name_in_the_issuer_is_a_warning() {
    let mut vendor = Vendor::new().await;
    let inside = format!("http://auth-server:9000{REALM}");
    vendor.metadata["issuer"] = inside.clone().into();
    vendor.mount().await;
    let at = IssuerConfig { issuer: inside, internal_url: Some(vendor.issuer()), ..vendor.at() };
    assert_diagnosis(
        output_of(&at).await.warned("issuer: browsers"),
        "a public host name",
        "auth-server",
        "issuer",
    );
    let machines = IssuerConfig { reached_by: ReachedBy::ThisProcess, ..at };
    output_of(&machines).await.all_ok();
}

#[tokio::test]
async fn different_issuer_at_the_public_url_fails() {
    let (mut vendor, other) = (Vendor::new().await, Vendor::new().await);
    let public_url = format!("http://localhost:{}{REALM}", other.server.address().port());
    vendor.metadata["issuer"] = public_url.clone().into();
    vendor.mount().await;
    other.mount().await;
    let at = IssuerConfig {
        issuer: public_url.clone(),
        internal_url: Some(vendor.issuer()),
        ..vendor.at()
    };
    assert_diagnosis(
        output_of(&at).await.failed("issuer: browsers"),
        &public_url,
        &other.issuer(),
        "issuer",
    );
}

#[tokio::test]
async fn non_metadata_responses_are_described() {
    for (response, found, advice) in [
        (
            ResponseTemplate::new(301)
                .insert_header("location", "https://c.example/x?token=hunter2"),
            "status 301",
            "redirects",
        ),
        (ResponseTemplate::new(404), "status 404", "whole path"),
        (
            ResponseTemplate::new(200).set_body_raw("<html>", "text/html"),
            "a web page",
            "not that of a page",
        ),
        (
            ResponseTemplate::new(200).set_body_string("{\"issuer\":"),
            "not issuer metadata",
            "the address of an issuer",
        ),
        (
            ResponseTemplate::new(200).set_body_string("x".repeat(300_000)),
            "not issuer metadata",
            "the address of an issuer",
        ),
        (ResponseTemplate::new(500), "status 500", "log"),
    ] {
        let vendor = Vendor::new().await;
        Mock::given(any()).respond_with(response).mount(&vendor.server).await;
        let mut checks = Checks::default();
        assert!(check(&mut checks, &vendor.at()).await.is_none());
        assert!(!format!("{checks:?}").contains("hunter2"), "queries may contain private data");
        let output = Output::of(checks);
        let diagnosis = output.failed("issuer: metadata");
        assert_diagnosis(diagnosis, "JSON with `issuer`", found, "issuer");
        assert!(diagnosis.change.advice.contains(advice), "{diagnosis:#?}");
    }
}

#[tokio::test]
async fn malformed_issuer_url_is_rejected() {
    let vendor = Vendor::new().await;
    let at = IssuerConfig { issuer: "c.example".to_owned(), ..vendor.at() };
    assert_diagnosis(
        output_of(&at).await.failed("issuer: settings"),
        "https://host/path",
        "c.example",
        "issuer",
    );
    let at = IssuerConfig { internal_url: Some("http://c.example/?x".to_owned()), ..vendor.at() };
    assert_diagnosis(
        output_of(&at).await.failed("issuer: settings"),
        "https://host/path",
        "?x",
        "internal_url",
    );
}

#[tokio::test]
async fn unusable_jwks_uri_is_reported() {
    for published in [serde_json::Value::Null, "ftp://c.example/keys".into()] {
        let mut vendor = Vendor::new().await;
        vendor.metadata["jwks_uri"] = published;
        vendor.mount().await;
        let output = vendor.check_all(ClientAuthMethod::Basic).await;
        assert_diagnosis(output.failed("issuer: keys"), "a URL that can be called", "", "issuer");
    }
}

#[tokio::test]
async fn hanging_issuer_times_out() {
    let server = MockServer::start().await;
    let late = ResponseTemplate::new(200).set_delay(Duration::from_secs(60));
    Mock::given(path("/.well-known/oauth-authorization-server/realms/shop"))
        .respond_with(late)
        .mount(&server)
        .await;
    let vendor = Vendor::new().await;
    let at = IssuerConfig { issuer: format!("{}{REALM}", server.uri()), ..vendor.at() };
    assert_diagnosis(
        output_of(&at).await.failed("issuer: reached"),
        "a response",
        "no response in time",
        "issuer",
    );
}

#[tokio::test(start_paused = true)]
async fn hanging_section_is_cancelled_and_keeps_its_results() {
    let checks = run_section("slow", async |checks: &mut Checks| {
        checks.ok("first", "done");
        std::future::pending::<()>().await;
    });
    let output = Output::of(checks.await);
    output.ok("first");
    output.skipped("slow");
}
