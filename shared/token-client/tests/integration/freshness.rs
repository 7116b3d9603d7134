use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use test_support::{mock::status, wait};
use token_client::{CachedToken, TokenClient, TokenError, TokenTarget};

use crate::setup::{AuthServer, json, target, token};

/// Starts a hundred calls, all before C responds to the first.
async fn a_hundred_concurrent_calls(
    c: &AuthServer,
    client: &TokenClient,
) -> Vec<Result<Arc<CachedToken>, TokenError>> {
    c.token_endpoint.pause();
    let waiting = Arc::new(AtomicUsize::new(0));
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let (client, waiting) = (client.clone(), Arc::clone(&waiting));
            tokio::spawn(async move {
                waiting.fetch_add(1, Ordering::SeqCst);
                client.token(&target()).await
            })
        })
        .collect();
    wait::until("all callers", async || {
        c.request_count() == 1 && waiting.load(Ordering::SeqCst) == 100
    })
    .await;
    c.token_endpoint.resume();
    let mut outcomes = Vec::new();
    for call in calls {
        outcomes.push(call.await.unwrap());
    }
    outcomes
}

#[tokio::test]
async fn concurrent_callers_share_one_token_request() {
    let c = AuthServer::with_responses([token("t1"), token("t2")]).await;
    let outcomes = a_hundred_concurrent_calls(&c, &c.client()).await;
    assert!(outcomes.into_iter().all(|outcome| outcome.unwrap().access_token.expose() == "t1"));
    assert_eq!(c.request_count(), 1);
}

#[tokio::test]
async fn concurrent_callers_share_one_failure() {
    let c = AuthServer::with_responses([status(500)]).await;
    let client = c.client();
    let outcomes = a_hundred_concurrent_calls(&c, &client).await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, Err(TokenError::Unavailable { status: 500, .. })))
    );
    assert_eq!(c.request_count(), 1);
    assert!(client.token(&target()).await.is_err());
    assert_eq!(c.request_count(), 2, "the failure is shared by waiting callers, and is not cached");
}

#[tokio::test]
async fn cancelled_caller_does_not_affect_others() {
    let c = AuthServer::with_responses([token("t1")]).await;
    let client = c.client();
    c.token_endpoint.pause();
    let first = tokio::spawn({
        let client = client.clone();
        async move { client.token(&target()).await }
    });
    wait::until("the request", async || c.request_count() == 1).await;
    let second = tokio::spawn({
        let client = client.clone();
        async move { client.token(&target()).await }
    });
    tokio::task::yield_now().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    c.token_endpoint.resume();
    assert_eq!(second.await.unwrap().unwrap().access_token.expose(), "t1");
}

#[tokio::test]
async fn fresh_token_is_reused_for_its_target() {
    let c = AuthServer::with_responses([token("t1"), token("t2")]).await;
    let client = c.client();
    let other = TokenTarget { scope: "resource:write".parse().unwrap(), resource: None };
    for _ in 0..3 {
        assert_eq!(client.token(&target()).await.unwrap().access_token.expose(), "t1");
        assert_eq!(client.clone().token(&other).await.unwrap().access_token.expose(), "t2");
    }
    assert_eq!(c.request_count(), 2);
}

#[tokio::test]
async fn refresh_before_expiry_does_not_block_callers() {
    let c = AuthServer::with_responses([token("t1"), token("t2"), token("t3")]).await;
    let client = c.client();
    client.token(&target()).await.unwrap();
    c.advance(1_499);
    client.token(&target()).await.unwrap();
    assert_eq!(c.request_count(), 1, "the refresh window begins 300 s before expiry");

    c.advance(1);
    c.token_endpoint.pause();
    for _ in 0..50 {
        assert_eq!(client.token(&target()).await.unwrap().access_token.expose(), "t1");
    }
    wait::until("the request", async || c.request_count() == 2).await;
    assert_eq!(client.token(&target()).await.unwrap().access_token.expose(), "t1");
    c.token_endpoint.resume();
    wait::until("the new token", async || {
        client.token(&target()).await.unwrap().access_token.expose() == "t2"
    })
    .await;
    assert_eq!(c.request_count(), 2);
}

