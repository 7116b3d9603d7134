use std::time::Duration;

use crate::{
    browser::{AuthorizationRequest, Browser},
    jwt,
    test_server::{ALICE, BOB, SITE, TestServer},
};

#[tokio::test]
async fn authorization_code_flow_returns_tokens_and_userinfo() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let auth_request = AuthorizationRequest::site();
    let page = browser.authorize(&auth_request).await;
    assert_eq!((page.path.as_str(), page.status()), ("/login", 200));
    page.assert_contains("The Site");
    let page = browser.sign_in(&page, ALICE).await;
    assert_eq!(page.path, "/consent");
    page.assert_contains("site.example");
    let page = browser.allow(&page).await;
    let parameters = page.redirect_parameters();
    assert_eq!(
        (parameters["state"].as_str(), parameters["iss"].as_str()),
        ("the-state", server.issuer().as_str())
    );
    assert_eq!(parameters["shop"], "1", "a registered query stays");
    let response = server.redeem_code(SITE, &auth_request, &parameters["code"]).await;
    assert_eq!((response.status, response.header("cache-control")), (200, "no-store"));
    let tokens = response.json();
    assert_eq!(
        (tokens["token_type"].as_str(), tokens["scope"].as_str()),
        (Some("Bearer"), Some("openid profile"))
    );
    assert!(tokens.get("refresh_token").is_none(), "it was not requested");
    let access = tokens["access_token"].as_str().unwrap();
    let userinfo = server.userinfo(access).await.json();
    assert_eq!(userinfo["sub"], jwt::claims(access)["sub"]);
    assert_eq!(userinfo["nickname"], "小爱");
    assert!(userinfo.get("email").is_none(), "the scope does not include email");
}

#[tokio::test]
async fn second_request_needs_neither_sign_in_nor_consent() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    let page = browser.authorize(&AuthorizationRequest::site()).await;
    assert!(!page.redirect_parameter("code").is_empty());
}

#[tokio::test]
async fn another_browser_requires_sign_in() {
    let server = TestServer::start().await;
    Browser::new(&server).authorization_code(&AuthorizationRequest::site(), ALICE).await;
    assert_eq!(Browser::new(&server).authorize(&AuthorizationRequest::site()).await.path, "/login");
}

#[tokio::test]
async fn wrong_password_and_unknown_user_get_the_same_page() {
    let server = TestServer::start().await;
    let wrong = |credentials| {
        let server = &server;
        async move {
            let browser = Browser::new(server);
            let page = browser.authorize(&AuthorizationRequest::site()).await;
            browser.sign_in(&page, credentials).await
        }
    };
    let (known, unknown) = (wrong(("alice", "wrong")).await, wrong(("unknown", "wrong")).await);
    assert_eq!((known.status(), unknown.status()), (400, 400));
    let without_own = |text: String| {
        let kept = text.lines().filter(|line| !line.contains("csrf") && !line.contains("value="));
        kept.collect::<String>()
    };
    assert_eq!(without_own(known.text()), without_own(unknown.text()));
    assert!(!known.text().contains("value=\"wrong\""));
}

#[tokio::test]
async fn failed_sign_ins_are_limited_per_account() {
    let server = TestServer::start_with(|settings| settings.rate_limits.sign_in.burst = 2).await;
    let browser = Browser::new(&server);
    let mut page = browser.authorize(&AuthorizationRequest::site()).await;
    for guess in ["one", "two"] {
        page = browser.sign_in(&page, ("alice", guess)).await;
        assert_eq!(page.status(), 400);
    }
    let tired = browser.sign_in(&page, ALICE).await;
    assert_eq!((tired.status(), tired.response.header("retry-after")), (429, "30"));
    let other = browser.sign_in(&tired, BOB).await;
    assert_eq!(other.path, "/consent", "each account has its own limit");
    server.clock.advance(Duration::from_secs(30));
    let browser = Browser::new(&server);
    let page = browser.authorize(&AuthorizationRequest::site()).await;
    assert_eq!(browser.sign_in(&page, ALICE).await.path, "/consent", "the limit refills");
}

#[tokio::test]
async fn failed_sign_ins_are_limited_per_address() {
    let server =
        TestServer::start_with(|settings| settings.rate_limits.sign_in_address.burst = 3).await;
    let browser = Browser::new(&server);
    let mut page = browser.authorize(&AuthorizationRequest::site()).await;
    for account in ["a", "b", "c"] {
        page = browser.sign_in(&page, (account, "123456")).await;
        assert_eq!(page.status(), 400);
    }
    assert_eq!(browser.sign_in(&page, ("d", "123456")).await.status(), 429);
}

#[tokio::test]
async fn cancelled_sign_in_returns_access_denied() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let page = browser.authorize(&AuthorizationRequest::site()).await;
    let back = browser.submit(&page, &[("cancel", "yes")]).await;
    back.assert_client_error("access_denied");
    assert_eq!(back.redirect_parameter("state"), "the-state");
}

#[tokio::test]
async fn sign_in_replaces_the_session_id() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    browser.set_cookie("gatepass-session", "set-by-an-attacker");
    let page = browser.authorize(&AuthorizationRequest::site()).await;
    let before = browser.cookie("gatepass-session").unwrap();
    browser.sign_in(&page, ALICE).await;
    assert_ne!(browser.cookie("gatepass-session").unwrap(), before);
    let thief = Browser::new(&server);
    thief.set_cookie("gatepass-session", "set-by-an-attacker");
    assert_eq!(thief.authorize(&AuthorizationRequest::site()).await.path, "/login");
}

