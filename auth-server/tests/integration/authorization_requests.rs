//! Authorization requests: which are answered, how, and who is told what is wrong.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    browser::{Asking, Person},
    jwt,
    test_server::{ALICE, BOB, C, SITE},
};

#[tokio::test]
async fn unknown_client_or_redirect_uri_shows_an_error_page() {
    let c = C::start().await;
    let person = Person::at(&c);
    person.asked(&Asking::site().with("client_id", "nobody")).await.tells_user("client_id");
    person.asked(&Asking::site().without("client_id")).await.tells_user("client_id is missing");
    person
        .asked(&Asking::of("shop", "https://site.example/cb", "openid"))
        .await
        .tells_user("client_id");
    for foreign in [
        "https://evil.example/cb",
        "https://site.example/cb?shop=2",
        "https://site.example/cb",
        "https://site.example/cb?shop=1&x=1",
        "https://site.example/cb?shop=1#x",
        "https://site.example.evil.example/cb?shop=1",
        "https://site.example:8443/cb?shop=1",
        "//site.example/cb?shop=1",
        "javascript:alert(1)",
    ] {
        person
            .asked(&Asking::site().with("redirect_uri", foreign))
            .await
            .tells_user("redirect_uri");
    }
    person
        .asked(&Asking::site().doubled("redirect_uri", "https://evil.example"))
        .await
        .tells_user("more than once");
    person.asked(&Asking::site().doubled("client_id", "forum")).await.tells_user("more than once");
}

#[tokio::test]
async fn redirect_uri_is_optional_if_only_one_is_registered() {
    let c = C::start().await;
    let person = Person::at(&c);
    let asking = Asking::site().without("redirect_uri");
    let code = person.code(&asking, ALICE).await;
    let verifier = ("code_verifier", crate::browser::VERIFIER);
    assert_eq!(c.redeem(SITE, &[("code", &code), verifier]).await.status, 200);
    person
        .asked(&Asking::forum().without("redirect_uri"))
        .await
        .tells_user("redirect_uri is missing");
}

#[tokio::test]
async fn loopback_redirect_uri_accepts_any_port() {
    let c = C::start().await;
    let person = Person::at(&c);
    let page = person.asked(&Asking::app()).await;
    let page = person.sign_in(&page, ALICE).await;
    let back = person.allow(&page).await.left_to.unwrap();
    assert_eq!((back.host_str(), back.port()), (Some("127.0.0.1"), Some(51004)));
    // Any app can listen there, so the user is asked each time.
    assert_eq!(person.asked(&Asking::app()).await.path, "/consent");
    let silent = person.asked(&Asking::app().with("prompt", "none")).await;
    silent.tells_client("consent_required");
}

#[tokio::test]
async fn private_use_scheme_requires_consent_each_time() {
    let c = C::start().await;
    let person = Person::at(&c);
    let asking = Asking::app().with("redirect_uri", "app.example:/cb");
    for _ in 0..2 {
        let page = person.asked(&asking).await;
        let page = if page.path == "/login" { person.sign_in(&page, ALICE).await } else { page };
        assert_eq!(
            page.path, "/consent",
            "any app could have that scheme, so its users are asked each time"
        );
        let policy = page.answer.header("content-security-policy").to_owned();
        assert!(policy.contains("form-action 'self' app.example:"), "{policy}");
        let back = person.allow(&page).await;
        assert!(
            back.left_to.as_ref().unwrap().as_str().starts_with("app.example:/cb?"),
            "{back:?}"
        );
        assert_eq!(c.fetch(("app", ""), &asking, &back.parameter("code")).await.status, 200);
    }
    for foreign in ["app.example:/other", "other.example:/cb", "app.example://cb"] {
        assert!(
            person.asked(&asking.clone().with("redirect_uri", foreign)).await.left_to.is_none(),
            "{foreign}"
        );
    }
}

