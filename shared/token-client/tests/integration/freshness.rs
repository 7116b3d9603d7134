use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use token_client::{CachedToken, TokenClient, TokenError, TokenTarget};

use crate::setup::{C, json, need, status, token, until};

/// Starts a hundred calls, all before C responds to the first.
async fn a_hundred_callers(
    c: &C,
    client: &TokenClient,
) -> Vec<Result<Arc<CachedToken>, TokenError>> {
    c.close();
    let waiting = Arc::new(AtomicUsize::new(0));
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let (client, waiting) = (client.clone(), Arc::clone(&waiting));
            tokio::spawn(async move {
                waiting.fetch_add(1, Ordering::SeqCst);
                client.token(&need()).await
            })
        })
        .collect();
    until("all callers", async || c.asked() == 1 && waiting.load(Ordering::SeqCst) == 100).await;
    c.open();
    let mut outcomes = Vec::new();
    for call in calls {
        outcomes.push(call.await.unwrap());
    }
    outcomes
}

#[tokio::test]
async fn a_hundred_callers_make_one_token_request() {
    let c = C::answering([token("t1"), token("t2")]).await;
    let outcomes = a_hundred_callers(&c, &c.client()).await;
    assert!(outcomes.into_iter().all(|outcome| outcome.unwrap().access_token.expose() == "t1"));
    assert_eq!(c.asked(), 1);
}

#[tokio::test]
async fn a_hundred_callers_share_one_failure() {
    let c = C::answering([status(500)]).await;
    let client = c.client();
    let outcomes = a_hundred_callers(&c, &client).await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, Err(TokenError::Unavailable { status: 500, .. })))
    );
    assert_eq!(c.asked(), 1);
    assert!(client.token(&need()).await.is_err());
    assert_eq!(c.asked(), 2, "a failure is shared by those who waited, and not remembered");
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_break_the_others() {
    let c = C::answering([token("t1")]).await;
    let client = c.client();
    c.close();
    let first = tokio::spawn({
        let client = client.clone();
        async move { client.token(&need()).await }
    });
    until("the request", async || c.asked() == 1).await;
    let second = tokio::spawn({
        let client = client.clone();
        async move { client.token(&need()).await }
    });
    tokio::task::yield_now().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    c.open();
    assert_eq!(second.await.unwrap().unwrap().access_token.expose(), "t1");
}

#[tokio::test]
async fn a_fresh_token_is_used_again_and_each_need_has_its_own() {
    let c = C::answering([token("t1"), token("t2")]).await;
    let client = c.client();
    let other = TokenTarget { scope: "resource:write".parse().unwrap(), resource: None };
    for _ in 0..3 {
        assert_eq!(client.token(&need()).await.unwrap().access_token.expose(), "t1");
        assert_eq!(client.clone().token(&other).await.unwrap().access_token.expose(), "t2");
    }
    assert_eq!(c.asked(), 2);
}

#[tokio::test]
async fn ahead_of_expiry_one_request_fetches_while_all_go_on_with_the_old_token() {
    let c = C::answering([token("t1"), token("t2"), token("t3")]).await;
    let client = c.client();
    client.token(&need()).await.unwrap();
    c.advance(1_499);
    client.token(&need()).await.unwrap();
    assert_eq!(c.asked(), 1, "the window begins 300 s ahead");

    c.advance(1);
    c.close();
    for _ in 0..50 {
        assert_eq!(client.token(&need()).await.unwrap().access_token.expose(), "t1");
    }
    until("the request", async || c.asked() == 2).await;
    assert_eq!(client.token(&need()).await.unwrap().access_token.expose(), "t1");
    c.open();
    until("the new token", async || {
        client.token(&need()).await.unwrap().access_token.expose() == "t2"
    })
    .await;
    assert_eq!(c.asked(), 2);
}

#[tokio::test]
async fn with_an_expired_token_all_wait_for_the_new_one() {
    let c = C::answering([token("t1"), token("t2")]).await;
    let client = c.client();
    client.token(&need()).await.unwrap();
    c.advance(1_800);
    assert_eq!(client.token(&need()).await.unwrap().access_token.expose(), "t2");
}

#[tokio::test]
async fn when_the_fetch_ahead_fails_the_old_token_serves_until_it_expires_and_no_longer() {
    let c = C::answering([token("t1"), status(500), token("t2")]).await;
    let client = c.client();
    client.token(&need()).await.unwrap();
    c.advance(1_500);
    until("the failing request", async || {
        assert_eq!(client.token(&need()).await.unwrap().access_token.expose(), "t1");
        c.asked() == 2
    })
    .await;
    assert_eq!(client.token(&need()).await.unwrap().access_token.expose(), "t1");
    c.advance(300);
    // Callers that join before the failing request completes share its failure; none gets the
    // expired token.
    until("the new token", async || match client.token(&need()).await {
        Ok(cached) => {
            cached.access_token.expose() == "t2" || panic!("an expired token was handed out")
        }
        Err(_) => false,
    })
    .await;
    assert_eq!(c.asked(), 3);
}

#[tokio::test]
async fn forget_drops_only_the_very_same_token() {
    let c = C::answering([token("t1"), token("t2"), token("t3")]).await;
    let client = c.client();
    let old = client.token(&need()).await.unwrap();
    client.invalidate(&need(), &old);
    let new = client.token(&need()).await.unwrap();
    assert_eq!(new.access_token.expose(), "t2");
    client.invalidate(&need(), &old);
    assert!(Arc::ptr_eq(&new, &client.token(&need()).await.unwrap()));
    assert_eq!(c.asked(), 2);
}

#[tokio::test]
async fn a_token_without_expires_in_is_used_for_a_minute() {
    let c = C::answering([
        json(200, r#"{"access_token":"t1","token_type":"bearer","scope":"less"}"#),
        token("t2"),
    ])
    .await;
    let client = c.client();
    let first = client.token(&need()).await.unwrap();
    assert_eq!(
        (first.expires_at - c.clock.seconds(), first.scope.to_string()),
        (60, "less".to_owned())
    );
    c.advance(60);
    assert_eq!(client.token(&need()).await.unwrap().access_token.expose(), "t2");
}
