//! Security of the pages: CSRF, framing, script injection, and secrets in the log.

use std::time::Duration;

use crate::{
    browser::{AuthorizationRequest, Browser},
    device_grant::{begin, poll},
    test_server::{ALICE, BOB, TestServer},
};

#[tokio::test]
async fn form_with_foreign_csrf_token_is_rejected() {
    let server = TestServer::start().await;
    let (alice, mallory) = (Browser::new(&server), Browser::new(&server));
    let stolen_page = mallory.authorize(&AuthorizationRequest::site()).await;
    let stolen = stolen_page.csrf();
    // Login CSRF: another site submits the attacker's user name and password.
    let query = AuthorizationRequest::site().query();
    for csrf in ["", "guess", stolen.as_str()] {
        let fields = [("username", "bob"), ("password", "builder"), ("csrf", csrf)];
        let page = alice.post(&format!("/login?{query}"), &fields).await;
        assert_eq!((page.path.as_str(), page.status()), ("/login", 400));
        assert!(alice.cookie("gatepass-session").is_none());
    }
    let page = alice.authorize(&AuthorizationRequest::site()).await;
    let consent = alice.sign_in(&page, ALICE).await;
    mallory.authorization_code(&AuthorizationRequest::site(), BOB).await;
    let mallorys = mallory.open("/account").await.csrf();
    for csrf in ["", "guess", stolen.as_str(), mallorys.as_str()] {
        for (path, fields) in [
            (format!("/consent?{query}"), vec![("decision", "allow")]),
            ("/logout/confirm".to_owned(), vec![("decision", "logout")]),
            ("/account/sign-out-everywhere".to_owned(), vec![]),
            ("/account/end-session".to_owned(), vec![("session", "x")]),
            ("/account/withdraw-consent".to_owned(), vec![("client_id", "site")]),
        ] {
            let page = alice.post(&path, &[&fields[..], &[("csrf", csrf)]].concat()).await;
            assert_eq!((page.status(), page.redirected_to.is_none()), (403, true), "{path}");
        }
    }
    assert_eq!(
        alice.authorize(&AuthorizationRequest::site()).await.path,
        "/consent",
        "still signed in, without consent"
    );
    assert!(!alice.allow(&consent).await.redirect_parameter("code").is_empty());
}

/// A form of every page was opened before the user signed in again in another tab.
#[tokio::test]
async fn form_of_an_earlier_session_is_shown_again_and_not_carried_out() {
    let server = TestServer::start().await;
    let query = AuthorizationRequest::site().query();
    let device = begin(&server).await;
    let code = device["user_code"].as_str().unwrap();
    for user in [ALICE, BOB] {
        for (path, field, status) in [
            (format!("/consent?{query}"), ("decision", "allow"), 403),
            ("/logout".to_owned(), ("decision", "logout"), 403),
            ("/account".to_owned(), ("", ""), 403),
            (format!("/device?user_code={code}"), ("user_code", code), 400),
        ] {
            let browser = Browser::new(&server);
            let page = browser.open("/login").await;
            browser.sign_in(&page, ALICE).await;
            let opened = browser.open(&path).await;
            let login = browser.open("/login").await;
            browser.sign_in(&login, user).await;
            let again = browser.submit(&opened, &[field]).await;
            assert_eq!(again.status(), status, "{path}: {again:?}");
            assert!(again.redirected_to.is_none(), "{path}");
            assert_ne!(again.csrf(), opened.csrf(), "{path}");
            assert_eq!(browser.open("/account").await.path, "/account", "{path}: signed in");
            // The page that is shown again works.
            let done = browser.submit(&again, &[field]).await;
            assert!(done.status() < 400, "{path}: {done:?}");
        }
    }
    poll(&server, &device).await.assert_error(400, "authorization_pending", "not decided");
    let browser = Browser::new(&server);
    browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    let csrf = browser.open("/account").await.csrf();
    let login = browser.open("/login").await;
    browser.sign_in(&login, ALICE).await;
    for (path, field) in [
        ("/account/sign-out-everywhere", ("", "")),
        ("/account/end-session", ("session", "x")),
        ("/account/withdraw-consent", ("client_id", "site")),
    ] {
        let again = browser.post(path, &[("csrf", &csrf), field]).await;
        assert_eq!(again.status(), 403, "{path}");
        again.assert_contains("You have signed in again since this page was opened");
        again.assert_contains("The Site");
    }
}

