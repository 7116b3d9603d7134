//! Pages against strangers: forms of others, frames, scripts.

use std::time::Duration;

use crate::{
    browser::{Asking, Page, Person},
    device_and_pushed_requests::{begin, poll},
    test_server::{ALICE, BOB, C},
};

#[tokio::test]
async fn form_with_foreign_csrf_token_is_rejected() {
    let c = C::start().await;
    let (alice, mallory) = (Person::at(&c), Person::at(&c));
    let stolen_page = mallory.asked(&Asking::site()).await;
    let stolen = csrf_of(&stolen_page);
    // Login CSRF: somebody else's name and password from a page of theirs.
    let query = Asking::site().query();
    for csrf in ["", "guess", stolen.as_str()] {
        let fields = [("username", "bob"), ("password", "builder"), ("csrf", csrf)];
        let page = alice.post(&format!("/login?{query}"), &fields).await;
        assert_eq!((page.path.as_str(), page.status()), ("/login", 400));
        assert!(alice.cookie("gatepass-session").is_none());
    }
    let page = alice.asked(&Asking::site()).await;
    let consent = alice.sign_in(&page, ALICE).await;
    mallory.code(&Asking::site(), BOB).await;
    let mallorys = csrf_of(&mallory.open("/account").await);
    for csrf in ["", "guess", stolen.as_str(), mallorys.as_str()] {
        for (path, fields) in [
            (format!("/consent?{query}"), vec![("decision", "allow")]),
            ("/logout/confirm".to_owned(), vec![("decision", "logout")]),
            ("/account/sign-out-everywhere".to_owned(), vec![]),
            ("/account/end-session".to_owned(), vec![("session", "x")]),
            ("/account/withdraw-consent".to_owned(), vec![("client_id", "site")]),
        ] {
            let page = alice.post(&path, &[&fields[..], &[("csrf", csrf)]].concat()).await;
            assert_eq!((page.status(), page.left_to.is_none()), (403, true), "{path}");
        }
    }
    assert_eq!(
        alice.asked(&Asking::site()).await.path,
        "/consent",
        "still signed in, still unasked"
    );
    assert!(!alice.allow(&consent).await.parameter("code").is_empty());
}

#[tokio::test]
async fn device_approval_with_foreign_csrf_token_is_rejected() {
    let c = C::start().await;
    let (alice, mallory) = (Person::at(&c), Person::at(&c));
    alice.code(&Asking::site(), ALICE).await;
    // Mallory's device: whoever allows it lets her act in their name (RFC 8628 §5.4).
    let device = begin(&c).await;
    let code = device["user_code"].as_str().unwrap();
    let mallorys = csrf_of(&mallory.open("/device").await);
    for csrf in ["", "guess", &mallorys] {
        let page = alice
            .post("/device", &[("csrf", csrf), ("user_code", code), ("decision", "allow")])
            .await;
        assert_eq!((page.path.as_str(), page.status()), ("/device", 400), "{csrf}");
        poll(&c, &device).await.refused(400, "authorization_pending", "not decided");
        c.clock.advance(Duration::from_secs(5));
    }
    let own = csrf_of(&alice.open("/device").await);
    let page =
        alice.post("/device", &[("csrf", &own), ("user_code", code), ("decision", "allow")]).await;
    page.says("device-allowed");
}

#[tokio::test]
async fn missing_cookies_and_expired_forms_show_different_errors() {
    let c = C::start().await;
    let person = Person::at(&c);
    let (no_cookies, expired) = ("Allow cookies for this site", "open for too long");
    let login = format!("/login?{}", Asking::site().query());
    let device = begin(&c).await;
    let code = device["user_code"].as_str().unwrap();
    for (path, fields) in [
        (&*login, vec![("username", ALICE.0), ("password", ALICE.1)]),
        ("/device", vec![("user_code", code)]),
    ] {
        let page = person.open(path).await;
        person.forget_cookies();
        let told = person.send(&page, &fields).await;
        assert_eq!(told.status(), 400);
        told.says(no_cookies);
        assert!(!told.text().contains(expired), "{}", told.text());
        // That page brought a cookie, and the form of the one before belongs to another.
        let told = person.send(&page, &fields).await;
        assert_eq!(told.status(), 400);
        told.says(expired);
        assert!(!told.text().contains(no_cookies), "{}", told.text());
        // Once cookies are kept, its own form is taken.
        let taken = person.send(&told, &fields).await;
        assert!(
            taken.status() == 200 && ["/consent", "/login"].contains(&&*taken.path),
            "{taken:?}"
        );
        person.forget_cookies();
    }
}

fn csrf_of(page: &Page) -> String {
    page.hidden().into_iter().find(|(name, _)| name == "csrf").unwrap().1
}

