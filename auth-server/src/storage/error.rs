use sqlx::error::{DatabaseError, ErrorKind};

/// Why a storage operation failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    #[error("there is no client `{0}` in the database")]
    ClientNotFound(String),
    #[error("the client registration limit is reached")]
    RegistrationLimitReached,
    #[error("there is already a client `{0}`")]
    ClientExists(String),
    #[error("there is no user `{0}`")]
    UserNotFound(String),
    #[error("there is already a user `{0}`")]
    UserExists(String),
    #[error("the client or user was changed since it was read; try again")]
    ChangedSinceRead,
    #[error("the signing keys were changed concurrently")]
    KeysChanged,
    #[error("the credential was already consumed, or its grant is revoked")]
    AlreadyConsumed,
    /// The session ended, or the password changed, after the request was checked.
    #[error("the user is no longer signed in")]
    SessionEnded,
    /// The values violate a constraint. The database itself works.
    #[error("the database rejected the values: {0}")]
    ConstraintViolation(String),
    #[error("the database cannot be used: {0}")]
    Unavailable(String),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error().map(DatabaseError::kind) {
            None | Some(ErrorKind::Other) => Self::Unavailable(error.to_string()),
            Some(_) => Self::ConstraintViolation(error.to_string()),
        }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Unavailable(format!("a stored value cannot be read: {error}"))
    }
}

impl From<sql_kit::DatabaseError> for StoreError {
    fn from(error: sql_kit::DatabaseError) -> Self {
        Self::Unavailable(error.to_string())
    }
}
