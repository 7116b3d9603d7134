use std::fs;

use base64::{Engine, prelude::BASE64_STANDARD};
use oauth_types::{ClientSecret, basic};
use reqwest::Certificate;
use serde_json::json;

use crate::{
    client::{Caller, answer, client, until},
    process::{Process, run, server_settings, set, succeed},
    registration::{registering, text, website},
    test_server::{ODD, OPAQUE_SHOP, ORDERS, ORDERS_API, SHOP, STOCK},
};

const SHARED: &str = "a secret of C and B, 32 bytes long";
const INITIAL: &str = "an-initial-access-token-77ab";
const GUESS: &str = "a guess that is wrong 5b1e";

/// Use every endpoint, rightly and wrongly; the passes that were given.
async fn use_everything(c: &Caller) -> Vec<String> {
    let header = basic::format(ODD.0, &ClientSecret::new(ODD.1));
    let grant = [("grant_type", "client_credentials")];
    let with_header =
        answer(c.post("/oauth/token").header("authorization", &header).form(&grant)).await;
    let odd = with_header.json()["access_token"].as_str().unwrap().to_owned();
    let mut passes =
        vec![odd, c.pass(SHOP, &[("resource", ORDERS_API)]).await, c.pass(OPAQUE_SHOP, &[]).await];
    for pass in &passes {
        for who in [ORDERS, STOCK] {
            c.introspect(who, pass).await;
        }
        for who in [STOCK, ODD, SHOP, OPAQUE_SHOP] {
            c.revoke(who, pass).await;
        }
        // Wrongly: where tokens and secrets do not belong.
        c.get(&format!("/oauth/introspect?token={pass}")).await;
        c.form("/oauth/introspect", &[("token", pass)]).await;
        c.get(&format!("/made/up/{pass}")).await;
        answer(c.post("/oauth/token").bearer_auth(pass).form(&grant)).await;
        answer(c.http.get(format!("{}/", c.base)).header("cookie", format!("session={pass}")))
            .await;
    }
    c.ask((SHOP.0, GUESS), &[]).await;
    c.ask(("nobody", GUESS), &[]).await;
    for field in ["scope", "resource", "grant_type"] {
        c.raw(
            "/oauth/token",
            format!("{field}={}&client_id=shop&client_secret={}", SHOP.1, SHOP.1),
        )
        .await;
        c.ask(SHOP, &[(field, SHOP.1)]).await;
    }
    c.form("/oauth/token", &[(SHOP.1, "a"), (SHOP.1, "b")]).await;
    answer(c.post("/oauth/token").header("content-type", format!("text/{}", SHOP.1)).body("a=b"))
        .await;
    c.ask(SHOP, &[("client_secret", SHOP.1)]).await;
    c.form(&format!("/oauth/token?client_secret={GUESS}"), &grant).await;
    c.raw("/oauth/token", format!("client_id=shop&client_secret={}%zz", SHOP.1)).await;
    answer(
        c.post("/oauth/token").header("authorization", &header).form(&[("client_secret", ODD.1)]),
    )
    .await;
    let json = format!(r#"{{"client_id":"shop","client_secret":"{}"}}"#, SHOP.1);
    answer(c.post("/oauth/token").header("content-type", "application/json").body(json)).await;
    passes.extend(register_and_change(c).await);
    for path in ["/.well-known/jwks.json", "/.well-known/openid-configuration", "/openapi.json"] {
        assert_eq!(c.get(path).await.status, 200);
    }
    for path in ["/metrics", "/readyz"] {
        c.get(path).await;
    }
    passes
}

/// A client registers itself and changes its mind, rightly and wrongly; what it was given.
async fn register_and_change(c: &Caller) -> Vec<String> {
    let told = answer(registering(c, &website(json!({}))).bearer_auth(INITIAL)).await.json();
    answer(registering(c, &website(json!({}))).bearer_auth(GUESS)).await;
    answer(
        registering(c, &json!({ "redirect_uris": SHOP.1, "client_secret": SHOP.1 }))
            .bearer_auth(INITIAL),
    )
    .await;
    let (id, token) = (text(&told, "client_id"), text(&told, "registration_access_token"));
    let (path, secret) = (format!("{}/oauth/register/{id}", c.base), text(&told, "client_secret"));
    for shown in [token, GUESS] {
        answer(c.http.get(&path).bearer_auth(shown)).await;
        let again = website(json!({ "client_id": id, "client_secret": secret }));
        answer(c.http.put(&path).bearer_auth(shown).json(&again)).await;
        answer(
            c.http
                .put(&path)
                .bearer_auth(shown)
                .json(&json!({ "client_id": id, "client_secret": GUESS })),
        )
        .await;
    }
    vec![token.to_owned(), secret.to_owned()]
}

/// A secret in every form in which it travels.
fn forms(secret: &str) -> Vec<String> {
    let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let mut forms = vec![secret.to_owned(), form, BASE64_STANDARD.encode(secret)];
    // As bytes in decimal: how `{:?}` shows a buffer.
    forms.push(secret.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", "));
    if let Some((_, signature)) = secret.rsplit_once('.') {
        forms.push(signature.to_owned());
    }
    forms
}

