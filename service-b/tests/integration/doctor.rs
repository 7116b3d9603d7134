//! `service-b doctor`, as it is run beside a B that serves.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    harness::{B, C, ISSUER, JWKS, RESOURCE, SECRET, claims, said, status},
    process::{Said, run, set},
    signer::Signer,
};

/// The settings of that B, as a command line takes them, with these above.
fn like(c: &C, b: &B, more: &[(&str, &str)]) -> Vec<String> {
    let (listen, uri) = (b.listen(), c.server.uri());
    let own =
        [("issuer", ISSUER), ("internal_url", &uri), ("resource", RESOURCE), ("listen", &listen)];
    set(&[&own[..], &[("introspection.client_secret", SECRET)], more].concat())
}

async fn doctor(c: &C, b: &B, more: &[(&str, &str)]) -> Said {
    let said = run(&["doctor"], &like(c, b, more)).await;
    assert!(!said.out.contains(SECRET) && !said.err.contains(SECRET), "{said:?}");
    said
}

/// It failed, and a line of it says so, with a block in which all of this stands.
fn found(said: &Said, line: &str, parts: &[&str]) {
    assert_eq!(said.code, Some(1), "{said:?}");
    let rest = said
        .out
        .split_once(&format!("FAIL  {line} "))
        .unwrap_or_else(|| panic!("no `{line}` in {}", said.out))
        .1;
    let block = rest.lines().take(5).collect::<Vec<_>>().join("\n");
    for part in ["compared  ", "expected  ", "found     ", "change    "].iter().chain(parts) {
        assert!(block.contains(part), "`{part}` is not in\n{block}");
    }
}

