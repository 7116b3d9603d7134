//! Rules that a test server does not apply, and the same requests where they apply.

use std::time::Duration;

use serde_json::{Value, json};
use service_kit::SecretSetting;

use super::{Controlled, seed_sources::process_settings};
use crate::{
    browser::{AuthorizationRequest, Browser, Page},
    client::{Credentials, send},
    jwt,
    process::{ServerProcess, run, set},
    test_server::{ALICE, ORDERS, ORDERS_API, SHOP, SITE},
};

/// A server without these rules, and a strict one.
async fn loose_and_strict(names: &[&str]) -> (Controlled, Controlled) {
    let loose = Controlled::start_with(|settings| {
        settings.control.looseness = names.iter().map(|name| (*name).to_owned()).collect();
    });
    (loose.await, Controlled::start().await)
}

fn text(tokens: &Value, name: &str) -> String {
    tokens[name].as_str().unwrap_or_else(|| panic!("{name} of {tokens}")).to_owned()
}

async fn signed_in(browser: &Browser<'_>, request: &AuthorizationRequest) -> Page {
    let page = browser.authorize(request).await;
    if page.path != "/login" {
        return page;
    }
    let page = browser.sign_in(&page, ALICE).await;
    if page.path == "/consent" {
        return browser.submit(&page, &[("decision", "allow")]).await;
    }
    page
}

const LOCAL: &str = r#"
[[clients]]
client_id = "local"
client_secret = "of the local client"
scopes = "openid"

[clients.login]
redirect_uris = ["http://localhost:5000/cb"]
"#;
const LOCAL_CLIENT: Credentials<'_> = ("local", "of the local client");

async fn with_seed(seed: &str, names: &[&str]) -> Controlled {
    Controlled::start_with(|settings| {
        settings.clients_file = None;
        let looseness = serde_json::to_string(names).unwrap();
        let users = "[[users]]\nusername = \"alice\"\npassword = \"wonderland\"\n";
        let seed = format!("looseness = {looseness}\n{seed}\n{users}");
        settings.control.seed = Some(SecretSetting::new(seed));
    })
    .await
}

#[tokio::test]
async fn any_loopback_port_is_a_redirect_uri_only_by_name() {
    let other_port = AuthorizationRequest::new("local", "http://localhost:5001/cb", "openid");
    let strict = with_seed(LOCAL, &[]).await;
    let page = Browser::new(&strict.server).authorize(&other_port).await;
    assert_eq!(page.status(), 400);
    page.assert_contains("redirect_uri");
    let loose = with_seed(LOCAL, &["redirect.any_loopback_port"]).await;
    let browser = Browser::new(&loose.server);
    let code = signed_in(&browser, &other_port).await.redirect_parameter("code");
    // The token request must still repeat the URI.
    let registered = AuthorizationRequest::new("local", "http://localhost:5000/cb", "openid");
    let wrong = loose.server.redeem_code(LOCAL_CLIENT, &registered, &code).await;
    wrong.assert_error(400, "invalid_grant", "redirect_uri");
    let code = signed_in(&browser, &other_port).await.redirect_parameter("code");
    let tokens = loose.server.redeem_code(LOCAL_CLIENT, &other_port, &code).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
}

#[tokio::test]
async fn any_redirect_uri_is_allowed_only_by_name() {
    let (loose, strict) = loose_and_strict(&["redirect.any"]).await;
    let elsewhere = AuthorizationRequest::site().with("redirect_uri", "http://preview.test/cb");
    assert_eq!(Browser::new(&strict.server).authorize(&elsewhere).await.status(), 400);
    let browser = Browser::new(&loose.server);
    let page = signed_in(&browser, &elsewhere).await;
    assert!(!page.redirect_parameter("code").is_empty());
    let script = AuthorizationRequest::site().with("redirect_uri", "javascript:alert(1)");
    assert_eq!(browser.authorize(&script).await.status(), 400, "no name allows a script");
}

