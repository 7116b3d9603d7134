use sql_kit::SchemaVersions;

use crate::domain::{Algorithm, Client, KeyState, SigningKey};

/// The state of a database, read without changing it: no table is created or migrated.
#[derive(Debug)]
pub struct DatabaseInspection {
    pub versions: SchemaVersions,
    /// `None` if the schema is not the one of this program.
    pub content: Option<DatabaseContents>,
}

/// The data that the doctor checks. Private keys are not in it.
#[derive(Debug)]
pub struct DatabaseContents {
    pub clients: Vec<Client>,
    /// Algorithm and key id of each current signing key.
    pub signing: Vec<(Algorithm, String)>,
    /// The addresses of sign-ins among the last records of the audit log, each with its count.
    pub sign_in_addresses: Vec<(String, u64)>,
}

impl DatabaseInspection {
    pub(super) fn without_content(versions: SchemaVersions) -> Self {
        Self { versions, content: None }
    }
}

/// Returns algorithm and key id of the current keys.
pub(super) fn signing(keys: Vec<SigningKey>) -> Vec<(Algorithm, String)> {
    let is_current = |key: &SigningKey| matches!(key.state, KeyState::Current { .. });
    keys.into_iter().filter(is_current).map(|key| (key.algorithm, key.kid)).collect()
}
