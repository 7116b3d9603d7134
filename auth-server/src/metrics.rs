use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use crate::domain::AuditRecord;

/// Counters of C besides those of requests. They count what the audit log records.
#[derive(Clone, Default)]
pub struct Metrics {
    decisions: Family<Decision, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Decision {
    event: &'static str,
    outcome: &'static str,
}

impl Metrics {
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "oauth_decisions",
            "Tokens issued, rejected, introspected and revoked",
            metrics.decisions.clone(),
        );
        metrics
    }

    pub fn count(&self, record: &AuditRecord) {
        let decision = Decision { event: record.event.as_str(), outcome: record.outcome.as_str() };
        self.decisions.get_or_create(&decision).inc();
    }
}