#[tokio::test]
async fn redirect_uri_in_plain_http_is_registered_only_by_name() {
    let (loose, strict) = loose_and_strict(&["redirect.plain_http:compose"]).await;
    let client = json!({
        "client_secret": "its secret",
        "login": { "redirect_uris": ["http://website:5000/cb"] },
    });
    let put = async |controlled: &Controlled, id: &str| {
        controlled.call("PUT", &format!("/control/clients/{id}"), &client).await
    };
    put(&strict, "compose").await.assert_error(400, "invalid_request", "plain http");
    put(&loose, "another").await.assert_error(400, "invalid_request", "plain http");
    assert_eq!(put(&loose, "compose").await.status, 200);
}

#[tokio::test]
async fn user_is_picked_without_a_password_only_by_name() {
    let (loose, strict) = loose_and_strict(&["login.pick_user"]).await;
    let request = AuthorizationRequest::portal();
    let pick = async |controlled: &Controlled| {
        let browser = Browser::new(&controlled.server);
        let page = browser.authorize(&request).await;
        let offers = page.text().contains("name=\"user\" value=\"alice\"");
        (offers, browser.submit(&page, &[("user", "alice")]).await)
    };
    let (offers, page) = pick(&strict).await;
    assert_eq!((offers, page.status()), (false, 400));
    let (offers, page) = pick(&loose).await;
    assert!(offers && !page.redirect_parameter("code").is_empty());
    // Somebody who is not there, and another site's form.
    let browser = Browser::new(&loose.server);
    let page = browser.authorize(&request).await;
    assert_eq!(browser.submit(&page, &[("user", "nobody")]).await.status(), 400);
    let forged = browser.post("/login", &[("csrf", "forged"), ("user", "alice")]).await;
    assert_eq!(forged.status(), 400);
}

#[tokio::test]
async fn client_that_nobody_registered_is_accepted_only_by_name() {
    const ANY: Credentials<'_> = ("any-client", "any secret");
    let (loose, strict) = loose_and_strict(&["client.any"]).await;
    let request = AuthorizationRequest::new(ANY.0, "https://any.example/cb", "openid orders:read");
    strict.server.client_credentials(ANY, &[]).await.assert_error(401, "invalid_client", "");
    assert_eq!(Browser::new(&strict.server).authorize(&request).await.status(), 400);

    let own = [("resource", ORDERS_API), ("scope", "orders:read")];
    let token = loose.server.access_token(ANY, &own).await;
    assert_eq!(jwt::claims(&token)["client_id"], json!(ANY.0));
    let page = signed_in(&Browser::new(&loose.server), &request).await;
    let code = page.redirect_parameter("code");
    // PKCE holds, because the client has sent it.
    let wrong = [
        ("code", &*code),
        ("redirect_uri", "https://any.example/cb"),
        ("code_verifier", "another-verifier-of-43-characters-0123456789"),
    ];
    let wrong = loose.server.redeem_code_with(ANY, &wrong).await;
    wrong.assert_error(400, "invalid_grant", "code_verifier");
    let page = signed_in(&Browser::new(&loose.server), &request).await;
    let code = page.redirect_parameter("code");
    assert_eq!(loose.server.redeem_code(ANY, &request, &code).await.status, 200);
    let again = loose.server.redeem_code(ANY, &request, &code).await;
    again.assert_error(400, "invalid_grant", "used before");
    // A registered client stays strict.
    let guess = loose.server.client_credentials((SHOP.0, "guess"), &[]).await;
    guess.assert_error(401, "invalid_client", "");
}

#[tokio::test]
async fn control_calls_accept_a_client_that_nobody_registered_only_by_name() {
    let (loose, strict) = loose_and_strict(&["client.any"]).await;
    // A client of its own for each call, because the first request makes it known.
    let url = |controlled: &Controlled| {
        let request = AuthorizationRequest::new("any-1", "https://any.example/cb", "openid");
        format!("{}/oauth/authorize?{}", controlled.server.issuer(), request.query())
    };
    for (path, body, accepted, rejected) in [
        ("/control/logins", json!({ "user": "alice" }), 200, 400),
        ("/control/tokens", json!({ "token": "access", "client_id": "any-2" }), 201, 404),
        ("/control/next-logins", json!({ "client_id": "any-3", "user": "alice" }), 201, 404),
    ] {
        for (controlled, status) in [(&loose, accepted), (&strict, rejected)] {
            let mut body = body.clone();
            if path == "/control/logins" {
                body["authorization_url"] = url(controlled).into();
            }
            let response = controlled.call("POST", path, &body).await;
            assert_eq!(response.status, status, "{path}: {response:?}");
        }
    }
}

