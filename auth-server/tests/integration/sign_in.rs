use std::time::Duration;

use crate::{
    browser::{Asking, Person},
    jwt,
    test_server::{ALICE, BOB, C, SITE},
};

#[tokio::test]
async fn authorization_code_flow_returns_tokens_and_userinfo() {
    let c = C::start().await;
    let person = Person::at(&c);
    let asking = Asking::site();
    let page = person.asked(&asking).await;
    assert_eq!((page.path.as_str(), page.status()), ("/login", 200));
    page.says("The Site");
    let page = person.sign_in(&page, ALICE).await;
    assert_eq!(page.path, "/consent");
    page.says("site.example");
    let page = person.allow(&page).await;
    let told = page.parameters();
    assert_eq!((told["state"].as_str(), told["iss"].as_str()), ("the-state", c.issuer().as_str()));
    assert_eq!(told["shop"], "1", "a registered query stays");
    let answer = c.fetch(SITE, &asking, &told["code"]).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    let tokens = answer.json();
    assert_eq!(
        (tokens["token_type"].as_str(), tokens["scope"].as_str()),
        (Some("Bearer"), Some("openid profile"))
    );
    assert!(tokens.get("refresh_token").is_none(), "nobody asked for one");
    let access = tokens["access_token"].as_str().unwrap();
    let shown = c.userinfo(access).await.json();
    assert_eq!(shown["sub"], jwt::claims(access)["sub"]);
    assert_eq!(shown["nickname"], "小爱");
    assert!(shown.get("email").is_none(), "the scope does not say so");
}

#[tokio::test]
async fn second_request_needs_neither_sign_in_nor_consent() {
    let c = C::start().await;
    let person = Person::at(&c);
    person.code(&Asking::site(), ALICE).await;
    let page = person.asked(&Asking::site()).await;
    assert!(!page.parameter("code").is_empty());
}

#[tokio::test]
async fn another_browser_requires_sign_in() {
    let c = C::start().await;
    Person::at(&c).code(&Asking::site(), ALICE).await;
    assert_eq!(Person::at(&c).asked(&Asking::site()).await.path, "/login");
}

#[tokio::test]
async fn wrong_password_and_unknown_user_get_the_same_page() {
    let c = C::start().await;
    let wrong = |login| {
        let c = &c;
        async move {
            let person = Person::at(c);
            let page = person.asked(&Asking::site()).await;
            person.sign_in(&page, login).await
        }
    };
    let (known, unknown) = (wrong(("alice", "wrong")).await, wrong(("nobody", "wrong")).await);
    assert_eq!((known.status(), unknown.status()), (400, 400));
    let without_own = |text: String| {
        let kept = text.lines().filter(|line| !line.contains("csrf") && !line.contains("value="));
        kept.collect::<String>()
    };
    assert_eq!(without_own(known.text()), without_own(unknown.text()));
    assert!(!known.text().contains("wonderland\""));
}

#[tokio::test]
async fn failed_sign_ins_are_limited_per_account() {
    let c = C::start_with(|settings| settings.rate_limits.sign_in.burst = 2).await;
    let person = Person::at(&c);
    let mut page = person.asked(&Asking::site()).await;
    for guess in ["one", "two"] {
        page = person.sign_in(&page, ("alice", guess)).await;
        assert_eq!(page.status(), 400);
    }
    let tired = person.sign_in(&page, ALICE).await;
    assert_eq!((tired.status(), tired.answer.header("retry-after")), (429, "30"));
    let other = person.sign_in(&tired, BOB).await;
    assert_eq!(other.path, "/consent", "another account has a count of its own");
    c.clock.advance(Duration::from_secs(30));
    let person = Person::at(&c);
    let page = person.asked(&Asking::site()).await;
    assert_eq!(person.sign_in(&page, ALICE).await.path, "/consent", "time heals");
}

#[tokio::test]
async fn failed_sign_ins_are_limited_per_address() {
    let c = C::start_with(|settings| settings.rate_limits.sign_in_address.burst = 3).await;
    let person = Person::at(&c);
    let mut page = person.asked(&Asking::site()).await;
    for account in ["a", "b", "c"] {
        page = person.sign_in(&page, (account, "123456")).await;
        assert_eq!(page.status(), 400);
    }
    assert_eq!(person.sign_in(&page, ("d", "123456")).await.status(), 429);
}

