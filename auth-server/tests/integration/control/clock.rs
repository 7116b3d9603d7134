//! The clock of the control API.

use std::time::Duration;

use clock::Clock;
use serde_json::{Value, json};

use super::{Controlled, assert_error_at};
use crate::{
    client::{HttpClient, send},
    test_server::{NOON, ORDERS, ORDERS_API, SHOP, TestServer},
};

const CLOCK: &str = "/control/clock";
const ADVANCE: &str = "/control/clock/advance";

/// The reading in the response to a call that succeeds.
async fn reading(controlled: &Controlled, method: &str, path: &str, body: Value) -> Value {
    let response = controlled.call(method, path, &body).await;
    assert_eq!(response.status, 200, "{response:?}");
    response.json()
}

#[tokio::test]
async fn access_token_expires_when_the_clock_is_advanced() {
    let controlled = Controlled::start().await;
    let token = controlled.server.access_token(SHOP, &[("resource", ORDERS_API)]).await;
    for (seconds, active) in [(1_799, true), (1, false)] {
        reading(&controlled, "POST", ADVANCE, json!({ "seconds": seconds })).await;
        assert_eq!(controlled.server.is_active(ORDERS, &token).await, active);
    }
}

#[tokio::test]
async fn rate_limit_recovers_when_the_clock_is_advanced() {
    let controlled = Controlled::start_with(|settings| {
        settings.rate_limits.client_auth.burst = 1;
        settings.rate_limits.client_auth.refill_seconds = 3_600;
    })
    .await;
    let guess = async |id| controlled.server.client_credentials((id, "guess"), &[]).await.status;
    assert_eq!((guess("unknown").await, guess("unknown").await), (401, 429));
    reading(&controlled, "POST", ADVANCE, json!({ "seconds": 3_600 })).await;
    assert_eq!(guess("unknown").await, 401);
}

#[tokio::test]
async fn clock_is_set_frozen_and_released() {
    // One that runs.
    let mut server = TestServer::start_at(Clock::adjustable(), |settings| {
        settings.control.listen = "127.0.0.1:0".to_owned();
    })
    .await;
    let control: HttpClient = server.control.take().unwrap();
    let controlled = Controlled { server, control };
    let initial = controlled.control.get_json(CLOCK).await;
    assert_eq!((&initial["offset"], &initial["frozen"]), (&json!(0), &json!(false)));

    let frozen = reading(&controlled, "PUT", CLOCK, json!({ "at": NOON, "frozen": true })).await;
    assert_eq!((&frozen["now"], &frozen["frozen"]), (&json!(NOON), &json!(true)));
    let micros = controlled.server.clock.micros();
    let uptime = controlled.server.clock.uptime();
    while controlled.server.clock.uptime() < uptime + Duration::from_millis(2) {}
    assert_eq!(controlled.server.clock.micros(), micros);
    let advanced = reading(&controlled, "POST", ADVANCE, json!({ "seconds": 5 })).await;
    assert_eq!((&advanced["now"], &advanced["frozen"]), (&json!(NOON + 5), &json!(true)));

    let running = reading(&controlled, "PUT", CLOCK, json!({ "frozen": false })).await;
    assert_eq!(running["frozen"], json!(false));
    let before = controlled.server.clock.micros();
    while controlled.server.clock.micros() == before {}
    let difference = controlled.server.clock.seconds() - NOON;
    assert!((5..65).contains(&difference), "{difference}");

    let system = reading(&controlled, "PUT", CLOCK, json!({ "follow": "system" })).await;
    assert_eq!((&system["offset"], &system["frozen"]), (&json!(0), &json!(false)));
}

#[tokio::test]
async fn setting_that_makes_no_sense_is_rejected() {
    let controlled = Controlled::start().await;
    let latest = Clock::LATEST;
    for (method, path, body, pointer, words) in [
        ("PUT", CLOCK, json!({}), "", "changes nothing"),
        ("PUT", CLOCK, json!({ "follow": "system", "at": 1 }), "/follow", "excludes at and frozen"),
        ("PUT", CLOCK, json!({ "follow": "ntp" }), "/follow", "not what is expected"),
        ("PUT", CLOCK, json!({ "at": -1 }), "/at", "out of range"),
        ("PUT", CLOCK, json!({ "at": latest + 1 }), "/at", "out of range"),
        ("PUT", CLOCK, json!({ "at": 1.5 }), "/at", "not what is expected"),
        ("PUT", CLOCK, json!({ "now": 1 }), "/now", "unknown member"),
        ("POST", ADVANCE, json!({}), "/seconds", "is missing"),
        ("POST", ADVANCE, json!({ "seconds": -1 }), "/seconds", "out of range"),
        ("POST", ADVANCE, json!({ "seconds": latest - NOON + 1 }), "/seconds", "out of range"),
        ("POST", ADVANCE, json!({ "seconds": i64::MAX }), "/seconds", "out of range"),
        ("POST", ADVANCE, json!({ "seconds": u64::MAX }), "/seconds", "not what is expected"),
    ] {
        let response = controlled.call(method, path, &body).await;
        assert_error_at(&response, 400, pointer, words);
    }
    assert_eq!(controlled.server.clock.seconds(), NOON);
    let last = reading(&controlled, "POST", ADVANCE, json!({ "seconds": latest - NOON })).await;
    assert_eq!(last["now"], json!(latest));
    let still = send(controlled.request("GET", CLOCK)).await.json();
    assert_eq!(still, last);
}