#[tokio::test]
async fn resource_that_nobody_registered_is_an_audience_only_by_name() {
    let (loose, strict) = loose_and_strict(&["audience.any"]).await;
    let other = [("resource", "https://any.example/api"), ("scope", "orders:read")];
    let rejected = strict.server.client_credentials(SHOP, &other).await;
    rejected.assert_error(400, "invalid_target", "https://any.example/api");
    let token = loose.server.access_token(SHOP, &other).await;
    assert_eq!(jwt::claims(&token)["aud"], json!("https://any.example/api"));
    // Requests without a resource lead where they did.
    let usual = loose.server.access_token(SHOP, &[]).await;
    assert_eq!(jwt::claims(&usual)["aud"], json!(ORDERS_API));
    let request = AuthorizationRequest::site()
        .with("scope", "openid orders:read")
        .with("resource", "https://any.example/api");
    let tokens = Browser::new(&loose.server).tokens(&request, ALICE, SITE).await;
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(jwt::claims(token)["aud"], json!("https://any.example/api"));
    let path = "/control/clients/shop";
    assert_eq!(
        loose.control.get_json(path).await["resources"],
        strict.control.get_json(path).await["resources"],
        "the seed stays as it is"
    );
}

#[tokio::test]
async fn failures_are_unlimited_only_by_name() {
    for (names, last) in [(&[][..], 429), (&["failures.unlimited".to_owned()], 401)] {
        let controlled = Controlled::start_with(|settings| {
            settings.rate_limits.client_auth.burst = 1;
            settings.control.looseness = names.to_vec();
        })
        .await;
        let guess = async || controlled.server.client_credentials((SHOP.0, "x"), &[]).await.status;
        assert_eq!((guess().await, guess().await), (401, last), "{names:?}");
    }
}

#[tokio::test]
async fn page_of_another_origin_reads_responses_only_by_name() {
    let (loose, strict) = loose_and_strict(&["cors:http://localhost:5173"]).await;
    let allowed = async |controlled: &Controlled, origin: &str| {
        let request = controlled.server.request("OPTIONS", "/oauth/token").header("origin", origin);
        let response = send(request.header("access-control-request-method", "POST")).await;
        response.header("access-control-allow-origin").to_owned()
    };
    assert_eq!(allowed(&loose, "http://localhost:5173").await, "http://localhost:5173");
    assert_eq!(allowed(&loose, "http://localhost:5174").await, "");
    assert_eq!(allowed(&strict, "http://localhost:5173").await, "");
}

#[tokio::test]
async fn discovery_names_the_host_that_asks_only_by_name() {
    let names = vec!["backchannel_hosts".to_owned()];
    for looseness in [Vec::new(), names] {
        let is_loose = !looseness.is_empty();
        let controlled = Controlled::start_with(|settings| {
            settings.control.looseness = looseness;
            settings.allowed_hosts = vec!["gatepass".to_owned()];
        })
        .await;
        let request = controlled.server.request("GET", "/.well-known/openid-configuration");
        let metadata = send(request.header("host", "gatepass:9000")).await.json();
        let issuer = controlled.server.issuer();
        for member in ["authorization_endpoint", "end_session_endpoint", "issuer"] {
            assert!(metadata[member].as_str().unwrap().starts_with(&issuer), "{metadata}");
        }
        let base = if is_loose { "http://gatepass:9000" } else { &issuer };
        for member in ["token_endpoint", "jwks_uri", "userinfo_endpoint", "revocation_endpoint"] {
            let named = metadata[member].as_str().unwrap();
            assert!(named.starts_with(base), "{member}: {named}");
        }
        let token = controlled.server.access_token(SHOP, &[]).await;
        assert_eq!(jwt::claims(&token)["iss"], json!(issuer));
    }
}

