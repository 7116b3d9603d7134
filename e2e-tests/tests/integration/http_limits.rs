//! What one caller may take of each server.

use e2e_tests::{
    harness::{Door, Stage},
    http::{Answer, until, url},
};
use gatepass::StackSettings;
use service_kit::Limits;

use crate::raw_requests::{Wanted, Wire};

fn everywhere(change: impl Fn(&mut Limits)) -> impl FnOnce(&mut StackSettings) {
    move |settings| {
        change(&mut settings.auth_server.limits);
        change(&mut settings.service_a.limits);
        change(&mut settings.b_local.limits);
        change(&mut settings.b_introspection.limits);
    }
}

#[tokio::test]
async fn who_says_nothing_or_sends_headers_too_slowly_is_cut_off() {
    let stage = Stage::start_with(everywhere(|limits| limits.header_timeout_seconds = 1)).await;
    let mut wires = Vec::new();
    for wanted in Wanted::of_each(&stage).await {
        for beginning in ["", "P", &wanted.head[..wanted.head.len() - 10]] {
            let mut wire = Wire::to(wanted.address).await;
            wire.say(beginning).await;
            wires.push(wire);
        }
    }
    for wire in wires {
        let said = wire.until_closed().await;
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{said}");
    }
}

#[tokio::test]
async fn who_sends_the_body_too_slowly_is_told_so_and_cut_off() {
    let stage = Stage::start_with(everywhere(|limits| limits.request_timeout_seconds = 1)).await;
    let mut wires = Vec::new();
    for wanted in Wanted::of_each(&stage).await {
        let mut wire = wanted.begun().await;
        wire.say(&wanted.body[..3]).await;
        wires.push((wire, wanted.head));
    }
    for (wire, head) in wires {
        let said = wire.until_closed().await;
        assert!(said.starts_with("HTTP/1.1 408"), "{head}: {said}");
    }
}

#[tokio::test]
async fn a_body_over_64_kib_is_refused_by_each() {
    let stage = Stage::start().await;
    let body = |bytes: usize| "x".repeat(bytes);
    let post = |url: String, bytes: usize| Answer::of(stage.http.post(url).body(body(bytes)));
    let a = url(stage.addresses.service_a, "/api/call-b");
    assert_eq!(post(a.clone(), 64 * 1024).await.status, 200);
    let answer = post(a, 64 * 1024 + 1).await;
    assert_eq!((answer.status, answer.member("step").as_str()), (413, "request"), "{answer:?}");
    for door in Door::BOTH {
        let pass = stage.pass("service-a", door).await;
        let write =
            |bytes: usize| stage.http.post(stage.door(door, "/api/do_something")).body(body(bytes));
        assert_eq!(Answer::of(write(64 * 1024).bearer_auth(&pass)).await.status, 200);
        assert_eq!(Answer::of(write(64 * 1024 + 1).bearer_auth(&pass)).await.status, 413);
        assert_eq!(
            Answer::of(write(64 * 1024 + 1)).await.status,
            401,
            "nobody without a pass sends so much"
        );
    }
    let answer = stage.ask_c("/oauth/token", &[("pad", &body(65 * 1024))]).await;
    assert_eq!((answer.status, answer.member("error").as_str()), (413, "invalid_request"));
}

#[tokio::test]
async fn connections_over_the_cap_are_closed_and_a_freed_place_is_taken() {
    let stage = Stage::start_with(everywhere(|limits| limits.max_connections = 8)).await;
    let at = stage.addresses;
    for address in [at.auth_server, at.service_a, at.b_local, at.b_introspection] {
        let enter = async || {
            let mut wire = Wire::to(address).await;
            wire.say("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
            wire.until_said("{\"status\":\"ok\"}").await.map(|_| wire)
        };
        let mut inside = Vec::new();
        while let Some(wire) = enter().await {
            inside.push(wire);
            assert!(inside.len() <= 8, "there are eight places");
        }
        assert!(!inside.is_empty());
        inside.pop();
        until("the freed place is taken", async || enter().await.is_some()).await;
    }
}
