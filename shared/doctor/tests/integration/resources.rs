use clock::Clock;
use doctor::{Checks, HttpProbe, ResourceEndpoint, check_resource};
use serde_json::{Value, json};
use service_kit::HttpClientSettings;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

use crate::{
    output::{Output, says},
    vendor::{RESOURCE, names},
};

const ISSUER: &str = "http://localhost:9000";

async fn look(url: &str) -> Output {
    let (scope, names) = ("read".parse().unwrap(), names());
    let door = ResourceEndpoint {
        label: "B local".to_owned(),
        url: (url, "targets.local.url".to_owned()),
        resource: (RESOURCE, "targets.local.resource".to_owned()),
        issuer: ISSUER,
        scope: &scope,
        names: &names,
    };
    let wire = HttpProbe::new(&HttpClientSettings::default(), &Clock::system()).unwrap();
    let mut checks = Checks::default();
    check_resource(&mut checks, &wire, &door).await;
    Output::of(checks)
}

async fn b_says(at: &str, said: &Value) -> MockServer {
    let b = MockServer::start().await;
    Mock::given(path(at))
        .respond_with(ResponseTemplate::new(200).set_body_json(said))
        .mount(&b)
        .await;
    b
}

const METADATA: &str = "/.well-known/oauth-protected-resource";

#[tokio::test]
async fn a_b_that_means_the_same_is_well_wherever_it_says_so() {
    let said = json!({ "resource": RESOURCE, "authorization_servers": [ISSUER], "scopes_supported": ["read"] });
    let b = b_says(METADATA, &said).await;
    look(&b.uri()).await.all_ok();
    for at in [format!("{METADATA}/api"), format!("/api{METADATA}")] {
        let b = b_says(&at, &said).await;
        look(&format!("{}/api/", b.uri())).await.all_ok();
    }
}

#[tokio::test]
async fn another_audience_issuer_or_scope_is_told_with_both_values() {
    let said = json!({
        "resource": "https://b.example/", "authorization_servers": ["http://localhost:9000/"], "scopes_supported": ["write"],
    });
    let b = b_says(METADATA, &said).await;
    let told = look(&b.uri()).await;
    says(
        told.failed("B local: audience"),
        "https://b.example/",
        RESOURCE,
        "targets.local.resource",
    );
    says(told.failed("B local: issuer"), "http://localhost:9000/", ISSUER, "issuer");
    says(told.warned("B local: scope"), "write", "read", "scope");
}

#[tokio::test]
async fn a_b_that_is_away_or_says_nothing_of_itself_is_told() {
    says(
        look("http://127.0.0.1:1").await.failed("B local: reached"),
        "an answer",
        "nobody listens there",
        "targets.local.url",
    );
    let silent = MockServer::start().await;
    let told = look(&silent.uri()).await;
    told.ok("B local: reached");
    told.skipped("B local: audience");
}