#[tokio::test]
async fn expired_token_is_replaced() {
    let c = AuthServer::with_responses([token("t1"), token("t2")]).await;
    let client = c.client();
    client.token(&target()).await.unwrap();
    c.advance(1_800);
    assert_eq!(client.token(&target()).await.unwrap().access_token.expose(), "t2");
}

#[tokio::test]
async fn old_token_is_used_until_expiry_if_refresh_fails() {
    let c = AuthServer::with_responses([token("t1"), status(500), token("t2")]).await;
    let client = c.client();
    client.token(&target()).await.unwrap();
    c.advance(1_500);
    wait::until("the failing request", async || {
        assert_eq!(client.token(&target()).await.unwrap().access_token.expose(), "t1");
        c.request_count() == 2
    })
    .await;
    assert_eq!(client.token(&target()).await.unwrap().access_token.expose(), "t1");
    c.advance(300);
    // Callers that join before the failing request completes share its failure; none gets the
    // expired token.
    wait::until("the new token", async || match client.token(&target()).await {
        Ok(cached) => {
            cached.access_token.expose() == "t2" || panic!("an expired token was returned")
        }
        Err(_) => false,
    })
    .await;
    assert_eq!(c.request_count(), 3);
}

#[tokio::test]
async fn invalidate_removes_only_the_given_token() {
    let c = AuthServer::with_responses([token("t1"), token("t2"), token("t3")]).await;
    let client = c.client();
    let old = client.token(&target()).await.unwrap();
    client.invalidate(&target(), &old);
    let new = client.token(&target()).await.unwrap();
    assert_eq!(new.access_token.expose(), "t2");
    client.invalidate(&target(), &old);
    assert!(Arc::ptr_eq(&new, &client.token(&target()).await.unwrap()));
    assert_eq!(c.request_count(), 2);
}

#[tokio::test]
async fn call_after_forget_fetches_a_new_token() {
    let c = AuthServer::with_responses([token("t1"), token("t2")]).await;
    let client = c.client();
    client.forget(&target());
    client.token(&target()).await.unwrap();
    client.forget(&target());
    assert_eq!(client.token(&target()).await.unwrap().access_token.expose(), "t2");
    assert_eq!(c.request_count(), 2);
}

#[tokio::test]
async fn token_without_expires_in_is_used_for_one_minute() {
    let c = AuthServer::with_responses([
        json(200, r#"{"access_token":"t1","token_type":"bearer","scope":"less"}"#),
        token("t2"),
    ])
    .await;
    let client = c.client();
    let first = client.token(&target()).await.unwrap();
    assert_eq!(
        (first.expires_at - c.clock.seconds(), first.scope.to_string()),
        (60, "less".to_owned())
    );
    c.advance(60);
    assert_eq!(client.token(&target()).await.unwrap().access_token.expose(), "t2");
}

#[tokio::test]
async fn lifetime_may_be_text_or_have_a_fraction() {
    let response = |lifetime: &str| {
        let body =
            format!(r#"{{"access_token":"t1","token_type":"Bearer","expires_in":{lifetime}}}"#);
        json(200, &body)
    };
    for (lifetime, seconds) in [(r#""599""#, 599), ("599.5", 599), ("null", 60)] {
        let c = AuthServer::with_responses([response(lifetime)]).await;
        let token = c.client().token(&target()).await.unwrap();
        assert_eq!(token.expires_at - c.clock.seconds(), seconds, "{lifetime}");
    }
}

#[tokio::test]
async fn clock_that_is_set_back_does_not_extend_the_use_of_a_token() {
    let c = AuthServer::with_responses([token("t1"), token("t2")]).await;
    let client = c.client();
    client.token(&target()).await.unwrap();
    c.clock.set_back(Duration::from_secs(3_600));
    c.advance(1_800);
    assert_eq!(client.token(&target()).await.unwrap().access_token.expose(), "t2");
}
