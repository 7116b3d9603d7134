use crate::{
    domain::{OpaqueToken, TokenHash},
    storage::StoreError,
};

pub const OPAQUE_TOKEN: &str = "SELECT claims FROM opaque_access_tokens WHERE hash = $1";
/// Revoked by its own `jti`, or with the grant that the `jti` contains.
pub const IS_REVOKED: &str = "SELECT EXISTS (SELECT 1 FROM revoked_access_tokens WHERE jti = $1) \
     OR ($2 IS NOT NULL AND NOT EXISTS (SELECT 1 FROM grants WHERE grant_id = $2 AND revoked_at IS NULL))";
/// Inserts a row that no access token has, since a `jti` is never empty.
/// The `jti` begins with a space, as that of no token does. A row that an earlier check could not
/// delete is replaced.
pub const INSERT_WRITE_PROBE: &str =
    "INSERT OR REPLACE INTO revoked_access_tokens (jti, exp) VALUES ($1, 0)";
pub const DELETE_WRITE_PROBE: &str =
    "DELETE FROM revoked_access_tokens WHERE jti >= ' ' AND jti < '!'";

/// Returns the token with this hash and these claims.
pub fn opaque_token(
    hash: &TokenHash,
    claims: Option<&str>,
) -> Result<Option<OpaqueToken>, StoreError> {
    claims
        .map(|json| Ok(OpaqueToken { hash: *hash, claims: serde_json::from_str(json)? }))
        .transpose()
}
