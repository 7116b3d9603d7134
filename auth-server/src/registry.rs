//! Who is known right now: the clients of the file and of the database, seen anew when either
//! changes.

mod file;
mod live;

pub use file::{ClientsFile, DEMO_CLIENTS, FileError};
pub use live::LiveRegistry;
