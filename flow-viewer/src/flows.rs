//! The flows that were observed recently: how their events are stored, joined and assembled.

mod assemble;
mod explain;
mod model;
mod secret_holders;
mod store;

pub use assemble::assemble;
pub use model::{
    Decision, Explanation, Flow, Line, LinePart, Message, Outcome, Response, SourceLink, Step,
    StepSequence,
};
pub use secret_holders::SecretHolders;
pub use store::{FlowDetails, FlowLimits, FlowStore, FlowSummary};

#[cfg(test)]
pub(crate) use explain::titles;
