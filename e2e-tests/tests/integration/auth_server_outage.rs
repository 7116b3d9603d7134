//! C comes late, goes, and comes back. What can go on without it does; what cannot says so, and
//! never says yes.

use std::time::Duration;

use clock::Clock;
use e2e_tests::{
    harness::{Door, SECRET},
    http::{Answer, until, url},
    separate_servers::{Apart, Running},
};

async fn pass(apart: &Apart, c: &Running, door: Door) -> String {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "service-a"),
        ("client_secret", SECRET),
        ("resource", door.resource()),
    ];
    Answer::of(apart.http.post(url(c.address, "/oauth/token")).form(&form))
        .await
        .member("access_token")
}

async fn show(apart: &Apart, b: &Running, pass: &str) -> Answer {
    Answer::of(apart.http.get(url(b.address, "/api/resource")).bearer_auth(pass)).await
}

async fn call_a(apart: &Apart, a: &Running, door: Door) -> Answer {
    Answer::of(apart.http.get(url(a.address, &format!("/api/call-b?target={}", door.target()))))
        .await
}

async fn status(apart: &Apart, server: &Running, path: &str) -> u16 {
    Answer::of(apart.http.get(url(server.address, path))).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn while_c_is_away_the_local_b_goes_on_the_other_says_503_and_both_recover() {
    let apart = Apart::new(Clock::manual(Clock::system().seconds()));
    let c = apart.start_c().await;
    let (local, asking) =
        (apart.start_b(&apart.settings.b_local), apart.start_b(&apart.settings.b_introspection));
    let a = apart.start_a(&local, &asking).await;
    for server in [&local, &asking, &a] {
        apart.ready(server).await;
    }
    let [known, never_seen] =
        [pass(&apart, &c, Door::Local).await, pass(&apart, &c, Door::Local).await];
    let asked = pass(&apart, &c, Door::Asking).await;
    assert_eq!(show(&apart, &local, &known).await.status, 200);
    assert_eq!(show(&apart, &asking, &asked).await.status, 200);
    for door in Door::BOTH {
        assert_eq!(call_a(&apart, &a, door).await.status, 200);
    }

    c.stop().await;
    for pass in [&known, &never_seen] {
        assert_eq!(show(&apart, &local, pass).await.status, 200, "the keys are known");
    }
    assert_eq!(show(&apart, &asking, &asked).await.status, 200, "C's word is good for two seconds");
    apart.clock.advance(Duration::from_secs(2));
    let answer = show(&apart, &asking, &asked).await;
    assert_eq!(
        (answer.status, answer.member("error").as_str()),
        (503, "temporarily_unavailable"),
        "{answer:?}"
    );
    assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
    assert_eq!(call_a(&apart, &a, Door::Local).await.status, 200, "A has a pass, and B the keys");
    let answer = call_a(&apart, &a, Door::Asking).await;
    answer.failed_at("call_b", "B answered with status 503");
    assert!(!answer.header("retry-after").is_empty(), "{answer:?}");
    apart.clock.advance(Duration::from_secs(1_800));
    call_a(&apart, &a, Door::Local).await.failed_at("get_token", "");
    assert_eq!(
        (status(&apart, &local, "/readyz").await, status(&apart, &a, "/readyz").await),
        (200, 200)
    );

    let c = apart.start_c().await;
    until("all is well again", async || {
        apart.clock.advance(Duration::from_secs(1));
        call_a(&apart, &a, Door::Local).await.status == 200
            && call_a(&apart, &a, Door::Asking).await.status == 200
    })
    .await;
    assert_eq!(show(&apart, &asking, &pass(&apart, &c, Door::Asking).await).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_c_that_was_restarted_on_its_data_knows_its_old_passes() {
    let apart = Apart::new(Clock::manual(Clock::system().seconds()));
    let c = apart.start_c().await;
    let (local, asking) =
        (apart.start_b(&apart.settings.b_local), apart.start_b(&apart.settings.b_introspection));
    for b in [&local, &asking] {
        apart.ready(b).await;
    }
    let (for_local, for_asking) =
        (pass(&apart, &c, Door::Local).await, pass(&apart, &c, Door::Asking).await);
    let revoked = pass(&apart, &c, Door::Asking).await;
    let form = [("client_id", "service-a"), ("client_secret", SECRET), ("token", &revoked)];
    assert_eq!(
        Answer::of(apart.http.post(url(c.address, "/oauth/revoke")).form(&form)).await.status,
        200
    );
    c.stop().await;
    let c = apart.start_c().await;
    assert_eq!(show(&apart, &local, &for_local).await.status, 200);
    assert_eq!(show(&apart, &asking, &for_asking).await.status, 200);
    show(&apart, &asking, &revoked).await.refused(401, "invalid_token", "void");
    assert_eq!(
        show(&apart, &local, &pass(&apart, &c, Door::Local).await).await.status,
        200,
        "the keys stayed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_and_both_bs_may_be_started_before_c() {
    let apart = Apart::new(Clock::system());
    let (local, asking) =
        (apart.start_b(&apart.settings.b_local), apart.start_b(&apart.settings.b_introspection));
    let a = apart.start_a(&local, &asking).await;
    for b in [&local, &asking] {
        until("it answers", async || {
            apart.http.get(url(b.address, "/healthz")).send().await.is_ok()
        })
        .await;
        assert_eq!(
            (status(&apart, b, "/healthz").await, status(&apart, b, "/readyz").await),
            (200, 503)
        );
        let answer = show(&apart, b, "e30.e30.e30").await;
        assert!(matches!(answer.status, 401 | 503), "not a yes: {answer:?}");
    }
    call_a(&apart, &a, Door::Local).await.failed_at("get_token", "");
    let _c = apart.start_c().await;
    for b in [&local, &asking] {
        apart.ready(b).await;
    }
    for door in Door::BOTH {
        until("A calls B", async || call_a(&apart, &a, door).await.status == 200).await;
    }
}
