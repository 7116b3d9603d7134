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
use test_support::{http::send, mock::json};
use tokio::{net::TcpSocket, sync::broadcast::Receiver};
use wiremock::{MockServer, matchers::any};

use crate::test_servers::{MockParty, TestServers, UNREACHABLE, assert_call_error};

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
async fn failed_connection_is_retried_for_every_method() {
    let servers = TestServers::start().await;
    let a =
        servers.start_a_with(|settings| settings.targets.local.url = UNREACHABLE.to_owned()).await;
    for request in [a.http.get(format!("{}/api/call-b", a.base)), a.post("/api/call-b")] {
        let mut heard = servers.events.subscribe().unwrap();
        assert_call_error(&send(request).await, 502, "call_b", "is unreachable");
        assert_eq!(calls_of_b(&mut heard), 3);
    }
}

#[tokio::test]
async fn retry_reaches_a_b_that_has_restarted() {
    let servers = TestServers::start().await;
    // Bound, so that no other program gets the port, and not listening yet.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let a = servers
        .start_a_with(|settings| settings.targets.local.url = format!("http://{address}"))
        .await;
    let mut heard = servers.events.subscribe().unwrap();
    let client = a.client.clone();
    let call = tokio::spawn(async move { client.get("/api/call-b").await });
    until_b_failed(&mut heard).await;
    let listener = socket.listen(64).unwrap().into_std().unwrap();
    let server = MockServer::builder().listener(listener).start().await;
    let _b = MockParty::mount(server, any(), json(200, &json!({ "b": "back" }))).await;
    let response = call.await.unwrap();
    assert_eq!(
        (response.status, response.json()["b"].as_str()),
        (200, Some("back")),
        "{response:?}"
    );
}

/// A server that reads each request, writes `words` and closes the connection.
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
async fn lost_response_is_retried_for_get_but_not_for_post() {
    for words in ["", "no HTTP at all\r\n\r\n"] {
        let (url, count) = hanging_up(words);
        let servers = TestServers::start().await;
        let a = servers.start_a_with(|settings| settings.targets.local.url = url).await;
        assert_call_error(
            &send(a.post("/api/call-b").body("{}")).await,
            502,
            "call_b",
            "B is unreachable",
        );
        assert_eq!(count.swap(0, Ordering::SeqCst), 1, "B may have processed it");
        assert_call_error(&a.get("/api/call-b").await, 502, "call_b", "B is unreachable");
        assert_eq!(count.load(Ordering::SeqCst), 3, "GET is safe to repeat");
    }
}
