use sql_kit::SchemaVersions;

use super::FailedLogin;

/// What `service-a doctor` reads from the database, without changing it.
#[derive(Debug)]
pub struct AccountsInspection {
    pub versions: SchemaVersions,
    /// Empty if the tables are not those of this version.
    pub failures: Vec<LastFailure>,
}

/// The last failed login of a provider.
#[derive(Debug)]
pub struct LastFailure {
    pub login: FailedLogin,
    /// Expiry of the session that the provider's latest successful login started, if there is one.
    pub newest_session_expires_at: Option<i64>,
}
