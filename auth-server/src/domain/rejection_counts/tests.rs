use super::*;
use crate::domain::{Actor, Outcome};

const START: Duration = Duration::from_secs(1_000);
const MINUTE: Duration = Duration::from_secs(60);

fn rejection(client_id: &str, address: &str) -> AuditRecord {
    AuditRecord {
        outcome: Outcome::Rejected,
        actor: None,
        client_id: Some(client_id.to_owned()),
        scope: Some("read".to_owned()),
        address: Some(address.to_owned()),
        error: Some("invalid_client".to_owned()),
        ..AuditRecord::admin(AuditEvent::Token, Actor::Cli, 5_000)
    }
}

/// What an operator sees of a count.
fn seen(count: &RejectionCount) -> (Option<&str>, Option<&str>, u32) {
    let AuditRecord { client_id, address, count, .. } = &count.record;
    (client_id.as_deref(), address.as_deref(), *count)
}

fn network(number: u32) -> String {
    std::net::Ipv4Addr::from(0x0a00_0000 + number).to_string()
}

#[test]
fn first_rejection_is_a_record_and_the_others_are_counted_each_minute() {
    let mut counts = RejectionCounts::default();
    let first = rejection("a", "10.0.0.1");
    assert_eq!(counts.add(first.clone(), START), Some(first));
    for second in 1..50 {
        let later =
            AuditRecord { at_millis: 5_000 + i64::from(second), ..rejection("a", "10.0.0.1") };
        assert_eq!(counts.add(later, START + Duration::from_secs(1)), None);
    }
    assert!(counts.due(START + MINUTE - Duration::from_millis(1)).is_empty());
    let [count] = &counts.due(START + MINUTE)[..] else { panic!("one count") };
    assert_eq!(seen(count), (Some("a"), Some("10.0.0.1"), 49));
    assert_eq!((count.record.at_millis, &count.record.scope), (5_049, &None));
    counts.stored(count, START + MINUTE);
    assert!(counts.due(START + MINUTE).is_empty() && counts.all().is_empty());

    counts.add(rejection("a", "10.0.0.1"), START + MINUTE);
    let [count] = &counts.due(START + 2 * MINUTE)[..] else { panic!("one count") };
    assert_eq!(seen(count).2, 1, "a count again, not a record, while it goes on");
}

#[test]
fn failed_sign_ins_of_several_users_are_of_one_kind() {
    let failed = |sub: Option<&str>| AuditRecord {
        event: AuditEvent::SignIn,
        sub: sub.map(str::to_owned),
        ..rejection("a", "10.0.0.1")
    };
    for (subs, expected) in [
        ([Some("u"), Some("u")], Some("u")),
        ([Some("u"), Some("v")], None),
        ([Some("u"), None], None),
        ([None, Some("u")], None),
    ] {
        let mut counts = RejectionCounts::default();
        let first = counts.add(failed(Some("v")), START).unwrap();
        assert_eq!(first.sub.as_deref(), Some("v"));
        for sub in subs {
            assert_eq!(counts.add(failed(sub), START), None);
        }
        let [count] = &counts.all()[..] else { panic!("one count") };
        assert_eq!((count.record.sub.as_deref(), count.record.count), (expected, 2));
    }
}

#[test]
fn rejection_after_a_silent_minute_is_a_record_again() {
    let mut counts = RejectionCounts::default();
    assert!(counts.add(rejection("a", "10.0.0.1"), START).is_some());
    assert!(counts.due(START + MINUTE).is_empty());
    assert!(counts.add(rejection("a", "10.0.0.1"), START + MINUTE).is_some());
}

