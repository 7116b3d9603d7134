//! The clients: those of the clients file and of the database, and how they authenticate.

mod authenticator;
mod file;
mod registry;

pub use authenticator::{Authenticator, Denied};
pub use file::{ClientsFile, DEMO_CLIENTS, FileError};
pub use registry::LiveRegistry;
