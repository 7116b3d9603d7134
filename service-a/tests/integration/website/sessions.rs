use std::time::Duration;

use super::test_site::Site;

#[tokio::test]
async fn the_session_is_a_random_name_in_a_cookie_that_scripts_and_other_sites_cannot_use() {
    let site = Site::open().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    let cookie = &browser.cookies["gatepass-a-session"];
    assert_eq!(cookie.value.len(), 64);
    assert_eq!(cookie.attributes, "HttpOnly; SameSite=Lax; Path=/; Max-Age=86400");
}

#[tokio::test]
async fn over_https_the_cookies_are_secure_and_bound_to_the_host() {
    let site =
        Site::open_with(|settings| settings.public_url = "https://a.example".to_owned()).await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    for name in ["__Host-gatepass-a-session", "__Host-gatepass-a-login"] {
        let attributes = &browser.cookies[name].attributes;
        assert!(attributes.starts_with("HttpOnly; SameSite=Lax; Secure; Path=/;"), "{attributes}");
    }
    assert!(browser.open("/").await.has("logout-submit"));
}

/// Session fixation: a name that somebody planted must not become a session, nor live on through a
/// login.
#[tokio::test]
async fn a_login_always_makes_a_new_name() {
    let site = Site::open().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    let (first, mut thief) = (browser.session().unwrap().to_owned(), browser.clone());
    site.log_in(&mut browser).await;
    assert_ne!(browser.session(), Some(&*first));
    thief.open("/account").await.refuses(401, "not_logged_in");

    let planted = "a".repeat(64);
    let mut victim = site.browser();
    let cookie = browser.cookies["gatepass-a-session"].clone();
    victim.cookies.insert(
        "gatepass-a-session".to_owned(),
        super::browser::Cookie { value: planted.clone(), ..cookie },
    );
    victim.open("/account").await.refuses(401, "not_logged_in");
    site.log_in(&mut victim).await;
    assert_ne!(victim.session(), Some(&*planted));
}

#[tokio::test]
async fn a_session_ends_when_nobody_comes_and_in_any_case_after_a_day() {
    let site = Site::open().await;
    let (mut idle, mut busy) = (site.browser(), site.browser());
    site.log_in(&mut idle).await;
    site.log_in(&mut busy).await;
    for _ in 0..28 {
        site.clock.advance(Duration::from_secs(3_000));
        assert_eq!(busy.open("/account").await.status, 200);
    }
    idle.open("/account").await.refuses(401, "not_logged_in");
    site.clock.advance(Duration::from_secs(2_400));
    busy.open("/account").await.refuses(401, "not_logged_in");
}

#[tokio::test]
async fn sessions_outlive_a_restart_of_the_website_and_no_login_is_lost() {
    let site = Site::open().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    let away = browser.away("/login/platform").await;
    let again = site.open_again().await;
    browser.caller.base.clone_from(&again);
    assert!(browser.open("/").await.has("logout-submit"));
    site.platform.will_say(&site.platform.claims(&away));
    browser.open(&away.back("platform")).await.leads_to("/account");
}

#[tokio::test]
async fn pages_are_for_the_eyes_of_their_person_and_in_nobodys_frame() {
    let site = Site::open().await;
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
    assert!(
        policy.contains("form-action 'self' http://localhost:* http://127.0.0.1:*"),
        "logout leads there: {policy}"
    );
}

#[tokio::test]
async fn a_form_without_the_sessions_own_token_does_nothing() {
    let site = Site::open().await;
    let (mut browser, mut other) = (site.browser(), site.browser());
    site.log_in(&mut browser).await;
    site.log_in(&mut other).await;
    let foreign = other.open("/account").await.csrf_token();
    for path in ["/logout", "/unlink", "/link/platform"] {
        for form in [
            &[][..],
            &[("csrf_token", "")],
            &[("csrf_token", &*foreign)],
            &[("csrf_token", "x"), ("csrf_token", "x")],
        ] {
            browser.submit(path, form).await.refuses(403, "invalid_csrf_token");
        }
    }
    assert_eq!(browser.open("/account").await.status, 200);
}

#[tokio::test]
async fn forms_and_pages_of_a_person_need_one() {
    let site = Site::open().await;
    let mut browser = site.browser();
    for path in ["/account", "/my-resource"] {
        browser.open(path).await.refuses(401, "not_logged_in");
    }
    // Once that is mended, one is where one wanted to be.
    let page = browser.open("/my-resource?target=introspection").await;
    let link =
        page.html.split_once("id=\"login-platform\" href=\"").unwrap().1.split_once('"').unwrap().0;
    let away = browser.away(&link.replace("&#x2f;", "/")).await;
    site.platform.will_say(&site.platform.claims(&away));
    browser
        .clone()
        .open(&away.back("platform"))
        .await
        .leads_to("/my-resource?target=introspection");
    for path in ["/unlink", "/link/platform"] {
        browser.submit(path, &[]).await.refuses(401, "not_logged_in");
    }
}
