use std::time::{Duration, Instant};

use doctor::{Checks, IssuerConfig, ReachedBy, run_section};
use oauth_types::ClientAuthMethod;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, path},
};

use crate::{
    output::{Output, says},
    vendor::{REALM, Vendor, look},
};

/// Nobody listens there.
const NOBODY: &str = "http://127.0.0.1:1";

async fn told(at: &IssuerConfig) -> Output {
    let mut checks = Checks::default();
    look(&mut checks, at).await;
    Output::of(checks)
}

#[tokio::test]
async fn an_issuer_of_another_house_is_found_by_its_own_discovery_and_all_is_well() {
    let vendor = Vendor::new().await;
    vendor.open().await;
    vendor.whole(ClientAuthMethod::Basic).await.all_ok();
    vendor.whole(ClientAuthMethod::Post).await.all_ok();
    // Each token that was fetched to look at it was given back.
    assert_eq!((vendor.asked("token").await.len(), vendor.asked("revoke").await.len()), (2, 2));
}

#[tokio::test]
async fn an_issuer_that_is_spelled_otherwise_is_found_with_both_spellings() {
    let mut vendor = Vendor::new().await;
    let own = vendor.issuer();
    let port = vendor.server.address().port().to_string();
    for (named, how) in [
        (format!("{own}/"), "a slash at the end"),
        (own.replace("http", "https"), "the scheme"),
        (own.replace("127.0.0.1", "localhost"), "the host"),
        (own.replace(&port, "1"), "the port"),
        (own.replace("shop", "other"), "the path"),
    ] {
        vendor.server.reset().await;
        vendor.metadata["issuer"] = named.clone().into();
        vendor.open().await;
        let mut checks = Checks::default();
        assert!(look(&mut checks, &vendor.at()).await.is_none(), "no secret may be shown to it");
        let lines = format!("{checks:?}");
        assert!(lines.contains(&format!("differ in {how}")), "{how}: {lines}");
        says(Output::of(checks).failed("issuer: metadata"), &named, &own, "issuer");
    }
}

#[tokio::test]
async fn nobody_there_is_told_with_the_setting_that_leads_there() {
    let vendor = Vendor::new().await;
    vendor.open().await;
    let at = IssuerConfig { issuer: format!("{NOBODY}{REALM}"), ..vendor.at() };
    let told = told(&at).await;
    says(told.failed("issuer: reached"), "an answer", "nobody listens there", "issuer");
    assert!(
        told.failed("issuer: reached").change.advice.contains("in a container"),
        "localhost is the container itself"
    );
}

#[tokio::test]
async fn a_host_that_has_no_address_is_named() {
    let vendor = Vendor::new().await;
    let at = IssuerConfig { issuer: "http://no-such-host.invalid:9000".to_owned(), ..vendor.at() };
    says(
        told(&at).await.failed("issuer: reached"),
        "a host that is known here",
        "no-such-host.invalid",
        "issuer",
    );
}

#[tokio::test]
async fn an_issuer_that_only_browsers_reach_is_as_it_should_be_in_a_container() {
    let mut vendor = Vendor::new().await;
    let browsers = format!("{NOBODY}{REALM}");
    vendor.metadata["issuer"] = browsers.clone().into();
    vendor.open().await;
    let at = IssuerConfig { issuer: browsers, internal_url: Some(vendor.issuer()), ..vendor.at() };
    told(&at).await.all_ok();
}

#[tokio::test]
async fn an_internal_url_that_leads_nowhere_is_told_apart_from_an_issuer_that_is_down() {
    let vendor = Vendor::new().await;
    vendor.open().await;
    let at = IssuerConfig { internal_url: Some(NOBODY.to_owned()), ..vendor.at() };
    let told = told(&at).await;
    says(
        told.failed("issuer: reached"),
        "an answer at both",
        "nobody listens there",
        "internal_url",
    );
    assert!(told.failed("issuer: reached").change.advice.contains("leave it out"));
}

