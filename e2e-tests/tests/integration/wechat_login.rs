//! Login with WeChat without WeChat: A's provider `wechat` against C's WeChat-compatible endpoints.

use std::fs;

use e2e_tests::harness::Harness;
use gatepass::StackSettings;
use service_a::settings::{ProviderKind, ProviderSettings};
use service_kit::SecretSetting;

use crate::login::{ALICE, harness_with, with_browser};

const APP: &str = "wxfedcba9876543210";

async fn harness(scopes: &'static str) -> Harness {
    harness_with(|settings| {
        register_app(settings);
        let c = settings.auth_server.issuer();
        let provider = ProviderSettings {
            kind: ProviderKind::Wechat,
            title: "WeChat".to_owned(),
            issuer: c.clone(),
            client_id: APP.to_owned(),
            client_secret: Some(SecretSetting::new("the-app-secret")),
            scopes: scopes.to_owned(),
            token_url: Some(format!("{c}/sns/oauth2/access_token")),
            userinfo_url: Some(format!("{c}/sns/userinfo")),
            timeout_millis: e2e_tests::fixed_ports::TIMEOUT_MILLIS,
            ..ProviderSettings::default()
        };
        settings.service_a.providers.insert("wechat".to_owned(), provider);
    })
    .await
}

/// Registers an app at C as it would be registered at WeChat.
fn register_app(settings: &StackSettings) {
    let file = settings.auth_server.clients_file.as_ref().unwrap();
    let port = settings.service_a.listen.rsplit(':').next().unwrap();
    let app = format!(
        "\n[[clients]]\nclient_id = \"{APP}\"\nclient_secret = \"the-app-secret\"\nscopes = \"openid profile\"\n\n\
         [clients.login]\nredirect_uris = [\"http://localhost:{port}/callback/wechat\"]\n",
    );
    fs::write(file, fs::read_to_string(file).unwrap() + &*app).unwrap();
}

#[tokio::test]
async fn wechat_login_finds_the_same_account_again() {
    for (scopes, page) in
        [("snsapi_login", "/connect/qrconnect"), ("snsapi_userinfo", "/connect/oauth2/authorize")]
    {
        let harness = harness(scopes).await;
        with_browser(&harness, move |alice, at| {
            alice.open(&format!("{}/login/wechat", at.a))?;
            assert!(
                alice.visited().iter().any(|address| address.path() == page),
                "{:?}",
                alice.visited()
            );
            alice.press("login-submit", &ALICE)?;
            alice.press("consent-allow", &[])?;
            assert_eq!(alice.text("account-nickname").as_deref(), Some("小爱"), "{}", alice.html());
            assert!(
                !alice.html().contains("alice@example.com"),
                "WeChat returns no e-mail address: {}",
                alice.html()
            );
            let account = alice.text("account-id");
            alice.press("logout-submit", &[])?;
            alice.open(&format!("{}/login/wechat", at.a))?;
            assert_eq!(alice.text("account-id"), account, "{}", alice.html());
            Ok(())
        })
        .await;
    }
}

/// As at WeChat, the app knows the user by an id of its own.
#[tokio::test]
async fn wechat_login_of_the_demo_has_an_account_of_its_own() {
    let harness = harness_with(|_| ()).await;
    with_browser(&harness, |alice, at| {
        alice.open(&format!("{}/login/platform", at.a))?;
        alice.press("login-submit", &ALICE)?;
        alice.press("consent-allow", &[])?;
        let platform = alice.text("account-id");
        alice.press("logout-submit", &[])?;
        alice.open(&format!("{}/login/wechat", at.a))?;
        alice.press("login-submit", &ALICE)?;
        alice.press("consent-allow", &[])?;
        let wechat = alice.text("account-id");
        assert!(wechat.is_some() && wechat != platform, "{}", alice.html());
        assert_eq!(alice.text("account-nickname").as_deref(), Some("小爱"), "{}", alice.html());
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn wechat_errors_are_pages_of_a() {
    let harness = harness("snsapi_login").await;
    with_browser(&harness, |alice, at| {
        alice.open(&format!("{}/login/wechat", at.a))?;
        alice.press("login-cancel", &[])?;
        assert!(alice.shows_error("cancelled"), "{}", alice.html());
        // A code that C never issued: WeChat reports an `errcode` with status 200.
        alice.open(&format!("{}/login/wechat", at.a))?;
        let authorization = alice
            .visited()
            .iter()
            .rev()
            .find(|address| address.path() == "/connect/qrconnect")
            .unwrap();
        let state =
            authorization.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        alice.open(&format!("{}/callback/wechat?code=made-up&state={state}", at.a))?;
        assert!(alice.shows_error("code_rejected"), "{}", alice.html());
        Ok(())
    })
    .await;
}
