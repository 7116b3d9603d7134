//! Typed events of the messages between OAuth parties. They cannot hold secrets.
//!
//! A process runs each request that it serves in a [`FlowScope`]; code inside calls [`emit`]. The
//! W3C trace that the calls carry joins the events of several processes. Without a subscriber, no
//! event is built. `docs/reference/events.md` lists the events.
#![warn(missing_docs)]

mod check;
mod event;
mod field;
mod scope;
mod trace;

pub use check::{Check, Rule};
pub use event::{Event, FlowEvent, Party, TokenHeader};
pub use field::{Field, FieldLocation, FieldValue};
pub use scope::{EventSink, FlowScope, current_trace, emit};
pub use trace::{TraceContext, TraceId};
