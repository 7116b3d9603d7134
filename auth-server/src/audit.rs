//! The audit log: every decision about tokens, users and clients, stored with what it changes.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use clock::Clock;

use crate::{
    domain::{AuditEvent, AuditRecord, Outcome, RejectionCount, RejectionCounts},
    metrics::Metrics,
    storage::{AuditedChange, Change, Store, StoreError},
};

/// Stores audit records and counts them.
#[derive(Clone)]
pub struct AuditLog {
    store: Arc<dyn Store>,
    metrics: Metrics,
    clock: Clock,
    rejections: Arc<Mutex<RejectionCounts>>,
}

impl AuditLog {
    pub fn new(store: Arc<dyn Store>, metrics: Metrics, clock: Clock) -> Self {
        Self { store, metrics, clock, rejections: Arc::default() }
    }

    /// Creates a record of a request from this address.
    pub fn record(
        &self,
        event: AuditEvent,
        outcome: Outcome,
        address: impl Into<IpAddr>,
    ) -> AuditRecord {
        AuditRecord {
            at_millis: self.clock.millis(),
            event,
            outcome,
            actor: None,
            kid: None,
            client_id: None,
            sub: None,
            jti: None,
            scope: None,
            members: None,
            address: Some(address.into().to_string()),
            error: None,
            count: 1,
        }
    }

    /// Stores a record with the change that it describes, atomically, then counts it.
    ///
    /// # Errors
    /// Returns an error if nothing was stored.
    pub async fn apply(&self, record: &AuditRecord, change: Change) -> Result<(), StoreError> {
        self.append(AuditedChange::of_request(record.clone(), change)).await?;
        self.count(record);
        Ok(())
    }

    /// Stores a change with its record, without counting it.
    ///
    /// # Errors
    /// Returns an error if nothing was stored.
    pub async fn append(&self, change: AuditedChange) -> Result<(), StoreError> {
        self.store.apply(change).await
    }

    /// Counts a stored record.
    pub fn count(&self, record: &AuditRecord) {
        self.metrics.count(record);
    }

    /// Records a rejection, or another request that changed nothing. The response does not depend
    /// on whether the record can be stored, because nothing was issued that the log would have to
    /// account for.
    ///
    /// Requests of callers that are not authenticated are counted, and only the first of a kind is
    /// stored at once ([`RejectionCounts`]).
    pub async fn record_without_change(&self, record: AuditRecord) {
        self.count(&record);
        let change = if record.is_of_known_caller() {
            AuditedChange::of_request(record, Change::None)
        } else {
            let uptime = self.clock.uptime();
            let Some(first) = self.rejections().add(record, uptime) else { return };
            AuditedChange { audit: first, change: Change::None }
        };
        if let Err(error) = self.append(change).await {
            tracing::error!(%error, "failed to store the audit record of a request without effect");
        }
    }

    /// Stores the counts of rejections that are due.
    pub async fn store_due_counts(&self) {
        let due = self.rejections().due(self.clock.uptime());
        self.store_counts(due).await;
    }

    /// Stores all counts of rejections, before the server stops.
    pub async fn store_all_counts(&self) {
        let all = self.rejections().all();
        self.store_counts(all).await;
    }

    /// Stores counts. After an error, they are due again.
    async fn store_counts(&self, counts: Vec<RejectionCount>) {
        for count in counts {
            let change = AuditedChange { audit: count.record.clone(), change: Change::None };
            if let Err(error) = self.append(change).await {
                return tracing::error!(%error, "failed to store the counts of rejections; will retry");
            }
            self.rejections().stored(&count, self.clock.uptime());
        }
    }

    fn rejections(&self) -> MutexGuard<'_, RejectionCounts> {
        self.rejections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
