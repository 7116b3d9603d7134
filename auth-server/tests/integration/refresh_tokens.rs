//! Refresh tokens: each good once, for its client, within what the user allowed.

use std::time::Duration;

use futures_util::future::join_all;

use crate::{
    browser::{Asking, Person},
    jwt,
    test_server::{ALICE, C, FORUM, ORDERS, SITE},
};

fn offline() -> Asking {
    Asking::site().with("scope", "openid profile offline_access orders:read")
}

fn text(tokens: &serde_json::Value, name: &str) -> String {
    tokens[name].as_str().unwrap_or_else(|| panic!("{name} of {tokens}")).to_owned()
}

#[tokio::test]
async fn refresh_returns_a_new_refresh_token() {
    let c = C::start().await;
    let first = Person::at(&c).tokens(&offline(), ALICE, SITE).await;
    c.clock.advance(Duration::from_secs(1_800));
    let second = c.refresh(SITE, &text(&first, "refresh_token"), &[]).await.json();
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert!(c.is_active(ORDERS, &text(&second, "access_token")).await);
    let (before, after) =
        (jwt::claims(&text(&first, "id_token")), jwt::claims(&text(&second, "id_token")));
    for kept in ["iss", "sub", "aud", "auth_time", "sid"] {
        assert_eq!(before[kept], after[kept], "{kept}");
    }
    assert_eq!(after["iat"].as_i64().unwrap() - before["iat"].as_i64().unwrap(), 1_800);
    assert!(after.get("nonce").is_none());
    let third = c.refresh(SITE, &text(&second, "refresh_token"), &[]).await;
    assert_eq!((third.status, third.header("cache-control")), (200, "no-store"));
}

#[tokio::test]
async fn retry_is_answered_within_the_grace_period_and_revokes_the_grant_afterwards() {
    let c = C::start().await;
    let first = text(&Person::at(&c).tokens(&offline(), ALICE, SITE).await, "refresh_token");
    let answer = c.refresh(SITE, &first, &[]).await.json();
    c.clock.advance(Duration::from_secs(10));
    let again = c.refresh(SITE, &first, &[]).await.json();
    assert_eq!(answer["refresh_token"], again["refresh_token"]);
    assert_ne!(answer["access_token"], again["access_token"]);
    c.clock.advance(Duration::from_secs(1));
    c.refresh(SITE, &first, &[]).await.refused(400, "invalid_grant", "used before");
    for access in [&answer, &again] {
        assert!(!c.is_active(ORDERS, &text(access, "access_token")).await);
    }
    c.refresh(SITE, &text(&answer, "refresh_token"), &[]).await.refused(
        400,
        "invalid_grant",
        "void",
    );
}

#[tokio::test]
async fn reuse_after_using_the_successor_is_rejected() {
    let c = C::start().await;
    let first = text(&Person::at(&c).tokens(&offline(), ALICE, SITE).await, "refresh_token");
    let second = text(&c.refresh(SITE, &first, &[]).await.json(), "refresh_token");
    assert_eq!(c.refresh(SITE, &second, &[]).await.status, 200);
    c.refresh(SITE, &first, &[]).await.refused(400, "invalid_grant", "used before");
}

#[tokio::test]
async fn concurrent_refreshes_get_the_same_successor() {
    let c = C::start().await;
    let first = text(&Person::at(&c).tokens(&offline(), ALICE, SITE).await, "refresh_token");
    let answers = join_all((0..64).map(|_| c.refresh(SITE, &first, &[]))).await;
    let successors: std::collections::HashSet<_> =
        answers.iter().map(|answer| text(&answer.json(), "refresh_token")).collect();
    assert_eq!(successors.len(), 1);
}

#[tokio::test]
async fn old_refresh_token_revokes_the_grant_and_a_forged_one_does_not() {
    let c = C::start().await;
    let first = text(&Person::at(&c).tokens(&offline(), ALICE, SITE).await, "refresh_token");
    let mut latest = first.clone();
    for _ in 0..5 {
        latest = text(&c.refresh(SITE, &latest, &[]).await.json(), "refresh_token");
    }
    for genuine in [&first, &latest] {
        // Its grant and its number are right, and whoever has seen an access token of the grant can
        // say them.
        let made_up = format!("{}AAAA", &genuine[..genuine.len() - 4]);
        c.refresh(SITE, &made_up, &[]).await.refused(400, "invalid_grant", "not known");
        assert_eq!(c.revoke(SITE, &made_up).await.status, 200);
    }
    latest = text(&c.refresh(SITE, &latest, &[]).await.json(), "refresh_token");
    c.refresh(SITE, &first, &[]).await.refused(400, "invalid_grant", "used before");
    c.refresh(SITE, &latest, &[]).await.refused(400, "invalid_grant", "void");
}