#[tokio::test]
async fn device_approval_with_foreign_csrf_token_is_rejected() {
    let server = TestServer::start().await;
    let (alice, mallory) = (Browser::new(&server), Browser::new(&server));
    alice.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    // Mallory's device: a user who approves it gives her access to their account (RFC 8628 §5.4).
    let device = begin(&server).await;
    let code = device["user_code"].as_str().unwrap();
    let mallorys = mallory.open("/device").await.csrf();
    for csrf in ["", "guess", &mallorys] {
        let page = alice
            .post("/device", &[("csrf", csrf), ("user_code", code), ("decision", "allow")])
            .await;
        assert_eq!((page.path.as_str(), page.status()), ("/device", 400), "{csrf}");
        poll(&server, &device).await.assert_error(400, "authorization_pending", "not decided");
        server.clock.advance(Duration::from_secs(5));
    }
    let own = alice.open("/device").await.csrf();
    let page =
        alice.post("/device", &[("csrf", &own), ("user_code", code), ("decision", "allow")]).await;
    page.assert_contains("device-allowed");
}

#[tokio::test]
async fn missing_cookies_and_expired_forms_show_different_errors() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let (no_cookies, expired) = ("Allow cookies for this site", "open for too long");
    let credentials = format!("/login?{}", AuthorizationRequest::site().query());
    let device = begin(&server).await;
    let code = device["user_code"].as_str().unwrap();
    for (path, fields) in [
        (&*credentials, vec![("username", ALICE.0), ("password", ALICE.1)]),
        ("/device", vec![("user_code", code)]),
    ] {
        let page = browser.open(path).await;
        browser.clear_cookies();
        let error_page = browser.submit(&page, &fields).await;
        assert_eq!(error_page.status(), 400);
        error_page.assert_contains(no_cookies);
        assert!(!error_page.text().contains(expired), "{}", error_page.text());
        // That page set a new cookie, so the form of the previous page is out of date.
        let error_page = browser.submit(&page, &fields).await;
        assert_eq!(error_page.status(), 400);
        error_page.assert_contains(expired);
        assert!(!error_page.text().contains(no_cookies), "{}", error_page.text());
        // With cookies stored, the form of the current page is accepted.
        let accepted = browser.submit(&error_page, &fields).await;
        assert!(
            accepted.status() == 200 && ["/consent", "/login"].contains(&&*accepted.path),
            "{accepted:?}"
        );
        browser.clear_cookies();
    }
}

#[tokio::test]
async fn pages_forbid_framing_caching_and_scripts() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let sign_in = browser.authorize(&AuthorizationRequest::site()).await;
    let consent = browser.sign_in(&sign_in, ALICE).await;
    let error = browser.authorize(&AuthorizationRequest::site().with("client_id", "unknown")).await;
    for page in [
        sign_in,
        consent,
        error,
        browser.open("/account").await,
        browser.open("/logout").await,
        browser.open("/").await,
    ] {
        let policy = page.response.header("content-security-policy").to_owned();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("script-src") && !policy.contains("unsafe"), "{policy}");
        for (name, value) in [
            ("x-frame-options", "DENY"),
            ("cache-control", "no-store"),
            ("referrer-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(page.response.header(name), value, "{}", page.path);
        }
    }
}