async fn world() -> (Signer, C, B) {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    let b = c.b();
    b.until_ready().await;
    (signer, c, b)
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_b_that_serves_nothing_is_found() {
    let (_, c, b) = world().await;
    for mode in ["local", "introspection", "auto"] {
        let said = doctor(&c, &b, &[("mode", mode)]).await;
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
        assert!(
            said.out.contains(" 0 warn, 0 FAIL, ") && !said.out.contains('\u{1b}'),
            "plain in a pipe: {}",
            said.out
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_get_one_json_object() {
    let (_, c, b) = world().await;
    c.jwks.answers(said(&json!({ "keys": [] })));
    let arguments = like(&c, &b, &[]);
    let said = run(&["doctor", "--json"], &arguments).await;
    assert_eq!(said.code, Some(1));
    let told: Value = serde_json::from_str(&said.out).unwrap();
    let service = &told["services"][0];
    assert_eq!((&told["failed"], &service["service"]), (&json!(1), &json!("service-b")));
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
async fn c_that_is_away_an_issuer_with_a_slash_and_no_keys_are_found() {
    let (_, c, b) = world().await;
    let away = doctor(&c, &b, &[("internal_url", "http://127.0.0.1:1")]).await;
    found(
        &away,
        "issuer: reached",
        &["nothing is listening there", "internal_url: ", "GATEPASS__SERVICE_B__INTERNAL_URL"],
    );
    let slash = doctor(&c, &b, &[("issuer", "http://localhost:9000/")]).await;
    found(
        &slash,
        "issuer: metadata",
        &["a trailing slash", "expected  http://localhost:9000\n", "GATEPASS__SERVICE_B__ISSUER"],
    );
    c.jwks.answers(status(404));
    found(&doctor(&c, &b, &[]).await, "issuer: keys", &["status 404"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_for_asking_is_found_and_not_shown() {
    let (_, c, b) = world().await;
    c.introspection.answers(
        status(401)
            .set_body_json(json!({ "error": "invalid_client", "error_description": SECRET })),
    );
    let said = doctor(&c, &b, &[("mode", "introspection")]).await;
    found(&said, "issuer: introspection", &["invalid_client", "introspection.client_secret: "]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_does_not_know_bs_scopes_is_a_warning() {
    let (_, c, b) = world().await;
    let jwks_uri = format!("{ISSUER}{JWKS}");
    let about = json!({ "issuer": ISSUER, "jwks_uri": jwks_uri, "scopes_supported": ["openid", "resource:read"] });
    c.metadata.answers(said(&about));
    let said = doctor(&c, &b, &[]).await;
    assert!(
        said.code == Some(0)
            && said.out.contains("warn  issuer: scope")
            && said.out.contains("does not know: resource:write"),
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_server_and_differing_settings_are_reported() {
    let (_, c, b) = world().await;
    let said = doctor(&c, &b, &[("listen", "127.0.0.1:1")]).await;
    found(&said, "listener `listen`", &["nothing is listening there", "start it: `service-b`"]);
    let other = doctor(&c, &b, &[("resource", "https://b.example/other")]).await;
    found(
        &other,
        "own settings",
        &["expected  https://b.example/other\n", &format!("found     {RESOURCE}\n"), "resource: "],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_and_certificates_that_cannot_be_used_are_found() {
    let (_, c, b) = world().await;
    let files = [("tls.cert_file", "/nowhere/own.pem"), ("tls.key_file", "/nowhere/key.pem")];
    found(
        &doctor(&c, &b, &files).await,
        "own certificate",
        &["/nowhere/own.pem", "GATEPASS__SERVICE_B__TLS__CERT_FILE"],
    );
    found(
        &doctor(&c, &b, &[("local.algorithms", "none")]).await,
        "settings",
        &["unknown algorithm `none`"],
    );
    found(
        &doctor(&c, &b, &[("profile", "production")]).await,
        "settings",
        &["is a loopback address", "issuer: "],
    );
    found(
        &doctor(&c, &b, &[("ca_file", "/nowhere/ca.pem")]).await,
        "issuer: certificates",
        &["GATEPASS__SERVICE_B__CA_FILE"],
    );
}

/// A file with a pass.
fn file(pass: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, format!("{pass}\n")).unwrap();
    let name = file.display().to_string();
    (folder, name)
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_token_is_explained_and_not_printed() {
    let (signer, c, b) = world().await;
    let now = clock::Clock::system().seconds();
    let (good, other) = (json!({}), Signer::es256("of-before-the-restart"));
    for (pass, line, parts) in [
        (
            other.pass(&claims(&good)),
            "token: key",
            ["one of: k1", "found     of-before-the-restart"],
        ),
        (
            signer.pass(&claims(&json!({ "iss": "http://localhost:9000/" }))),
            "token: issuer",
            ["http://localhost:9000/", "issuer: "],
        ),
        (
            signer.pass(&claims(&json!({ "aud": "https://b.example" }))),
            "token: audience",
            ["https://b.example\n", "resource: "],
        ),
        (
            signer.pass(&claims(&json!({ "exp": now - 60 }))),
            "token: expiry",
            ["before exp", "a new token"],
        ),
        (
            signer.pass(&claims(&json!({ "iat": now + 600, "exp": now + 900 }))),
            "token: issued at",
            ["issued in the past", "local.leeway_seconds: "],
        ),
        ("not-a-jwt".to_owned(), "token", ["is not a JWT", "mode: "]),
    ] {
        let (_folder, name) = file(&pass);
        let said = run(&["doctor", "--token", &name], &like(&c, &b, &[])).await;
        found(&said, line, &parts);
        let signature = pass.rsplit('.').next().unwrap();
        assert!(!said.out.contains(signature) && !said.err.contains(signature), "{said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn valid_token_is_ok_and_missing_scopes_are_reported() {
    let (signer, c, b) = world().await;
    let (_folder, name) = file(&signer.pass(&claims(&json!({ "scope": "resource:read" }))));
    let said = run(&["doctor", "--token", &name], &like(&c, &b, &[])).await;
    assert!(
        said.code == Some(0) && said.out.contains("it does not have: resource:write"),
        "{said:?}"
    );
    let missing = run(&["doctor", "--token", "/nowhere/token"], &like(&c, &b, &[])).await;
    assert!(missing.code == Some(1) && missing.err.contains("/nowhere/token"), "{missing:?}");
}
