use serde_json::{Value, json};

use super::{
    browser::{Away, Browser, Shown},
    mock_provider::{CLIENT_ID, Issuer, tokens},
    test_site::{Site, provider},
    token_signer::Signer,
};
use crate::test_servers::{late, refused, said, status};

/// The website, and somebody who says of themselves what Google says: no logout, RS256, no `iss` in
/// the answer.
async fn google() -> (Site, Issuer) {
    let google = Issuer::signing_with(Signer::rs256("google-key")).await;
    let at = |path: &str| format!("{}{path}", google.name());
    let metadata = json!({
        "issuer": google.name(),
        "authorization_endpoint": at("/o/oauth2/v2/auth"),
        "device_authorization_endpoint": at("/device/code"),
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/userinfo"),
        "revocation_endpoint": at("/revoke"),
        "jwks_uri": at("/jwks"),
        "response_types_supported": ["code", "token", "id_token", "code token", "code id_token", "token id_token", "code token id_token", "none"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "email", "profile"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "claims_supported": ["aud", "email", "email_verified", "exp", "family_name", "given_name", "iat", "iss", "name", "picture", "sub"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "grant_types_supported": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
    });
    google.answers(super::mock_provider::METADATA, said(&metadata));
    let site = Site::open_with(|settings| {
        let google =
            service_a::settings::ProviderSettings { timeout_millis: 2_000, ..provider(&google) };
        settings.providers.insert("google".to_owned(), google);
    });
    (site.await, google)
}

/// Google's names for things: `name` and no nickname, who asked in `azp`, the domain of a company
/// in `hd`.
fn claims(google: &Issuer, away: &Away) -> Value {
    let mut claims = google.claims(away);
    claims.as_object_mut().unwrap().remove("nickname");
    for (name, value) in [
        ("azp", json!(CLIENT_ID)),
        ("name", json!("Ada Byron")),
        ("given_name", json!("Ada")),
        ("family_name", json!("Byron")),
        ("hd", json!("example.com")),
    ] {
        claims[name] = value;
    }
    claims
}

async fn come_back(
    google: &Issuer,
    browser: &mut Browser,
    change: impl FnOnce(&mut Value),
) -> Shown {
    let away = browser.away("/login/google").await;
    let mut said = claims(google, &away);
    change(&mut said);
    google.will_say(&said);
    browser.open(&away.back("google")).await
}

#[tokio::test]
async fn google_needs_no_more_than_its_name_and_a_client() {
    let (site, google) = google().await;
    let mut browser = site.browser();
    let away = browser.away("/login/google").await;
    assert_eq!(away.0.path(), "/o/oauth2/v2/auth");
    for (name, value) in [
        ("scope", "openid profile email"),
        ("code_challenge_method", "S256"),
        ("response_type", "code"),
    ] {
        assert_eq!(away.parameter(name), value);
    }
    assert!(away.parameters("resource").is_empty(), "Google knows nothing of B");
    come_back(&google, &mut browser, |_| ()).await.leads_to("/account");
    let account = browser.open("/account").await;
    assert_eq!(account.text("account-nickname").as_deref(), Some("Ada Byron"));
    assert_eq!(account.text("account-email").as_deref(), Some("ada@example.com"));
    // Google has no logout for websites: the person is out here, and nothing is asked of Google.
    let form = account.csrf_token();
    browser.submit("/logout", &[("csrf_token", &form)]).await.leads_to("/");
    assert_eq!(browser.session(), None);
}

#[tokio::test]
async fn what_google_did_not_say_of_this_person_to_this_website_logs_nobody_in() {
    let (site, google) = google().await;
    let mut browser = site.browser();
    let changes: [(&str, Value); 6] = [
        ("iss", json!("https://accounts.google.example")),
        ("aud", json!("another-client.apps.googleusercontent.com")),
        ("azp", json!("another-client.apps.googleusercontent.com")),
        ("nonce", json!("of another login")),
        ("exp", json!(super::test_site::NOW - 600)),
        ("sub", json!("")),
    ];
    for (name, value) in changes {
        let page = come_back(&google, &mut browser, |claims| claims[name] = value).await;
        assert!(page.status == 502 && browser.session().is_none(), "{name}: {}", page.html);
        page.refuses(502, "untrusted");
    }
    // Signed with the client's secret instead of Google's key.
    let away = browser.away("/login/google").await;
    let mut answer = tokens("x");
    answer["id_token"] =
        json!(Signer::hs256(crate::test_servers::SECRET).sign(&json!({}), &claims(&google, &away)));
    google.answers("/token", said(&answer));
    browser.open(&away.back("google")).await.refuses(502, "untrusted");
    // An answer that names another is another's, though Google names none.
    let away = browser.away("/login/google").await;
    browser
        .open(&format!("{}&iss={}", away.back("google"), site.platform.name()))
        .await
        .refuses(400, "mix_up");
}

#[tokio::test]
async fn an_address_that_google_has_not_verified_claims_no_account() {
    let (site, google) = google().await;
    let (mut stranger, mut ada) = (site.browser(), site.browser());
    come_back(&google, &mut stranger, |claims| claims["email_verified"] = json!(false))
        .await
        .leads_to("/account");
    site.log_in(&mut ada).await;
    let account = ada.open("/account").await.text("account-id");
    assert_ne!(stranger.open("/account").await.text("account-id"), account);
    // Now it is claimed by whoever has proved it: nobody is joined to that account by themselves,
    // verified or not.
    for verified in [true, false] {
        let change = |claims: &mut Value| {
            (claims["sub"], claims["email_verified"]) = (json!("another"), json!(verified))
        };
        come_back(&google, &mut site.browser(), change).await.refuses(409, "email_taken");
    }
}

#[tokio::test]
async fn googles_troubles_are_pages() {
    let (site, google) = google().await;
    let mut browser = site.browser();
    for (trouble, expected, refusal) in [
        (
            refused(
                400,
                &json!({ "error": "invalid_grant", "error_description": "Malformed auth code." }),
            ),
            400,
            "code_rejected",
        ),
        (
            refused(
                401,
                &json!({ "error": "invalid_client", "error_description": "Unauthorized" }),
            ),
            502,
            "provider_unavailable",
        ),
        (status(200).set_body_string("<html>"), 502, "provider_unavailable"),
        (status(503), 502, "provider_unavailable"),
        (late(said(&tokens("x"))), 504, "provider_unavailable"),
    ] {
        let away = browser.away("/login/google").await;
        google.answers("/token", trouble);
        browser.open(&away.back("google")).await.refuses(expected, refusal);
    }
    let away = browser.away("/login/google").await;
    let denied = format!("/callback/google?error=access_denied&state={}", away.parameter("state"));
    browser.open(&denied).await.refuses(403, "cancelled");
    assert_eq!(browser.session(), None);
    // Its keys change without notice.
    let newer = Signer::rs256("google-key-2");
    let away = browser.away("/login/google").await;
    google.publishes(&[&newer]);
    google.will_hand_out(&newer.sign(&json!({}), &claims(&google, &away)));
    browser.open(&away.back("google")).await.leads_to("/account");
}
