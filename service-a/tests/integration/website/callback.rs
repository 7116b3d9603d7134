use std::time::Duration;

use super::{
    mock_provider::MockProvider,
    test_site::{TestSite, provider},
};

#[tokio::test]
async fn response_without_state_of_this_browser_is_rejected() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    let request = browser.start_login("/login/platform").await;
    site.platform.issue_claims(&site.platform.claims(&request));
    for forged in [
        "/callback/platform?code=the-code".to_owned(),
        "/callback/platform?code=the-code&state=".to_owned(),
        "/callback/platform?code=the-code&state=forged".to_owned(),
        format!("/callback/platform?code=the-code&state={}", "a".repeat(43)),
        format!("/callback/platform?code=the-code&state={}", "a".repeat(20_000)),
        "/callback/platform?error=access_denied".to_owned(),
        "/callback/platform".to_owned(),
    ] {
        browser.open(&forged).await.assert_error(400, "login_not_found");
    }
    assert_eq!((browser.session(), site.platform.requests("/token").await.len()), (None, 0));
    browser.open(&request.callback("platform")).await.assert_redirect("/account");
}

#[tokio::test]
async fn authorization_response_is_accepted_once() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    let request = browser.start_login("/login/platform").await;
    site.platform.issue_claims(&site.platform.claims(&request));
    browser.open(&request.callback("platform")).await.assert_redirect("/account");
    browser.open(&request.callback("platform")).await.assert_error(400, "login_not_found");
    assert_eq!(site.platform.requests("/token").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_responses_with_one_state_log_in_once() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    let request = browser.start_login("/login/platform").await;
    site.platform.issue_claims(&site.platform.claims(&request));
    let answers = (0..16).map(|_| {
        let (mut tab, back) = (browser.clone(), request.callback("platform"));
        tokio::spawn(async move { tab.open(&back).await.status })
    });
    let mut statuses = Vec::new();
    for response in answers.collect::<Vec<_>>() {
        statuses.push(response.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (303, &[400; 15][..]));
}

/// Login CSRF: an attacker makes this browser send a response issued for the attacker.
#[tokio::test]
async fn response_for_another_browser_is_rejected_and_stays_usable() {
    let site = TestSite::start().await;
    let (mut mallory, mut victim) = (site.browser(), site.browser());
    let request = mallory.start_login("/login/platform").await;
    site.platform.issue_claims(&site.platform.claims(&request));
    victim.open(&request.callback("platform")).await.assert_error(400, "login_not_found");
    let _ = victim.start_login("/login/platform").await;
    victim.open(&request.callback("platform")).await.assert_error(400, "login_not_found");
    assert_eq!(victim.session(), None);
    mallory.open(&request.callback("platform")).await.assert_redirect("/account");
}

#[tokio::test]
async fn logins_in_several_tabs_complete_in_any_order() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    let (first, second) = (
        browser.start_login("/login/platform").await,
        browser.start_login("/login/platform").await,
    );
    assert_ne!(first.parameter("state"), second.parameter("state"));
    for request in [second, first] {
        site.platform.issue_claims(&site.platform.claims(&request));
        browser.open(&request.callback("platform")).await.assert_redirect("/account");
    }
}

#[tokio::test]
async fn pending_login_expires() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    let request = browser.start_login("/login/platform").await;
    site.platform.issue_claims(&site.platform.claims(&request));
    site.clock.advance(Duration::from_secs(601));
    browser.open(&request.callback("platform")).await.assert_error(400, "login_expired");
    assert_eq!(browser.session(), None);
}

/// RFC 9207: the code of an honest provider must not be sent to a malicious one.
#[tokio::test]
async fn response_at_the_callback_of_another_provider_is_rejected() {
    let other = MockProvider::start().await;
    let site = TestSite::start_with(|settings| {
        settings.providers.insert("other".to_owned(), provider(&other));
    })
    .await;
    let mut browser = site.browser();
    let request = browser.start_login("/login/platform").await;
    browser.open(&request.callback("other")).await.assert_error(400, "mix_up");
    browser.open(&request.callback("platform")).await.assert_error(400, "login_not_found");
    assert!(
        other.requests("/token").await.is_empty()
            && site.platform.requests("/token").await.is_empty()
    );
}

