//! The seed of a test server: resources, clients, users and claims in one document.

mod document;
mod text;

pub use document::{Entries, SeedDocument};
pub use text::{MAX_SEED_BYTES, read_seed_file};
