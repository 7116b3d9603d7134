//! Servers outlive the runtime of a test, and do not depend on it.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::OnceLock,
};

use gatepass_testkit::{Gatepass, Mint};
use tokio::runtime::Runtime;

static SHARED: OnceLock<Gatepass> = OnceLock::new();

fn current_thread() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn server_outlives_the_runtime_that_started_it() {
    current_thread().block_on(async {
        let gatepass = Gatepass::start().await.unwrap();
        gatepass.state().await.unwrap();
        SHARED.set(gatepass).unwrap();
    });
    for _ in 0..2 {
        current_thread().block_on(async {
            let gatepass = SHARED.get().unwrap();
            gatepass.mint(Mint::access("service-a")).await.unwrap();
            gatepass.reset().await.unwrap();
        });
    }
}

#[tokio::test]
async fn client_that_blocks_the_thread_of_the_test_gets_a_response() {
    let gatepass = Gatepass::start().await.unwrap();
    let address = gatepass.issuer().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "GET /.well-known/jwks.json HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
}

/// With stopped time, tokio ends every timeout as soon as the runtime waits for a response.
#[tokio::test(start_paused = true)]
async fn calls_do_not_time_out_in_stopped_time() {
    let gatepass = Gatepass::start().await.unwrap();
    gatepass.mint(Mint::access("service-a")).await.unwrap();
}
