//! `service-a doctor`, as it is run beside an A that serves.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use service_a::ServiceASettings;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use wiremock::{
    Mock, MockServer,
    matchers::{any, method, path},
};

use crate::{
    process::{Said, run, settings_of},
    test_servers::{A, PASSES, RESOURCES, SECRET, World, late, pass, refused, said},
};

const ISSUER_METADATA: [&str; 2] =
    ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];

/// C and the Bs as they should be, which A's own stories need not be.
async fn world() -> (World, A) {
    let world = World::new().await;
    let (c, uri) = (&world.c.server, world.c.server.uri());
    c.reset().await;
    let at = |end: &str| format!("{uri}{end}");
    let about = said(&json!({
        "issuer": uri, "token_endpoint": at("/token"), "revocation_endpoint": at("/revoke"), "jwks_uri": at("/keys"),
        "authorization_endpoint": at("/auth"), "scopes_supported": ["resource:read", "resource:write"],
    }));
    for metadata in ISSUER_METADATA {
        Mock::given(path(metadata)).respond_with(about.clone()).mount(c).await;
    }
    let keys = said(&json!({ "keys": [{ "kty": "RSA", "kid": "1", "n": "AQAB", "e": "AQAB" }] }));
    Mock::given(path("/keys")).respond_with(keys).mount(c).await;
    let code = wiremock::matchers::body_string_contains("authorization_code");
    let unknown_code = refused(400, &json!({ "error": "invalid_grant" }));
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
    for (b, resource) in [&world.b.server, &world.introspecting_b.server].into_iter().zip(RESOURCES)
    {
        about_itself(b, resource, &uri).await;
    }
    let a = world.start().await;
    (world, a)
}

async fn about_itself(b: &MockServer, resource: &str, issuer: &str) {
    b.reset().await;
    let about = json!({ "resource": resource, "authorization_servers": [issuer], "scopes_supported": ["resource:read", "resource:write"] });
    Mock::given(path("/.well-known/oauth-protected-resource"))
        .respond_with(said(&about))
        .mount(b)
        .await;
}

