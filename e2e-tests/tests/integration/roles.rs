//! Roles of the demo's users, as a claim in access tokens.

use e2e_tests::{
    browser::BlockingBrowser,
    harness::Harness,
    http::{ResponseAssertions, send, url},
};
use url::Url;

use crate::login::ALICE;

const BOB: [(&str, &str); 2] = [("username", "bob"), ("password", "builder")];
/// Of the native app in the demo's clients file, on a port of its choice.
const CALLBACK: &str = "http://127.0.0.1:4242/callback";
/// The example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Logs a user in with the native app and returns the access token for the B of `resource`.
async fn access_token(
    harness: &Harness,
    resource: &str,
    user: [(&'static str, &'static str); 2],
) -> String {
    let c = format!("http://localhost:{}", harness.addresses.auth_server.port());
    let parameters = [
        ("response_type", "code"),
        ("client_id", "little-app"),
        ("redirect_uri", CALLBACK),
        ("scope", "resource:read"),
        ("resource", resource),
        ("state", "s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let request = Url::parse_with_params(&format!("{c}/oauth/authorize"), parameters).unwrap();
    let log_in = move || -> anyhow::Result<String> {
        // The navigation ends at the app, which is not running.
        let is_app = |origin: &str| origin.starts_with("http://127.0.0.1");
        let mut browser = BlockingBrowser::with_route(move |origin| {
            anyhow::ensure!(!is_app(origin), "the app is not running");
            Ok(origin.to_owned())
        })?;
        browser.open(request.as_str())?;
        browser.press("login-submit", &user)?;
        let consent = "It also shares what is recorded about you under: roles";
        assert!(browser.html().contains(consent), "{}", browser.html());
        browser.press("consent-allow", &[])?;
        Ok(browser.address().to_owned())
    };
    let response = tokio::task::spawn_blocking(log_in).await.unwrap().unwrap();
    let response = Url::parse(&response).unwrap();
    let code = response.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "little-app"),
        ("redirect_uri", CALLBACK),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    send(harness.http.post(format!("{c}/oauth/token")).form(&form)).await.member("access_token")
}

#[tokio::test]
async fn admin_api_of_the_demo_is_for_the_user_with_the_role() {
    let harness = Harness::start_with(|settings| settings.urls_from_ports = true).await;
    for b in [harness.addresses.b_local, harness.addresses.b_introspection] {
        let resource = format!("http://localhost:{}", b.port());
        let call = async |user| {
            let token = access_token(&harness, &resource, user).await;
            send(harness.http.get(url(b, "/api/admin")).bearer_auth(token)).await
        };
        let response = call(ALICE).await;
        assert_eq!(response.status, 200, "{response:?}");
        assert_eq!(response.json()["roles"], serde_json::json!(["admin"]));
        call(BOB).await.assert_rejected(403, "insufficient_scope", "roles");
    }
}
