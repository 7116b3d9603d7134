//! Compatibility modes: the WeChat endpoints, and access tokens in the query string of userinfo.

use crate::{
    browser::{AuthorizationRequest, Browser},
    client::send,
    jwt,
    test_server::{ALICE, SITE, TestServer},
};

async fn wechat() -> TestServer {
    TestServer::start_with(|settings| settings.compat.wechat = true).await
}

async fn wechat_code(browser: &Browser<'_>, id: &str) -> String {
    let redirect = "https%3A%2F%2Fsite.example%2Fcb%3Fshop%3D1";
    let path = format!(
        "/connect/oauth2/authorize?{id}=site&redirect_uri={redirect}&response_type=code&scope=snsapi_userinfo&state=s"
    );
    let mut page = browser.open(&path).await;
    if page.path == "/login" {
        page = browser.sign_in(&page, ALICE).await;
    }
    if page.redirected_to.is_none() {
        page = browser.allow(&page).await;
    }
    assert_eq!(page.redirect_parameter("state"), "s");
    page.redirect_parameter("code")
}

#[tokio::test]
async fn json_token_request_works() {
    let server = wechat().await;
    let browser = Browser::new(&server);
    let code = wechat_code(&browser, "client_id").await;
    let body = serde_json::json!({
        "client_id": SITE.0, "client_secret": SITE.1, "code": code, "grant_type": "authorization_code",
        "resource": server.issuer(),
    });
    let token = send(server.post("/oauth2/token").json(&body)).await;
    assert_eq!(token.status, 200, "{token:?}");
    let token = token.json();
    assert!(token["expires_in"].as_i64().unwrap() > 0);
    let access = token["access_token"].as_str().unwrap();
    assert_eq!(server.userinfo(access).await.json()["nickname"], "小爱");
    let in_query = server.get(&format!("/userinfo?access_token={access}")).await;
    assert_eq!(in_query.status, 401, "WeChat has a path of its own for a token in the query");
    send(server.post("/oauth2/token").json(&body)).await.assert_error(
        400,
        "invalid_grant",
        "used before",
    );
}

#[tokio::test]
async fn wechat_paths_return_wechat_responses() {
    let server = wechat().await;
    let browser = Browser::new(&server);
    let code = wechat_code(&browser, "appid").await;
    let ask = |code: &str| {
        format!(
            "/sns/oauth2/access_token?appid={}&secret={}&code={code}&grant_type=authorization_code",
            SITE.0, SITE.1
        )
    };
    let token = server.get_json(&ask(&code)).await;
    let (access, openid) =
        (token["access_token"].as_str().unwrap(), token["openid"].as_str().unwrap());
    assert_eq!(token["scope"], "snsapi_userinfo");
    let userinfo =
        server.get_json(&format!("/sns/userinfo?access_token={access}&openid={openid}")).await;
    assert_eq!((userinfo["nickname"].as_str(), userinfo["sex"].as_i64()), (Some("小爱"), Some(2)));
    assert_eq!(userinfo["openid"], token["openid"]);
    let wrong = server.get(&ask("made-up")).await;
    assert_eq!((wrong.status, wrong.json()["errcode"].as_i64()), (200, Some(40_029)));
    assert_eq!(server.get_json("/sns/userinfo?access_token=x&openid=y").await["errcode"], 40_001);
    assert_eq!(
        server.get_json(&format!("/sns/userinfo?access_token={access}&openid=other")).await["errcode"],
        40_003
    );
}

#[tokio::test]
async fn wechat_errors_are_returned_with_status_200() {
    let server = wechat().await;
    let browser = Browser::new(&server);
    let code = wechat_code(&browser, "appid").await;
    let (id, secret) = SITE;
    let ask = format!(
        "/sns/oauth2/access_token?appid={id}&secret={secret}&code={code}&grant_type=authorization_code"
    );
    let token = server.get_json(&ask).await;
    let access = format!("access_token={}", token["access_token"].as_str().unwrap());
    for (query, errcode) in [
        (String::new(), 41_001),
        ("openid=x".to_owned(), 41_001),
        (access.clone(), 41_009),
        (format!("{access}&openid=%ff"), 41_001),
        ("%zz".to_owned(), 41_001),
    ] {
        let response = server.get(&format!("/sns/userinfo?{query}")).await;
        assert_eq!(
            (response.status, response.json()["errcode"].as_i64()),
            (200, Some(errcode)),
            "{query}: {response:?}"
        );
    }
    let (token, refresh) = ("/sns/oauth2/access_token", "/sns/oauth2/refresh_token");
    let all = format!("appid={id}&secret={secret}&code=x&refresh_token=x");
    for (path, parameters, errcode) in [
        (token, "", 41_002),
        (token, "appid=%ff", 41_002),
        (token, "appid=site", 41_004),
        (token, "appid=site&secret=x", 41_008),
        (token, &all, 40_002),
        (token, &format!("{all}&grant_type=refresh_token"), 40_002),
        (token, &format!("{all}&grant_type=authorization_code"), 40_029),
        (token, "appid=site&secret=x&code=x&grant_type=authorization_code", 40_125),
        (refresh, "", 41_002),
        (refresh, "appid=site", 41_003),
        (refresh, &format!("{all}&grant_type=refresh_token"), 40_030),
    ] {
        let by_query = server.get(&format!("{path}?{parameters}")).await;
        let form = ("content-type", "application/x-www-form-urlencoded");
        let by_form = server.post(path).header(form.0, form.1).body(parameters.to_owned());
        for response in [by_query, send(by_form).await] {
            assert_eq!(
                (response.status, response.json()["errcode"].as_i64()),
                (200, Some(errcode)),
                "{path} {parameters}: {response:?}"
            );
            assert_eq!(response.header("content-type"), "text/plain");
        }
    }
}

