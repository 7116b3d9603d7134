//! What users allow, and take back.

use crate::{
    browser::{Asking, Person},
    test_server::{ALICE, BOB, C, HOUSE, ORDERS, SITE},
};

#[tokio::test]
async fn denied_consent_returns_access_denied() {
    let c = C::start().await;
    let person = Person::at(&c);
    let page = person.asked(&Asking::site()).await;
    let page = person.sign_in(&page, ALICE).await;
    person.send(&page, &[("decision", "deny")]).await.tells_client("access_denied");
    assert_eq!(person.asked(&Asking::site()).await.path, "/consent", "a no is not remembered");
}

#[tokio::test]
async fn additional_scopes_require_new_consent_and_fewer_do_not() {
    let c = C::start().await;
    let person = Person::at(&c);
    person.code(&Asking::site(), ALICE).await;
    let more = Asking::site().with("scope", "openid profile email");
    let page = person.asked(&more).await;
    assert_eq!(page.path, "/consent");
    page.says("e-mail");
    person.allow(&page).await;
    for known in ["openid", "openid email", "openid profile email"] {
        assert!(
            person.asked(&Asking::site().with("scope", known)).await.left_to.is_some(),
            "{known}"
        );
    }
    assert_eq!(person.asked(&Asking::site().with("scope", "openid phone")).await.path, "/consent");
}

#[tokio::test]
async fn pages_dir_can_describe_custom_scopes() {
    let words = [("en", "See what you ordered"), ("zh", "查看你的订单")];
    let folder = tempfile::tempdir().unwrap();
    for (language, words) in words {
        let text = format!("scope.\"orders:read\" = \"{words}\"\n");
        std::fs::write(folder.path().join(format!("{language}.toml")), text).unwrap();
    }
    let c = C::start_with(|settings| settings.pages_dir = Some(folder.path().to_owned())).await;
    let person = Person::at(&c);
    let page = person.asked(&Asking::site().with("scope", "openid orders:read")).await;
    let page = person.sign_in(&page, ALICE).await;
    for (language, words) in words {
        let page = person.open(&page.in_language(language)).await;
        assert_eq!(page.path, "/consent");
        page.says(words);
        assert!(!page.text().contains("orders:read”"), "{}", page.text());
    }
}

#[tokio::test]
async fn consent_applies_to_one_user_and_one_client() {
    let c = C::start().await;
    Person::at(&c).code(&Asking::site(), ALICE).await;
    let bob = Person::at(&c);
    let page = bob.asked(&Asking::site()).await;
    assert_eq!(bob.sign_in(&page, BOB).await.path, "/consent");
    let alice = Person::at(&c);
    let page = alice.asked(&Asking::forum()).await;
    assert_eq!(alice.sign_in(&page, ALICE).await.path, "/consent");
}

#[tokio::test]
async fn first_party_grants_can_be_withdrawn() {
    let c = C::start().await;
    let person = Person::at(&c);
    let asking = Asking::house().with("scope", "openid offline_access");
    let tokens = person.tokens(&asking, ALICE, HOUSE).await;
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let page = person.open("/account").await;
    page.says("value=\"house\"");
    let csrf = page.hidden().into_iter().find(|(name, _)| name == "csrf").unwrap().1;
    let page =
        person.post("/account/withdraw-consent", &[("csrf", &csrf), ("client_id", "house")]).await;
    assert!(!page.text().contains("value=\"house\""), "{}", page.text());
    c.refresh(HOUSE, refresh_token, &[]).await.refused(400, "invalid_grant", "void");
}

#[tokio::test]
async fn withdrawing_consent_revokes_tokens_immediately() {
    let c = C::start().await;
    let person = Person::at(&c);
    let asking = Asking::site().with("scope", "openid offline_access orders:read");
    let tokens = person.tokens(&asking, ALICE, SITE).await;
    let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
    assert!(c.is_active(ORDERS, &text("access_token")).await);
    let page = person.open("/account").await;
    page.says("The Site");
    let csrf = page.hidden().into_iter().find(|(name, _)| name == "csrf").unwrap().1;
    let page =
        person.post("/account/withdraw-consent", &[("csrf", &csrf), ("client_id", "site")]).await;
    assert_eq!((page.path.as_str(), page.status()), ("/account", 200));
    assert!(!c.is_active(ORDERS, &text("access_token")).await);
    assert_eq!(c.userinfo(&text("access_token")).await.status, 401);
    c.refresh(SITE, &text("refresh_token"), &[]).await.refused(400, "invalid_grant", "void");
    assert_eq!(person.asked(&asking).await.path, "/consent", "it is asked for again");
}

#[tokio::test]
async fn users_can_end_only_their_own_sessions() {
    let c = C::start().await;
    let (here, there, bob) = (Person::at(&c), Person::at(&c), Person::at(&c));
    for person in [&here, &there] {
        person.code(&Asking::site(), ALICE).await;
    }
    bob.code(&Asking::site(), BOB).await;
    let session_ids = |text: &str| -> Vec<String> {
        let parts = text.split("name=\"session\" value=\"").skip(1);
        parts.map(|part| part.split('"').next().unwrap().to_owned()).collect()
    };
    let page = here.open("/account").await;
    let csrf = page.hidden().into_iter().find(|(name, _)| name == "csrf").unwrap().1;
    let bobs_page = bob.open("/account").await;
    let bobs_csrf = bobs_page.hidden().into_iter().find(|(name, _)| name == "csrf").unwrap().1;
    let [other] = &session_ids(&page.text())[..] else { panic!("{page:?}") };
    bob.post("/account/end-session", &[("csrf", &bobs_csrf), ("session", other)]).await;
    assert!(there.asked(&Asking::site()).await.left_to.is_some(), "it is not bob's to end");
    here.post("/account/end-session", &[("csrf", &csrf), ("session", other)]).await;
    assert_eq!(there.asked(&Asking::site()).await.path, "/login");
    assert!(here.asked(&Asking::site()).await.left_to.is_some());
    here.post("/account/sign-out-everywhere", &[("csrf", &csrf)]).await;
    assert_eq!(here.asked(&Asking::site()).await.path, "/login");
}
