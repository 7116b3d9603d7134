use std::time::Duration;

use super::{
    mock_provider::Issuer,
    test_site::{Site, provider},
};

#[tokio::test]
async fn an_answer_without_a_state_of_this_browser_logs_nobody_in() {
    let site = Site::open().await;
    let mut browser = site.browser();
    let away = browser.away("/login/platform").await;
    site.platform.will_say(&site.platform.claims(&away));
    for forged in [
        "/callback/platform?code=the-code".to_owned(),
        "/callback/platform?code=the-code&state=".to_owned(),
        "/callback/platform?code=the-code&state=forged".to_owned(),
        format!("/callback/platform?code=the-code&state={}", "a".repeat(64)),
        format!("/callback/platform?code=the-code&state={}", "a".repeat(20_000)),
        "/callback/platform?error=access_denied".to_owned(),
        "/callback/platform".to_owned(),
    ] {
        browser.open(&forged).await.refuses(400, "login_not_found");
    }
    assert_eq!((browser.session(), site.platform.requests("/token").await.len()), (None, 0));
    browser.open(&away.back("platform")).await.leads_to("/account");
}

#[tokio::test]
async fn an_answer_is_taken_once() {
    let site = Site::open().await;
    let mut browser = site.browser();
    let away = browser.away("/login/platform").await;
    site.platform.will_say(&site.platform.claims(&away));
    browser.open(&away.back("platform")).await.leads_to("/account");
    browser.open(&away.back("platform")).await.refuses(400, "login_not_found");
    assert_eq!(site.platform.requests("/token").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_answers_with_one_state_at_the_same_moment_one_logs_in() {
    let site = Site::open().await;
    let mut browser = site.browser();
    let away = browser.away("/login/platform").await;
    site.platform.will_say(&site.platform.claims(&away));
    let answers = (0..16).map(|_| {
        let (mut tab, back) = (browser.clone(), away.back("platform"));
        tokio::spawn(async move { tab.open(&back).await.status })
    });
    let mut statuses = Vec::new();
    for answer in answers.collect::<Vec<_>>() {
        statuses.push(answer.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (303, &[400; 15][..]));
}

/// Login CSRF: somebody makes this browser bring an answer that they got for themselves.
#[tokio::test]
async fn the_answer_to_a_login_of_another_browser_is_refused_and_stays_good_for_that_one() {
    let site = Site::open().await;
    let (mut mallory, mut victim) = (site.browser(), site.browser());
    let away = mallory.away("/login/platform").await;
    site.platform.will_say(&site.platform.claims(&away));
    victim.open(&away.back("platform")).await.refuses(400, "login_not_found");
    let _ = victim.away("/login/platform").await;
    victim.open(&away.back("platform")).await.refuses(400, "login_not_found");
    assert_eq!(victim.session(), None);
    mallory.open(&away.back("platform")).await.leads_to("/account");
}

#[tokio::test]
async fn logins_in_several_tabs_end_in_any_order() {
    let site = Site::open().await;
    let mut browser = site.browser();
    let (first, second) =
        (browser.away("/login/platform").await, browser.away("/login/platform").await);
    assert_ne!(first.parameter("state"), second.parameter("state"));
    for away in [second, first] {
        site.platform.will_say(&site.platform.claims(&away));
        browser.open(&away.back("platform")).await.leads_to("/account");
    }
}

#[tokio::test]
async fn a_login_that_took_too_long_has_expired() {
    let site = Site::open().await;
    let mut browser = site.browser();
    let away = browser.away("/login/platform").await;
    site.platform.will_say(&site.platform.claims(&away));
    site.clock.advance(Duration::from_secs(601));
    browser.open(&away.back("platform")).await.refuses(400, "login_expired");
    assert_eq!(browser.session(), None);
}

/// RFC 9207: an honest provider's code must not be carried to one that is not.
#[tokio::test]
async fn an_answer_meant_for_one_provider_is_not_taken_for_anothers() {
    let other = Issuer::start().await;
    let site = Site::open_with(|settings| {
        settings.providers.insert("other".to_owned(), provider(&other));
    })
    .await;
    let mut browser = site.browser();
    let away = browser.away("/login/platform").await;
    browser.open(&away.back("other")).await.refuses(400, "mix_up");
    browser.open(&away.back("platform")).await.refuses(400, "login_not_found");
    assert!(
        other.requests("/token").await.is_empty()
            && site.platform.requests("/token").await.is_empty()
    );
}

#[tokio::test]
async fn an_answer_that_says_it_comes_from_elsewhere_is_refused() {
    let site = Site::open().await;
    let mut browser = site.browser();
    let away = browser.away("/login/platform").await;
    browser
        .open(&format!("{}&iss=https://evil.example", away.back("platform")))
        .await
        .refuses(400, "mix_up");
    assert!(site.platform.requests("/token").await.is_empty());
    let away = browser.away("/login/platform").await;
    site.platform.will_say(&site.platform.claims(&away));
    browser
        .open(&format!("{}&iss={}", away.back("platform"), site.platform.name()))
        .await
        .leads_to("/account");
}

#[tokio::test]
async fn a_provider_that_says_it_names_itself_has_to_do_so() {
    let site = Site::open().await;
    site.platform.says_of_itself(|metadata| {
        metadata["authorization_response_iss_parameter_supported"] = true.into();
    });
    let mut browser = site.browser();
    let away = browser.away("/login/platform").await;
    browser.open(&away.back("platform")).await.refuses(400, "mix_up");
    let away = browser.away("/login/platform").await;
    let denied =
        format!("/callback/platform?error=access_denied&state={}", away.parameter("state"));
    browser.open(&denied).await.refuses(400, "mix_up");
}

#[tokio::test]
async fn whoever_says_no_at_the_provider_reads_a_friendly_page() {
    let site = Site::open().await;
    let mut browser = site.browser();
    let away = browser.away("/login/platform").await;
    let denied =
        format!("/callback/platform?error=access_denied&state={}", away.parameter("state"));
    let page = browser.open(&denied).await;
    page.refuses(403, "cancelled");
    assert!(page.html.contains("You cancelled") && page.has("login-platform"));
    assert_eq!(browser.session(), None);
    browser.language = "zh-CN";
    let away = browser.away("/login/platform").await;
    let denied =
        format!("/callback/platform?error=access_denied&state={}", away.parameter("state"));
    assert!(browser.open(&denied).await.html.contains("你没有登录"));
}

#[tokio::test]
async fn a_providers_error_is_shown_as_text_and_never_as_markup() {
    let site = Site::open().await;
    let mut browser = site.browser();
    for (error, shown) in
        [("server_error", "server_error"), ("<script>alert(1)</script>", "&lt;script&gt;alert(1)")]
    {
        let away = browser.away("/login/platform").await;
        let back = reqwest::Url::parse_with_params(
            "http://a/callback/platform",
            [
                ("error", error),
                ("error_description", "<b>x</b>"),
                ("state", &away.parameter("state")),
            ],
        )
        .unwrap();
        let page = browser.open(&format!("{}?{}", back.path(), back.query().unwrap())).await;
        page.refuses(502, "provider_error");
        assert!(
            page.html.contains(shown)
                && !page.html.contains("<script")
                && !page.html.contains("<b>x")
        );
    }
}

#[tokio::test]
async fn an_answer_that_says_something_twice_or_nothing_is_refused() {
    let site = Site::open().await;
    let mut browser = site.browser();
    let away = browser.away("/login/platform").await;
    browser
        .open(&format!("{}&code=another", away.back("platform")))
        .await
        .refuses(400, "invalid_response");
    browser
        .open(&format!("{}&state=another", away.back("platform")))
        .await
        .refuses(400, "invalid_response");
    let nothing = format!("/callback/platform?state={}", away.parameter("state"));
    browser.open(&nothing).await.refuses(400, "invalid_response");
    let state = away.parameter("state");
    browser
        .submit("/callback/platform", &[("code", "x"), ("state", &state)])
        .await
        .refuses(400, "invalid_response");
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_not_found() {
    let site = Site::open().await;
    let mut browser = site.browser();
    for path in ["/login/nobody", "/callback/nobody?code=x&state=y", "/login/%3Cscript%3E"] {
        let page = browser.open(path).await;
        page.refuses(404, "unknown_provider");
        assert!(!page.html.contains("<script"));
    }
}

#[tokio::test]
async fn after_login_one_is_back_where_one_was_and_never_elsewhere() {
    let site = Site::open().await;
    for (asked, led) in [
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
            reqwest::Url::parse_with_params("http://a/login/platform", [("return_to", asked)])
                .unwrap();
        let away = browser.away(&format!("{}?{}", url.path(), url.query().unwrap())).await;
        site.platform.will_say(&site.platform.claims(&away));
        browser.open(&away.back("platform")).await.leads_to(led);
    }
}