#[tokio::test]
async fn request_values_are_escaped_in_pages() {
    let server = TestServer::start().await;
    let script = "\"><script>alert(1)</script>";
    let browser = Browser::new(&server);
    for name in
        ["state", "login_hint", "nonce", "ui_locales", "scope", "client_id", "redirect_uri", "lang"]
    {
        let page = browser
            .authorize(&AuthorizationRequest::site().with(name, &format!("openid {script}")))
            .await;
        assert!(!page.response.text.contains("<script>alert"), "{name}: {}", page.response.text);
    }
    // The logout confirmation page and the page after it repeat their parameters.
    browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    for name in ["post_logout_redirect_uri", "id_token_hint", "state", "client_id", "lang"] {
        let query =
            form_urlencoded::Serializer::new(String::new()).append_pair(name, script).finish();
        let page = browser.open(&format!("/logout?{query}")).await;
        assert_eq!((page.path.as_str(), page.status()), ("/logout", 200), "{name}");
        assert!(!page.response.text.contains("<script>alert"), "{name}: {}", page.response.text);
        // Without percent-encoding, which browsers always apply.
        let raw = browser
            .post(&format!("/logout/confirm?{name}=\"><script>alert(1)</script>"), &[])
            .await;
        assert!(!raw.response.text.contains("<script>alert"), "{name}: {}", raw.response.text);
    }
    for name in ["done", "notice", "lang"] {
        let page = browser.open(&format!("/account?{name}={script}")).await;
        assert!(
            page.status() == 200 && !page.response.text.contains("<script>alert"),
            "{name}: {}",
            page.response.text
        );
    }
    let browser = Browser::new(&server);
    let page = browser.authorize(&AuthorizationRequest::forum()).await;
    assert!(!page.response.text.contains("<b>Forum"), "the client name is escaped");
    page.assert_contains("<b>Forum</b> & \"Co\"");
    let page = browser.submit(&page, &[("username", script), ("password", script)]).await;
    assert!(!page.response.text.contains("<script>alert") && page.text().contains(script));
    assert!(
        !browser
            .open(&format!("/device?user_code={script}"))
            .await
            .response
            .text
            .contains("<script>alert")
    );
}

#[tokio::test]
async fn pages_follow_accept_language_and_the_language_cookie() {
    let server = TestServer::start().await;
    let mut browser = Browser::new(&server);
    browser.language = "zh-CN,zh;q=0.9,en;q=0.1";
    let page = browser.authorize(&AuthorizationRequest::site()).await;
    assert_eq!(page.response.header("content-language"), "zh");
    page.assert_contains("登录");
    let page =
        browser.open(&format!("/login?{}&lang=en", AuthorizationRequest::site().query())).await;
    page.assert_contains("Sign in");
    assert_eq!(browser.cookie("gatepass-language").as_deref(), Some("en"));
    browser.authorize(&AuthorizationRequest::site()).await.assert_contains("Sign in");
}

#[tokio::test]
async fn log_contains_no_password_code_token_or_cookie() {
    let folder = tempfile::tempdir().unwrap();
    let clients = folder.path().join("clients.toml");
    std::fs::write(&clients, include_str!("clients.toml")).unwrap();
    let mut settings = crate::process::server_settings(&folder.path().join("data"), &clients);
    settings.extend(crate::process::set(&[("log.filter", "trace"), ("profile", "test")]));
    let process = crate::process::ServerProcess::start(&settings);
    let hidden = {
        let browser = Browser::with_client(&process.client);
        let auth_request =
            AuthorizationRequest::site().with("scope", "openid profile offline_access");
        let wrong = browser.authorize(&auth_request).await;
        let page = browser.sign_in(&wrong, ("alice", "a-wrong-password-1234")).await;
        let page = browser.sign_in(&page, ALICE).await;
        let back = browser.allow(&page).await;
        let code = back.redirect_parameter("code");
        let tokens =
            browser.client.redeem_code(crate::test_server::SITE, &auth_request, &code).await.json();
        let refresh = tokens["refresh_token"].as_str().unwrap().to_owned();
        let second = browser.client.refresh(crate::test_server::SITE, &refresh, &[]).await.json();
        browser.client.userinfo(second["access_token"].as_str().unwrap()).await;
        let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
        let mut hidden =
            vec!["wonderland".to_owned(), "a-wrong-password-1234".to_owned(), code, refresh];
        hidden.extend([
            text("access_token"),
            text("id_token"),
            second["refresh_token"].as_str().unwrap().to_owned(),
        ]);
        hidden.extend(browser.cookies().into_iter().filter(|cookie| cookie.len() > 10));
        hidden
    };
    let log = process.kill_and_read_log();
    assert!(log.contains("/oauth/token") && log.len() > 10_000);
    for secret in hidden {
        assert!(!log.contains(&secret), "{secret} is in the log");
    }
}
