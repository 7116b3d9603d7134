//! A page that draws the messages between A, B and C as they are sent, and plays scenarios against
//! the running servers.

mod check_values;
pub mod cli;
mod compression;
pub mod doctor;
mod export;
mod flows;
mod handlers;
mod json_body;
pub mod lessons;
mod page;
mod page_config;
mod router;
mod scenario_result;
pub mod scenarios;
mod server;
mod settings;
mod state;

pub use check_values::CheckValues;
pub use flows::{
    Decision, Explanation, Flow, FlowLimits, FlowOutcome, FlowStore, Fold, FoldKind, Line,
    LinePart, LoggedSecret, Message, Response, Role, SourceLink, Step, StepSequence, assemble,
};
pub use page::texts;
pub use server::FlowViewer;
pub use settings::FlowViewerSettings;
