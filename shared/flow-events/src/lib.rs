//! What happened between the parties of a flow, as typed events in which no secret fits.
//!
//! A process wraps each request it serves in a [`FlowScope`]; whatever runs inside may [`emit`],
//! and the events of three processes are joined by the W3C trace that travels with the calls.
//! Nobody listening means that nothing is built and nothing is sent. `docs/reference/events.md` names each
//! event.
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