#[tokio::test]
async fn invalid_requests_redirect_to_the_client_with_an_error() {
    let c = C::start().await;
    let person = Person::at(&c);
    for (asking, error) in [
        (Asking::site().without("response_type"), "invalid_request"),
        (Asking::site().with("response_type", "token"), "unsupported_response_type"),
        (Asking::site().with("response_type", "code id_token"), "unsupported_response_type"),
        (Asking::site().with("response_mode", "fragment"), "invalid_request"),
        (Asking::site().without("scope"), "invalid_scope"),
        (Asking::site().with("scope", "orders:write"), "invalid_scope"),
        (Asking::site().with("scope", "nonsense"), "invalid_scope"),
        (Asking::site().with("resource", "https://vault.example"), "invalid_target"),
        (Asking::site().with("resource", "not a uri"), "invalid_target"),
        (Asking::site().doubled("nonce", "another"), "invalid_request"),
        (Asking::site().with("max_age", "soon"), "invalid_request"),
        (Asking::site().with("prompt", "none login"), "invalid_request"),
        (Asking::site().with("id_token_hint", "x.y.z"), "invalid_request"),
        (Asking::site().with("request", "x.y.z"), "invalid_request_object"),
        (Asking::site().with("request_uri", "https://site.example/r"), "request_uri_not_supported"),
        (Asking::site().with("code_challenge_method", "plain"), "invalid_request"),
        (Asking::site().with("code_challenge_method", "S512"), "invalid_request"),
        (Asking::site().without("code_challenge_method"), "invalid_request"),
        (Asking::site().without("code_challenge"), "invalid_request"),
        (Asking::site().with("code_challenge", "too short"), "invalid_request"),
        (
            Asking::app().without("code_challenge").without("code_challenge_method"),
            "invalid_request",
        ),
        (Asking::of("bank", "https://bank.example/cb", "openid"), "invalid_request"),
    ] {
        let told = person.asked(&asking).await;
        told.tells_client(error);
        assert_eq!(told.parameter("state"), "the-state");
        let description = told.parameter("error_description");
        assert!(description.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{description}");
    }
}

#[tokio::test]
async fn unsupported_hints_are_ignored() {
    let c = C::start().await;
    let person = Person::at(&c);
    let asking = Asking::site()
        .with("display", "popup")
        .with("ui_locales", "fr xx")
        .with("claims_locales", "fr")
        .with("acr_values", "urn:else urn:other")
        .with("unknown", "x")
        .with("scope", "openid profile nonsense")
        .with("login_hint", "bob");
    let page = person.asked(&asking).await;
    page.says("value=\"bob\"");
    assert_eq!(person.sign_in(&page, ALICE).await.path, "/consent");
}

#[tokio::test]
async fn state_is_returned_unchanged() {
    let c = C::start().await;
    let person = Person::at(&c);
    person.code(&Asking::site(), ALICE).await;
    let long = "x".repeat(4_000);
    for state in ["a b&c=d#e%20+/?\"'<>", "状态 ü", "\r\nSet-Cookie: a=b", &long] {
        let back = person.asked(&Asking::site().with("state", state)).await;
        assert_eq!(back.parameter("state"), state);
        assert!(!back.answer.headers.contains_key("set-cookie"), "no header can be added");
    }
}

#[tokio::test]
async fn form_post_response_keeps_parameters_out_of_the_url() {
    let c = C::start().await;
    let person = Person::at(&c);
    person.code(&Asking::site(), ALICE).await;
    let page = person
        .asked(&Asking::site().with("response_mode", "form_post").with("state", "<\"'&>"))
        .await;
    assert_eq!((page.status(), page.left_to.is_none()), (200, true));
    let fields = page.hidden();
    let field = |name: &str| {
        fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap()
    };
    assert_eq!((field("state").as_str(), field("iss").as_str()), ("<\"'&>", c.issuer().as_str()));
    assert!(field("code").starts_with("gpac_"));
    assert!(page.text().contains("action=\"https://site.example/cb?shop=1\""));
    // The one script that may run is the one that is there.
    let script =
        page.answer.text.split("<script>").nth(1).unwrap().split("</script>").next().unwrap();
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, script.as_bytes());
    let policy = page.answer.header("content-security-policy").to_owned();
    assert!(
        policy.contains(&format!("script-src 'sha256-{}'", BASE64_STANDARD.encode(hash))),
        "{policy}"
    );
    assert!(policy.contains("form-action 'self' https:;"), "{policy}");
    page.says("<button");
    let error = person
        .asked(&Asking::site().with("response_mode", "form_post").with("scope", "orders:write"))
        .await;
    error.says("value=\"invalid_scope\"");
}

#[tokio::test]
async fn authorization_request_by_post_is_accepted() {
    let c = C::start().await;
    let person = Person::at(&c);
    let page = person.post("/oauth/authorize", &Asking::site().pairs()).await;
    assert_eq!(person.sign_in(&page, ALICE).await.path, "/consent");
}

