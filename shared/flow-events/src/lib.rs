//! Typed events of the messages between OAuth parties. They cannot hold secrets.
//!
//! A process runs each request that it serves in a `FlowScope`; code inside calls [`emit`]. The
//! W3C trace that the calls carry joins the events of several processes. Without a subscriber, no
//! event is built, and without the feature `events`, [`emit`] does nothing.
#![warn(missing_docs)]

mod check;
mod event;
mod field;
mod id_token;
mod limits;
#[cfg(not(feature = "events"))]
mod no_events;
#[cfg(feature = "events")]
mod scope;
mod trace;

pub use check::{Check, Rule};
pub use event::{Event, FlowEvent, Party, TokenHeader};
pub use field::{Field, FieldLocation, FieldValue, HIDDEN_NAME};
pub use id_token::IdTokenSummary;
pub use limits::MAX_EVENT_BYTES;
#[cfg(not(feature = "events"))]
pub use no_events::{current_trace, emit};
#[cfg(feature = "events")]
pub use scope::{EventSink, FlowScope, current_trace, emit, in_current_scope};
pub use trace::{TraceContext, TraceId};
