use std::{cell::Cell, time::Duration};

use flow_events::{Event, Field, MAX_EVENT_BYTES, Party, TraceContext};

use super::{stored_flow::StoredFlow, *};

fn trace(name: u8) -> TraceId {
    TraceContext::root([name; 24]).unwrap().trace_id
}

fn received(name: u8, party: Party, query: &str) -> FlowEvent {
    let fields = Field::parameters(query.as_bytes()).into_iter().map(Field::in_query).collect();
    let event = Event::RequestReceived { method: "GET".to_owned(), path: "/x".to_owned(), fields };
    FlowEvent { trace_id: trace(name), at_micros: i64::from(name), reported_by: party, event }
}

#[test]
fn requests_of_a_browser_are_joined_by_state() {
    let flows = FlowStore::default();
    let (a, c) = (Party::Client, Party::AuthorizationServer);
    flows.record([
        received(1, a, "state=s"),
        received(2, c, "state=s"),
        received(3, c, "state=s"),
        received(4, a, "state=s"),
    ]);
    flows.record([received(9, a, "state=other")]);
    assert_eq!(flows.changed_since(0, 10).len(), 2);
    assert_eq!(flows.flow(trace(4)).unwrap().flow.messages.len(), 4);
    assert_eq!(flows.flow(trace(4)).unwrap().id, trace(1));
}

#[test]
fn trace_joins_a_login_when_its_state_appears() {
    let flows = FlowStore::default();
    let (a, c) = (Party::Client, Party::AuthorizationServer);
    flows.record([received(1, a, "state=s"), received(2, c, ""), received(2, c, "state=s")]);
    assert_eq!(flows.changed_since(0, 10).len(), 1);
    assert_eq!(flows.flow(trace(2)).unwrap().flow.messages.len(), 3);
}

#[test]
fn visits_of_pages_are_in_the_background() {
    let flows = FlowStore::default();
    let parties = [Party::Client, Party::ResourceServer, Party::AuthorizationServer];
    for (name, party) in (1..).zip(parties) {
        for (name, path) in [(name, "/"), (name + 10, "/api/resource")] {
            let (method, path) = ("GET".to_owned(), path.to_owned());
            let event = Event::RequestReceived { method, path, fields: Vec::new() };
            flows.record([FlowEvent { event, ..received(name, party, "") }]);
        }
    }
    let background = |name: u8| {
        let summaries = flows.changed_since(0, 10);
        summaries.into_iter().find(|one| one.id == trace(name)).unwrap().background
    };
    assert!([1, 2, 3].into_iter().all(background));
    assert!(!background(12), "a request to the API of B");
}

#[test]
fn oldest_flows_are_removed_and_memory_stays_bounded() {
    let limits = FlowLimits {
        flows: 10,
        events: 30,
        events_per_flow: 5,
        tokens: 3,
        ..FlowLimits::default()
    };
    let flows = FlowStore::new(limits);
    for name in 1..=200 {
        let state = format!("state={name}");
        flows.record((0..20).map(|_| received(name, Party::Client, &state)));
    }
    let inner = flows.lock();
    assert!(
        inner.flows.len() <= 10 && inner.order.len() == inner.flows.len(),
        "{}",
        inner.flows.len()
    );
    assert_eq!(
        inner.event_count,
        inner.flows.values().map(|flow| flow.events.len()).sum::<usize>()
    );
    assert!(
        inner.event_count <= 30 + 5 && inner.joined.len() <= 10,
        "{} {}",
        inner.event_count,
        inner.joined.len()
    );
    drop(inner);
    assert!(flows.flow(trace(1)).is_none() && flows.flow(trace(200)).unwrap().truncated);
}

#[test]
fn only_changed_flows_are_listed() {
    let flows = FlowStore::default();
    flows.record([received(1, Party::Client, "")]);
    let seen = *flows.subscribe().borrow();
    flows.record([received(2, Party::Client, "")]);
    let ids: Vec<_> = flows.changed_since(seen, 10).iter().map(|flow| flow.id).collect();
    assert_eq!(ids, [trace(2)]);
    flows.set_scenario(trace(2), "tampered");
    assert_eq!(flows.changed_since(0, 10)[0].name, "tampered");
}

/// Asserts that the counts of the store are those of its flows, and within the limits.
fn assert_bounded(flows: &FlowStore) {
    let (inner, limits) = (flows.lock(), flows.limits);
    let bytes_of = |flow: &StoredFlow| flow.events.iter().map(FlowEvent::json_bytes).sum::<usize>();
    for flow in inner.flows.values() {
        assert_eq!(flow.bytes, bytes_of(flow));
        assert!(flow.bytes <= limits.bytes_per_flow, "{}", flow.bytes);
        assert!(flow.events.len() <= limits.events_per_flow, "{}", flow.events.len());
        assert!(flow.keys.len() <= limits.keys_per_flow, "{}", flow.keys.len());
    }
    assert_eq!(inner.bytes, inner.flows.values().map(|flow| flow.bytes).sum::<usize>());
    let events = inner.flows.values().map(|flow| flow.events.len()).sum::<usize>();
    assert_eq!(inner.event_count, events);
    assert!(inner.bytes <= limits.bytes + MAX_EVENT_BYTES, "{}", inner.bytes);
    assert!(inner.joined.len() <= limits.flows * limits.keys_per_flow, "{}", inner.joined.len());
}

