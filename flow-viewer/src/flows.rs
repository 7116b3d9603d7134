//! The flows that were observed recently: how their events are stored, joined and assembled.

mod assemble;
mod explain;
mod fold;
mod logged;
mod model;
mod number;
mod secret_holders;
mod store;

pub use assemble::{assemble, host_of};
pub use logged::LoggedSecret;
pub use model::{
    Decision, Explanation, Flow, FlowOutcome, Fold, FoldKind, Line, LinePart, Message, Response,
    Role, SourceLink, Step, StepSequence,
};
pub use secret_holders::SecretHolders;
pub use store::{FlowDetails, FlowLimits, FlowStore, FlowSummary};

#[cfg(test)]
pub(crate) use explain::titles;
