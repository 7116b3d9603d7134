use test_support::{http::send, mock};

use super::test_site::TestSite;

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

#[tokio::test]
async fn unknown_path_is_html_for_browsers_and_json_for_others() {
    let site = TestSite::start().await;
    let client = site.browser().client;
    for (method, path, status) in [
        ("GET", "/nothing", 404),
        ("GET", "/logout", 405),
        ("GET", "/unlink", 405),
        ("POST", "/account", 405),
    ] {
        let ask = || client.http.request(method.parse().unwrap(), format!("{}{path}", site.base));
        let page = send(ask().header("accept", BROWSER).header("accept-language", "zh-CN")).await;
        assert_eq!(page.status, status, "{method} {path}: {page:?}");
        assert!(
            page.text.contains("data-error=\"page_not_found\"")
                && page.text.contains("没有这个页面"),
            "{page:?}"
        );
        assert!(page.text.contains("id=\"login-platform\""), "no next step: {page:?}");
        assert!(
            page.header("content-security-policy").contains("frame-ancestors 'none'"),
            "{page:?}"
        );
        assert_eq!(page.header("allow").is_empty(), status == 404, "{page:?}");
        assert!(!page.header("x-request-id").is_empty(), "{page:?}");
        for accept in ["*/*", "application/json"] {
            let response = send(ask().header("accept", accept)).await;
            assert_eq!(
                (response.status, &*response.json()["error"].to_string()),
                (status, "\"invalid_request\""),
                "{response:?}"
            );
        }
    }
}

#[tokio::test]
async fn oversized_form_shows_an_error_page_on_every_route() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    let long = "x".repeat(65 * 1024);
    for path in ["/callback/platform", "/link/platform", "/unlink", "/logout"] {
        let page = browser.submit(path, &[("state", &long)]).await;
        page.assert_error(413, "request_rejected");
    }
    assert_eq!(browser.open("/account").await.status, 200, "still logged in");
    // Providers are not browsers and get JSON.
    let response =
        send(browser.client.post("/backchannel-logout/platform").form(&[("logout_token", &long)]))
            .await;
    assert_eq!(
        (response.status, &*response.json()["error"].to_string()),
        (413, "\"invalid_request\""),
        "{response:?}"
    );
}

#[tokio::test]
async fn unrepeatable_error_page_has_no_language_switch() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    let has_switch = |page: &super::browser::BrowserPage| page.html.contains("lang=zh\"");
    let request = browser.start_login("/login/platform").await;
    site.platform.set_response("/token", mock::status(503));
    // The state is consumed: the same URL would show another error.
    let page = browser.open(&request.callback("platform")).await;
    page.assert_error(502, "provider_unavailable");
    assert!(!has_switch(&page), "{}", page.html);
    site.log_in(&mut browser).await;
    for path in ["/unlink", "/logout", "/link/platform", "/callback/platform"] {
        let page = browser.submit(path, &[("csrf_token", "guess")]).await;
        assert!((400..500).contains(&page.status) && !has_switch(&page), "{path}: {}", page.html);
    }
    let ask = browser.client.post("/account").header("accept", BROWSER);
    assert!(!send(ask).await.text.contains("lang=zh\""));
    // A repeatable page can be read in the other language.
    for path in ["/nothing", "/login/nobody"] {
        let request =
            browser.client.http.get(format!("{}{path}", site.base)).header("accept", BROWSER);
        let page = send(request).await;
        assert!(page.status == 404 && page.text.contains("lang=zh\""), "{page:?}");
    }
}

#[tokio::test]
async fn provider_name_that_is_not_utf8_is_unknown() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    for path in ["/login/%ff", "/callback/%ff", "/callback/%00"] {
        browser.open(path).await.assert_error(404, "unknown_provider");
    }
    browser.submit("/callback/%ff", &[]).await.assert_error(404, "unknown_provider");
    let response =
        send(browser.client.post("/backchannel-logout/%ff").form(&[("logout_token", "x")])).await;
    assert_eq!(
        (response.status, &*response.json()["error"].to_string()),
        (404, "\"invalid_request\""),
        "{response:?}"
    );
}

#[tokio::test]
async fn unreadable_request_shows_an_error_page() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    let request = browser.start_login("/login/platform").await;
    for query in ["state=%ff&code=x", "state=x&code=%", "%00=x"] {
        let page = browser.open(&format!("/callback/platform?{query}")).await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (400, "text/html; charset=utf-8"),
            "{query}: {}",
            page.html
        );
    }
    // None of these requests consumed the pending login.
    site.platform.issue_claims(&site.platform.claims(&request));
    browser.open(&request.callback("platform")).await.assert_redirect("/account");
}
