use serde_json::{Value, json};
use service_a::settings::{ProviderKind, ProviderSettings};
use service_kit::SecretSetting;

use super::{
    browser::{Browser, Shown},
    mock_provider::Issuer,
    test_site::Site,
};
use crate::test_servers::{NOBODY, late, said, status};

const TOKEN: &str = "/sns/oauth2/access_token";
const USER_INFO: &str = "/sns/userinfo";
const APP_SECRET: &str = "the-app-secret-of-wechat";

/// The website, and somebody who speaks like WeChat.
async fn wechat() -> (Site, Issuer) {
    wechat_with(|_| ()).await
}

async fn wechat_with(change: impl FnOnce(&mut ProviderSettings)) -> (Site, Issuer) {
    let wechat = Issuer::start().await;
    wechat.answers(TOKEN, said(&token()));
    wechat.answers(USER_INFO, said(&user_info()));
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
    let site = Site::open_with(|settings| {
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

async fn log_in(browser: &mut Browser) -> Shown {
    let away = browser.away("/login/wechat").await;
    browser.open(&away.back("wechat")).await
}

#[tokio::test]
async fn somebody_scans_the_code_and_has_an_account() {
    let (site, wechat) = wechat().await;
    let mut browser = site.browser();
    browser.language = "zh-CN";
    assert_eq!(browser.open("/").await.text("login-wechat").as_deref(), Some("用微信登录"));
    log_in(&mut browser).await.leads_to("/account");
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
    let told = wechat.requests(USER_INFO).await.pop().unwrap();
    let query: Vec<(String, String)> = told.url.query_pairs().into_owned().collect();
    assert_eq!(
        query,
        owned(&[
            ("access_token", "wechat-access-token"),
            ("openid", "openid-1"),
            ("lang", "zh_CN")
        ])
    );
    let token = account.csrf_token();
    browser.submit("/logout", &[("csrf_token", &token)]).await.leads_to("/");
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn the_browser_is_sent_where_wechat_says_with_parameters_in_its_order() {
    for (scope, page) in [("", "qrconnect"), ("snsapi_userinfo", "oauth2/authorize")] {
        let (site, _wechat) = wechat_with(|provider| provider.scopes = scope.to_owned()).await;
        let away = site.browser().away("/login/wechat").await;
        let (url, state) = (away.0.as_str(), away.parameter("state"));
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
async fn the_unionid_is_the_person_where_there_is_one() {
    let (site, wechat) = wechat().await;
    let (mut browser, mut app) = (site.browser(), site.browser());
    log_in(&mut browser).await.leads_to("/account");
    // The same person in another app of the same owner has another openid.
    let (mut other_token, mut other_user) = (token(), user_info());
    (other_token["openid"], other_user["openid"]) = (json!("openid-2"), json!("openid-2"));
    wechat.answers(TOKEN, said(&other_token));
    wechat.answers(USER_INFO, said(&other_user));
    log_in(&mut app).await.leads_to("/account");
    let account = browser.open("/account").await.text("account-id");
    assert_eq!(app.open("/account").await.text("account-id"), account);
    // Without one, the openid is.
    for answer in [&mut other_token, &mut other_user] {
        answer.as_object_mut().unwrap().remove("unionid");
    }
    wechat.answers(TOKEN, said(&other_token));
    wechat.answers(USER_INFO, said(&other_user));
    log_in(&mut app).await.leads_to("/account");
    assert_ne!(app.open("/account").await.text("account-id"), account);
}

#[tokio::test]
async fn json_is_read_whatever_it_is_called() {
    let (site, wechat) = wechat().await;
    for (path, body) in [(TOKEN, token()), (USER_INFO, user_info())] {
        wechat.answers(path, status(200).set_body_raw(body.to_string(), "text/plain"));
    }
    log_in(&mut site.browser()).await.leads_to("/account");
}

#[tokio::test]
async fn an_error_in_a_200_and_every_other_trouble_logs_nobody_in() {
    let (site, wechat) = wechat().await;
    let mut browser = site.browser();
    let error =
        |code: i64| said(&json!({ "errcode": code, "errmsg": "wechat-access-token, rid: x" }));
    for (trouble, expected, refusal) in [
        (error(40_029), 400, "code_rejected"),
        (error(40_163), 400, "code_rejected"),
        (error(40_001), 502, "provider_unavailable"),
        (error(-1), 502, "provider_unavailable"),
        (said(&json!({})), 502, "provider_unavailable"),
        (said(&json!({ "access_token": "x" })), 502, "provider_unavailable"),
        (said(&json!({ "access_token": "x", "openid": "" })), 502, "provider_unavailable"),
        (said(&json!({ "openid": "x" })), 502, "provider_unavailable"),
        (status(200).set_body_string("garbage"), 502, "provider_unavailable"),
        (status(500), 502, "provider_unavailable"),
        (late(said(&token())), 504, "provider_unavailable"),
    ] {
        wechat.answers(TOKEN, trouble);
        log_in(&mut browser).await.refuses(expected, refusal);
    }
    wechat.answers(TOKEN, said(&token()));
    for (trouble, expected, refusal) in [
        (error(40_003), 502, "provider_unavailable"),
        (error(42_001), 502, "provider_unavailable"),
        (said(&json!({ "nickname": "x" })), 502, "provider_unavailable"),
        (said(&json!({ "openid": "another", "nickname": "x" })), 502, "untrusted"),
        (status(200).set_body_string("garbage"), 502, "provider_unavailable"),
        (status(500), 502, "provider_unavailable"),
        (late(said(&user_info())), 504, "provider_unavailable"),
    ] {
        wechat.answers(USER_INFO, trouble);
        log_in(&mut browser).await.refuses(expected, refusal);
    }
    assert_eq!(browser.session(), None);
}

#[tokio::test]
async fn nobody_there_is_told_without_the_secret_in_the_address() {
    let (site, _wechat) =
        wechat_with(|provider| provider.token_url = Some(format!("{NOBODY}{TOKEN}"))).await;
    let page = log_in(&mut site.browser()).await;
    page.refuses(502, "provider_unavailable");
    assert!(!page.html.contains(APP_SECRET));
}

#[tokio::test]
async fn whoever_says_no_comes_back_without_a_code() {
    let (site, _wechat) = wechat().await;
    let mut browser = site.browser();
    let state = browser.away("/login/wechat").await.parameter("state");
    browser.open(&format!("/callback/wechat?state={state}")).await.refuses(403, "cancelled");
}

#[tokio::test]
async fn wechat_does_not_name_itself_and_another_does() {
    let (site, wechat) = wechat().await;
    let mut browser = site.browser();
    let away = browser.away("/login/wechat").await;
    browser
        .open(&format!("{}&iss={}", away.back("wechat"), site.platform.name()))
        .await
        .refuses(400, "mix_up");
    assert!(wechat.requests(TOKEN).await.is_empty());
}
