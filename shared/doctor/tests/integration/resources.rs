use clock::Clock;
use doctor::{Checks, HttpProbe, ResourceEndpoint, check_resource};
use serde_json::{Value, json};
use service_kit::HttpClientSettings;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

use crate::{
    output::{Output, assert_diagnosis},
    vendor::{RESOURCE, names},
};

const ISSUER: &str = "http://localhost:9000";

async fn check(url: &str) -> Output {
    let (scope, names) = ("read".parse().unwrap(), names());
    let endpoint = ResourceEndpoint {
        label: "B local".to_owned(),
        url: (url, "targets.local.url".to_owned()),
        resource: (RESOURCE, "targets.local.resource".to_owned()),
        issuer: ISSUER,
        scope: &scope,
        names: &names,
    };
    let probe = HttpProbe::new(&HttpClientSettings::default(), &Clock::system()).unwrap();
    let mut checks = Checks::default();
    check_resource(&mut checks, &probe, &endpoint).await;
    Output::of(checks)
}

async fn resource_server(at: &str, metadata: &Value) -> MockServer {
    let b = MockServer::start().await;
    Mock::given(path(at))
        .respond_with(ResponseTemplate::new(200).set_body_json(metadata))
        .mount(&b)
        .await;
    b
}

const METADATA: &str = "/.well-known/oauth-protected-resource";

#[tokio::test]
async fn matching_metadata_passes_at_both_locations() {
    let metadata = json!({ "resource": RESOURCE, "authorization_servers": [ISSUER], "scopes_supported": ["read"] });
    let b = resource_server(METADATA, &metadata).await;
    check(&b.uri()).await.all_ok();
    for at in [format!("{METADATA}/api"), format!("/api{METADATA}")] {
        let b = resource_server(&at, &metadata).await;
        check(&format!("{}/api/", b.uri())).await.all_ok();
    }
}

#[tokio::test]
async fn different_audience_issuer_or_scope_shows_both_values() {
    let metadata = json!({
        "resource": "https://b.example/other", "authorization_servers": ["http://localhost:9000/"], "scopes_supported": ["write"],
    });
    let b = resource_server(METADATA, &metadata).await;
    let output = check(&b.uri()).await;
    assert_diagnosis(
        output.failed("B local: audience"),
        "https://b.example/other",
        RESOURCE,
        "targets.local.resource",
    );
    assert_diagnosis(output.failed("B local: issuer"), "http://localhost:9000/", ISSUER, "issuer");
    assert_diagnosis(output.warned("B local: scope"), "write", "read", "scope");
}

/// RFC 3986 §6.2.3: both name the same resource, and B accepts tokens for either.
#[tokio::test]
async fn resource_with_an_empty_path_may_have_a_slash() {
    let metadata = json!({
        "resource": format!("{RESOURCE}/"), "authorization_servers": [ISSUER], "scopes_supported": ["read"],
    });
    let b = resource_server(METADATA, &metadata).await;
    check(&b.uri()).await.ok("B local: audience");
}

#[tokio::test]
async fn unreachable_resource_fails_and_missing_metadata_is_skipped() {
    assert_diagnosis(
        check("http://127.0.0.1:1").await.failed("B local: reached"),
        "a response",
        "nothing is listening there",
        "targets.local.url",
    );
    let silent = MockServer::start().await;
    let output = check(&silent.uri()).await;
    output.ok("B local: reached");
    output.skipped("B local: audience");
}
