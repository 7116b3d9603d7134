//! A flow in the formats of other tools.

pub mod har;
pub mod mermaid;
