use crate::{client::until, test_servers::World};

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_finishes_what_is_running_and_takes_nothing_new() {
    let world = World::new().await;
    let mut a = world.start().await;
    world.b.close();
    let caller = a.caller.clone();
    let running = tokio::spawn(async move { caller.get("/api/call-b").await });
    until("the call is at B", async || world.b.asked() == 1).await;
    a.stop.cancel();
    let http = &a.http;
    until("A takes no more calls", async || {
        http.get(format!("{}/healthz", a.base)).send().await.is_err()
    })
    .await;
    assert!(!running.is_finished());
    world.b.open();
    let answer = running.await.unwrap();
    assert_eq!((answer.status, answer.json()["b"].as_str()), (200, Some("local")));
    a.running.take().unwrap().await.unwrap().unwrap();
}
