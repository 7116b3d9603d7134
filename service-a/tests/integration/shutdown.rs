use test_support::{
    process::{set_arguments, terminate},
    wait::until,
};
use tokio::net::TcpListener;

use crate::{
    process::SERVICE_A,
    test_servers::{SECRET, TestServers},
};

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

#[tokio::test]
async fn server_that_waits_for_its_database_stops_when_it_is_asked_to() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let settings = set_arguments(&[
        ("client_secret", SECRET),
        ("data_dir", &data.path().display().to_string()),
        ("database_url", &format!("postgres://a@{}/a", silent.local_addr().unwrap())),
        ("listen", "127.0.0.1:0"),
    ]);
    let server = SERVICE_A.command(&settings).spawn().unwrap();
    let _connection = silent.accept().await.unwrap();
    let output = terminate(server).await;
    assert_eq!(output.code, Some(0), "{output:?}");
}
