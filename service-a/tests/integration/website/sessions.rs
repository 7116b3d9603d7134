use std::time::Duration;

use super::test_site::TestSite;

#[tokio::test]
async fn session_cookie_is_random_http_only_and_same_site() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    let (_, cookie) = browser.cookies.with_port("gatepass-a-session").unwrap();
    assert_eq!(cookie.value.len(), 43);
    assert_eq!(cookie.attributes, "HttpOnly; SameSite=Lax; Path=/; Max-Age=86400");
}

#[tokio::test]
async fn https_cookies_are_secure_with_host_prefix() {
    let site =
        TestSite::start_with(|settings| settings.public_url = "https://a.example".to_owned()).await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    for name in ["__Host-gatepass-a-session", "__Host-gatepass-a-login"] {
        let attributes = &browser.cookies.get(name).unwrap().attributes;
        assert!(attributes.starts_with("HttpOnly; SameSite=Lax; Secure; Path=/;"), "{attributes}");
    }
    assert!(browser.open("/").await.has("logout-submit"));
}

/// Session fixation: an identifier planted by an attacker must not become a session.
#[tokio::test]
async fn each_login_creates_a_new_session_id() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    let (first, mut thief) = (browser.session().unwrap().to_owned(), browser.clone());
    site.log_in(&mut browser).await;
    assert_ne!(browser.session(), Some(&*first));
    thief.open("/account").await.assert_error(401, "not_logged_in");

    let planted = "a".repeat(43);
    let mut victim = site.browser();
    let (name, _) = browser.cookies.with_port("gatepass-a-session").unwrap();
    victim.cookies.set(name, &planted);
    victim.open("/account").await.assert_error(401, "not_logged_in");
    site.log_in(&mut victim).await;
    assert_ne!(victim.session(), Some(&*planted));
}

#[tokio::test]
async fn session_ends_at_idle_and_absolute_timeout() {
    let site = TestSite::start().await;
    let (mut idle, mut busy) = (site.browser(), site.browser());
    site.log_in(&mut idle).await;
    site.log_in(&mut busy).await;
    for _ in 0..28 {
        site.clock.advance(Duration::from_secs(3_000));
        assert_eq!(busy.open("/account").await.status, 200);
    }
    idle.open("/account").await.assert_error(401, "not_logged_in");
    site.clock.advance(Duration::from_secs(2_400));
    busy.open("/account").await.assert_error(401, "not_logged_in");
}

#[tokio::test]
async fn sessions_and_pending_logins_survive_a_restart() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    let request = browser.start_login("/login/platform").await;
    let again = site.start_again().await;
    browser.client.base.clone_from(&again);
    assert!(browser.open("/").await.has("logout-submit"));
    site.platform.issue_claims(&site.platform.claims(&request));
    browser.open(&request.callback("platform")).await.assert_redirect("/account");
}

#[tokio::test]
async fn pages_are_not_cached_and_not_framed() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    for path in ["/", "/account", "/my-resource", "/login/nobody"] {
        let page = browser.open(path).await;
        assert_eq!(
            (page.header("cache-control"), page.header("x-frame-options")),
            ("no-store", "DENY"),
            "{path}"
        );
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
    }
    let policy = browser.open("/account").await;
    let policy = policy.header("content-security-policy");
    assert!(!policy.contains("form-action"), "logout leads to the provider: {policy}");
}

#[tokio::test]
async fn form_without_valid_csrf_token_is_rejected() {
    let site = TestSite::start().await;
    let (mut browser, mut other) = (site.browser(), site.browser());
    site.log_in(&mut browser).await;
    site.log_in(&mut other).await;
    let foreign = other.open("/account").await.csrf_token();
    for path in ["/logout", "/unlink", "/link/platform", "/link/nobody"] {
        for form in [
            &[][..],
            &[("csrf_token", "")],
            &[("csrf_token", &*foreign)],
            &[("csrf_token", "x"), ("csrf_token", "x")],
        ] {
            let page = browser.submit(path, form).await;
            assert!(page.status == 403 && page.has("problem"), "{path} {form:?}: {}", page.html);
        }
    }
    let page = browser.open("/account").await;
    assert!(page.status == 200 && !page.has("problem"), "{}", page.html);
}

#[tokio::test]
async fn account_pages_and_forms_require_a_login() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    for path in ["/account", "/my-resource"] {
        browser.open(path).await.assert_error(401, "not_logged_in");
    }
    // After login the browser returns to the requested page.
    let page = browser.open("/my-resource?target=introspection").await;
    let link =
        page.html.split_once("id=\"login-platform\" href=\"").unwrap().1.split_once('"').unwrap().0;
    let request = browser.start_login(&link.replace("&#x2f;", "/")).await;
    site.platform.issue_claims(&site.platform.claims(&request));
    browser
        .clone()
        .open(&request.callback("platform"))
        .await
        .assert_redirect("/my-resource?target=introspection");
    for path in ["/unlink", "/link/platform"] {
        browser.submit(path, &[]).await.assert_error(401, "not_logged_in");
    }
}
