//! `service-a doctor`, run beside a serving A.

use std::{fs, path::Path};

use serde_json::{Value, json};
use service_a::ServiceASettings;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use test_support::{mock::json, process::CommandOutput};
use wiremock::{
    Mock, MockServer,
    matchers::{any, method, path},
};

use crate::{
    process::{SERVICE_A, settings_arguments},
    test_servers::{A, ACCESS_TOKENS, RESOURCES, SECRET, TestServers, delayed, token_response},
};

const ISSUER_METADATA: [&str; 2] =
    ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];

/// C and Bs with everything that the doctor checks.
async fn doctor_servers() -> (TestServers, A) {
    let servers = TestServers::start().await;
    let (c, uri) = (&servers.c.server, servers.c.server.uri());
    c.reset().await;
    let at = |end: &str| format!("{uri}{end}");
    let about = json(
        200,
        &json!({
            "issuer": uri, "token_endpoint": at("/token"), "revocation_endpoint": at("/revoke"), "jwks_uri": at("/keys"),
            "authorization_endpoint": at("/auth"), "scopes_supported": ["resource:read", "resource:write"],
        }),
    );
    for metadata in ISSUER_METADATA {
        Mock::given(path(metadata)).respond_with(about.clone()).mount(c).await;
    }
    let keys =
        json(200, &json!({ "keys": [{ "kty": "RSA", "kid": "1", "n": "AQAB", "e": "AQAB" }] }));
    Mock::given(path("/keys")).respond_with(keys).mount(c).await;
    let code = wiremock::matchers::body_string_contains("authorization_code");
    let unknown_code = json(400, &json!({ "error": "invalid_grant" }));
    Mock::given(path("/token")).and(code).respond_with(unknown_code).mount(c).await;
    let back = "http://localhost:9001/callback/platform?error=login_required";
    Mock::given(path("/auth"))
        .respond_with(wiremock::ResponseTemplate::new(302).insert_header("location", back))
        .mount(c)
        .await;
    Mock::given(method("POST"))
        .and(path("/revoke"))
        .respond_with(wiremock::ResponseTemplate::new(200))
        .mount(c)
        .await;
    for (b, resource) in
        [&servers.b.server, &servers.introspecting_b.server].into_iter().zip(RESOURCES)
    {
        publish_resource_metadata(b, resource, &uri).await;
    }
    let a = servers.start_a().await;
    (servers, a)
}

async fn publish_resource_metadata(b: &MockServer, resource: &str, issuer: &str) {
    b.reset().await;
    let about = json!({ "resource": resource, "authorization_servers": [issuer], "scopes_supported": ["resource:read", "resource:write"] });
    Mock::given(path("/.well-known/oauth-protected-resource"))
        .respond_with(json(200, &about))
        .mount(b)
        .await;
}

async fn doctor(settings: &ServiceASettings, a: &A, more: &[(&str, &str)]) -> CommandOutput {
    let [listen, manage] = [&a.base, &a.manage.base].map(|base| base.trim_start_matches("http://"));
    let arguments = settings_arguments(settings, more);
    let arguments: Vec<_> = arguments
        .into_iter()
        .map(|argument| match argument.as_str() {
            "listen=127.0.0.1:0" => format!("listen={listen}"),
            "manage_listen=127.0.0.1:0" => format!("manage_listen={manage}"),
            _ => argument,
        })
        .collect();
    let output = SERVICE_A.run(&["doctor"], &arguments).await;
    for private in [SECRET, ACCESS_TOKENS[0], ACCESS_TOKENS[1]] {
        assert!(!output.stdout.contains(private) && !output.stderr.contains(private), "{output:?}");
    }
    output
}

