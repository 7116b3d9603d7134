use serde_json::{Value, json};
use test_support::mock::{json, status};
use test_support::signer::Signer;

use super::{
    browser::{AuthorizationRequest, Browser, BrowserPage},
    mock_provider::{CLIENT_ID, MockProvider, tokens},
    test_site::{TestSite, provider},
};
use crate::test_servers::delayed;

/// The website with a provider like Google: no logout endpoint, RS256, no `iss` in the response.
async fn google() -> (TestSite, MockProvider) {
    let google = MockProvider::start_with_signer(Signer::rs256("google-key")).await;
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
    google.set_response(super::mock_provider::METADATA, json(200, &metadata));
    let site = TestSite::start_with(|settings| {
        let google =
            service_a::settings::ProviderSettings { timeout_millis: 2_000, ..provider(&google) };
        settings.providers.insert("google".to_owned(), google);
    });
    (site.await, google)
}

/// Claims like Google's: `name` without `nickname`, `azp`, and `hd` for a company domain.
fn claims(google: &MockProvider, request: &AuthorizationRequest) -> Value {
    let mut claims = google.claims(request);
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
    google: &MockProvider,
    browser: &mut Browser,
    change: impl FnOnce(&mut Value),
) -> BrowserPage {
    let request = browser.start_login("/login/google").await;
    let mut output = claims(google, &request);
    change(&mut output);
    google.issue_claims(&output);
    browser.open(&request.callback("google")).await
}

#[tokio::test]
async fn google_works_with_issuer_and_client_only() {
    let (site, google) = google().await;
    let mut browser = site.browser();
    let request = browser.start_login("/login/google").await;
    assert_eq!(request.0.path(), "/o/oauth2/v2/auth");
    for (name, value) in [
        ("scope", "openid profile email"),
        ("code_challenge_method", "S256"),
        ("response_type", "code"),
    ] {
        assert_eq!(request.parameter(name), value);
    }
    assert!(request.parameters("resource").is_empty(), "Google knows nothing of B");
    come_back(&google, &mut browser, |_| ()).await.assert_redirect("/account");
    let account = browser.open("/account").await;
    assert_eq!(account.text("account-nickname").as_deref(), Some("Ada Byron"));
    assert_eq!(account.text("account-email").as_deref(), Some("ada@example.com"));
    // Google has no end-session endpoint: only the session of the website ends.
    let form = account.csrf_token();
    browser.submit("/logout", &[("csrf_token", &form)]).await.assert_redirect("/");
    assert_eq!(browser.session(), None);
}

#[tokio::test]
async fn invalid_google_id_token_is_rejected() {
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
        page.assert_error(502, "untrusted");
    }
    // HMAC with the client secret instead of Google's key.
    let request = browser.start_login("/login/google").await;
    let mut response = tokens("x");
    response["id_token"] = json!(
        Signer::hs256("one", crate::test_servers::SECRET.as_bytes())
            .sign(&json!({}), &claims(&google, &request))
    );
    google.set_response("/token", json(200, &response));
    browser.open(&request.callback("google")).await.assert_error(502, "untrusted");
    // An `iss` of another provider is rejected, although Google sends none.
    let request = browser.start_login("/login/google").await;
    browser
        .open(&format!("{}&iss={}", request.callback("google"), site.platform.name()))
        .await
        .assert_error(400, "mix_up");
}

#[tokio::test]
async fn unverified_google_email_does_not_claim_an_account() {
    let (site, google) = google().await;
    let (mut other_browser, mut ada) = (site.browser(), site.browser());
    come_back(&google, &mut other_browser, |claims| claims["email_verified"] = json!(false))
        .await
        .assert_redirect("/account");
    site.log_in(&mut ada).await;
    let account = ada.open("/account").await.text("account-id");
    assert_ne!(other_browser.open("/account").await.text("account-id"), account);
    // The owner of the verified address can claim it. Identities are never linked automatically.
    for verified in [true, false] {
        let change = |claims: &mut Value| {
            (claims["sub"], claims["email_verified"]) = (json!("another"), json!(verified));
        };
        come_back(&google, &mut site.browser(), change).await.assert_error(409, "email_taken");
    }
}

#[tokio::test]
async fn errors_of_google_show_pages() {
    let (site, google) = google().await;
    let mut browser = site.browser();
    for (response, expected, error_code) in [
        (
            json(
                400,
                &json!({ "error": "invalid_grant", "error_description": "Malformed auth code." }),
            ),
            400,
            "code_rejected",
        ),
        (
            json(401, &json!({ "error": "invalid_client", "error_description": "Unauthorized" })),
            502,
            "unusable_response",
        ),
        (status(200).set_body_string("<html>"), 502, "unusable_response"),
        (status(503), 502, "provider_unavailable"),
        (delayed(json(200, &tokens("x"))), 504, "provider_unavailable"),
    ] {
        let request = browser.start_login("/login/google").await;
        google.set_response("/token", response);
        browser.open(&request.callback("google")).await.assert_error(expected, error_code);
    }
    let request = browser.start_login("/login/google").await;
    let denied =
        format!("/callback/google?error=access_denied&state={}", request.parameter("state"));
    browser.open(&denied).await.assert_error(403, "cancelled");
    assert_eq!(browser.session(), None);
    // Google rotates its keys without notice.
    let newer = Signer::rs256("google-key-2");
    let request = browser.start_login("/login/google").await;
    google.publish_keys(&[&newer]);
    google.issue_id_token(&newer.sign(&json!({}), &claims(&google, &request)));
    browser.open(&request.callback("google")).await.assert_redirect("/account");
}