#[tokio::test]
async fn a_name_that_browsers_do_not_know_is_a_warning() {
    let mut vendor = Vendor::new().await;
    let inside = format!("http://auth-server:9000{REALM}");
    vendor.metadata["issuer"] = inside.clone().into();
    vendor.open().await;
    let at = IssuerConfig { issuer: inside, internal_url: Some(vendor.issuer()), ..vendor.at() };
    says(
        told(&at).await.warned("issuer: browsers"),
        "a host that the world knows",
        "auth-server",
        "issuer",
    );
    let machines = IssuerConfig { reached_by: ReachedBy::ThisProcess, ..at };
    told(&machines).await.all_ok();
}

#[tokio::test]
async fn another_server_where_browsers_go_is_found() {
    let (mut vendor, other) = (Vendor::new().await, Vendor::new().await);
    let stranger = format!("http://localhost:{}{REALM}", other.server.address().port());
    vendor.metadata["issuer"] = stranger.clone().into();
    vendor.open().await;
    other.open().await;
    let at = IssuerConfig {
        issuer: stranger.clone(),
        internal_url: Some(vendor.issuer()),
        ..vendor.at()
    };
    says(told(&at).await.failed("issuer: browsers"), &stranger, &other.issuer(), "issuer");
}

#[tokio::test]
async fn what_is_no_metadata_is_told_for_what_it_is() {
    for (answer, found, advice) in [
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
            "no such JSON",
            "where an issuer answers",
        ),
        (
            ResponseTemplate::new(200).set_body_string("x".repeat(300_000)),
            "no such JSON",
            "where an issuer answers",
        ),
        (ResponseTemplate::new(500), "status 500", "log"),
    ] {
        let vendor = Vendor::new().await;
        Mock::given(any()).respond_with(answer).mount(&vendor.server).await;
        let mut checks = Checks::default();
        assert!(look(&mut checks, &vendor.at()).await.is_none());
        assert!(
            !format!("{checks:?}").contains("hunter2"),
            "what stands in a query may be private"
        );
        let told = Output::of(checks);
        let finding = told.failed("issuer: metadata");
        says(finding, "JSON with `issuer`", found, "issuer");
        assert!(finding.change.advice.contains(advice), "{finding:#?}");
    }
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_before_anything_is_sent() {
    let vendor = Vendor::new().await;
    let at = IssuerConfig { issuer: "c.example".to_owned(), ..vendor.at() };
    says(told(&at).await.failed("issuer: settings"), "https://host/path", "c.example", "issuer");
    let at = IssuerConfig { internal_url: Some("http://c.example/?x".to_owned()), ..vendor.at() };
    says(told(&at).await.failed("issuer: settings"), "https://host/path", "?x", "internal_url");
}

#[tokio::test]
async fn an_endpoint_that_would_lead_out_of_tls_or_nowhere_is_not_called() {
    for published in [serde_json::Value::Null, "ftp://c.example/keys".into()] {
        let mut vendor = Vendor::new().await;
        vendor.metadata["jwks_uri"] = published;
        vendor.open().await;
        let told = vendor.whole(ClientAuthMethod::Basic).await;
        says(told.failed("issuer: keys"), "a URL that can be called", "", "issuer");
    }
}

#[tokio::test]
async fn whatever_hangs_the_doctor_ends() {
    let server = MockServer::start().await;
    let late = ResponseTemplate::new(200).set_delay(Duration::from_secs(60));
    Mock::given(path("/.well-known/oauth-authorization-server/realms/shop"))
        .respond_with(late)
        .mount(&server)
        .await;
    let vendor = Vendor::new().await;
    let at = IssuerConfig { issuer: format!("{}{REALM}", server.uri()), ..vendor.at() };
    let began = Instant::now();
    says(told(&at).await.failed("issuer: reached"), "an answer", "no answer in time", "issuer");
    assert!(began.elapsed() < Duration::from_secs(10), "one question takes three seconds at most");
}

#[tokio::test(start_paused = true)]
async fn a_section_that_never_ends_is_given_up_and_keeps_what_it_has_found() {
    let checks = run_section("slow", async |checks: &mut Checks| {
        checks.ok("first", "done");
        std::future::pending::<()>().await;
    });
    let told = Output::of(checks.await);
    told.ok("first");
    told.skipped("slow");
}
