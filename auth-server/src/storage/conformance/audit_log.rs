//! Queries of the audit log.

use super::fixtures::{all, entry};
use crate::{
    domain::{AuditEvent, AuditQuery, Outcome},
    storage::{Change, Store},
};

pub async fn count_of_rejections_is_returned_unchanged(store: &dyn Store) {
    for count in [u32::MAX, 2, 1] {
        let mut rejection = entry("a", "t", 1_000, Change::None);
        rejection.audit.outcome = Outcome::Rejected;
        rejection.audit.count = count;
        store.apply(rejection.clone()).await.unwrap();
        assert_eq!(all(store).await[0], rejection.audit);
    }
}

pub async fn audit_filters_by_client_jti_and_time(store: &dyn Store) {
    for (client, jti, at) in [("a", "t1", 10), ("b", "t2", 20), ("a", "t3", 30)] {
        store.apply(entry(client, jti, at, Change::None)).await.unwrap();
    }
    let find = |query: AuditQuery| async move {
        let found = store.audit(&query).await.unwrap();
        found.into_iter().map(|record| record.jti.unwrap()).collect::<Vec<_>>()
    };
    let query = || AuditQuery { limit: 10, ..AuditQuery::default() };
    assert_eq!(find(query()).await, ["t3", "t2", "t1"]);
    assert_eq!(find(AuditQuery { client_id: Some("a".to_owned()), ..query() }).await, ["t3", "t1"]);
    assert_eq!(find(AuditQuery { jti: Some("t2".to_owned()), ..query() }).await, ["t2"]);
    let event = |event| AuditQuery { event: Some(event), ..query() };
    assert_eq!(find(event(AuditEvent::Token)).await, ["t3", "t2", "t1"]);
    assert_eq!(find(event(AuditEvent::SignIn)).await, [""; 0]);
    assert_eq!(find(AuditQuery { since_millis: Some(20), ..query() }).await, ["t3", "t2"]);
    assert_eq!(find(AuditQuery { until_millis: Some(20), limit: 1, ..query() }).await, ["t2"]);
}
