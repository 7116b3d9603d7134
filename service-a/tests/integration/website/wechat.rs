use serde_json::{Value, json};
use service_a::settings::{ProviderKind, ProviderSettings};
use service_kit::SecretSetting;
use test_support::mock::{json, status};

use super::{
    browser::{Browser, BrowserPage},
    mock_provider::MockProvider,
    test_site::TestSite,
};
use crate::test_servers::{UNREACHABLE, delayed};

const TOKEN: &str = "/sns/oauth2/access_token";
const USER_INFO: &str = "/sns/userinfo";
const APP_SECRET: &str = "the-app-secret-of-wechat";

/// The website with a provider like WeChat.
async fn wechat() -> (TestSite, MockProvider) {
    wechat_with(|_| ()).await
}

async fn wechat_with(change: impl FnOnce(&mut ProviderSettings)) -> (TestSite, MockProvider) {
    let wechat = MockProvider::start().await;
    wechat.set_response(TOKEN, json(200, &token()));
    wechat.set_response(USER_INFO, json(200, &user_info()));
    let mut provider = ProviderSettings {
        kind: ProviderKind::Wechat,
        title: "WeChat".to_owned(),
        title_zh: "微信".to_owned(),
        client_id: "wx0123456789".to_owned(),
        client_secret: Some(SecretSetting::new(APP_SECRET)),
        token_url: Some(format!("{}{TOKEN}", wechat.name())),
        userinfo_url: Some(format!("{}{USER_INFO}", wechat.name())),
        timeout_millis: 500,
        ..ProviderSettings::default()
    };
    change(&mut provider);
    let site = TestSite::start_with(|settings| {
        settings.providers.insert("wechat".to_owned(), provider);
    });
    (site.await, wechat)
}

fn token() -> Value {
    json!({
        "access_token": "wechat-access-token", "expires_in": 7200, "refresh_token": "wechat-refresh-token",
        "openid": "openid-1", "scope": "snsapi_login", "unionid": "unionid-1",
    })
}

fn user_info() -> Value {
    json!({
        "openid": "openid-1", "nickname": "小明", "sex": 1, "province": "", "city": "", "country": "",
        "headimgurl": "http://thirdwx.qlogo.cn/mmopen/132", "privilege": [], "unionid": "unionid-1",
    })
}

async fn log_in(browser: &mut Browser) -> BrowserPage {
    let request = browser.start_login("/login/wechat").await;
    browser.open(&request.callback("wechat")).await
}

