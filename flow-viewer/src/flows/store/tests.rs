use flow_events::{Field, Party, TraceContext};

use super::*;

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
fn oldest_flows_are_removed_and_memory_stays_bounded() {
    let limits = FlowLimits { flows: 10, events: 30, events_per_flow: 5, tokens: 3 };
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
