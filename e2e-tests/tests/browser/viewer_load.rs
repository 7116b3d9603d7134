//! Load tests of the viewer.

use std::{env, fs, process::Command, time::Duration};

use clock::Clock;
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::servers::Servers;

const PER_SECOND: usize = 5_000;
const EVENTS_OF_A_FLOW: usize = 50;
const BATCHES_PER_SECOND: usize = 20;
const BETWEEN_BATCHES: Duration = Duration::from_millis(50);
const SECONDS: usize = 60;
const BATCHES: usize = SECONDS * BATCHES_PER_SECOND;
const EVENTS: usize = SECONDS * PER_SECOND;
const LAST_FLOW: usize = EVENTS / EVENTS_OF_A_FLOW;
/// Maximum time from the press of a button to the drawn flow, on a busy machine.
const BOUND: Duration = Duration::from_secs(5);
const GROWTH_MIB: usize = 128;
const OWN_PROCESS: &str = "GATEPASS_TEST_OWN_PROCESS";

/// Returns a batch of events, as a server sends it.
fn batch(number: usize, micros: i64) -> Vec<Value> {
    let flows = PER_SECOND / BATCHES_PER_SECOND / EVENTS_OF_A_FLOW;
    (0..flows).flat_map(|flow| flow_of((number * flows + flow) as u128 + 1, micros)).collect()
}

fn flow_of(number: u128, micros: i64) -> impl Iterator<Item = Value> {
    let trace = format!("{number:032x}");
    (0..EVENTS_OF_A_FLOW).map(move |at| {
        let mut event = match at % 5 {
            0 => json!({ "event": "request_received", "method": "GET", "path": "/api/resource", "fields": [] }),
            4 => json!({ "event": "response_sent", "status": 200, "elapsed_micros": 9, "fields": [] }),
            _ => json!({ "event": "token_checked", "rule": "expiry", "passed": true, "expected": "later", "found": "later" }),
        };
        event["trace_id"] = json!(trace);
        event["at_micros"] = json!(micros + at as i64);
        event["reported_by"] = json!("resource_server");
        event
    })
}

/// Sends all batches. A busy machine falls behind and then sends as fast as it can.
async fn send_batches(to: String, clock: Clock) {
    let mut ticks = interval(BETWEEN_BATCHES);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    for number in 0..BATCHES {
        ticks.tick().await;
        let sent = http.post(&to).json(&batch(number, clock.micros())).send().await.unwrap();
        assert_eq!(sent.status().as_u16(), 204);
    }
}

/// Returns the resident memory of this process, in which the viewer runs.
fn memory_mib() -> usize {
    let pages: usize =
        fs::read_to_string("/proc/self/statm").unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4 / 1024
}

/// Waits until a press has had its effect, and panics after [`BOUND`].
async fn within_bound(what: &str, press: impl Future<Output = ()>) {
    assert!(timeout(BOUND, press).await.is_ok(), "not within {BOUND:?}: {what}");
}

/// Runs this test again in its own process, because memory is measured per process.
fn run_in_own_process() {
    let this = "viewer_load::page_and_memory_stay_bounded_under_300000_events";
    let mut command = Command::new(env::current_exe().unwrap());
    let status =
        command.args(["--exact", this, "--nocapture"]).env(OWN_PROCESS, "yes").status().unwrap();
    assert!(status.success(), "the test failed in its own process");
}

#[tokio::test(flavor = "multi_thread")]
async fn page_and_memory_stay_bounded_under_300000_events() {
    if env::var_os(OWN_PROCESS).is_none() {
        return run_in_own_process();
    }
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.open_viewer(&servers).await;
    let sending =
        tokio::spawn(send_batches(servers.viewer("/api/events"), servers.harness.clock.clone()));
    browser.find_css("#flows li:nth-child(100)").await;
    let before = memory_mib();
    while !sending.is_finished() {
        within_bound("the scenario is drawn", async {
            browser.press_scenario("server_to_server_introspection").await;
            browser.find_css("#diagram [data-title=call_a][data-kind=response]").await;
        })
        .await;
        assert!(browser.count("#flows li").await <= 100, "the list holds at most 100 flows");
        // Open another flow, so that the next diagram is drawn anew.
        within_bound("the other flow is drawn", async {
            let press =
                "void document.querySelector('#flows [data-name=resource_request] a').click()";
            browser.evaluate(press).await;
            browser.find_css("#flow:not([data-flow='']) #diagram [data-check=expiry]").await;
        })
        .await;
    }
    sending.await.unwrap();
    let after = memory_mib();
    eprintln!("{EVENTS} events; {before} MiB, then {after} MiB");
    assert!(after < before + GROWTH_MIB, "{before} MiB, then {after} MiB");
    let last = servers.viewer(&format!("/api/flows/{LAST_FLOW:032x}/events"));
    let last: Vec<Value> = reqwest::get(last).await.unwrap().json().await.unwrap();
    assert_eq!(last.len(), EVENTS_OF_A_FLOW, "the last flow is complete");
}
