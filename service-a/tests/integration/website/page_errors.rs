use super::test_site::Site;
use crate::client::answer;

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

#[tokio::test]
async fn whoever_opens_what_is_not_there_reads_a_page_and_a_machine_reads_json() {
    let site = Site::open().await;
    let caller = site.browser().caller;
    for (method, path, status) in [
        ("GET", "/nothing", 404),
        ("GET", "/logout", 405),
        ("GET", "/unlink", 405),
        ("POST", "/account", 405),
    ] {
        let ask = || caller.http.request(method.parse().unwrap(), format!("{}{path}", site.base));
        let page = answer(ask().header("accept", BROWSER).header("accept-language", "zh-CN")).await;
        assert_eq!(page.status, status, "{method} {path}: {page:?}");
        assert!(
            page.text.contains("data-error=\"page_not_found\"")
                && page.text.contains("没有这个页面"),
            "{page:?}"
        );
        assert!(page.text.contains("id=\"login-platform\""), "it leads on: {page:?}");
        assert!(
            page.header("content-security-policy").contains("frame-ancestors 'none'"),
            "{page:?}"
        );
        assert_eq!(page.header("allow").is_empty(), status == 404, "{page:?}");
        assert!(!page.header("x-request-id").is_empty(), "{page:?}");
        for accept in ["*/*", "application/json"] {
            let told = answer(ask().header("accept", accept)).await;
            assert_eq!(
                (told.status, &*told.json()["error"].to_string()),
                (status, "\"invalid_request\""),
                "{told:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_form_that_is_too_long_is_refused_with_a_page_on_every_route_that_takes_one() {
    let site = Site::open().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    let long = "x".repeat(65 * 1024);
    for path in ["/callback/platform", "/link/platform", "/unlink", "/logout"] {
        let page = browser.submit(path, &[("state", &long)]).await;
        page.refuses(413, "request_rejected");
    }
    assert_eq!(browser.open("/account").await.status, 200, "still logged in");
    // A provider is no person.
    let told = answer(
        browser.caller.post("/backchannel-logout/platform").form(&[("logout_token", &long)]),
    )
    .await;
    assert_eq!(
        (told.status, &*told.json()["error"].to_string()),
        (413, "\"invalid_request\""),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_refusal_that_no_link_can_bring_again_has_no_switch_of_languages() {
    let site = Site::open().await;
    let mut browser = site.browser();
    let has_switch = |page: &super::browser::Shown| page.html.contains("lang=zh\"");
    let away = browser.away("/login/platform").await;
    site.platform.answers("/token", crate::test_servers::status(503));
    // The state is spent by now: the same address would say so, and no more what happened.
    let page = browser.open(&away.back("platform")).await;
    page.refuses(502, "provider_unavailable");
    assert!(!has_switch(&page), "{}", page.html);
    site.log_in(&mut browser).await;
    for path in ["/unlink", "/logout", "/link/platform", "/callback/platform"] {
        let page = browser.submit(path, &[("csrf_token", "guess")]).await;
        assert!((400..500).contains(&page.status) && !has_switch(&page), "{path}: {}", page.html);
    }
    let ask = browser.caller.post("/account").header("accept", BROWSER);
    assert!(!answer(ask).await.text.contains("lang=zh\""));
    // What a link can bring again can be read in the other language.
    for path in ["/nothing", "/login/nobody"] {
        let request =
            browser.caller.http.get(format!("{}{path}", site.base)).header("accept", BROWSER);
        let page = answer(request).await;
        assert!(page.status == 404 && page.text.contains("lang=zh\""), "{page:?}");
    }
}

#[tokio::test]
async fn a_name_that_is_no_text_is_no_providers() {
    let site = Site::open().await;
    let mut browser = site.browser();
    for path in ["/login/%ff", "/callback/%ff", "/callback/%00"] {
        browser.open(path).await.refuses(404, "unknown_provider");
    }
    browser.submit("/callback/%ff", &[]).await.refuses(404, "unknown_provider");
    let told =
        answer(browser.caller.post("/backchannel-logout/%ff").form(&[("logout_token", "x")])).await;
    assert_eq!(
        (told.status, &*told.json()["error"].to_string()),
        (404, "\"invalid_request\""),
        "{told:?}"
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_with_a_page() {
    let site = Site::open().await;
    let mut browser = site.browser();
    let away = browser.away("/login/platform").await;
    for query in ["state=%ff&code=x", "state=x&code=%", "%00=x"] {
        let page = browser.open(&format!("/callback/platform?{query}")).await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (400, "text/html; charset=utf-8"),
            "{query}: {}",
            page.html
        );
    }
    // None of these has spent the login.
    site.platform.will_say(&site.platform.claims(&away));
    browser.open(&away.back("platform")).await.leads_to("/account");
}