#[tokio::test]
async fn looseness_and_faults_are_listed_and_shown() {
    let (loose, strict) = loose_and_strict(&["redirect.any", "client.any"]).await;
    let names = json!(["client.any", "redirect.any"]);
    let fault = json!({ "on": "jwks", "do": { "status": 503 } });
    loose.call("POST", "/control/faults", &fault).await;
    let state = loose.control.get_json("/control").await;
    assert_eq!((&state["looseness"], &state["faults"][0]["on"]), (&names, &json!("jwks")));
    let seed = loose.control.get_json("/control/seed").await;
    assert_eq!(seed["looseness"], names);
    Browser::new(&loose.server).open("/").await.assert_contains("client.any · redirect.any");
    let state = strict.control.get_json("/control").await;
    assert_eq!((&state["looseness"], &state["faults"]), (&json!([]), &json!([])));
    assert!(!Browser::new(&strict.server).open("/").await.text().contains("looseness"));
}

#[tokio::test]
async fn looseness_is_refused_without_the_control_api_and_if_misspelled() {
    let base = [("listen", "127.0.0.1:0"), ("tls_listen", ""), ("clients_file", "/dev/null")];
    let on = ("control.listen", "127.0.0.1:0");
    let loose = ("control.looseness", "redirect.any");
    for (more, named) in [
        (&[loose][..], "control.looseness: is set, and the control API is off"),
        (&[on, ("control.looseness", "redirect.eny")], "did you mean `redirect.any`?"),
        (&[on, loose, ("profile", "production")], "control.looseness"),
    ] {
        let output = run(&["check-config"], &set(&[&base[..], more].concat())).await;
        let said = format!("{}{}", output.stdout, output.stderr);
        assert!(output.code == Some(1) && said.contains(named), "{named}: {output:?}");
    }
}

#[tokio::test]
async fn looseness_is_logged_at_the_start() {
    let names = [("control.looseness", "redirect.any,client.any")];
    let loose = ServerProcess::start(&process_settings(&names)).kill_and_read_log();
    for name in ["redirect.any", "client.any"] {
        let is_warning = |line: &&str| {
            line.contains("a rule does not apply") && line.contains(&format!("\"{name}\""))
        };
        assert!(loose.lines().any(|line| is_warning(&line)), "{name}: {loose}");
    }
    let strict = ServerProcess::start(&process_settings(&[])).kill_and_read_log();
    assert!(!strict.contains("a rule does not apply"), "{strict}");
}

#[tokio::test]
async fn no_looseness_accepts_a_wrong_signature_or_a_used_refresh_token() {
    let (loose, _strict) = loose_and_strict(&[
        "redirect.any_loopback_port",
        "redirect.any",
        "redirect.plain_http:site",
        "login.pick_user",
        "client.any",
        "audience.any",
        "failures.unlimited",
        "backchannel_hosts",
        "cors:http://localhost:5173",
    ])
    .await;
    let active = async |flaws: &[&str]| {
        let body = json!({ "token": "access", "client_id": "shop", "flaws": flaws });
        let token = loose.minted(body).await;
        loose.server.is_active(ORDERS, &token).await
    };
    assert!(active(&[]).await);
    for flaw in ["signature", "foreign_key"] {
        assert!(!active(&[flaw]).await, "{flaw}");
    }
    let scope = "openid offline_access orders:read";
    let request = AuthorizationRequest::site().with("scope", scope);
    let tokens = Browser::new(&loose.server).tokens(&request, ALICE, SITE).await;
    let (access, first) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
    let next = loose.server.refresh(SITE, &first, &[]).await.json();
    assert!(loose.server.is_active(ORDERS, &access).await);
    // Beyond the grace period of a lost response.
    loose.server.clock.advance(Duration::from_secs(11));
    let reused = loose.server.refresh(SITE, &first, &[]).await;
    reused.assert_error(400, "invalid_grant", "used before");
    assert!(!loose.server.is_active(ORDERS, &access).await);
    let successor = loose.server.refresh(SITE, &text(&next, "refresh_token"), &[]).await;
    successor.assert_error(400, "invalid_grant", "revoked");
}
