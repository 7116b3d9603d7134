use sqlx::FromRow;

use super::scope;
use crate::{domain::Consent, storage::StoreError};

pub const CONSENT: &str =
    "SELECT sub, client_id, scope, given_at FROM consents WHERE sub = $1 AND client_id = $2";
pub const CONSENTS_OF_USER: &str =
    "SELECT sub, client_id, scope, given_at FROM consents WHERE sub = $1 ORDER BY given_at DESC";

#[derive(FromRow)]
pub struct ConsentRow {
    sub: String,
    client_id: String,
    scope: String,
    given_at: i64,
}

impl TryFrom<ConsentRow> for Consent {
    type Error = StoreError;

    fn try_from(row: ConsentRow) -> Result<Self, StoreError> {
        Ok(Self {
            sub: row.sub,
            client_id: row.client_id,
            scope: scope(&row.scope)?,
            given_at: row.given_at,
        })
    }
}
