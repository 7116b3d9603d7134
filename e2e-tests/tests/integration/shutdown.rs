use e2e_tests::{
    harness::Harness,
    http::{until, url},
};
use tokio::{net::TcpStream, time::Duration};

use crate::raw_requests::RawRequest;

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_finishes_running_requests_and_accepts_no_new_ones() {
    let harness = Harness::start().await;
    let requests = RawRequest::of_each(&harness).await;
    let [c, a, local, introspecting] = &requests;
    let mut started = Vec::new();
    for request in [c, local, introspecting, a] {
        started.push((request.send_head().await, request));
    }
    harness.stop.cancel();
    for request in &requests {
        until("new connections are rejected", async || {
            TcpStream::connect(request.address).await.is_err()
        })
        .await;
    }
    // A's request is the last. B and C have stopped by then, so A responds with 502.
    for (mut connection, request) in started {
        connection.write(&request.body).await;
        let response = connection.read_to_end().await;
        let expected = if request.address == a.address { "HTTP/1.1 502" } else { "HTTP/1.1 200" };
        assert!(response.starts_with(expected), "{}: {response}", request.head);
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
    let stream =
        harness.http.get(url(harness.addresses.flow_viewer, "/api/live")).send().await.unwrap();
    assert_eq!(stream.status().as_u16(), 200);
    harness.stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(60), harness.running).await;
    ended.unwrap().unwrap().unwrap();
    assert!(
        stream.text().await.unwrap().contains("event: flows"),
        "the stream ended without an error"
    );
}
