use sqlx::FromRow;

use super::scope;
use crate::{domain::Consent, storage::StoreError};

pub const CONSENT: &str = "SELECT sub, client_id, scope, resources, claims, granted_at FROM consents WHERE sub = $1 AND client_id = $2";
pub const CONSENTS_OF_USER: &str = "SELECT sub, client_id, scope, resources, claims, granted_at FROM consents WHERE sub = $1 ORDER BY granted_at DESC";

pub const UPSERT_CONSENT: &str = "INSERT INTO consents (sub, client_id, scope, resources, claims, granted_at) VALUES ($1, $2, $3, $4, $5, $6) \
     ON CONFLICT (sub, client_id) DO UPDATE SET scope = excluded.scope, resources = excluded.resources, claims = excluded.claims, granted_at = excluded.granted_at";
pub const DELETE_CONSENT: &str = "DELETE FROM consents WHERE sub = $1 AND client_id = $2";
pub const DELETE_CONSENTS_TO_CLIENT: &str = "DELETE FROM consents WHERE client_id = $1";

#[derive(FromRow)]
pub struct ConsentRow {
    sub: String,
    client_id: String,
    scope: String,
    resources: String,
    claims: String,
    granted_at: i64,
}

impl TryFrom<ConsentRow> for Consent {
    type Error = StoreError;

    fn try_from(row: ConsentRow) -> Result<Self, StoreError> {
        Ok(Self {
            sub: row.sub,
            client_id: row.client_id,
            scope: scope(&row.scope)?,
            resources: serde_json::from_str(&row.resources)?,
            claims: serde_json::from_str(&row.claims)?,
            granted_at: row.granted_at,
        })
    }
}