#[test]
fn kinds_differ_by_event_error_network_client_and_user() {
    let mut counts = RejectionCounts::default();
    let one = rejection("a", "2001:db8::1");
    for record in [
        one.clone(),
        AuditRecord { event: AuditEvent::Revocation, ..one.clone() },
        AuditRecord { error: Some("invalid_scope".to_owned()), ..one.clone() },
        AuditRecord { client_id: Some("b".to_owned()), ..one.clone() },
        AuditRecord { sub: Some("u".to_owned()), ..one.clone() },
        AuditRecord { address: Some("2001:db8:0:1::1".to_owned()), ..one.clone() },
    ] {
        assert!(counts.add(record.clone(), START).is_some(), "{record:?}");
    }
    let same_network = AuditRecord { address: Some("2001:db8::ffff".to_owned()), ..one };
    assert_eq!(counts.add(same_network, START), None);
}

#[test]
fn count_that_was_not_stored_is_returned_again() {
    let mut counts = RejectionCounts::default();
    for _ in 0..3 {
        counts.add(rejection("a", "10.0.0.1"), START);
    }
    assert_eq!(seen(&counts.due(START + MINUTE)[0]).2, 2);
    counts.add(rejection("a", "10.0.0.1"), START + MINUTE);
    let again = counts.due(START + MINUTE + Duration::from_secs(1));
    assert_eq!(seen(&again[0]).2, 3);
    // One arrives while the count is stored.
    counts.add(rejection("a", "10.0.0.1"), START + MINUTE);
    counts.stored(&again[0], START + MINUTE);
    assert_eq!(seen(&counts.all()[0]).2, 1);
}

#[test]
fn many_client_ids_from_one_network_are_counted_together() {
    let mut counts = RejectionCounts::default();
    let mut records = 0;
    for number in 0..10_000 {
        let record = rejection(&format!("unknown-{number}"), "10.0.0.1");
        records += u32::from(counts.add(record, START).is_some());
    }
    assert_eq!(records, 9, "eight ids, and the first of the others");
    let due = counts.due(START + MINUTE);
    assert_eq!(due.iter().map(seen).collect::<Vec<_>>(), [(None, Some("10.0.0.1"), 9_991)]);
}

#[test]
fn many_kinds_from_one_network_leave_records_for_other_networks() {
    let mut counts = RejectionCounts::default();
    for number in 0..1_000 {
        let error = Some(format!("error-{number}"));
        counts.add(AuditRecord { error, ..rejection("a", "10.0.0.1") }, START);
    }
    let with_network = counts.counted.keys().filter(|kind| kind.network.is_some()).count();
    assert_eq!(with_network, MAX_OF_NETWORK);
    assert!(counts.add(rejection("a", "10.0.0.2"), START).is_some());
}

#[test]
fn rejections_from_many_networks_use_bounded_memory_and_records() {
    let mut counts = RejectionCounts::default();
    let (mut records, mut recorded, mut rejections) = (0, 0, 0);
    for minute in 0..10 {
        let now = START + minute * MINUTE;
        for number in 0..5_000 {
            rejections += 1;
            let record = rejection("unknown-1", &network(minute * 5_000 + number));
            if counts.add(record, now).is_some() {
                records += 1;
                recorded += 1;
            }
        }
        assert!(counts.counted.len() <= MAX_WITH_NETWORK + 1, "{}", counts.counted.len());
        for count in counts.due(now + MINUTE) {
            records += 1;
            recorded += count.record.count;
            counts.stored(&count, now + MINUTE);
        }
    }
    assert_eq!(recorded, rejections, "each is counted");
    let allowed = RECORDS.burst + 10 * 60 + 2 * 10;
    assert!(records <= allowed, "{records} of {allowed}");
}

#[test]
fn counts_lose_their_network_when_there_are_too_many_records() {
    let mut counts = RejectionCounts::default();
    for number in 0..RECORDS.burst {
        for _ in 0..2 {
            counts.add(rejection("a", &network(number)), START);
        }
    }
    let due = counts.due(START + MINUTE);
    let of_all: Vec<_> = due.iter().map(seen).filter(|(_, address, _)| address.is_none()).collect();
    assert_eq!(of_all, [(None, None, RECORDS.burst - 60)]);
    assert_eq!(due.len(), 61);
}
