use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use flow_events::{Event, FlowEvent, Party};
use serde_json::json;
use tokio::sync::broadcast::Receiver;
use wiremock::{MockServer, matchers::any};

use crate::{
    client::answer,
    test_servers::{NOBODY, Party as Mocked, World, said},
};

type Heard = Receiver<Arc<FlowEvent>>;

fn calls_of_b(heard: &mut Heard) -> usize {
    let to_b = |event: &Arc<FlowEvent>| {
        matches!(event.event, Event::RequestSent { to: Party::ResourceServer, .. })
    };
    std::iter::from_fn(|| heard.try_recv().ok()).filter(to_b).count()
}

async fn until_b_failed(heard: &mut Heard) {
    while !matches!(
        heard.recv().await.unwrap().event,
        Event::RequestFailed { to: Party::ResourceServer, .. }
    ) {}
}

#[tokio::test]
async fn a_refused_connection_carried_nothing_so_every_call_is_tried_again() {
    let world = World::new().await;
    let a = world.start_with(|settings| settings.targets.local.url = NOBODY.to_owned()).await;
    for request in [a.http.get(format!("{}/api/call-b", a.base)), a.post("/api/call-b")] {
        let mut heard = world.events.subscribe().unwrap();
        answer(request).await.failed(502, "call_b", "is unreachable");
        assert_eq!(calls_of_b(&mut heard), 3);
    }
}

#[tokio::test]
async fn a_b_that_comes_back_in_the_meantime_is_reached() {
    let world = World::new().await;
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let a =
        world.start_with(|settings| settings.targets.local.url = format!("http://{address}")).await;
    let mut heard = world.events.subscribe().unwrap();
    let caller = a.caller.clone();
    let call = tokio::spawn(async move { caller.get("/api/call-b").await });
    until_b_failed(&mut heard).await;
    let listener = TcpListener::bind(address).unwrap();
    let server = MockServer::builder().listener(listener).start().await;
    let _b = Mocked::on(server, any(), said(&json!({ "b": "back" }))).await;
    let answer = call.await.unwrap();
    assert_eq!((answer.status, answer.json()["b"].as_str()), (200, Some("back")), "{answer:?}");
}

/// A B that reads each request, says these words, and hangs up.
fn hanging_up(words: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (url, count) =
        (format!("http://{}", listener.local_addr().unwrap()), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(words.as_bytes());
        }
    });
    (url, count)
}

#[tokio::test]
async fn a_get_whose_answer_was_lost_is_sent_again_and_a_post_is_not() {
    for words in ["", "no HTTP at all\r\n\r\n"] {
        let (url, count) = hanging_up(words);
        let world = World::new().await;
        let a = world.start_with(|settings| settings.targets.local.url = url).await;
        answer(a.post("/api/call-b").body("{}")).await.failed(502, "call_b", "B is unreachable");
        assert_eq!(count.swap(0, Ordering::SeqCst), 1, "B may have done it");
        a.get("/api/call-b").await.failed(502, "call_b", "B is unreachable");
        assert_eq!(count.load(Ordering::SeqCst), 3, "reading twice is harmless");
    }
}
