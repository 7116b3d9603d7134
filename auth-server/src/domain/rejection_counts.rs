use std::{collections::HashMap, net::IpAddr, time::Duration};

use oauth_types::caller_network;

use super::{AuditEvent, AuditRecord, BucketLimit, TokenBucket};

/// Counts the rejections of callers that are not authenticated, so that they cannot fill the audit
/// log: the first of a kind is a record of its own, the following ones are counted into one record
/// a minute.
///
/// Rejections of one kind share event, error, network, client and, except for sign-ins, user. If
/// there are too many kinds, further rejections are counted with less detail: without client and
/// user, or without network too. This bounds the number of kinds, their size, and the number of
/// records over time, whatever callers send.
#[derive(Debug, Default)]
pub struct RejectionCounts {
    counted: HashMap<Kind, Counted>,
    records: TokenBucket,
}

/// How long rejections are counted before the count is recorded.
const PERIOD: Duration = Duration::from_secs(60);
/// Maximum number of kinds of a network with a client or user.
const MAX_DETAILED_OF_NETWORK: usize = 8;
/// Maximum number of kinds of a network.
const MAX_OF_NETWORK: usize = 16;
/// Maximum number of kinds with a network.
const MAX_WITH_NETWORK: usize = 1_000;
/// Limit of records of kinds with a network. There are only as many others as events and errors.
const RECORDS: BucketLimit = BucketLimit { burst: 600, refill: Duration::from_secs(1) };

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kind {
    event: AuditEvent,
    error: Option<String>,
    /// `None` if all networks are counted together.
    network: Option<String>,
    /// `None` if all clients and users are counted together.
    subject: Option<Subject>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Subject {
    client_id: Option<String>,
    sub: Option<String>,
}

#[derive(Debug)]
struct Counted {
    last: AuditRecord,
    /// Number of rejections that are not in the audit log yet.
    count: u32,
    /// The user of all of them, if it is the same one.
    sub: Option<String>,
    since: Duration,
}

/// A count for the audit log.
#[derive(Debug)]
pub struct RejectionCount {
    pub record: AuditRecord,
    kind: Kind,
}

impl RejectionCounts {
    /// Counts a rejection. Returns the record to store if it is the first of its kind. `uptime` is
    /// a time of a clock that never goes back.
    pub fn add(&mut self, record: AuditRecord, uptime: Duration) -> Option<AuditRecord> {
        let kind = self.kind_of(&record, uptime);
        if let Some(counted) = self.counted.get_mut(&kind) {
            if counted.count == 0 {
                counted.sub.clone_from(&record.sub);
            } else if counted.sub != record.sub {
                counted.sub = None;
            }
            counted.count = counted.count.saturating_add(1);
            counted.last = record;
            return None;
        }
        let counted = Counted { last: record.clone(), count: 0, sub: None, since: uptime };
        self.counted.insert(kind, counted);
        Some(record)
    }

    /// Returns the counts that are due for the audit log. Those that were stored have to be passed
    /// to [`RejectionCounts::stored`]; the others are returned again.
    pub fn due(&mut self, uptime: Duration) -> Vec<RejectionCount> {
        let is_due = |counted: &Counted| uptime.saturating_sub(counted.since) >= PERIOD;
        self.counted.retain(|_, counted| counted.count > 0 || !is_due(counted));
        let due = self.counted.iter().filter(|(_, counted)| is_due(counted));
        let due: Vec<Kind> = due.map(|(kind, _)| kind.clone()).collect();
        for kind in due.iter().filter(|kind| kind.network.is_some()) {
            if self.records.take(RECORDS, uptime).is_err() {
                self.forget_network(kind);
            }
        }
        self.counts(|counted| is_due(counted))
    }

    /// Returns all counts, because the server stops.
    pub fn all(&self) -> Vec<RejectionCount> {
        self.counts(|_| true)
    }

    /// Notes that a count is in the audit log.
    pub fn stored(&mut self, stored: &RejectionCount, uptime: Duration) {
        if let Some(counted) = self.counted.get_mut(&stored.kind) {
            counted.count = counted.count.saturating_sub(stored.record.count);
            counted.since = uptime;
        }
    }

    fn counts(&self, is_wanted: impl Fn(&Counted) -> bool) -> Vec<RejectionCount> {
        let wanted =
            self.counted.iter().filter(|(_, counted)| counted.count > 0 && is_wanted(counted));
        wanted.map(|(kind, counted)| kind.count(counted)).collect()
    }

    /// Returns the most detailed kind that is counted already, or may be counted from now on.
    fn kind_of(&mut self, record: &AuditRecord, uptime: Duration) -> Kind {
        let detailed = Kind::of(record);
        let of_network = Kind { subject: None, ..detailed.clone() };
        let of_all = Kind { network: None, ..of_network.clone() };
        if self.counted.contains_key(&detailed) || self.may_begin(&detailed, uptime) {
            detailed
        } else if self.counted.contains_key(&of_network) || self.may_begin(&of_network, uptime) {
            of_network
        } else {
            of_all
        }
    }

    fn may_begin(&mut self, kind: &Kind, uptime: Duration) -> bool {
        let max_of_network =
            if kind.subject.is_some() { MAX_DETAILED_OF_NETWORK } else { MAX_OF_NETWORK };
        let of_network =
            || self.counted.keys().filter(|other| other.network == kind.network).count();
        self.counted.len() < MAX_WITH_NETWORK
            && of_network() < max_of_network
            && self.records.take(RECORDS, uptime).is_ok()
    }

    /// Moves a count to that of all networks.
    fn forget_network(&mut self, kind: &Kind) {
        let Some(moved) = self.counted.remove(kind) else { return };
        let of_all = Kind { network: None, subject: None, ..kind.clone() };
        let Counted { last, count, since, .. } = moved;
        let moved = Counted { last, count: 0, sub: None, since };
        let counted = self.counted.entry(of_all).or_insert(moved);
        counted.count = counted.count.saturating_add(count);
    }
}

impl Kind {
    fn of(record: &AuditRecord) -> Self {
        let network = record.address.as_deref().and_then(|text| text.parse::<IpAddr>().ok());
        // The first rejection of a kind waits for its record. If kinds of failed sign-ins differed
        // by user, this time would tell a caller which names exist.
        let sub = record.sub.clone().filter(|_| record.event != AuditEvent::SignIn);
        let subject = Subject { client_id: record.client_id.clone(), sub };
        Self {
            event: record.event,
            error: record.error.clone(),
            network: network.map(|address| caller_network(address).to_string()),
            subject: Some(subject),
        }
    }

    /// Returns the count of this kind with the time of its last rejection.
    fn count(&self, Counted { last, count, sub, .. }: &Counted) -> RejectionCount {
        let detailed = self.subject.as_ref();
        let client_id = detailed.and_then(|subject| subject.client_id.clone());
        let sub = sub.clone().filter(|_| detailed.is_some());
        let record = AuditRecord {
            client_id,
            sub,
            jti: None,
            scope: None,
            address: last.address.clone().filter(|_| self.network.is_some()),
            count: *count,
            ..last.clone()
        };
        RejectionCount { record, kind: self.clone() }
    }
}

#[cfg(test)]
mod tests;
