//! The token endpoint.

pub mod endpoint;
pub mod grants;
mod issue;

pub use issue::issue_or_refuse;
