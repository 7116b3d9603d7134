//! The audit log: every decision about tokens, users and clients, stored with what it changes.

use std::{net::IpAddr, sync::Arc};

use clock::Clock;

use crate::{
    domain::{AuditEvent, AuditRecord, Outcome},
    metrics::Metrics,
    storage::{AuditedChange, Change, Store, StoreError},
};

/// Stores audit records and counts them.
#[derive(Clone)]
pub struct AuditLog {
    store: Arc<dyn Store>,
    metrics: Metrics,
    clock: Clock,
}

impl AuditLog {
    pub fn new(store: Arc<dyn Store>, metrics: Metrics, clock: Clock) -> Self {
        Self { store, metrics, clock }
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
            address: Some(address.into().to_string()),
            error: None,
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

    /// Records a rejection. The request is rejected even if its record cannot be stored, because
    /// nothing was issued that the log would have to account for.
    pub async fn reject(&self, record: AuditRecord) {
        self.count(&record);
        let change = AuditedChange::of_request(record, Change::None);
        if let Err(error) = self.append(change).await {
            tracing::error!(%error, "failed to store the audit record of a rejection");
        }
    }
}
