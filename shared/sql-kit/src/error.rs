use std::fmt::Display;

/// Why a database cannot be opened or read. The message never contains the password.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct DatabaseError(String);

impl DatabaseError {
    pub(crate) fn new(reason: impl Display) -> Self {
        Self(reason.to_string())
    }

    /// An error with the location of the database, as people know it.
    pub(crate) fn at(location: impl Display, reason: impl Display) -> Self {
        Self(format!("{location}: {reason}"))
    }
}

impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        Self::new(error)
    }
}
