//! More events than anybody can look at.

use std::{
    env, fs,
    process::Command,
    time::{Duration, Instant},
};

use e2e_tests::stage::Stage;
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};

use crate::world::World;

const PER_SECOND: usize = 5_000;
const EVENTS_OF_A_FLOW: usize = 50;
const BATCHES_PER_SECOND: usize = 20;
const BETWEEN_BATCHES: Duration = Duration::from_millis(50);
const LASTS: Duration = Duration::from_secs(60);
/// From the press of a button to the drawn flow; these stories run beside compilers.
const BOUND: Duration = Duration::from_secs(5);
const GROWTH_MIB: usize = 128;
const ALONE: &str = "GATEPASS_STORY_ALONE";

/// As a process sends them that has seen everything of these flows.
fn batch(number: usize, micros: i64) -> Vec<Value> {
    let flows = PER_SECOND / BATCHES_PER_SECOND / EVENTS_OF_A_FLOW;
    (0..flows).flat_map(|flow| flow_of((number * flows + flow) as u128 + 1, micros)).collect()
}

fn flow_of(number: u128, micros: i64) -> impl Iterator<Item = Value> {
    let trace = format!("{number:032x}");
    (0..EVENTS_OF_A_FLOW).map(move |at| {
        let mut event = match at % 5 {
            0 => json!({ "event": "request_arrived", "method": "GET", "path": "/api/resource", "fields": [] }),
            4 => json!({ "event": "answer_sent", "status": 200, "elapsed_micros": 9, "fields": [] }),
            _ => json!({ "event": "checked", "rule": "expiry", "passed": true, "expected": "later", "found": "later" }),
        };
        event["trace_id"] = json!(trace);
        event["at_micros"] = json!(micros + at as i64);
        event["seen_by"] = json!("resource_server");
        event
    })
}

/// How many were sent in the time.
async fn pour(stage: &Stage, to: String) -> usize {
    let mut ticks = interval(BETWEEN_BATCHES);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (began, http, mut number) =
        (Instant::now(), reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap(), 0);
    while began.elapsed() < LASTS {
        ticks.tick().await;
        let events = batch(number, stage.clock.micros());
        let sent = http.post(&to).json(&events).send().await.unwrap();
        assert_eq!(sent.status().as_u16(), 204);
        number += 1;
    }
    number * PER_SECOND / BATCHES_PER_SECOND
}

/// Of this process, in which the viewer runs.
fn memory_mib() -> usize {
    let pages: usize = fs::read_to_string("/proc/self/statm").unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4 / 1024
}

/// Memory is counted by process, and the other stories share this one: the story is told again in one of its own.
fn told_alone() {
    let this = "viewer_crowd::five_thousand_events_a_second_for_a_minute_leave_the_page_usable_and_the_memory_bounded";
    let mut story = Command::new(env::current_exe().unwrap());
    let told = story.args(["--exact", this, "--nocapture"]).env(ALONE, "yes").status().unwrap();
    assert!(told.success(), "told above");
}

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_events_a_second_for_a_minute_leave_the_page_usable_and_the_memory_bounded() {
    if env::var_os(ALONE).is_none() {
        return told_alone();
    }
    let world = World::with_viewer().await;
    let screen = world.browser().await;
    screen.watch(&world).await;
    let poured = pour(&world.stage, world.viewer("/api/events"));
    let used = async {
        let began = Instant::now();
        screen.see("#flows li:nth-child(100)").await;
        let (before, mut slowest) = (memory_mib(), Duration::ZERO);
        while began.elapsed() < LASTS {
            let pressed = Instant::now();
            screen.press_story("server_to_server_introspection").await;
            screen.see("#diagram [data-title=call_a][data-kind=answer]").await;
            slowest = slowest.max(pressed.elapsed());
            assert!(screen.count("#flows li").await <= 100, "the list is bounded");
            // Another flow, so that the next picture is a new one.
            let pressed = Instant::now();
            screen.measure("void document.querySelector('#flows [data-name=resource_request] a').click()").await;
            screen.see("#flow:not([data-shown='']) #diagram [data-check=expiry]").await;
            slowest = slowest.max(pressed.elapsed());
        }
        (before, slowest)
    };
    let (sent, (before, slowest)) = tokio::join!(poured, used);
    let after = memory_mib();
    eprintln!("{sent} events; the slowest press took {slowest:?}; {before} MiB, then {after} MiB");
    assert!(sent >= PER_SECOND * 60 * 9 / 10, "the viewer took {sent} events in a minute");
    assert!(slowest < BOUND, "a press took {slowest:?}");
    assert!(after < before + GROWTH_MIB, "{before} MiB, then {after} MiB");
}
