use flow_events::{Field, Party, TraceContext};

use super::*;

fn trace(name: u8) -> TraceId {
    TraceContext::root([name; 24]).unwrap().trace_id
}

fn arrived(name: u8, party: Party, query: &str) -> FlowEvent {
    let fields = Field::parameters(query.as_bytes()).into_iter().map(Field::in_query).collect();
    let event = Event::RequestReceived { method: "GET".to_owned(), path: "/x".to_owned(), fields };
    FlowEvent { trace_id: trace(name), at_micros: i64::from(name), reported_by: party, event }
}

#[test]
fn the_hops_of_a_browser_are_one_flow_by_their_state() {
    let flows = Flows::default();
    let (a, c) = (Party::Client, Party::AuthorizationServer);
    flows.take([
        arrived(1, a, "state=s"),
        arrived(2, c, "state=s"),
        arrived(3, c, "state=s"),
        arrived(4, a, "state=s"),
    ]);
    flows.take([arrived(9, a, "state=other")]);
    assert_eq!(flows.changed_since(0, 10).len(), 2);
    assert_eq!(flows.flow(trace(4)).unwrap().flow.messages.len(), 4);
    assert_eq!(flows.flow(trace(4)).unwrap().id, trace(1));
}

#[test]
fn a_trace_that_turns_out_to_belong_to_a_login_joins_it() {
    let flows = Flows::default();
    let (a, c) = (Party::Client, Party::AuthorizationServer);
    flows.take([arrived(1, a, "state=s"), arrived(2, c, ""), arrived(2, c, "state=s")]);
    assert_eq!(flows.changed_since(0, 10).len(), 1);
    assert_eq!(flows.flow(trace(2)).unwrap().flow.messages.len(), 3);
}

#[test]
fn the_oldest_flows_leave_and_nothing_grows_without_end() {
    let bounds = Bounds { flows: 10, events: 30, events_of_a_flow: 5, tokens: 3 };
    let flows = Flows::new(bounds);
    for name in 1..=200 {
        let state = format!("state={name}");
        flows.take((0..20).map(|_| arrived(name, Party::Client, &state)));
    }
    let kept = flows.lock();
    assert!(kept.flows.len() <= 10 && kept.order.len() == kept.flows.len(), "{}", kept.flows.len());
    assert_eq!(kept.events, kept.flows.values().map(|flow| flow.events.len()).sum::<usize>());
    assert!(
        kept.events <= 30 + 5 && kept.joined.len() <= 10,
        "{} {}",
        kept.events,
        kept.joined.len()
    );
    drop(kept);
    assert!(flows.flow(trace(1)).is_none() && flows.flow(trace(200)).unwrap().cut);
}

#[test]
fn only_what_has_changed_is_listed_again() {
    let flows = Flows::default();
    flows.take([arrived(1, Party::Client, "")]);
    let seen = *flows.watch().borrow();
    flows.take([arrived(2, Party::Client, "")]);
    let ids: Vec<_> = flows.changed_since(seen, 10).iter().map(|flow| flow.id).collect();
    assert_eq!(ids, [trace(2)]);
    flows.name(trace(2), "tampered");
    assert_eq!(flows.changed_since(0, 10)[0].name, "tampered");
}