async fn doctor(settings: &ServiceASettings, a: &A, more: &[(&str, &str)]) -> Said {
    let listen = a.base.trim_start_matches("http://");
    let own = settings_of(settings, more);
    let own: Vec<_> = own
        .into_iter()
        .map(|one| if one == "listen=127.0.0.1:0" { format!("listen={listen}") } else { one })
        .collect();
    let said = run(&["doctor"], &own).await;
    for private in [SECRET, PASSES[0], PASSES[1]] {
        assert!(!said.out.contains(private) && !said.err.contains(private), "{said:?}");
    }
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

/// Whoever asks for a token in A's own name gets this.
async fn token(world: &World, answer: wiremock::ResponseTemplate) {
    Mock::given(path("/token")).respond_with(answer).mount(&world.c.server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_an_a_that_serves_nothing_is_found_and_the_tokens_are_given_back() {
    let (world, a) = world().await;
    token(&world, pass(0)).await;
    let said = doctor(&world.settings(), &a, &[]).await;
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    assert!(said.out.ends_with(" ok, 0 warn, 0 FAIL, 0 skipped\n"), "{}", said.out);
    let all = world.c.requests().await;
    let count = |at: &str| all.iter().filter(|request| request.url.path() == at).count();
    assert_eq!(
        (count("/token"), count("/revoke")),
        (3, 2),
        "a token for each B, and a code that nobody has made"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_found_once_and_at_the_login_as_well() {
    let (world, a) = world().await;
    let wrong =
        json!({ "error": "invalid_client", "error_description": format!("{SECRET} is wrong") });
    token(&world, refused(401, &wrong)).await;
    let said = doctor(&world.settings(), &a, &[]).await;
    found(
        &said,
        "issuer: token for B local",
        &["the id `service-a` with its secret (not shown)", "invalid_client", "client_secret: "],
    );
    assert!(
        !said.out.contains("token for B introspection"),
        "who shows a wrong secret too often has to wait"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_audience_at_b_is_found_with_both_values() {
    let (world, a) = world().await;
    token(&world, pass(0)).await;
    about_itself(&world.b.server, "https://b.example/", &format!("{}/", world.c.server.uri()))
        .await;
    let said = doctor(&world.settings(), &a, &[]).await;
    found(
        &said,
        "B local: audience",
        &[
            "expected  https://b.example/\n",
            RESOURCES[0],
            "GATEPASS__SERVICE_A__TARGETS__LOCAL__RESOURCE",
        ],
    );
    found(&said, "B local: issuer", &["a trailing slash", "issuer: "]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_uri_that_is_not_registered_is_found() {
    let (world, a) = world().await;
    token(&world, pass(0)).await;
    let said = doctor(&world.settings(), &a, &[("public_url", "http://127.0.0.1:9001")]).await;
    // The issuer of this story sends everybody to the one that it knows.
    assert!(said.out.contains("warn  login platform: redirect URI"), "{}", said.out);
    assert!(
        said.out.contains("a redirect to http://localhost:9001/callback/platform"),
        "{}",
        said.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn c_that_is_away_and_b_that_is_away_are_told_apart() {
    let (world, a) = world().await;
    token(&world, pass(0)).await;
    let said = doctor(&world.settings(), &a, &[("issuer", "http://127.0.0.1:1")]).await;
    found(&said, "issuer: reached", &["nothing is listening there", "set `internal_url`"]);
    assert!(said.out.contains("the secret is not sent to an unconfirmed issuer"), "{}", said.out);
    let said = doctor(&world.settings(), &a, &[("targets.local.url", "http://127.0.0.1:1")]).await;
    found(&said, "B local: reached", &["nothing is listening there", "targets.local.url: "]);
    let (of_a, of_login) = ("ok    issuer: reached", "ok    login platform: reached");
    assert!(said.out.contains(of_a) && said.out.contains(of_login), "{}", said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_runs_it_says_what_to_start() {
    let (world, a) = world().await;
    token(&world, pass(0)).await;
    let said = doctor(&world.settings(), &a, &[("listen", "127.0.0.1:1")]).await;
    found(&said, "listener `listen`", &["nothing is listening there", "start it: `service-a`"]);
}

async fn tell(file: &Path, sql: &'static str) {
    let mut database =
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap();
    sqlx::query(sql).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_newer_version_and_one_that_is_none_are_found() {
    let (world, a) = world().await;
    token(&world, pass(0)).await;
    let file = world.folder.path().join("service-a.db");
    tell(&file, "UPDATE _sqlx_migrations SET version = 9999").await;
    let said = doctor(&world.settings(), &a, &[]).await;
    found(
        &said,
        "database",
        &["found     version 9999", "run the newer version that migrated", "data_dir: "],
    );
    let other = tempfile::tempdir().unwrap();
    let folder = other.path().display().to_string();
    let said = doctor(&world.settings(), &a, &[("data_dir", &folder)]).await;
    assert!(said.out.contains("not created yet; the first start creates it"), "{}", said.out);
    assert_eq!(fs::read_dir(other.path()).unwrap().count(), 0, "and the doctor makes none");
    fs::write(
        other.path().join("service-a.db"),
        "no database at all, but long enough to be read as one",
    )
    .unwrap();
    found(
        &doctor(&world.settings(), &a, &[("data_dir", &folder)]).await,
        "database",
        &["file is not a database"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_cannot_be_reached_takes_nothing_from_the_others() {
    let (world, a) = world().await;
    token(&world, pass(0)).await;
    let more = [
        ("providers.other.issuer", "http://127.0.0.1:1"),
        ("providers.other.client_id", "a-at-other"),
        ("providers.other.client_secret", SECRET),
        ("providers.wechat.kind", "wechat"),
        ("providers.wechat.client_id", "wx1"),
        ("providers.wechat.client_secret", SECRET),
    ];
    let said = doctor(&world.settings(), &a, &more).await;
    found(
        &said,
        "login other: reached",
        &[
            "nothing is listening there",
            "providers.other.issuer: ",
            "GATEPASS__SERVICE_A__PROVIDERS__OTHER__ISSUER",
        ],
    );
    assert!(
        said.out.contains("ok    login platform: client")
            && said.out.contains("skip  login wechat"),
        "{}",
        said.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_get_one_json_object() {
    let (world, a) = world().await;
    token(&world, pass(0)).await;
    let listen = ("listen", a.base.trim_start_matches("http://"));
    let said = run(&["doctor", "--json"], &settings_of(&world.settings(), &[listen])).await;
    let told: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(
        (said.code, &told["failed"], &told["services"][0]["service"]),
        (Some(0), &json!(0), &json!("service-a"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_hangs_the_doctor_ends() {
    let (world, a) = world().await;
    for server in [&world.c.server, &world.b.server, &world.introspecting_b.server] {
        server.reset().await;
        Mock::given(any()).respond_with(late(pass(0))).mount(server).await;
    }
    let began = Instant::now();
    let said = doctor(&world.settings(), &a, &[]).await;
    assert!(began.elapsed() < Duration::from_secs(15), "{said:?}");
    for line in [
        "issuer: reached",
        "B local: reached",
        "B introspection: reached",
        "login platform: reached",
    ] {
        found(&said, line, &["no response in time"]);
    }
}