#[tokio::test(flavor = "multi_thread")]
async fn log_contains_no_secret_and_no_token_at_any_level() {
    let folder = tempfile::tempdir().unwrap();
    let (data, clients) = (folder.path().join("data"), folder.path().join("clients.toml"));
    fs::write(&clients, include_str!("clients.toml")).unwrap();
    let loud = set(&[
        ("log.filter", "trace"),
        ("keys.hs256_secret", SHARED),
        ("rate_limits.client_auth.burst", "10000"),
        ("registration.enabled", "true"),
        ("registration.initial_access_token", INITIAL),
        ("rate_limits.registration.burst", "10000"),
        ("rate_limits.client_auth_address.burst", "10000"),
    ]);
    let settings = [server_settings(&data, &clients), loud].concat();
    let c = Process::serve(&settings);
    assert_eq!(c.get("/readyz").await.status, 200);
    let ca =
        Certificate::from_pem(&fs::read(succeed(&["dev-ca"], &settings).await).unwrap()).unwrap();
    let made = succeed(&["client", "add", "robot"], &settings).await;
    until("the made secret is let in", async || c.lets_in(("robot", &made)).await).await;

    let mut secrets = use_everything(&c).await;
    let http = client().tls_certs_only([ca]).build().unwrap();
    secrets.extend(use_everything(&Caller { base: c.tls.clone().unwrap(), http }).await);
    let turned = succeed(&["client", "rotate-secret", "robot"], &settings).await;
    until("the turned secret is let in", async || c.lets_in(("robot", &turned)).await).await;
    fs::write(
        &clients,
        format!("[[clients]]\nclient_id = \"x\"\nclient_secret = \"{}\"\nnonsense", SHOP.1),
    )
    .unwrap();
    run(&["keys", "rotate"], &settings).await;
    until("the broken file is seen", async || c.lets_in(("robot", &turned)).await).await;

    for (id, secret) in [SHOP, OPAQUE_SHOP, ODD, ORDERS, STOCK] {
        secrets.push(secret.to_owned());
        secrets.push(basic::format(id, &ClientSecret::new(secret))[6..].to_owned());
    }
    secrets.extend([made, turned, SHARED.to_owned(), GUESS.to_owned(), INITIAL.to_owned()]);
    let log = c.kill_and_read_log();
    assert!(
        log.contains("a token was refused") && log.len() > 100_000,
        "else this story reads too little: {}",
        log.len()
    );
    for noisy in ["rustls", "sqlx"] {
        assert!(
            log.contains(&format!("\"target\":\"{noisy}")),
            "{noisy} has logged nothing, so nothing of it was read"
        );
    }
    let lines: Vec<&str> = log.lines().collect();
    for secret in &secrets {
        for form in forms(secret) {
            let found = lines.iter().find(|line| line.contains(&form));
            assert!(found.is_none(), "`{form}` in: {}", found.unwrap_or(&""));
        }
    }
}
