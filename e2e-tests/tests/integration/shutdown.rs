use e2e_tests::{
    harness::Harness,
    http::{until, url},
};
use tokio::{net::TcpStream, time::Duration};

use crate::raw_requests::Wanted;

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_finishes_running_requests_and_accepts_no_new_ones() {
    let harness = Harness::start().await;
    let wanted = Wanted::of_each(&harness).await;
    let [c, a, local, introspecting] = &wanted;
    let mut begun = Vec::new();
    for wanted in [c, local, introspecting, a] {
        begun.push((wanted.begun().await, wanted));
    }
    harness.stop.cancel();
    for wanted in &wanted {
        until("new callers are turned away", async || {
            TcpStream::connect(wanted.address).await.is_err()
        })
        .await;
    }
    // A's request is the last. B and C have stopped by then, so A responds with 502.
    for (mut wire, wanted) in begun {
        wire.say(&wanted.body).await;
        let response = wire.until_closed().await;
        let expected = if wanted.address == a.address { "HTTP/1.1 502" } else { "HTTP/1.1 200" };
        assert!(response.starts_with(expected), "{}: {response}", wanted.head);
    }
    let ended = tokio::time::timeout(Duration::from_secs(60), harness.running).await;
    ended.unwrap().unwrap().unwrap();
}

/// An open page holds an event stream for as long as it is open.
#[tokio::test(flavor = "multi_thread")]
async fn open_event_stream_does_not_delay_shutdown() {
    let harness =
        Harness::start_with(|settings| settings.flow_viewer.limits.drain_timeout_seconds = 300)
            .await;
    let live =
        harness.http.get(url(harness.addresses.flow_viewer, "/api/live")).send().await.unwrap();
    assert_eq!(live.status().as_u16(), 200);
    harness.stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(60), harness.running).await;
    ended.unwrap().unwrap().unwrap();
    assert!(live.text().await.unwrap().contains("event: flows"), "it ended in order");
}