#[tokio::test]
async fn refresh_token_is_bound_to_its_client_and_expires() {
    let c = C::start().await;
    let token = text(&Person::at(&c).tokens(&offline(), ALICE, SITE).await, "refresh_token");
    c.refresh(FORUM, &token, &[]).await.refused(400, "invalid_grant", "another client");
    c.refresh(SITE, "gprt_made-up", &[]).await.refused(400, "invalid_grant", "not known");
    c.clock.advance(Duration::from_secs(30 * 86_400));
    c.refresh(SITE, &token, &[]).await.refused(400, "invalid_grant", "expired");
}

#[tokio::test]
async fn refresh_can_narrow_the_scope_but_not_widen_it() {
    let c = C::start().await;
    let token = text(&Person::at(&c).tokens(&offline(), ALICE, SITE).await, "refresh_token");
    c.refresh(SITE, &token, &[("scope", "openid email")]).await.refused(
        400,
        "invalid_scope",
        "email",
    );
    let narrow = c.refresh(SITE, &token, &[("scope", "orders:read")]).await.json();
    assert_eq!(narrow["scope"], "orders:read");
    let wide = c.refresh(SITE, &text(&narrow, "refresh_token"), &[]).await.json();
    assert_eq!(
        wide["scope"], "openid profile offline_access orders:read",
        "the grant itself is as it was"
    );
}

#[tokio::test]
async fn logout_revokes_refresh_tokens_without_offline_access() {
    let c = C::start().await;
    let person = Person::at(&c);
    let online = text(&person.tokens(&Asking::forum(), ALICE, FORUM).await, "refresh_token");
    let kept = text(&person.tokens(&offline(), ALICE, SITE).await, "refresh_token");
    let page = person.open("/account").await;
    person.send(&page, &[]).await;
    assert_eq!(person.asked(&Asking::site()).await.path, "/login");
    c.refresh(FORUM, &online, &[]).await.refused(400, "invalid_grant", "void");
    assert_eq!(c.refresh(SITE, &kept, &[]).await.status, 200);
}

#[tokio::test]
async fn session_expiry_ends_refresh_tokens_without_offline_access() {
    let c = C::start_with(|settings| {
        settings.sessions.idle_timeout_seconds = 1_000;
        settings.sessions.absolute_timeout_seconds = 2_500;
    })
    .await;
    let [idle, visited] = [Person::at(&c), Person::at(&c)];
    let mut online = Vec::new();
    for person in [&idle, &visited] {
        online.push(text(&person.tokens(&Asking::forum(), ALICE, FORUM).await, "refresh_token"));
    }
    let kept = text(&idle.tokens(&offline(), ALICE, SITE).await, "refresh_token");
    c.clock.advance(Duration::from_secs(1_000));
    assert!(visited.asked(&Asking::forum()).await.left_to.is_some());
    online[1] = text(&c.refresh(FORUM, &online[1], &[]).await.json(), "refresh_token");
    c.clock.advance(Duration::from_secs(100));
    c.refresh(FORUM, &online[0], &[]).await.refused(
        400,
        "invalid_grant",
        "the session in which this was allowed",
    );
    online[1] = text(&c.refresh(FORUM, &online[1], &[]).await.json(), "refresh_token");
    c.clock.advance(Duration::from_secs(900));
    assert!(visited.asked(&Asking::forum()).await.left_to.is_some());
    c.clock.advance(Duration::from_secs(500));
    c.refresh(FORUM, &online[1], &[]).await.refused(
        400,
        "invalid_grant",
        "the session in which this was allowed",
    );
    assert_eq!(c.refresh(SITE, &kept, &[]).await.status, 200);
}

#[tokio::test]
async fn password_change_revokes_refresh_tokens_without_offline_access() {
    let c = C::start().await;
    let person = Person::at(&c);
    let online = text(&person.tokens(&Asking::forum(), ALICE, FORUM).await, "refresh_token");
    let kept = text(&person.tokens(&offline(), ALICE, SITE).await, "refresh_token");
    let words = ["user", "set-password", "alice"];
    let said = crate::process::run_with_input(&words, &c.arguments(), "another wonderland").await;
    assert_eq!(said.code, Some(0), "{said:?}");
    c.refresh(FORUM, &online, &[]).await.refused(400, "invalid_grant", "void");
    assert_eq!(c.refresh(SITE, &kept, &[]).await.status, 200);
}

#[tokio::test]
async fn disabling_a_user_revokes_tokens_and_sessions() {
    let c = C::start().await;
    let person = Person::at(&c);
    let tokens = person.tokens(&offline(), ALICE, SITE).await;
    let said = crate::process::run(&["user", "disable", "alice"], &c.arguments()).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let access = text(&tokens, "access_token");
    assert!(!c.is_active(ORDERS, &access).await);
    assert_eq!(c.userinfo(&access).await.status, 401);
    c.refresh(SITE, &text(&tokens, "refresh_token"), &[]).await.refused(
        400,
        "invalid_grant",
        "void",
    );
    let page = person.asked(&Asking::site()).await;
    assert_eq!(person.sign_in(&page, ALICE).await.status(), 400);
}