#[tokio::test]
async fn cookies_are_http_only_and_same_site_lax() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let page = browser.authorize(&AuthorizationRequest::site()).await;
    assert!(
        page.response.header("set-cookie").contains("HttpOnly; SameSite=Lax"),
        "{}",
        page.response.header("set-cookie")
    );
    let https =
        TestServer::start_with(|settings| settings.issuer = "https://c.example".parse().unwrap())
            .await;
    let page = Browser::new(&https).authorize(&AuthorizationRequest::site()).await;
    let cookie = page.response.header("set-cookie").to_owned();
    assert!(
        cookie.starts_with("__Host-gatepass-browser=") && cookie.contains("Secure"),
        "{cookie}"
    );
}

#[tokio::test]
async fn session_ends_at_the_idle_and_absolute_timeouts() {
    let server = TestServer::start_with(|settings| {
        settings.sessions.idle_timeout_seconds = 1_000;
        settings.sessions.absolute_timeout_seconds = 2_500;
    })
    .await;
    let browser = Browser::new(&server);
    browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    for _ in 0..2 {
        server.clock.advance(Duration::from_secs(1_000));
        assert!(
            browser.authorize(&AuthorizationRequest::site()).await.redirected_to.is_some(),
            "a visit extends the session"
        );
    }
    server.clock.advance(Duration::from_secs(500));
    assert_eq!(
        browser.authorize(&AuthorizationRequest::site()).await.path,
        "/login",
        "the absolute timeout applies despite visits"
    );
    let browser = Browser::new(&server);
    browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    server.clock.advance(Duration::from_secs(1_100));
    assert_eq!(
        browser.authorize(&AuthorizationRequest::site()).await.path,
        "/login",
        "the idle timeout applies without a visit"
    );
}

#[tokio::test]
async fn sign_in_without_a_client_opens_the_account_page() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let page = browser.open("/account").await;
    let page = browser.sign_in(&page, ALICE).await;
    assert_eq!((page.path.as_str(), page.status()), ("/account", 200));
    page.assert_contains("alice@example.com");
}

#[tokio::test]
async fn https_cookies_are_secure_and_have_the_host_prefix() {
    let server =
        TestServer::start_with(|settings| settings.issuer = "https://c.example".parse().unwrap())
            .await;
    let browser = Browser::new(&server);
    let page = browser.open("/login").await;
    let browser = page.response.header("set-cookie").to_owned();
    let signed_in = server
        .http
        .post(format!("{}/login", server.base))
        .header("cookie", browser.split(';').next().unwrap());
    let form: Vec<_> = page
        .hidden_fields()
        .into_iter()
        .chain(
            [ALICE.0, ALICE.1]
                .iter()
                .zip(["username", "password"])
                .map(|(value, name)| (name.to_owned(), (*value).to_owned())),
        )
        .collect();
    let signed_in = crate::client::send(signed_in.form(&form)).await;
    let [session, device] = &signed_in.set_cookies()[..] else { panic!("{signed_in:?}") };
    for (cookie, name) in [
        (&browser, "__Host-gatepass-browser="),
        (session, "__Host-gatepass-session="),
        (device, "__Host-gatepass-device="),
    ] {
        // RFC 6265bis §4.1.3.2: no other port, host or plain connection can set such a cookie.
        assert!(cookie.starts_with(name), "{cookie}");
        for attribute in ["; Secure", "; HttpOnly", "; Path=/", "; SameSite=Lax"] {
            assert!(cookie.contains(attribute), "{attribute} is not in {cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
}

#[tokio::test]
async fn second_sign_in_page_continues_with_the_session_of_the_first() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let auth_request = AuthorizationRequest::site();
    let (first, second) =
        (browser.authorize(&auth_request).await, browser.authorize(&auth_request).await);
    let plain = browser.open("/login").await;
    browser.allow(&browser.sign_in(&first, ALICE).await).await;
    let back = browser.sign_in(&second, ALICE).await;
    assert!(!back.redirect_parameter("code").is_empty());
    assert_eq!(browser.sign_in(&plain, ALICE).await.path, "/account");
    let cancelled = browser.submit(&second, &[("cancel", "yes")]).await;
    cancelled.assert_client_error("access_denied");
    // Another user's password is not taken from a form with an old token, and must be entered
    // again.
    let page = browser.sign_in(&second, BOB).await;
    assert_eq!((page.path.as_str(), page.status()), ("/login", 400));
    page.assert_contains("open for too long");
    let bob = browser.sign_in(&page, BOB).await;
    assert_eq!(bob.path, "/consent", "bob has not consented yet");
}

#[tokio::test]
async fn second_sign_in_page_does_not_replace_a_required_password() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let auth_request = AuthorizationRequest::site().with("prompt", "login");
    let (first, second) =
        (browser.authorize(&auth_request).await, browser.authorize(&auth_request).await);
    browser.allow(&browser.sign_in(&first, ALICE).await).await;
    let page = browser.sign_in(&second, ALICE).await;
    assert_eq!((page.path.as_str(), page.status()), ("/login", 200));
    let back = browser.sign_in(&page, ALICE).await;
    assert!(!back.redirect_parameter("code").is_empty());
}

/// A laptop or WSL 2: the clock was ahead during a right sign-in, and was corrected afterwards.
#[tokio::test]
async fn clock_that_is_set_back_does_not_lock_a_user_out() {
    let server = TestServer::start().await;
    let sign_in = async || {
        let browser = Browser::new(&server);
        let page = browser.open("/login").await;
        browser.sign_in(&page, ALICE).await
    };
    assert_eq!(sign_in().await.path, "/account");
    server.clock.set_back(Duration::from_secs(3_600));
    for attempt in 0..8 {
        let page = sign_in().await;
        assert_eq!((page.path.as_str(), page.status()), ("/account", 200), "{attempt}: {page:?}");
    }
}