#[tokio::test]
async fn response_with_wrong_iss_is_rejected() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    let request = browser.start_login("/login/platform").await;
    browser
        .open(&format!("{}&iss=https://evil.example", request.callback("platform")))
        .await
        .assert_error(400, "mix_up");
    assert!(site.platform.requests("/token").await.is_empty());
    let request = browser.start_login("/login/platform").await;
    site.platform.issue_claims(&site.platform.claims(&request));
    browser
        .open(&format!("{}&iss={}", request.callback("platform"), site.platform.name()))
        .await
        .assert_redirect("/account");
}

#[tokio::test]
async fn missing_iss_is_rejected_if_the_metadata_announces_it() {
    let site = TestSite::start().await;
    site.platform.change_metadata(|metadata| {
        metadata["authorization_response_iss_parameter_supported"] = true.into();
    });
    let mut browser = site.browser();
    let request = browser.start_login("/login/platform").await;
    browser.open(&request.callback("platform")).await.assert_error(400, "mix_up");
    let request = browser.start_login("/login/platform").await;
    let denied =
        format!("/callback/platform?error=access_denied&state={}", request.parameter("state"));
    browser.open(&denied).await.assert_error(400, "mix_up");
}

#[tokio::test]
async fn cancelled_login_shows_a_page() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    let request = browser.start_login("/login/platform").await;
    let denied =
        format!("/callback/platform?error=access_denied&state={}", request.parameter("state"));
    let page = browser.open(&denied).await;
    page.assert_error(403, "cancelled");
    assert!(page.html.contains("You cancelled") && page.has("login-platform"));
    assert_eq!(browser.session(), None);
    browser.language = "zh-CN";
    let request = browser.start_login("/login/platform").await;
    let denied =
        format!("/callback/platform?error=access_denied&state={}", request.parameter("state"));
    assert!(browser.open(&denied).await.html.contains("你没有登录"));
}

#[tokio::test]
async fn error_code_of_the_provider_is_escaped() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    for (error, escaped) in
        [("server_error", "server_error"), ("<script>alert(1)</script>", "&lt;script&gt;alert(1)")]
    {
        let request = browser.start_login("/login/platform").await;
        let back = reqwest::Url::parse_with_params(
            "http://a/callback/platform",
            [
                ("error", error),
                ("error_description", "<b>x</b>"),
                ("state", &request.parameter("state")),
            ],
        )
        .unwrap();
        let page = browser.open(&format!("{}?{}", back.path(), back.query().unwrap())).await;
        page.assert_error(502, "provider_error");
        assert!(
            page.html.contains(escaped)
                && !page.html.contains("<script")
                && !page.html.contains("<b>x")
        );
    }
}

#[tokio::test]
async fn response_with_repeated_or_missing_parameters_is_rejected() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    let request = browser.start_login("/login/platform").await;
    browser
        .open(&format!("{}&code=another", request.callback("platform")))
        .await
        .assert_error(400, "invalid_response");
    browser
        .open(&format!("{}&state=another", request.callback("platform")))
        .await
        .assert_error(400, "invalid_response");
    let nothing = format!("/callback/platform?state={}", request.parameter("state"));
    browser.open(&nothing).await.assert_error(400, "invalid_response");
    let state = request.parameter("state");
    browser
        .submit("/callback/platform", &[("code", "x"), ("state", &state)])
        .await
        .assert_error(400, "invalid_response");
}

#[tokio::test]
async fn unknown_provider_is_not_found() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    for path in ["/login/nobody", "/callback/nobody?code=x&state=y", "/login/%3Cscript%3E"] {
        let page = browser.open(path).await;
        page.assert_error(404, "unknown_provider");
        assert!(!page.html.contains("<script"));
    }
}

#[tokio::test]
async fn login_returns_to_the_page_and_never_to_another_origin() {
    let site = TestSite::start().await;
    for (return_to, location) in [
        ("/my-resource?target=introspection", "/my-resource?target=introspection"),
        ("//evil.example", "/account"),
        ("/\\evil.example", "/account"),
        ("/%09/evil.example", "/%09/evil.example"),
        ("https://evil.example", "/account"),
        ("https:evil.example", "/account"),
        ("javascript:alert(1)", "/account"),
        ("/x\r\nset-cookie: a=b", "/account"),
        ("", "/account"),
    ] {
        let mut browser = site.browser();
        let url =
            reqwest::Url::parse_with_params("http://a/login/platform", [("return_to", return_to)])
                .unwrap();
        let request =
            browser.start_login(&format!("{}?{}", url.path(), url.query().unwrap())).await;
        site.platform.issue_claims(&site.platform.claims(&request));
        browser.open(&request.callback("platform")).await.assert_redirect(location);
    }
}