#[tokio::test]
async fn pages_forbid_framing_caching_and_scripts() {
    let c = C::start().await;
    let person = Person::at(&c);
    let sign_in = person.asked(&Asking::site()).await;
    let consent = person.sign_in(&sign_in, ALICE).await;
    let error = person.asked(&Asking::site().with("client_id", "nobody")).await;
    for page in [
        sign_in,
        consent,
        error,
        person.open("/account").await,
        person.open("/logout").await,
        person.open("/").await,
    ] {
        let policy = page.answer.header("content-security-policy").to_owned();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("script-src") && !policy.contains("unsafe"), "{policy}");
        for (name, value) in [
            ("x-frame-options", "DENY"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(page.answer.header(name), value, "{}", page.path);
        }
    }
}

#[tokio::test]
async fn request_values_are_escaped_in_pages() {
    let c = C::start().await;
    let script = "\"><script>alert(1)</script>";
    let person = Person::at(&c);
    for name in
        ["state", "login_hint", "nonce", "ui_locales", "scope", "client_id", "redirect_uri", "lang"]
    {
        let page = person.asked(&Asking::site().with(name, &format!("openid {script}"))).await;
        assert!(!page.answer.text.contains("<script>alert"), "{name}: {}", page.answer.text);
    }
    // The page that asks whether to sign out carries its parameters on, and so does the one after
    // it.
    person.code(&Asking::site(), ALICE).await;
    for name in ["post_logout_redirect_uri", "id_token_hint", "state", "client_id", "lang"] {
        let query =
            form_urlencoded::Serializer::new(String::new()).append_pair(name, script).finish();
        let page = person.open(&format!("/logout?{query}")).await;
        assert_eq!((page.path.as_str(), page.status()), ("/logout", 200), "{name}");
        assert!(!page.answer.text.contains("<script>alert"), "{name}: {}", page.answer.text);
        // Not encoded, as no browser sends it.
        let raw =
            person.post(&format!("/logout/confirm?{name}=\"><script>alert(1)</script>"), &[]).await;
        assert!(!raw.answer.text.contains("<script>alert"), "{name}: {}", raw.answer.text);
    }
    for name in ["done", "notice", "lang"] {
        let page = person.open(&format!("/account?{name}={script}")).await;
        assert!(
            page.status() == 200 && !page.answer.text.contains("<script>alert"),
            "{name}: {}",
            page.answer.text
        );
    }
    let person = Person::at(&c);
    let page = person.asked(&Asking::forum()).await;
    assert!(!page.answer.text.contains("<b>Forum"), "a client's name is a name");
    page.says("<b>Forum</b> & \"Co\"");
    let page = person.send(&page, &[("username", script), ("password", script)]).await;
    assert!(!page.answer.text.contains("<script>alert") && page.text().contains(script));
    assert!(
        !person
            .open(&format!("/device?user_code={script}"))
            .await
            .answer
            .text
            .contains("<script>alert")
    );
}

#[tokio::test]
async fn pages_follow_accept_language_and_the_language_cookie() {
    let c = C::start().await;
    let mut person = Person::at(&c);
    person.language = "zh-CN,zh;q=0.9,en;q=0.1";
    let page = person.asked(&Asking::site()).await;
    assert_eq!(page.answer.header("content-language"), "zh");
    page.says("登录");
    let page = person.open(&format!("/login?{}&lang=en", Asking::site().query())).await;
    page.says("Sign in");
    assert_eq!(person.cookie("gatepass-language").as_deref(), Some("en"));
    person.asked(&Asking::site()).await.says("Sign in");
}

#[tokio::test]
async fn log_contains_no_password_code_token_or_cookie() {
    let folder = tempfile::tempdir().unwrap();
    let clients = folder.path().join("clients.toml");
    std::fs::write(&clients, include_str!("clients.toml")).unwrap();
    let mut settings = crate::process::server_settings(&folder.path().join("data"), &clients);
    settings.extend(crate::process::set(&[("log.filter", "trace"), ("profile", "test")]));
    let process = crate::process::Process::serve(&settings);
    let hidden = {
        let person = Person::on(&process.caller);
        let asking = Asking::site().with("scope", "openid profile offline_access");
        let wrong = person.asked(&asking).await;
        let page = person.sign_in(&wrong, ("alice", "a-wrong-password-1234")).await;
        let page = person.sign_in(&page, ALICE).await;
        let back = person.allow(&page).await;
        let code = back.parameter("code");
        let tokens = person.c.fetch(crate::test_server::SITE, &asking, &code).await.json();
        let refresh = tokens["refresh_token"].as_str().unwrap().to_owned();
        let again = person.c.refresh(crate::test_server::SITE, &refresh, &[]).await.json();
        person.c.userinfo(again["access_token"].as_str().unwrap()).await;
        let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
        let mut hidden =
            vec!["wonderland".to_owned(), "a-wrong-password-1234".to_owned(), code, refresh];
        hidden.extend([
            text("access_token"),
            text("id_token"),
            again["refresh_token"].as_str().unwrap().to_owned(),
        ]);
        hidden.extend(person.cookies().into_iter().filter(|cookie| cookie.len() > 10));
        hidden
    };
    let log = process.kill_and_read_log();
    assert!(log.contains("/oauth/token") && log.len() > 10_000);
    for secret in hidden {
        assert!(!log.contains(&secret), "{secret} stands in the log");
    }
}
