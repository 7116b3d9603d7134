//! `auth-server user`: the people who can sign in, by the real binary on the data of a server that
//! runs.

use crate::{
    browser::{Asking, Person},
    process::{Said, run, run_with_input},
    test_server::{ALICE, C, SITE},
};

/// With a line end, as a terminal sends it.
async fn with_password(c: &C, words: &[&str], password: &str) -> Said {
    run_with_input(words, &c.arguments(), &format!("{password}\n")).await
}

async fn signs_in(c: &C, username: &str, password: &str) -> bool {
    let person = Person::at(c);
    let page = person.asked(&Asking::site()).await;
    person.sign_in(&page, (username, password)).await.path == "/consent"
}

#[tokio::test]
async fn added_user_can_sign_in_and_has_the_given_claims() {
    let c = C::start().await;
    let claims = r#"{"locale":"fr","nickname":"not this one"}"#;
    let words = [
        "user",
        "add",
        "zoe",
        "--name",
        "Zoé Zola",
        "--nickname",
        "Zo",
        "--email",
        "zoe@example.com",
        "--email-verified",
        "--claims",
        claims,
    ];
    let added = with_password(&c, &words, "the password of zoe").await;
    assert_eq!(added.code, Some(0), "{added:?}");
    let sub = added.out.trim();
    assert!(!sub.is_empty() && !format!("{added:?}").contains("the password"), "{added:?}");
    let asking = Asking::site().with("scope", "openid profile email");
    let tokens = Person::at(&c).tokens(&asking, ("zoe", "the password of zoe"), SITE).await;
    let told = c.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
    for (name, value) in [
        ("sub", sub),
        ("name", "Zoé Zola"),
        ("nickname", "Zo"),
        ("preferred_username", "zoe"),
        ("email", "zoe@example.com"),
        ("locale", "fr"),
    ] {
        assert_eq!(told[name], value, "{name}");
    }
    assert_eq!(told["email_verified"], true);

    let listed = run(&["user", "list"], &c.arguments()).await;
    let line = listed.out.lines().find(|line| line.starts_with("zoe ")).unwrap();
    for part in ["enabled", &format!("sub={sub}"), "zoe@example.com"] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    assert!(listed.out.lines().any(|line| line.starts_with("alice ")), "{}", listed.out);
    assert!(
        !listed.out.contains("argon2") && !listed.out.contains("the password"),
        "{}",
        listed.out
    );
}

#[tokio::test]
async fn empty_claims_are_omitted() {
    let c = C::start().await;
    let claims = r#"{"locale":"","website":"","preferred_username":"","address":{"locality":""},"phone_number":""}"#;
    let words = ["user", "add", "zoe", "--name", "", "--email", "", "--claims", claims];
    assert_eq!(with_password(&c, &words, "the password of zoe").await.code, Some(0));
    let asking = Asking::site().with("scope", "openid profile email");
    let tokens = Person::at(&c).tokens(&asking, ("zoe", "the password of zoe"), SITE).await;
    let told = c.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
    let names: Vec<_> = told.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["preferred_username", "sub", "updated_at"]);
    assert_eq!(told["preferred_username"], "zoe");
}

#[tokio::test]
async fn user_commands_reject_duplicate_names_and_short_passwords() {
    let c = C::start().await;
    for (words, password, reason) in [
        (&["user", "add", "alice"][..], "long enough 1", "alice"),
        (&["user", "add", "yan"], "short", "the password"),
        (&["user", "add", "yan"], "", "the password"),
        (&["user", "add", " "], "long enough 1", "user name"),
        (&["user", "set-password", "alice"], "short", "the password"),
        (&["user", "set-password", "nobody"], "long enough 1", "nobody"),
    ] {
        let said = with_password(&c, words, password).await;
        assert_eq!((said.code, said.err.contains(reason)), (Some(1), true), "{words:?}: {said:?}");
    }
    assert!(signs_in(&c, ALICE.0, ALICE.1).await, "nothing has changed");
}

#[tokio::test]
async fn set_password_replaces_the_password_and_ends_sessions() {
    let c = C::start().await;
    let person = Person::at(&c);
    person.code(&Asking::site(), ALICE).await;
    assert_eq!(person.open("/account").await.path, "/account");
    let said = with_password(&c, &["user", "set-password", "alice"], "another password").await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(
        person.open("/account").await.path,
        "/login",
        "who knew the old one may be signed in somewhere"
    );
    assert!(!signs_in(&c, ALICE.0, ALICE.1).await);
    // What was allowed before is remembered, so that no consent is asked for.
    let page = person.asked(&Asking::site()).await;
    assert!(person.sign_in(&page, (ALICE.0, "another password")).await.left_to.is_some());
}
