//! Who is known right now: the clients of the file and of the database, seen anew when either changes.

mod file;
mod live;

pub use file::{ClientsFile, FileError};
pub use live::LiveRegistry;
