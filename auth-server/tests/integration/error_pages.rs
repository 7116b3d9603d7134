//! What a person reads who opens what is not there, or sends what cannot be taken.

use crate::{
    browser::{Asking, Person},
    client::{Answer, answer},
    test_server::{ALICE, BANK, C},
};

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

#[track_caller]
fn is_page(answer: &Answer, status: u16, words: &str) {
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (status, "text/html; charset=utf-8"),
        "{answer:?}"
    );
    assert!(
        answer.text.contains(words) && answer.text.contains("id=\"error-title\""),
        "`{words}`: {answer:?}"
    );
    assert!(
        answer.header("content-security-policy").contains("frame-ancestors 'none'"),
        "{answer:?}"
    );
    assert!(
        !answer.header("x-request-id").is_empty() && answer.header("location").is_empty(),
        "{answer:?}"
    );
}

#[tokio::test]
async fn unknown_paths_and_methods_get_a_page_or_json_by_accept_header() {
    let c = C::start().await;
    for (method, path, status) in [
        ("GET", "/nothing", 404),
        ("GET", "/logout/confirm", 405),
        ("DELETE", "/account", 405),
        ("PUT", "/login", 405),
    ] {
        let ask = || c.http.request(method.parse().unwrap(), format!("{}{path}", c.base));
        let page = answer(ask().header("accept", BROWSER)).await;
        is_page(&page, status, "There is no such page");
        assert_eq!(page.header("allow").is_empty(), status == 404, "{page:?}");
        answer(ask().header("accept", "application/json")).await.refused(
            status,
            "invalid_request",
            "path",
        );
        answer(ask()).await.refused(status, "invalid_request", "path");
    }
    let chinese = c
        .http
        .get(format!("{}/nothing", c.base))
        .header("accept", BROWSER)
        .header("accept-language", "zh");
    is_page(&answer(chinese).await, 404, "没有这个页面");
}

#[tokio::test]
async fn oversized_forms_get_an_error_page_on_every_form_route() {
    let c = C::start().await;
    let person = Person::at(&c);
    person.code(&Asking::site(), ALICE).await;
    let (query, long) = (Asking::site().query(), "x".repeat(65 * 1024));
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
        is_page(
            &person.post(path, &[("state", &long)]).await.answer,
            413,
            "longer than is taken here",
        );
    }
    assert_eq!(person.open("/account").await.path, "/account", "still signed in");
    // Clients read JSON.
    for path in ["/oauth/par", "/oauth/device_authorization", "/userinfo"] {
        c.form(path, &[("state", &long)]).await.refused(
            413,
            "invalid_request",
            "longer than is taken here",
        );
    }
}

#[tokio::test]
async fn error_pages_of_posted_forms_have_no_language_switch() {
    let c = C::start().await;
    let person = Person::at(&c);
    person.code(&Asking::site(), ALICE).await;
    let switch = "lang=zh\"";
    let posted = [
        format!("/consent?{}", Asking::site().query()),
        "/account/end-session".to_owned(),
        "/logout/confirm".to_owned(),
    ];
    for path in posted {
        let page = person.post(&path, &[("csrf", "guess")]).await;
        assert_eq!(page.status(), 403, "{path}");
        assert!(!page.text().contains(switch), "{path}: {}", page.text());
    }
    let refused = answer(c.post("/nothing").header("accept", BROWSER)).await;
    is_page(&refused, 404, "There is no such page");
    assert!(!refused.text.contains(switch), "{refused:?}");
    // What a link can bring again can be read in the other language, and so can a form that is
    // shown again.
    let foreign = person.asked(&Asking::site().with("client_id", "nobody")).await;
    foreign.says(switch);
    person.open(&foreign.in_language("zh")).await.tells_user("client_id");
    person.post("/device", &[("csrf", "guess")]).await.says(switch);
}

#[tokio::test]
async fn malformed_forms_get_an_error_page() {
    let c = C::start().await;
    let query = Asking::site().query();
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
            let told = c.raw(path, body).await;
            let found = (told.status, told.header("content-type"));
            // The endpoint that takes a query in a form reads it as the query, on the next page.
            let read_later = told.status == 303 && ["/oauth/authorize", "/logout"].contains(&path);
            assert!(
                read_later || found == (400, "text/html; charset=utf-8"),
                "{path} {body}: {told:?}"
            );
        }
        let json = answer(c.post(path).header("content-type", "application/json").body("{}")).await;
        is_page(&json, 400, "x-www-form-urlencoded");
    }
    for path in ["/oauth/par", "/oauth/device_authorization"] {
        for body in ["client_id=%", "client_id=%ff", "client_id=1&client_id=2"] {
            c.raw(path, body).await.refused(400, "invalid_request", "");
        }
        let json = answer(c.post(path).json(&BANK)).await;
        json.refused(400, "invalid_request", "application/x-www-form-urlencoded");
    }
}

#[tokio::test]
async fn unencoded_characters_in_redirected_forms_are_rejected() {
    let c = C::start().await;
    for path in ["/oauth/authorize", "/logout"] {
        for body in [
            "state=a\r\nSet-Cookie: a=b",
            "state=a\nb",
            "state=a b",
            "state=a#b",
            "state=状态",
            "state=\u{7f}",
        ] {
            let told = c.raw(path, body).await;
            is_page(&told, 400, "can’t be understood");
            assert!(told.header("set-cookie").is_empty(), "{path} {body}: {told:?}");
        }
    }
}

#[tokio::test]
async fn malformed_query_strings_get_an_error_page() {
    let c = C::start().await;
    for path in [
        "/oauth/authorize?client_id=%ff",
        "/oauth/authorize?client_id=%",
        "/login?client_id=%ff",
        "/consent?x=%ff",
    ] {
        is_page(&c.get(path).await, 400, "can’t be understood");
    }
    for path in ["/device?user_code=%ff", "/logout?state=%ff", "/account?notice=%ff"] {
        let told = Person::at(&c).open(path).await.answer;
        assert!(told.header("content-type").starts_with("text/html"), "{path}: {told:?}");
        assert!(told.status < 500, "{path}: {told:?}");
    }
}
