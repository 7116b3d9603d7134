//! `service-b doctor` with a running B.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::{
    mock::{json, status},
    signer::Signer,
};

use crate::{
    harness::{B, C, INTROSPECT, ISSUER, JWKS, RESOURCE, SECRET, access_token, claims},
    process::{CommandOutput, run, set},
};

/// Returns command-line arguments with the settings of a running B, overridden by `more`.
fn settings_of(c: &C, b: &B, more: &[(&str, &str)]) -> Vec<String> {
    let (listen, uri) = (b.listen(), c.server.uri());
    let settings =
        [("issuer", ISSUER), ("internal_url", &uri), ("resource", RESOURCE), ("listen", &listen)];
    set(&[&settings[..], &[("introspection.client_secret", SECRET)], more].concat())
}

async fn doctor(c: &C, b: &B, more: &[(&str, &str)]) -> CommandOutput {
    let output = run(&["doctor"], &settings_of(c, b, more)).await;
    assert!(!output.stdout.contains(SECRET) && !output.stderr.contains(SECRET), "{output:?}");
    output
}

/// Asserts that the doctor failed with this check, whose diagnosis contains `parts`.
fn assert_failed(output: &CommandOutput, line: &str, parts: &[&str]) {
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

async fn start_c_and_b() -> (Signer, C, B) {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    let b = c.start_b();
    b.wait_until_ready().await;
    (signer, c, b)
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_nothing_wrong_with_a_running_b() {
    let (_, c, b) = start_c_and_b().await;
    for mode in ["local", "introspection", "auto"] {
        let output = doctor(&c, &b, &[("mode", mode)]).await;
        assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""), "{output:?}");
        assert!(
            output.stdout.contains(" 0 warn, 0 FAIL, ") && !output.stdout.contains('\u{1b}'),
            "no colors in a pipe: {}",
            output.stdout
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_output_is_one_object() {
    let (_, c, b) = start_c_and_b().await;
    c.jwks.respond(json(200, &json!({ "keys": [] })));
    let arguments = settings_of(&c, &b, &[]);
    let output = run(&["doctor", "--json"], &arguments).await;
    assert_eq!(output.code, Some(1));
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    let service = &report["services"][0];
    assert_eq!((&report["failed"], &service["service"]), (&json!(1), &json!("service-b")));
    let checks = service["checks"].as_array().unwrap();
    let keys = checks.iter().find(|check| check["check"] == "issuer: keys").unwrap();
    assert_eq!(
        (&keys["verdict"], &keys["diagnosis"]["found"]),
        (&json!("fail"), &json!("no keys"))
    );
    assert_eq!(
        keys["diagnosis"]["change"]["environment"],
        "GATEPASS__SERVICE_B__LOCAL__ALGORITHMS"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unreachable_c_wrong_issuer_and_missing_keys_are_reported() {
    let (_, c, b) = start_c_and_b().await;
    let unreachable = doctor(&c, &b, &[("internal_url", "http://127.0.0.1:1")]).await;
    assert_failed(
        &unreachable,
        "issuer: reached",
        &["nothing is listening there", "internal_url: ", "GATEPASS__SERVICE_B__INTERNAL_URL"],
    );
    let slash = doctor(&c, &b, &[("issuer", "http://localhost:9000/")]).await;
    assert_failed(
        &slash,
        "issuer: metadata",
        &["a trailing slash", "expected  http://localhost:9000\n", "GATEPASS__SERVICE_B__ISSUER"],
    );
    c.jwks.respond(status(404));
    assert_failed(&doctor(&c, &b, &[]).await, "issuer: keys", &["status 404"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_introspection_secret_is_reported_without_printing_it() {
    let (_, c, b) = start_c_and_b().await;
    c.introspection.respond(
        status(401)
            .set_body_json(json!({ "error": "invalid_client", "error_description": SECRET })),
    );
    let output = doctor(&c, &b, &[("mode", "introspection")]).await;
    assert_failed(
        &output,
        "issuer: introspection",
        &["invalid_client", "introspection.client_secret: "],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn issuer_without_the_scopes_of_b_is_a_warning() {
    let (_, c, b) = start_c_and_b().await;
    let jwks_uri = format!("{ISSUER}{JWKS}");
    let metadata = json!({ "issuer": ISSUER, "jwks_uri": jwks_uri, "scopes_supported": ["openid", "resource:read"] });
    c.metadata.respond(json(200, &metadata));
    let output = doctor(&c, &b, &[]).await;
    assert!(
        output.code == Some(0)
            && output.stdout.contains("warn  issuer: scope")
            && output.stdout.contains("does not know: resource:write"),
        "{output:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_server_and_differing_settings_are_reported() {
    let (_, c, b) = start_c_and_b().await;
    let output = doctor(&c, &b, &[("listen", "127.0.0.1:1")]).await;
    assert_failed(
        &output,
        "listener `listen`",
        &["nothing is listening there", "start it: `service-b`"],
    );
    let other = doctor(&c, &b, &[("resource", "https://b.example/other")]).await;
    assert_failed(
        &other,
        "running settings",
        &["expected  https://b.example/other\n", &format!("found     {RESOURCE}\n"), "resource: "],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unusable_settings_and_certificates_are_reported() {
    let (_, c, b) = start_c_and_b().await;
    let files = [("tls.cert_file", "/nowhere/cert.pem"), ("tls.key_file", "/nowhere/key.pem")];
    assert_failed(
        &doctor(&c, &b, &files).await,
        "server certificate",
        &["/nowhere/cert.pem", "GATEPASS__SERVICE_B__TLS__CERT_FILE"],
    );
    assert_failed(
        &doctor(&c, &b, &[("local.algorithms", "none")]).await,
        "settings",
        &["unknown algorithm `none`"],
    );
    assert_failed(
        &doctor(&c, &b, &[("profile", "production")]).await,
        "settings",
        &["is a loopback address", "issuer: "],
    );
    assert_failed(
        &doctor(&c, &b, &[("ca_file", "/nowhere/ca.pem")]).await,
        "issuer: certificates",
        &["GATEPASS__SERVICE_B__CA_FILE"],
    );
}

/// Writes an access token to a file.
fn token_file(token: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, format!("{token}\n")).unwrap();
    let name = file.display().to_string();
    (folder, name)
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_token_is_explained_and_not_printed() {
    let (signer, c, b) = start_c_and_b().await;
    let now = clock::Clock::system().seconds();
    let (good, other) = (json!({}), Signer::es256("old-key"));
    for (token, line, parts) in [
        (access_token(&other, &claims(&good)), "token: key", ["one of: k1", "found     old-key"]),
        (
            access_token(&signer, &claims(&json!({ "iss": "http://localhost:9000/" }))),
            "token: issuer",
            ["http://localhost:9000/", "issuer: "],
        ),
        (
            access_token(&signer, &claims(&json!({ "aud": "https://b.example" }))),
            "token: audience",
            ["https://b.example\n", "audiences: "],
        ),
        (
            access_token(&signer, &claims(&json!({ "exp": now - 60 }))),
            "token: expiry",
            ["before exp", "a new token"],
        ),
        (
            access_token(&signer, &claims(&json!({ "iat": now + 600, "exp": now + 900 }))),
            "token: issued at",
            ["issued in the past", "local.leeway_seconds: "],
        ),
        ("not-a-jwt".to_owned(), "token", ["is not a JWT", "mode: "]),
    ] {
        let (_folder, name) = token_file(&token);
        let output = run(&["doctor", "--token", &name], &settings_of(&c, &b, &[])).await;
        assert_failed(&output, line, &parts);
        let signature = token.rsplit('.').next().unwrap();
        assert!(
            !output.stdout.contains(signature) && !output.stderr.contains(signature),
            "{output:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn valid_token_is_ok_and_missing_scopes_are_reported() {
    let (signer, c, b) = start_c_and_b().await;
    let (_folder, name) =
        token_file(&access_token(&signer, &claims(&json!({ "scope": "resource:read" }))));
    let output = run(&["doctor", "--token", &name], &settings_of(&c, &b, &[])).await;
    assert!(
        output.code == Some(0) && output.stdout.contains("it does not have: resource:write"),
        "{output:?}"
    );
    let missing = run(&["doctor", "--token", "/nowhere/token"], &settings_of(&c, &b, &[])).await;
    assert!(missing.code == Some(1) && missing.stderr.contains("/nowhere/token"), "{missing:?}");
}

/// Runs the doctor on a token.
async fn examine(c: &C, b: &B, token: &str, more: &[(&str, &str)]) -> CommandOutput {
    let (_folder, name) = token_file(token);
    run(&["doctor", "--token", &name], &settings_of(c, b, more)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn cause_is_named_for_tokens_of_other_issuers() {
    let (signer, c, b) = start_c_and_b().await;
    let accept_jwt = [("local.token_types", "at+jwt,JWT")];
    let jwt = |changes: Value| signer.sign(&json!({ "typ": "JWT" }), &claims(&changes));
    let typed = examine(&c, &b, &jwt(json!({})), &[]).await;
    assert_failed(
        &typed,
        "token: type",
        &["expected  at+jwt", "found     JWT", "local.token_types: "],
    );
    let id_token = examine(&c, &b, &jwt(json!({ "nonce": "n" })), &accept_jwt).await;
    assert_failed(&id_token, "token: kind", &["nonce, as an ID token", "its access token"]);
    let es384 = Signer::es384("k1");
    let signed = examine(&c, &b, &access_token(&es384, &claims(&json!({}))), &[]).await;
    assert_failed(&signed, "token: algorithm", &["found     ES384", "local.algorithms: "]);
    let unsupported = "eyJhbGciOiJFUzUxMiIsInR5cCI6ImF0K2p3dCJ9.e30.eA";
    let signed = examine(&c, &b, unsupported, &[]).await;
    assert_failed(&signed, "token: algorithm", &["found     ES512", "another algorithm"]);
    let audience = json!({ "aud": "api://orders" });
    let audience = examine(&c, &b, &access_token(&signer, &claims(&audience)), &[]).await;
    assert_failed(&audience, "token: audience", &["found     api://orders", "audiences: "]);
    let mut without_jti = claims(&json!({}));
    without_jti.as_object_mut().unwrap().remove("jti");
    let missing = examine(&c, &b, &access_token(&signer, &without_jti), &[]).await;
    assert_failed(&missing, "token", &["the JWT has no jti", "RFC 9068"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn token_without_a_scope_of_b_is_a_warning_that_lists_its_claims() {
    let (signer, c, b) = start_c_and_b().await;
    let token = claims(&json!({ "scope": "", "permissions": ["read"] }));
    let output = examine(&c, &b, &access_token(&signer, &token), &[]).await;
    assert_eq!(output.code, Some(0), "{output:?}");
    for part in ["warn  token: scope", "permissions", "scopes.names: ", "`scopes.claims`"] {
        assert!(output.stdout.contains(part), "{part} is not in {}", output.stdout);
    }
    let map = [("scopes.claims", "permissions"), ("scopes.names", "read=resource:read")];
    let output = examine(&c, &b, &access_token(&signer, &token), &map).await;
    assert!(output.stdout.contains("it does not have: resource:write"), "{}", output.stdout);
    assert!(!output.stdout.contains("warn  token: scope"), "{}", output.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_introspection_endpoint_and_unbound_tokens_are_explained() {
    let (_, c, b) = start_c_and_b().await;
    let jwks_uri = format!("{ISSUER}{JWKS}");
    c.metadata.respond(json(200, &json!({ "issuer": ISSUER, "jwks_uri": jwks_uri })));
    let introspecting = ("mode", "introspection");
    let output = doctor(&c, &b, &[introspecting]).await;
    assert_failed(
        &output,
        "issuer: introspection",
        &["`introspection_endpoint` in the metadata", "introspection.endpoint: "],
    );
    let url = format!("{}{INTROSPECT}", c.server.uri());
    let endpoint = ("introspection.endpoint", url.as_str());
    c.metadata.respond(status(404));
    assert_eq!(doctor(&c, &b, &[introspecting, endpoint]).await.code, Some(0));
    let unreachable = ("introspection.endpoint", "http://127.0.0.1:1/introspect");
    let output = doctor(&c, &b, &[introspecting, unreachable]).await;
    assert_failed(
        &output,
        "issuer: introspection",
        &["nothing is listening", "introspection.endpoint: "],
    );
    c.introspection.respond(json(200, &json!({ "active": true })));
    let output = examine(&c, &b, "opaque", &[introspecting, endpoint]).await;
    let unbound = ["found     none", "introspection.audience_required: "];
    assert_failed(&output, "token: audience", &unbound);
}
