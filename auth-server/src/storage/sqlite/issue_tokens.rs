use std::collections::{HashMap, HashSet};

use sqlx::SqliteConnection;

use super::batch;
use crate::{
    domain::{NewRefreshToken, OneTimeCredential, TokenHash, UserIssuance},
    storage::{
        AuditedChange, Change, StoreError,
        sql::{grants::delete_after, token_hash},
    },
};

/// Consumes codes and refresh tokens and stores what is issued for them, for all changes of a group
/// that issue tokens, in a few statements. Returns one result for each change of the group: an
/// issue fails with [`StoreError::AlreadyConsumed`] and changes nothing if its credential was
/// consumed or its grant is revoked.
pub(super) async fn issue_all(
    connection: &mut SqliteConnection,
    group: &[AuditedChange],
) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    let mut results = vec![Ok(()); group.len()];
    let issuances: Vec<(usize, &UserIssuance)> = group
        .iter()
        .enumerate()
        .filter_map(|(index, entry)| {
            let Change::IssueTokens(issuance) = &entry.change else { return None };
            Some((index, &**issuance))
        })
        .collect();
    let Some((first, _)) = issuances.first() else { return Ok(results) };
    let now = group[*first].audit.at_millis.div_euclid(1_000);
    let grant_ids = issuances.iter().map(|(_, issuance)| &*issuance.grant_id).collect();
    let mut grants = active_grants(connection, grant_ids).await?;
    let possible = issuances.iter().filter(|(_, issuance)| grants.contains_key(&issuance.grant_id));
    let codes = possible.filter_map(|(_, issuance)| issuance.consumes).collect();
    let mut consumable = consume_codes(connection, &codes, now).await?;
    consumable.extend(
        grants
            .values()
            .filter_map(|grant| grant.refresh_token)
            .map(OneTimeCredential::RefreshToken),
    );
    for (index, issuance) in issuances {
        // If two changes of the group consume the same credential, the first one gets it.
        let grant = grants
            .get_mut(&issuance.grant_id)
            .filter(|_| issuance.consumes.is_none_or(|consumes| consumable.remove(&consumes)));
        match grant {
            Some(grant) => grant.issue(issuance),
            None => results[index] = Err(StoreError::AlreadyConsumed),
        }
    }
    let changed = || grants.iter().filter(|(_, grant)| grant.exp > 0);
    let extended: Vec<_> = changed()
        .map(|(grant_id, grant)| (grant_id, delete_after(grant.exp), grant.delete_after))
        .filter(|(_, new, old)| new > old)
        .collect();
    batch::execute(connection, EXTEND_GRANTS, &extended).await?;
    let updated: Vec<_> = changed()
        .map(|(grant_id, grant)| {
            let new = grant.new_token.map(|new| (new.hash.hex(), new.number, new.exp));
            (grant_id, grant.exp, new, now)
        })
        .collect();
    batch::execute(connection, UPDATE_GRANTS, &updated).await?;
    Ok(results)
}

/// A grant of the group, and what is issued under it.
struct Grant<'a> {
    delete_after: i64,
    refresh_token: Option<TokenHash>,
    /// Expiry of the last token that is issued; 0 if none is.
    exp: i64,
    new_token: Option<&'a NewRefreshToken>,
}

impl<'a> Grant<'a> {
    fn issue(&mut self, issuance: &'a UserIssuance) {
        self.exp = self.exp.max(issuance.ends());
        self.new_token = issuance.refresh_token.as_ref().or(self.new_token);
    }
}

async fn active_grants<'a>(
    connection: &mut SqliteConnection,
    grant_ids: HashSet<&str>,
) -> Result<HashMap<String, Grant<'a>>, StoreError> {
    let found = sqlx::query_as(ACTIVE_GRANTS).bind(serde_json::to_string(&grant_ids)?);
    let found: Vec<(String, i64, Option<Vec<u8>>)> = found.fetch_all(connection).await?;
    let decoded = found.into_iter().map(|(grant_id, delete_after, hash)| {
        let refresh_token = hash.map(token_hash).transpose()?;
        Ok((grant_id, Grant { delete_after, refresh_token, exp: 0, new_token: None }))
    });
    decoded.collect()
}

/// Consumes the codes and returns those that were not consumed before.
async fn consume_codes(
    connection: &mut SqliteConnection,
    credentials: &HashSet<OneTimeCredential>,
    now: i64,
) -> Result<HashSet<OneTimeCredential>, StoreError> {
    type ToCredential = fn(TokenHash) -> OneTimeCredential;
    let kinds: [(&str, ToCredential); 2] = [
        (CONSUME_AUTHORIZATION_CODES, OneTimeCredential::AuthorizationCode),
        (CONSUME_DEVICE_CODES, OneTimeCredential::DeviceCode),
    ];
    let mut consumed = HashSet::new();
    for (statement, kind) in kinds {
        let hashes: Vec<String> = credentials
            .iter()
            .filter(|credential| **credential == kind(credential.hash()))
            .map(|credential| credential.hash().hex())
            .collect();
        if !hashes.is_empty() {
            let consume =
                sqlx::query_scalar(statement).bind(serde_json::to_string(&hashes)?).bind(now);
            let rows: Vec<Vec<u8>> = consume.fetch_all(&mut *connection).await?;
            for hash in rows {
                consumed.insert(kind(token_hash(hash)?));
            }
        }
    }
    Ok(consumed)
}

const ACTIVE_GRANTS: &str = "SELECT grant_id, delete_after, refresh_token_hash FROM grants \
     WHERE revoked_at IS NULL AND grant_id IN (SELECT value FROM json_each($1))";
const CONSUME_AUTHORIZATION_CODES: &str = "UPDATE authorization_codes SET consumed_at = $2 WHERE consumed_at IS NULL \
     AND hash IN (SELECT unhex(value) FROM json_each($1)) RETURNING hash";
const CONSUME_DEVICE_CODES: &str = "UPDATE device_authorizations SET consumed_at = $2 WHERE consumed_at IS NULL \
     AND hash IN (SELECT unhex(value) FROM json_each($1)) RETURNING hash";
const EXTEND_GRANTS: &str =
    "UPDATE grants SET delete_after = value ->> 1 FROM json_each($1) WHERE grant_id = value ->> 0";
/// A row without a new refresh token keeps the stored one.
const UPDATE_GRANTS: &str = "UPDATE grants SET exp = max(exp, value ->> 1), \
     refresh_token_hash = coalesce(unhex(value ->> '$[2][0]'), refresh_token_hash), \
     refresh_token_generation = coalesce(value ->> '$[2][1]', refresh_token_generation), \
     refresh_token_exp = coalesce(value ->> '$[2][2]', refresh_token_exp), \
     refresh_token_issued_at = iif(value ->> 2 IS NULL, refresh_token_issued_at, value ->> 3) \
     FROM json_each($1) WHERE grant_id = value ->> 0";
