//! The page that draws what happens between A, B and C while it happens, and the stories that it
//! plays.

mod app;
pub mod commands;
pub mod doctor;
mod endpoints;
mod explain;
mod export;
mod flows;
mod page;
mod server;
mod settings;
pub mod stories;

pub use explain::{Explained, Half, Source, Step};
pub use flows::{Answer, Bounds, Fact, Flow, Flows, Line, Message, Outcome, Part, assemble};
pub use page::texts;
pub use server::FlowViewer;
pub use settings::FlowViewerSettings;
