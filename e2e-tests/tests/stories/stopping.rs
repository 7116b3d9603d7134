use e2e_tests::{caller::until, stage::Stage};
use tokio::{net::TcpStream, time::Duration};

use crate::wire::Wanted;

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
        until("new callers are turned away", async || TcpStream::connect(wanted.address).await.is_err()).await;
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
