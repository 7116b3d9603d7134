//! What remains without the feature `events`.

use crate::{Event, TraceContext};

/// Does nothing, because the feature `events` is off.
pub fn emit(_: impl FnOnce() -> Event) {}

/// Returns `None`, because the feature `events` is off.
#[must_use]
pub fn current_trace() -> Option<TraceContext> {
    None
}