/// A trace id for each number.
fn numbered_trace(number: u32) -> TraceId {
    let mut bytes = [1; 24];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    TraceContext::root(bytes).unwrap().trace_id
}

#[test]
fn received_events_are_cut_and_kept_within_the_bytes() {
    let limits = FlowLimits {
        bytes: 200_000,
        bytes_per_flow: 50_000,
        flows: 1_000,
        ..FlowLimits::default()
    };
    let flows = FlowStore::new(limits);
    // As a process without limits would send them.
    let fields = vec![Field::text("a", "v".repeat(1_000)); 32_000];
    for number in 0..60 {
        let event = Event::RequestReceived {
            method: "GET".to_owned(),
            path: "/nothing".to_owned(),
            fields: fields.clone(),
        };
        let (trace_id, reported_by) = (numbered_trace(number / 12), Party::Client);
        flows.record([FlowEvent { trace_id, at_micros: 1, reported_by, event }]);
        assert_bounded(&flows);
    }
    let newest = flows.flow(numbered_trace(4)).unwrap();
    assert!(newest.truncated, "the page says that events are missing");
    let printed = format!("{:?}", newest.flow.messages[0].fields.last());
    assert!(printed.contains("more fields"), "{printed}");
}

#[test]
fn flow_has_a_limited_number_of_states_and_traces() {
    let limits = FlowLimits { flows: 20, keys_per_flow: 10, ..FlowLimits::default() };
    let flows = FlowStore::new(limits);
    for number in 0..1_000 {
        let state = format!("state=s{number}&state=s{}", number + 1);
        let mut event = received(1, Party::Client, &state);
        flows.record([event.clone()]);
        event.trace_id = numbered_trace(number);
        flows.record([event]);
    }
    assert_bounded(&flows);
}

#[test]
fn joined_flows_stay_within_the_limits_of_one() {
    let limits = FlowLimits { events_per_flow: 5, bytes_per_flow: 2_000, ..FlowLimits::default() };
    let flows = FlowStore::new(limits);
    for name in 1..=40 {
        flows.record((0..5).map(|_| received(name, Party::Client, "scope=read")));
        flows.record([received(name, Party::Client, "state=shared")]);
        assert_bounded(&flows);
    }
    assert!(flows.flow(trace(1)).unwrap().truncated);
}

/// A guess of A's secret at C, or a call in which C accepts it.
fn token_request(number: u32, status: u16) -> [FlowEvent; 2] {
    let event = |at_micros, event| FlowEvent {
        trace_id: numbered_trace(number),
        at_micros,
        reported_by: Party::AuthorizationServer,
        event,
    };
    let (method, path) = ("POST".to_owned(), "/oauth/token".to_owned());
    let fields = vec![Field::secret("client_secret")];
    [
        event(1, Event::RequestReceived { method, path, fields }),
        event(2, Event::ResponseSent { status, elapsed_micros: 1, fields: Vec::new() }),
    ]
}

#[test]
fn secrets_of_removed_flows_stay_counted() {
    let flows = FlowStore::new(FlowLimits { flows: 3, ..FlowLimits::default() });
    for number in 1..=20 {
        flows.record(token_request(number, if number % 2 == 0 { 200 } else { 401 }));
    }
    let with_oauth = &flows.secret_holders()[1];
    assert_eq!(with_oauth.received_by.get("authorization_server"), Some(&10));
}

#[test]
fn flows_that_only_read_keys_are_background() {
    let flows = FlowStore::default();
    let mut keys = received(1, Party::AuthorizationServer, "");
    keys.event = Event::RequestReceived {
        method: "GET".to_owned(),
        path: "/.well-known/jwks.json".to_owned(),
        fields: Vec::new(),
    };
    flows.record([keys]);
    flows.record(token_request(2, 200));
    let background: Vec<_> =
        flows.changed_since(0, 10).iter().map(|flow| (flow.name, flow.background)).collect();
    assert_eq!(background.len(), 2);
    assert!(background.contains(&("keys", true)), "{background:?}");
    assert!(background.iter().any(|(_, is_background)| !is_background), "{background:?}");
}

#[test]
fn requests_from_outside_have_the_role_that_the_scenario_played() {
    let flows = FlowStore::default();
    flows.set_scenario(trace(1), "stolen_token");
    flows.set_actor(trace(1), 0, Role::Client);
    flows.set_actor(trace(1), 5, Role::Attacker);
    let mut later = received(1, Party::Client, "");
    later.at_micros = 5;
    flows.record([received(1, Party::Client, ""), later]);
    let roles: Vec<_> =
        flows.flow(trace(1)).unwrap().flow.messages.iter().map(|message| message.actor).collect();
    assert_eq!(roles, [Some(Role::Client), Some(Role::Attacker)]);
}

#[tokio::test]
async fn flow_is_awaited_until_its_last_response_has_arrived() {
    let flows = FlowStore::default();
    let events = [token_request(1, 200), token_request(1, 401)].concat();
    let id = events[0].trace_id;
    flows.set_scenario(id, "stolen_token");
    let recorded = Cell::new(0);
    let waiting = async {
        flows.wait_for_responses(id, 2, Duration::MAX).await;
        recorded.get()
    };
    let arriving = async {
        for event in events {
            tokio::task::yield_now().await;
            recorded.set(recorded.get() + 1);
            flows.record([event]);
        }
    };
    let (when_done, ()) = tokio::join!(waiting, arriving);
    assert_eq!(when_done, 4, "it did not wait for the last event");
}