/// Asserts a failed check `line` whose diagnosis contains `parts`.
fn assert_diagnosis(output: &CommandOutput, line: &str, parts: &[&str]) {
    assert_eq!(output.code, Some(1), "{output:?}");
    let rest = output
        .stdout
        .split_once(&format!("FAIL  {line} "))
        .unwrap_or_else(|| panic!("no `{line}` in {}", output.stdout))
        .1;
    let block = rest.lines().take(5).collect::<Vec<_>>().join("\n");
    for part in ["compared  ", "expected  ", "found     ", "change    "].iter().chain(parts) {
        assert!(block.contains(part), "`{part}` is not in\n{block}");
    }
}

/// Sets the response to A's token request.
async fn respond_to_token_request(servers: &TestServers, response: wiremock::ResponseTemplate) {
    Mock::given(path("/token")).respond_with(response).mount(&servers.c.server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_no_problem_and_revokes_its_tokens() {
    let (servers, a) = doctor_servers().await;
    respond_to_token_request(&servers, token_response(0)).await;
    let output = doctor(&servers.settings(), &a, &[]).await;
    assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""), "{output:?}");
    assert!(output.stdout.ends_with(" ok, 0 warn, 0 FAIL, 0 skipped\n"), "{}", output.stdout);
    let all = servers.c.requests().await;
    let count = |at: &str| all.iter().filter(|request| request.url.path() == at).count();
    assert_eq!(
        (count("/token"), count("/revoke")),
        (3, 2),
        "one token per B, and one made-up code"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_secret_is_reported_once() {
    let (servers, a) = doctor_servers().await;
    let wrong =
        json!({ "error": "invalid_client", "error_description": format!("{SECRET} is wrong") });
    respond_to_token_request(&servers, json(401, &wrong)).await;
    let output = doctor(&servers.settings(), &a, &[]).await;
    assert_diagnosis(
        &output,
        "issuer: token for B local",
        &["the id `service-a` with its secret (not printed)", "invalid_client", "client_secret: "],
    );
    assert!(!output.stdout.contains("token for B introspection"), "stops after the first failure");
}

#[tokio::test(flavor = "multi_thread")]
async fn audience_mismatch_is_reported_with_both_values() {
    let (servers, a) = doctor_servers().await;
    respond_to_token_request(&servers, token_response(0)).await;
    publish_resource_metadata(
        &servers.b.server,
        "https://b.example/",
        &format!("{}/", servers.c.server.uri()),
    )
    .await;
    let output = doctor(&servers.settings(), &a, &[]).await;
    assert_diagnosis(
        &output,
        "B local: audience",
        &[
            "expected  https://b.example/\n",
            RESOURCES[0],
            "GATEPASS__SERVICE_A__TARGETS__LOCAL__RESOURCE",
        ],
    );
    assert_diagnosis(&output, "B local: issuer", &["a trailing slash", "issuer: "]);
}

#[tokio::test(flavor = "multi_thread")]
async fn unregistered_redirect_uri_is_reported() {
    let (servers, a) = doctor_servers().await;
    respond_to_token_request(&servers, token_response(0)).await;
    let output = doctor(&servers.settings(), &a, &[("public_url", "http://127.0.0.1:9001")]).await;
    // The mock issuer always redirects to the registered URI.
    assert!(output.stdout.contains("warn  login platform: redirect URI"), "{}", output.stdout);
    assert!(
        output.stdout.contains("a redirect to http://localhost:9001/callback/platform"),
        "{}",
        output.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unreachable_c_and_unreachable_b_are_distinguished() {
    let (servers, a) = doctor_servers().await;
    respond_to_token_request(&servers, token_response(0)).await;
    let output = doctor(&servers.settings(), &a, &[("issuer", "http://127.0.0.1:1")]).await;
    assert_diagnosis(
        &output,
        "issuer: reached",
        &["nothing is listening there", "set `internal_url`"],
    );
    assert!(
        output.stdout.contains("the secret is not sent to an unconfirmed issuer"),
        "{}",
        output.stdout
    );
    let output =
        doctor(&servers.settings(), &a, &[("targets.local.url", "http://127.0.0.1:1")]).await;
    assert_diagnosis(
        &output,
        "B local: reached",
        &["nothing is listening there", "targets.local.url: "],
    );
    let (of_a, of_login) = ("ok    issuer: reached", "ok    login platform: reached");
    assert!(output.stdout.contains(of_a) && output.stdout.contains(of_login), "{}", output.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_server_is_reported_with_the_start_command() {
    let (servers, a) = doctor_servers().await;
    respond_to_token_request(&servers, token_response(0)).await;
    let output = doctor(&servers.settings(), &a, &[("listen", "127.0.0.1:1")]).await;
    assert_diagnosis(
        &output,
        "listener `listen`",
        &["nothing is listening there", "start it: `service-a`"],
    );
}

async fn execute(file: &Path, sql: &'static str) {
    let mut database =
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap();
    sqlx::query(sql).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn newer_schema_and_invalid_database_file_are_reported() {
    let (servers, a) = doctor_servers().await;
    respond_to_token_request(&servers, token_response(0)).await;
    let file = servers.data_dir.path().join("service-a.db");
    execute(&file, "UPDATE _sqlx_migrations SET version = 9999 WHERE version = 1").await;
    let output = doctor(&servers.settings(), &a, &[]).await;
    assert_diagnosis(
        &output,
        "database",
        &["found     version 9999", "run the newer version that migrated", "data_dir: "],
    );
    let other = tempfile::tempdir().unwrap();
    let dir = other.path().display().to_string();
    let output = doctor(&servers.settings(), &a, &[("data_dir", &dir)]).await;
    assert!(
        output.stdout.contains("not created yet; the first start creates it"),
        "{}",
        output.stdout
    );
    assert_eq!(fs::read_dir(other.path()).unwrap().count(), 0, "the doctor creates no file");
    fs::write(
        other.path().join("service-a.db"),
        "no database at all, but long enough to be read as one",
    )
    .unwrap();
    assert_diagnosis(
        &doctor(&servers.settings(), &a, &[("data_dir", &dir)]).await,
        "database",
        &["file is not a database"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unreachable_provider_does_not_affect_other_providers() {
    let (servers, a) = doctor_servers().await;
    respond_to_token_request(&servers, token_response(0)).await;
    let more = [
        ("providers.other.issuer", "http://127.0.0.1:1"),
        ("providers.other.client_id", "a-at-other"),
        ("providers.other.client_secret", SECRET),
        ("providers.wechat.kind", "wechat"),
        ("providers.wechat.client_id", "wx1"),
        ("providers.wechat.client_secret", SECRET),
    ];
    let output = doctor(&servers.settings(), &a, &more).await;
    assert_diagnosis(
        &output,
        "login other: reached",
        &[
            "nothing is listening there",
            "providers.other.issuer: ",
            "GATEPASS__SERVICE_A__PROVIDERS__OTHER__ISSUER",
        ],
    );
    assert!(
        output.stdout.contains("ok    login platform: client")
            && output.stdout.contains("skip  login wechat"),
        "{}",
        output.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn json_output_is_one_object() {
    let (servers, a) = doctor_servers().await;
    respond_to_token_request(&servers, token_response(0)).await;
    let listen = ("listen", a.base.trim_start_matches("http://"));
    let manage = ("manage_listen", a.manage.base.trim_start_matches("http://"));
    let output = SERVICE_A
        .run(&["doctor", "--json"], &settings_arguments(&servers.settings(), &[listen, manage]))
        .await;
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(
        (output.code, &report["failed"], &report["services"][0]["service"]),
        (Some(0), &json!(0), &json!("service-a"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_ends_even_if_every_server_hangs() {
    let (servers, a) = doctor_servers().await;
    for server in [&servers.c.server, &servers.b.server, &servers.introspecting_b.server] {
        server.reset().await;
        Mock::given(any()).respond_with(delayed(token_response(0))).mount(server).await;
    }
    let output = doctor(&servers.settings(), &a, &[]).await;
    for line in [
        "issuer: reached",
        "B local: reached",
        "B introspection: reached",
        "login platform: reached",
    ] {
        assert_diagnosis(&output, line, &["no response in time"]);
    }
}