#[tokio::test]
async fn cancelled_sign_in_returns_access_denied() {
    let c = C::start().await;
    let person = Person::at(&c);
    let page = person.asked(&Asking::site()).await;
    let back = person.send(&page, &[("cancel", "yes")]).await;
    back.tells_client("access_denied");
    assert_eq!(back.parameter("state"), "the-state");
}

#[tokio::test]
async fn sign_in_replaces_the_session_id() {
    let c = C::start().await;
    let person = Person::at(&c);
    person.plant("gatepass-session", "planted-by-somebody-else");
    let page = person.asked(&Asking::site()).await;
    let before = person.cookie("gatepass-session").unwrap();
    person.sign_in(&page, ALICE).await;
    assert_ne!(person.cookie("gatepass-session").unwrap(), before);
    let thief = Person::at(&c);
    thief.plant("gatepass-session", "planted-by-somebody-else");
    assert_eq!(thief.asked(&Asking::site()).await.path, "/login");
}

#[tokio::test]
async fn cookies_are_http_only_and_same_site_lax() {
    let c = C::start().await;
    let person = Person::at(&c);
    let page = person.asked(&Asking::site()).await;
    let signed_in = c.http.post(format!("{}/login", c.base));
    assert!(
        page.answer.header("set-cookie").contains("HttpOnly; SameSite=Lax"),
        "{}",
        page.answer.header("set-cookie")
    );
    drop(signed_in);
    let https =
        C::start_with(|settings| settings.issuer = "https://c.example".parse().unwrap()).await;
    let page = Person::at(&https).asked(&Asking::site()).await;
    let cookie = page.answer.header("set-cookie").to_owned();
    assert!(
        cookie.starts_with("__Host-gatepass-browser=") && cookie.contains("Secure"),
        "{cookie}"
    );
}

#[tokio::test]
async fn session_ends_at_the_idle_and_absolute_timeouts() {
    let c = C::start_with(|settings| {
        settings.sessions.idle_timeout_seconds = 1_000;
        settings.sessions.absolute_timeout_seconds = 2_500;
    })
    .await;
    let person = Person::at(&c);
    person.code(&Asking::site(), ALICE).await;
    for _ in 0..2 {
        c.clock.advance(Duration::from_secs(1_000));
        assert!(person.asked(&Asking::site()).await.left_to.is_some(), "a visit keeps it");
    }
    c.clock.advance(Duration::from_secs(500));
    assert_eq!(person.asked(&Asking::site()).await.path, "/login", "in any case");
    let person = Person::at(&c);
    person.code(&Asking::site(), ALICE).await;
    c.clock.advance(Duration::from_secs(1_100));
    assert_eq!(person.asked(&Asking::site()).await.path, "/login", "without a visit");
}

#[tokio::test]
async fn sign_in_without_a_client_opens_the_account_page() {
    let c = C::start().await;
    let person = Person::at(&c);
    let page = person.open("/account").await;
    let page = person.sign_in(&page, ALICE).await;
    assert_eq!((page.path.as_str(), page.status()), ("/account", 200));
    page.says("alice@example.com");
}

#[tokio::test]
async fn https_cookies_are_secure_and_have_the_host_prefix() {
    let c = C::start_with(|settings| settings.issuer = "https://c.example".parse().unwrap()).await;
    let person = Person::at(&c);
    let page = person.open("/login").await;
    let browser = page.answer.header("set-cookie").to_owned();
    let signed_in = c
        .http
        .post(format!("{}/login", c.base))
        .header("cookie", browser.split(';').next().unwrap());
    let form: Vec<_> = page
        .hidden()
        .into_iter()
        .chain(
            [ALICE.0, ALICE.1]
                .iter()
                .zip(["username", "password"])
                .map(|(value, name)| (name.to_owned(), (*value).to_owned())),
        )
        .collect();
    let signed_in = crate::client::answer(signed_in.form(&form)).await;
    let session = signed_in.header("set-cookie");
    for (cookie, name) in
        [(&*browser, "__Host-gatepass-browser="), (session, "__Host-gatepass-session=")]
    {
        // RFC 6265bis §4.1.3.2: no other port, no other host and no plain connection can plant such
        // a one.
        assert!(cookie.starts_with(name), "{cookie}");
        for attribute in ["; Secure", "; HttpOnly", "; Path=/", "; SameSite=Lax"] {
            assert!(cookie.contains(attribute), "{attribute} is not in {cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
}
