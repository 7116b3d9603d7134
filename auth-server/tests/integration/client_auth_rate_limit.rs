use std::time::Duration;

use crate::{
    client::Response,
    test_server::{ODD, SHOP, TestServer},
};

fn without_request_id(response: &Response) -> (u16, Vec<(String, String)>, String) {
    let headers = response
        .headers
        .iter()
        .filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()));
    let mut headers: Vec<_> = headers
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    (response.status, headers, response.text.clone())
}

#[tokio::test]
async fn unknown_client_and_wrong_secret_get_identical_responses() {
    let server = TestServer::start().await;
    for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke"] {
        let guess = async |id| {
            let fields = [("client_id", id), ("client_secret", "guess"), ("token", "x")];
            server.post_form(path, &fields).await
        };
        let (unknown, wrong) = (guess("unknown").await, guess(SHOP.0).await);
        wrong.assert_error(401, "invalid_client", "unknown or its secret is wrong");
        assert_eq!(wrong.header("www-authenticate"), r#"Basic realm="gatepass", charset="UTF-8""#);
        assert_eq!(wrong.header("cache-control"), "no-store");
        assert_eq!(without_request_id(&unknown), without_request_id(&wrong));
    }
}

async fn limited() -> TestServer {
    TestServer::start_with(|settings| {
        settings.rate_limits.client_auth.burst = 3;
        settings.rate_limits.client_auth.refill_seconds = 20;
    })
    .await
}

async fn fail(server: &TestServer, id: &str, guess: u32) -> Response {
    server.client_credentials((id, &format!("guess {guess}")), &[]).await
}

#[tokio::test]
async fn failed_authentication_is_limited_after_the_burst_and_refills() {
    let server = limited().await;
    for guess in 0..3 {
        assert_eq!(fail(&server, SHOP.0, guess).await.status, 401);
    }
    let tired = fail(&server, SHOP.0, 3).await;
    tired.assert_error(429, "temporarily_unavailable", "try again in 20 s");
    assert_eq!(tired.header("retry-after"), "20");
    assert_eq!(tired.header("cache-control"), "no-store");
    server.clock.advance(Duration::from_secs(15));
    assert_eq!(fail(&server, SHOP.0, 4).await.header("retry-after"), "5");
    server.clock.advance(Duration::from_secs(5));
    assert_eq!(fail(&server, SHOP.0, 5).await.status, 401);
    assert_eq!(fail(&server, SHOP.0, 6).await.status, 429);
    server.clock.advance(Duration::from_secs(20));
    assert_eq!(server.client_credentials(SHOP, &[]).await.status, 200);
}

#[tokio::test]
async fn unknown_clients_are_rate_limited_too() {
    let server = limited().await;
    let mut statuses = Vec::new();
    for guess in 0..5 {
        statuses.push(fail(&server, "unknown", guess).await.status);
    }
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
}

#[tokio::test]
async fn correct_secret_is_not_limited_by_failures_of_others() {
    let server = limited().await;
    let other_address = server.from_address("127.0.0.2");
    for guess in 0..5 {
        other_address.client_credentials((SHOP.0, &format!("guess {guess}")), &[]).await;
        fail(&server, "unknown", guess).await;
    }
    assert_eq!(other_address.client_credentials((SHOP.0, "guess"), &[]).await.status, 429);
    assert_eq!(
        server.client_credentials(SHOP, &[]).await.status,
        200,
        "another address's failures"
    );
    assert_eq!(
        other_address.client_credentials(ODD, &[]).await.status,
        200,
        "another client's failures"
    );
    for guess in 0..5 {
        fail(&server, SHOP.0, guess).await;
    }
    assert_eq!(
        server.client_credentials(SHOP, &[]).await.status,
        200,
        "failures from a network where the client succeeded before"
    );
}

#[tokio::test]
async fn right_guess_after_the_limit_is_rejected() {
    let server = limited().await;
    assert_eq!(server.client_credentials(SHOP, &[]).await.status, 200);
    let attacker = server.from_address("127.0.0.2");
    for guess in 0..3 {
        attacker.client_credentials((SHOP.0, &format!("guess {guess}")), &[]).await;
    }
    let right = attacker.client_credentials(SHOP, &[]).await;
    right.assert_error(429, "temporarily_unavailable", "try again in 20 s");
}

#[tokio::test]
async fn clock_that_is_set_back_does_not_lock_a_client_out() {
    let server = limited().await;
    fail(&server, SHOP.0, 0).await;
    server.clock.set_back(Duration::from_secs(3_600));
    assert_eq!(server.client_credentials(SHOP, &[]).await.status, 200);
    for guess in 1..6 {
        fail(&server, "unknown", guess).await;
    }
    let limited = fail(&server, "unknown", 6).await;
    let wait = limited.header("retry-after");
    assert!(wait.parse::<u64>().unwrap() <= 60, "burst times refill: {wait}");
}

#[tokio::test]
async fn failures_at_all_endpoints_share_one_limit() {
    let server = limited().await;
    for path in ["/oauth/introspect", "/oauth/revoke", "/oauth/token"] {
        let fields = [("client_id", SHOP.0), ("client_secret", path), ("token", "x")];
        assert_eq!(server.post_form(path, &fields).await.status, 401);
    }
    assert_eq!(fail(&server, SHOP.0, 0).await.status, 429);
    assert_eq!(server.revoke((SHOP.0, "guess"), "x").await.status, 429);
}