#[tokio::test]
async fn prompt_none_never_shows_a_page() {
    let c = C::start().await;
    let person = Person::at(&c);
    let silent = Asking::site().with("prompt", "none");
    person.asked(&silent).await.tells_client("login_required");
    let page = person.asked(&Asking::site()).await;
    person.sign_in(&page, ALICE).await;
    person.asked(&silent).await.tells_client("consent_required");
    person.code(&Asking::site(), ALICE).await;
    assert!(!person.asked(&silent).await.parameter("code").is_empty());
}

#[tokio::test]
async fn id_token_hint_requires_the_hinted_user() {
    let c = C::start().await;
    let (alice, bob) = (Person::at(&c), Person::at(&c));
    let tokens = alice.tokens(&Asking::site(), ALICE, SITE).await;
    let hint = tokens["id_token"].as_str().unwrap();
    bob.code(&Asking::site(), BOB).await;
    let asking = Asking::site().with("prompt", "none").with("id_token_hint", hint);
    c.clock.advance(Duration::from_secs(7_200));
    assert!(
        !alice.asked(&asking).await.parameter("code").is_empty(),
        "also when the hint has expired"
    );
    bob.asked(&asking).await.tells_client("login_required");
    let forged = jwt::with_parts(
        hint,
        &jwt::header(hint),
        &jwt::claims(tokens["access_token"].as_str().unwrap()),
    );
    alice.asked(&asking.with("id_token_hint", &forged)).await.tells_client("invalid_request");
}

#[tokio::test]
async fn sign_in_as_another_user_than_the_hinted_one_returns_login_required() {
    let c = C::start().await;
    let tokens = Person::at(&c).tokens(&Asking::site(), ALICE, SITE).await;
    let hinted = Asking::site().with("id_token_hint", tokens["id_token"].as_str().unwrap());
    // By a password, whether somebody was signed in before or not.
    let bob = Person::at(&c);
    for _ in 0..2 {
        let page = bob.asked(&hinted).await;
        let back = bob.sign_in(&page, BOB).await;
        back.tells_client("login_required");
        assert!(back.parameter("error_description").contains("id_token_hint"), "{back:?}");
    }
    // By a choice, which is not even offered.
    let page = bob.asked(&hinted.clone().with("prompt", "select_account")).await;
    assert!(!page.text().contains("name=\"continue\""), "{}", page.text());
    bob.send(&page, &[("continue", "yes")]).await.tells_client("login_required");
    assert_eq!(bob.open(&format!("/consent?{}", hinted.query())).await.path, "/login");
    // The hinted one is let in from the same page.
    let page = bob.asked(&hinted).await;
    assert!(!bob.sign_in(&page, ALICE).await.parameter("code").is_empty());
}

#[tokio::test]
async fn prompt_login_and_max_age_require_a_new_sign_in() {
    let c = C::start().await;
    let person = Person::at(&c);
    let first = person.tokens(&Asking::site(), ALICE, SITE).await;
    c.clock.advance(Duration::from_secs(60));
    let again = person.tokens(&Asking::site().with("prompt", "login"), ALICE, SITE).await;
    let auth_time = |tokens: &serde_json::Value| {
        jwt::claims(tokens["id_token"].as_str().unwrap())["auth_time"].as_i64().unwrap()
    };
    assert_eq!(auth_time(&again) - auth_time(&first), 60);
    c.clock.advance(Duration::from_secs(60));
    assert!(person.asked(&Asking::site().with("max_age", "60")).await.left_to.is_some());
    c.clock.advance(Duration::from_secs(1));
    let old = person.tokens(&Asking::site().with("max_age", "60"), ALICE, SITE).await;
    assert_eq!(auth_time(&old) - auth_time(&again), 61);
    assert_eq!(person.asked(&Asking::site().with("prompt", "login")).await.path, "/login");
    assert_eq!(person.asked(&Asking::site().with("prompt", "consent")).await.path, "/consent");
}

