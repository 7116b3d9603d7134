use test_support::wait::until;

use crate::test_servers::TestServers;

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_ends_readiness_finishes_running_requests_and_accepts_no_new_ones() {
    let servers = TestServers::start().await;
    let mut a = servers.start_a().await;
    servers.b.pause();
    let client = a.client.clone();
    let running = tokio::spawn(async move { client.get("/api/call-b").await });
    until("the call is at B", async || servers.b.request_count() == 1).await;
    a.stop.cancel();
    let http = &a.http;
    until("A takes no more calls", async || {
        http.get(format!("{}/openapi.json", a.base)).send().await.is_err()
    })
    .await;
    assert!(!running.is_finished());
    let readiness = a.manage.get("/readyz").await;
    assert_eq!(
        (readiness.status, readiness.json()["reason"].as_str()),
        (503, Some("the server is stopping"))
    );
    assert_eq!(a.manage.get("/healthz").await.status, 200, "a restart would not help");
    servers.b.resume();
    let response = running.await.unwrap();
    assert_eq!((response.status, response.json()["b"].as_str()), (200, Some("local")));
    a.running.take().unwrap().await.unwrap().unwrap();
}
