//! Error pages for unknown paths, malformed queries and unreadable forms.

use crate::{
    browser::{AuthorizationRequest, Browser},
    client::{Response, send},
    test_server::{ALICE, BANK, TestServer},
};

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

#[track_caller]
fn assert_error_page(response: &Response, status: u16, expected: &str) {
    assert_eq!(
        (response.status, response.header("content-type")),
        (status, "text/html; charset=utf-8"),
        "{response:?}"
    );
    assert!(
        response.text.contains(expected) && response.text.contains("id=\"error-title\""),
        "`{expected}`: {response:?}"
    );
    assert!(
        response.header("content-security-policy").contains("frame-ancestors 'none'"),
        "{response:?}"
    );
    assert!(
        !response.header("x-request-id").is_empty() && response.header("location").is_empty(),
        "{response:?}"
    );
}

#[tokio::test]
async fn unknown_paths_and_methods_get_a_page_or_json_by_accept_header() {
    let server = TestServer::start().await;
    for (method, path, status) in [
        ("GET", "/nothing", 404),
        ("GET", "/logout/confirm", 405),
        ("DELETE", "/account", 405),
        ("PUT", "/login", 405),
    ] {
        let ask = || server.http.request(method.parse().unwrap(), format!("{}{path}", server.base));
        let page = send(ask().header("accept", BROWSER)).await;
        assert_error_page(&page, status, "There is no such page");
        assert_eq!(page.header("allow").is_empty(), status == 404, "{page:?}");
        send(ask().header("accept", "application/json")).await.assert_error(
            status,
            "invalid_request",
            "path",
        );
        send(ask()).await.assert_error(status, "invalid_request", "path");
    }
    let chinese = server
        .http
        .get(format!("{}/nothing", server.base))
        .header("accept", BROWSER)
        .header("accept-language", "zh");
    assert_error_page(&send(chinese).await, 404, "没有这个页面");
}

#[tokio::test]
async fn oversized_forms_get_an_error_page_on_every_form_route() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    let (query, long) = (AuthorizationRequest::site().query(), "x".repeat(65 * 1024));
    for path in [
        &format!("/login?{query}"),
        &format!("/consent?{query}"),
        "/login",
        "/device",
        "/oauth/authorize",
        "/logout",
        "/logout/confirm",
        "/account/end-session",
        "/account/sign-out-everywhere",
        "/account/withdraw-consent",
    ] {
        assert_error_page(
            &browser.post(path, &[("state", &long)]).await.response,
            413,
            "was too long",
        );
    }
    assert_eq!(browser.open("/account").await.path, "/account", "still signed in");
    // Endpoints for clients return JSON.
    for path in ["/oauth/par", "/oauth/device_authorization", "/userinfo"] {
        server.post_form(path, &[("state", &long)]).await.assert_error(
            413,
            "invalid_request",
            "longer than this server accepts",
        );
    }
}

#[tokio::test]
async fn pages_that_no_link_can_load_have_no_language_switch() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    let switch = "lang=zh\"";
    for path in ["/account/end-session", "/logout/confirm"] {
        let page = browser.post(path, &[("csrf", "guess")]).await;
        assert_eq!(page.status(), 403, "{path}");
        assert!(!page.text().contains(switch), "{path}: {}", page.text());
    }
    let response = send(server.post("/nothing").header("accept", BROWSER)).await;
    assert_error_page(&response, 404, "There is no such page");
    assert!(!response.text.contains(switch), "{response:?}");
    // Pages that a link can load again have a language switch, as do forms that are shown again.
    let foreign =
        browser.authorize(&AuthorizationRequest::site().with("client_id", "unknown")).await;
    foreign.assert_contains(switch);
    browser.open(&foreign.language_link("zh")).await.assert_error_page("client_id");
    let consent = format!("/consent?{}", AuthorizationRequest::site().query());
    for path in ["/device", &consent] {
        browser.post(path, &[("csrf", "guess")]).await.assert_contains(switch);
    }
}

#[tokio::test]
async fn malformed_forms_get_an_error_page() {
    let server = TestServer::start().await;
    let query = AuthorizationRequest::site().query();
    let paths = [
        &*format!("/login?{query}"),
        &format!("/consent?{query}"),
        "/device",
        "/oauth/authorize",
        "/logout",
        "/logout/confirm",
    ];
    for path in paths {
        for body in ["csrf=%", "csrf=%ff", "csrf=%00", "csrf=1&csrf=2"] {
            let response = server.post_raw_form(path, body).await;
            let found = (response.status, response.header("content-type"));
            // These endpoints redirect the form to a GET request, which rejects it.
            let read_later =
                response.status == 303 && ["/oauth/authorize", "/logout"].contains(&path);
            assert!(
                read_later || found == (400, "text/html; charset=utf-8"),
                "{path} {body}: {response:?}"
            );
        }
        let json =
            send(server.post(path).header("content-type", "application/json").body("{}")).await;
        assert_error_page(&json, 400, "x-www-form-urlencoded");
    }
    for path in ["/oauth/par", "/oauth/device_authorization"] {
        for body in ["client_id=%", "client_id=%ff", "client_id=1&client_id=2"] {
            server.post_raw_form(path, body).await.assert_error(400, "invalid_request", "");
        }
        let json = send(server.post(path).json(&BANK)).await;
        json.assert_error(400, "invalid_request", "application/x-www-form-urlencoded");
    }
}

#[tokio::test]
async fn redirect_of_a_form_is_not_cached() {
    let server = TestServer::start().await;
    for path in ["/oauth/authorize", "/logout"] {
        let response = server.post_raw_form(path, "id_token_hint=a.b.c").await;
        let found = (response.status, response.header("cache-control"));
        assert_eq!(found, (303, "no-store"), "{path}");
    }
}

#[tokio::test]
async fn unencoded_characters_in_redirected_forms_are_rejected() {
    let server = TestServer::start().await;
    for path in ["/oauth/authorize", "/logout"] {
        for body in [
            "state=a\r\nSet-Cookie: a=b",
            "state=a\nb",
            "state=a b",
            "state=a#b",
            "state=状态",
            "state=\u{7f}",
        ] {
            let response = server.post_raw_form(path, body).await;
            assert_error_page(&response, 400, "can’t be understood");
            assert!(response.header("set-cookie").is_empty(), "{path} {body}: {response:?}");
        }
    }
}

#[tokio::test]
async fn malformed_query_strings_get_an_error_page() {
    let server = TestServer::start().await;
    for path in [
        "/oauth/authorize?client_id=%ff",
        "/oauth/authorize?client_id=%",
        "/login?client_id=%ff",
        "/consent?x=%ff",
    ] {
        assert_error_page(&server.get(path).await, 400, "can’t be understood");
    }
    for path in ["/device?user_code=%ff", "/logout?state=%ff", "/account?notice=%ff"] {
        let response = Browser::new(&server).open(path).await.response;
        assert!(response.header("content-type").starts_with("text/html"), "{path}: {response:?}");
        assert!(response.status < 500, "{path}: {response:?}");
    }
}
