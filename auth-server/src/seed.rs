//! The seed of a test server: issuers, resources, clients, users and claims in one document.

mod document;
mod issuer;
mod lists;
mod text;

pub use document::{Entries, SeedDocument};
pub use issuer::SeedIssuer;
pub use text::{MAX_SEED_BYTES, read_seed_file};
