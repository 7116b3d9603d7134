//! Export formats of a flow.

pub mod har;
pub mod mermaid;