/// django-allauth and social-auth-core send the token request as a POST, and read the response as
/// Latin-1 because it is `text/plain` without a charset.
#[tokio::test]
async fn wechat_token_request_can_be_a_form_and_the_nickname_is_utf_8() {
    let server = wechat().await;
    let browser = Browser::new(&server);
    let code = wechat_code(&browser, "appid").await;
    let form = [
        ("appid", SITE.0),
        ("secret", SITE.1),
        ("code", &*code),
        ("grant_type", "authorization_code"),
        // social-auth-core sends it, and WeChat ignores it.
        ("redirect_uri", "https://site.example/another"),
    ];
    let token = send(server.post("/sns/oauth2/access_token").form(&form)).await;
    assert_eq!((token.status, token.header("content-type")), (200, "text/plain"));
    let token = token.json();
    let (access, openid) =
        (token["access_token"].as_str().unwrap(), token["openid"].as_str().unwrap());
    let path = format!("/sns/userinfo?access_token={access}&openid={openid}");
    let user = server.get(&path).await;
    assert_eq!(user.header("content-type"), "text/plain");
    assert!(user.text.contains("\"nickname\":\"小爱\""), "{}", user.text);
}

#[tokio::test]
async fn userinfo_in_query_is_independent_of_wechat() {
    let server = TestServer::start_with(|settings| settings.compat.userinfo_in_query = true).await;
    let tokens = Browser::new(&server).tokens(&AuthorizationRequest::site(), ALICE, SITE).await;
    let userinfo = server
        .get_json(&format!("/userinfo?access_token={}", tokens["access_token"].as_str().unwrap()))
        .await;
    assert_eq!(userinfo["nickname"], "小爱");
    assert!(userinfo["avatar"].as_str().unwrap().starts_with("data:image/svg"));
    assert_eq!(server.get("/userinfo?access_token=x").await.status, 401);
    assert_eq!(
        server.get("/connect/oauth2/authorize").await.status,
        404,
        "it does not enable the WeChat endpoints"
    );
}

#[tokio::test]
async fn wechat_paths_are_disabled_by_default() {
    let server = TestServer::start().await;
    for path in [
        "/connect/oauth2/authorize",
        "/connect/qrconnect",
        "/sns/oauth2/access_token",
        "/sns/userinfo",
    ] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
    let browser = Browser::new(&server);
    let tokens = browser.tokens(&AuthorizationRequest::site(), ALICE, SITE).await;
    let path = format!("/userinfo?access_token={}", tokens["access_token"].as_str().unwrap());
    assert_eq!(server.get(&path).await.status, 401);
    // The internal WeChat parameter does not remove the redirect URI check.
    let code = browser
        .authorization_code(&AuthorizationRequest::site().with("dialect", "wechat"), ALICE)
        .await;
    let fields = [("code", code.as_str()), ("code_verifier", crate::browser::VERIFIER)];
    server.redeem_code_with(SITE, &fields).await.assert_error(400, "invalid_grant", "redirect_uri");
}

#[tokio::test]
async fn wechat_request_needs_no_pkce() {
    let server = wechat().await;
    server
        .change_clients_file(|clients| {
            let name = "client_name = \"The Site\"";
            clients.replace(name, &format!("{name}\nrequire_pkce = true"))
        })
        .await;
    let browser = Browser::new(&server);
    assert!(!wechat_code(&browser, "appid").await.is_empty());
}

#[tokio::test]
async fn wechat_app_with_pairwise_subjects_gets_them_as_openid() {
    const APP: &str = "
[[clients]]
client_id = \"wx\"
client_secret = \"the-secret-of-the-app\"
scopes = \"openid profile\"

[clients.login]
subject_type = \"pairwise\"
redirect_uris = [\"https://wx.example/cb\"]
";
    let server = wechat().await;
    server.change_clients_file(|clients| clients + APP).await;
    let browser = Browser::new(&server);
    let path = "/connect/qrconnect?appid=wx&redirect_uri=https%3A%2F%2Fwx.example%2Fcb&response_type=code&scope=snsapi_login&state=s";
    let page = browser.open(path).await;
    let page = browser.sign_in(&page, ALICE).await;
    let code = browser.allow(&page).await.redirect_parameter("code");
    let path = format!(
        "/sns/oauth2/access_token?appid=wx&secret=the-secret-of-the-app&code={code}&grant_type=authorization_code"
    );
    let token = server.get_json(&path).await;
    let (access, openid) =
        (token["access_token"].as_str().unwrap(), token["openid"].as_str().unwrap());
    let sub = jwt::claims(access)["sub"].clone();
    assert_eq!((sub.as_str(), &token["unionid"]), (Some(openid), &sub));
    let path = format!("/sns/userinfo?access_token={access}&openid={openid}");
    let userinfo = server.get_json(&path).await;
    assert_eq!((&userinfo["openid"], &userinfo["unionid"]), (&sub, &sub), "{userinfo}");

    let code = wechat_code(&browser, "appid").await;
    let path = format!(
        "/sns/oauth2/access_token?appid={}&secret={}&code={code}&grant_type=authorization_code",
        SITE.0, SITE.1
    );
    assert_ne!(server.get_json(&path).await["openid"], sub, "another app");
}