#[tokio::test]
async fn wechat_login_creates_an_account() {
    let (site, wechat) = wechat().await;
    let mut browser = site.browser();
    browser.language = "zh-CN";
    assert_eq!(browser.open("/").await.text("login-wechat").as_deref(), Some("用微信登录"));
    log_in(&mut browser).await.assert_redirect("/account");
    let account = browser.open("/account").await;
    assert_eq!(account.text("account-nickname").as_deref(), Some("小明"));
    assert!(account.html.contains("https:&#x2f;&#x2f;thirdwx.qlogo.cn"), "{}", account.html);
    assert_eq!(account.text("account-email").as_deref(), Some("未提供邮箱"));

    let exchange = wechat.requests(TOKEN).await.pop().unwrap();
    let query: Vec<(String, String)> = exchange.url.query_pairs().into_owned().collect();
    let expected = [
        ("appid", "wx0123456789"),
        ("secret", APP_SECRET),
        ("code", "the-code"),
        ("grant_type", "authorization_code"),
    ];
    assert_eq!((exchange.method.as_str(), query), ("GET", owned(&expected)));
    let request = wechat.requests(USER_INFO).await.pop().unwrap();
    let query: Vec<(String, String)> = request.url.query_pairs().into_owned().collect();
    assert_eq!(
        query,
        owned(&[
            ("access_token", "wechat-access-token"),
            ("openid", "openid-1"),
            ("lang", "zh_CN")
        ])
    );
    let token = account.csrf_token();
    browser.submit("/logout", &[("csrf_token", &token)]).await.assert_redirect("/");
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn wechat_authorization_url_has_the_documented_parameter_order() {
    for (scope, page) in [("", "qrconnect"), ("snsapi_userinfo", "oauth2/authorize")] {
        let (site, _wechat) = wechat_with(|provider| provider.scopes = scope.to_owned()).await;
        let request = site.browser().start_login("/login/wechat").await;
        let (url, state) = (request.0.as_str(), request.parameter("state"));
        let scope = if scope.is_empty() { "snsapi_login" } else { scope };
        let expected = format!(
            "https://open.weixin.qq.com/connect/{page}?appid=wx0123456789&redirect_uri=http%3A%2F%2Flocalhost%3A9001%2F\
             callback%2Fwechat&response_type=code&scope={scope}&state={state}#wechat_redirect"
        );
        assert_eq!(url, expected);
        assert!(state.len() <= 128 && state.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
}

#[tokio::test]
async fn unionid_is_the_subject_if_present() {
    let (site, wechat) = wechat().await;
    let (mut browser, mut app) = (site.browser(), site.browser());
    log_in(&mut browser).await.assert_redirect("/account");
    // The same user has another openid in another app of the same developer.
    let (mut other_token, mut other_user) = (token(), user_info());
    (other_token["openid"], other_user["openid"]) = (json!("openid-2"), json!("openid-2"));
    wechat.set_response(TOKEN, json(200, &other_token));
    wechat.set_response(USER_INFO, json(200, &other_user));
    log_in(&mut app).await.assert_redirect("/account");
    let account = browser.open("/account").await.text("account-id");
    assert_eq!(app.open("/account").await.text("account-id"), account);
    // Without a unionid, the openid is the subject.
    for response in [&mut other_token, &mut other_user] {
        response.as_object_mut().unwrap().remove("unionid");
    }
    wechat.set_response(TOKEN, json(200, &other_token));
    wechat.set_response(USER_INFO, json(200, &other_user));
    log_in(&mut app).await.assert_redirect("/account");
    assert_ne!(app.open("/account").await.text("account-id"), account);
}

#[tokio::test]
async fn wechat_json_is_parsed_with_any_content_type() {
    let (site, wechat) = wechat().await;
    for (path, body) in [(TOKEN, token()), (USER_INFO, user_info())] {
        wechat.set_response(path, status(200).set_body_raw(body.to_string(), "text/plain"));
    }
    log_in(&mut site.browser()).await.assert_redirect("/account");
}

#[tokio::test]
async fn wechat_member_that_is_not_needed_never_stops_a_login() {
    let (site, wechat) = wechat().await;
    for (path, valid, name, odd) in [
        (TOKEN, token(), "expires_in", json!("7200")),
        (TOKEN, token(), "expires_in", json!("soon")),
        (TOKEN, token(), "expires_in", json!(-1)),
        (TOKEN, token(), "refresh_token", json!(7)),
        (TOKEN, token(), "scope", json!(["snsapi_login"])),
        (USER_INFO, user_info(), "nickname", json!(7)),
        (USER_INFO, user_info(), "nickname", Value::Null),
        (USER_INFO, user_info(), "headimgurl", json!(["x"])),
        (USER_INFO, user_info(), "privilege", json!("none")),
    ] {
        let mut changed = valid.clone();
        changed[name] = odd.clone();
        wechat.set_response(path, json(200, &changed));
        log_in(&mut site.browser()).await.assert_redirect("/account");
        wechat.set_response(path, json(200, &valid));
    }
    // One that names the user is needed.
    let mut changed = token();
    changed["unionid"] = json!(7);
    wechat.set_response(TOKEN, json(200, &changed));
    log_in(&mut site.browser()).await.assert_error(502, "unusable_response");
}

#[tokio::test]
async fn wechat_errors_show_pages() {
    let (site, wechat) = wechat().await;
    let mut browser = site.browser();
    let error =
        |code: i64| json(200, &json!({ "errcode": code, "errmsg": "wechat-access-token, rid: x" }));
    for (response, expected, error_code) in [
        (error(40_029), 400, "code_rejected"),
        (error(40_163), 400, "code_rejected"),
        (error(40_001), 502, "unusable_response"),
        (error(-1), 502, "provider_unavailable"),
        (json(200, &json!({})), 502, "unusable_response"),
        (json(200, &json!({ "access_token": "x" })), 502, "unusable_response"),
        (json(200, &json!({ "access_token": "x", "openid": "" })), 502, "unusable_response"),
        (json(200, &json!({ "openid": "x" })), 502, "unusable_response"),
        (status(200).set_body_string("garbage"), 502, "unusable_response"),
        (status(500), 502, "provider_unavailable"),
        (delayed(json(200, &token())), 504, "provider_unavailable"),
    ] {
        wechat.set_response(TOKEN, response);
        log_in(&mut browser).await.assert_error(expected, error_code);
    }
    wechat.set_response(TOKEN, json(200, &token()));
    for (response, expected, error_code) in [
        (error(40_003), 502, "unusable_response"),
        (error(42_001), 502, "unusable_response"),
        (json(200, &json!({ "nickname": "x" })), 502, "unusable_response"),
        (json(200, &json!({ "openid": "another", "nickname": "x" })), 502, "untrusted"),
        (status(200).set_body_string("garbage"), 502, "unusable_response"),
        (status(500), 502, "provider_unavailable"),
        (delayed(json(200, &user_info())), 504, "provider_unavailable"),
    ] {
        wechat.set_response(USER_INFO, response);
        log_in(&mut browser).await.assert_error(expected, error_code);
    }
    assert_eq!(browser.session(), None);
}

#[tokio::test]
async fn unreachable_wechat_is_reported_without_the_secret() {
    let (site, _wechat) =
        wechat_with(|provider| provider.token_url = Some(format!("{UNREACHABLE}{TOKEN}"))).await;
    let page = log_in(&mut site.browser()).await;
    page.assert_error(502, "provider_unavailable");
    assert!(!page.html.contains(APP_SECRET));
}

#[tokio::test]
async fn wechat_response_without_code_means_cancelled() {
    let (site, _wechat) = wechat().await;
    let mut browser = site.browser();
    let state = browser.start_login("/login/wechat").await.parameter("state");
    browser.open(&format!("/callback/wechat?state={state}")).await.assert_error(403, "cancelled");
}

#[tokio::test]
async fn wechat_response_with_foreign_iss_is_rejected() {
    let (site, wechat) = wechat().await;
    let mut browser = site.browser();
    let request = browser.start_login("/login/wechat").await;
    browser
        .open(&format!("{}&iss={}", request.callback("wechat"), site.platform.name()))
        .await
        .assert_error(400, "mix_up");
    assert!(wechat.requests(TOKEN).await.is_empty());
}