#[tokio::test]
async fn prompt_select_account_offers_the_current_account() {
    let c = C::start().await;
    let person = Person::at(&c);
    person.code(&Asking::site(), ALICE).await;
    let asking = Asking::site().with("prompt", "select_account");
    let page = person.asked(&asking).await;
    page.says("小爱");
    let back = person.send(&page, &[("continue", "yes")]).await;
    assert!(!back.parameter("code").is_empty());
    let page = person.asked(&asking).await;
    let page = person.sign_in(&page, BOB).await;
    page.says("小明");
}

#[tokio::test]
async fn selecting_an_account_satisfies_neither_max_age_nor_prompt_login() {
    let c = C::start().await;
    let person = Person::at(&c);
    person.code(&Asking::site(), ALICE).await;
    c.clock.advance(Duration::from_secs(60));
    let aged = Asking::site().with("prompt", "select_account").with("max_age", "10");
    for asking in [aged.clone(), Asking::site().with("prompt", "login select_account")] {
        let page = person.asked(&asking).await;
        assert!(
            !page.text().contains("name=\"continue\""),
            "a button that leads nowhere: {}",
            page.text()
        );
        let still = person.send(&page, &[("continue", "yes")]).await;
        assert_eq!(still.path, "/login", "{still:?}");
        let consent = person.open(&format!("/consent?{}", asking.query())).await;
        assert_eq!(consent.path, "/login", "nor is it enough to open the next page by hand");
    }
    let tokens = person.tokens(&aged, ALICE, SITE).await;
    assert_eq!(
        jwt::claims(tokens["id_token"].as_str().unwrap())["auth_time"],
        crate::test_server::NOON + 60
    );
}

#[tokio::test]
async fn sign_in_for_one_request_does_not_count_for_another() {
    let c = C::start().await;
    let person = Person::at(&c);
    let asking = Asking::site().with("prompt", "login consent");
    let page = person.asked(&asking).await;
    let consent = person.sign_in(&page, ALICE).await;
    assert_eq!(consent.path, "/consent");
    // The form of this page, sent for a request with another nonce.
    let csrf = consent.hidden().into_iter().find(|(name, _)| name == "csrf").unwrap().1;
    let other = asking.clone().with("nonce", "another");
    let said = person
        .post(&format!("/consent?{}", other.query()), &[("csrf", &csrf), ("decision", "allow")])
        .await;
    assert_eq!((said.path.as_str(), said.left_to.is_none()), ("/login", true));
    assert!(!person.allow(&consent).await.parameter("code").is_empty(), "its own is answered");
    let page = person.asked(&asking).await;
    let consent = person.sign_in(&page, ALICE).await;
    c.clock.advance(Duration::from_secs(601));
    assert_eq!(person.allow(&consent).await.path, "/login", "a page that lay open too long");
}

#[tokio::test]
async fn changing_the_consent_language_does_not_require_signing_in_again() {
    let c = C::start().await;
    let person = Person::at(&c);
    for asking in [
        Asking::site().with("prompt", "login consent"),
        Asking::site().with("max_age", "0").with("prompt", "consent"),
    ] {
        // Letters that the switch encodes in another way than a client may have done.
        let asking =
            asking.with("state", "a b~c*d/e").query().replace('+', "%20").replace("%2F", "/");
        let page = person.open(&format!("/oauth/authorize?{asking}")).await;
        let page = person.sign_in(&page, ALICE).await;
        assert_eq!(page.path, "/consent");
        let chinese = person.open(&page.in_language("zh")).await;
        assert_eq!(chinese.path, "/consent");
        chinese.says("同意授权");
        let back = person.allow(&chinese).await;
        assert!(!back.parameter("code").is_empty());
        assert_eq!(back.parameter("state"), "a b~c*d/e");
    }
}

#[tokio::test]
async fn max_age_zero_requires_a_new_sign_in() {
    let c = C::start().await;
    let person = Person::at(&c);
    person.code(&Asking::site(), ALICE).await;
    let asking = Asking::site().with("max_age", "0");
    let page = person.asked(&asking).await;
    assert_eq!(page.path, "/login", "within the second of the sign-in");
    assert!(!person.sign_in(&page, ALICE).await.parameter("code").is_empty());
}

#[tokio::test]
async fn first_party_client_skips_consent() {
    let c = C::start().await;
    let person = Person::at(&c);
    let page = person.asked(&Asking::house()).await;
    assert!(!person.sign_in(&page, ALICE).await.parameter("code").is_empty());
    assert_eq!(person.asked(&Asking::house().with("prompt", "consent")).await.path, "/consent");
}
