use serde_json::json;

use super::{mock_provider::Issuer, test_site::Site, token_signer::Signer};
use crate::test_servers::{RESOURCES, SECRET, header, parameter};

#[tokio::test]
async fn somebody_presses_the_button_comes_back_and_has_an_account() {
    let site = Site::open().await;
    let mut browser = site.browser();
    let home = browser.open("/").await;
    assert!(home.has("login-platform") && !home.has("logout-submit"));

    let away = browser.away("/login/platform").await;
    site.platform.will_say(&site.platform.claims(&away));
    browser.open(&away.back("platform")).await.leads_to("/account");

    let account = browser.open("/account").await;
    assert_eq!(account.text("account-nickname").as_deref(), Some("Ada"));
    assert_eq!(account.text("account-email").as_deref(), Some("ada@example.com"));
    assert!(
        account.html.contains("https:&#x2f;&#x2f;pictures.example&#x2f;ada.png")
            && account.has("account-picture")
    );
    assert!(browser.open("/").await.has("logout-submit"));
}

#[tokio::test]
async fn the_provider_is_asked_as_the_specifications_have_it() {
    let site = Site::open().await;
    let mut browser = site.browser();
    let away = browser.away("/login/platform").await;
    assert!(away.0.as_str().starts_with(&format!("{}/authorize?", site.platform.name())));
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "service-a"),
        ("redirect_uri", "http://localhost:9001/callback/platform"),
        ("scope", "openid profile email offline_access resource:read resource:write"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(away.parameter(name), value, "{name}");
    }
    assert_eq!(away.parameters("resource"), RESOURCES);
    assert_eq!((away.parameter("state").len(), away.parameter("nonce").len()), (64, 64));

    site.platform.will_say(&site.platform.claims(&away));
    browser.open(&away.back("platform")).await.leads_to("/account");
    let exchange = site.platform.requests("/token").await.pop().unwrap();
    for (name, value) in [
        ("grant_type", "authorization_code"),
        ("code", "the-code"),
        ("redirect_uri", "http://localhost:9001/callback/platform"),
    ] {
        assert_eq!(parameter(&exchange, name).as_deref(), Some(value), "{name}");
    }
    assert!(header(&exchange, "authorization").starts_with("Basic "));
    assert!(!String::from_utf8_lossy(&exchange.body).contains(SECRET));
    assert_eq!(
        challenge(&parameter(&exchange, "code_verifier").unwrap()),
        away.parameter("code_challenge")
    );
}

/// RFC 7636 §4.2.
fn challenge(verifier: &str) -> String {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(hash)
}

#[tokio::test]
async fn an_rs256_provider_is_as_good() {
    let site = Site::open_beside(Issuer::signing_with(Signer::rs256("rsa")).await, |_| ()).await;
    site.log_in(&mut site.browser()).await;
}

#[tokio::test]
async fn what_user_info_says_goes_before_the_id_token() {
    let site = Site::open().await;
    let mut browser = site.browser();
    let away = browser.away("/login/platform").await;
    site.platform.will_say(&site.platform.claims(&away));
    site.platform.answers(
        "/userinfo",
        crate::test_servers::said(&json!({ "sub": "ada", "nickname": "Countess" })),
    );
    browser.open(&away.back("platform")).await.leads_to("/account");
    let account = browser.open("/account").await;
    assert_eq!(account.text("account-nickname").as_deref(), Some("Countess"));
    assert_eq!(account.text("account-email").as_deref(), Some("ada@example.com"));
    let asked = site.platform.requests("/userinfo").await.pop().unwrap();
    assert_eq!(header(&asked, "authorization"), "Bearer the-persons-access-token");
}
