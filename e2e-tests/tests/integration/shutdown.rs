use e2e_tests::{
    harness::Stage,
    http::{until, url},
};
use tokio::{net::TcpStream, time::Duration};

use crate::raw_requests::Wanted;

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_finishes_what_is_running_takes_nothing_new_and_ends() {
    let stage = Stage::start().await;
    let wanted = Wanted::of_each(&stage).await;
    let [c, a, local, asking] = &wanted;
    let mut begun = Vec::new();
    for wanted in [c, local, asking, a] {
        begun.push((wanted.begun().await, wanted));
    }
    stage.stop.cancel();
    for wanted in &wanted {
        until("new callers are turned away", async || {
            TcpStream::connect(wanted.address).await.is_err()
        })
        .await;
    }
    // A's request is last: B and C are gone by then, and A says so itself.
    for (mut wire, wanted) in begun {
        wire.say(&wanted.body).await;
        let said = wire.until_closed().await;
        let expected = if wanted.address == a.address { "HTTP/1.1 502" } else { "HTTP/1.1 200" };
        assert!(said.starts_with(expected), "{}: {said}", wanted.head);
    }
    let ended = tokio::time::timeout(Duration::from_secs(60), stage.running).await;
    ended.unwrap().unwrap().unwrap();
}

/// Such a page listens for as long as it is open.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_page_of_the_flow_viewer_does_not_hold_up_a_stop() {
    let stage =
        Stage::start_with(|settings| settings.flow_viewer.limits.drain_timeout_seconds = 300).await;
    let live = stage.http.get(url(stage.addresses.flow_viewer, "/api/live")).send().await.unwrap();
    assert_eq!(live.status().as_u16(), 200);
    stage.stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(60), stage.running).await;
    ended.unwrap().unwrap().unwrap();
    assert!(live.text().await.unwrap().contains("event: flows"), "it ended in order");
}
