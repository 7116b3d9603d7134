use std::collections::{HashMap, HashSet};

use sqlx::SqliteConnection;

use super::journal::insert;
use crate::{
    domain::{NewRefreshToken, OneTimeCredential, TokenHash, UserIssuance},
    storage::{
        AuditedChange, Change, StoreError,
        rows::{kept_until, token_hash},
    },
};

/// Spend, and put in force what was made of it, for every entry of a group that issues something: a
/// few statements, however many they are. For each entry, whether nothing stood in its way: it may
/// have come too late, or its grant is revoked, and nothing has happened then.
pub(super) async fn issue_all(
    connection: &mut SqliteConnection,
    entries: &[&AuditedChange],
) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    let mut outcomes = vec![Ok(()); entries.len()];
    let asked: Vec<_> = entries
        .iter()
        .enumerate()
        .filter_map(|(place, entry)| Some((place, issue_of(entry)?)))
        .collect();
    let Some((first, _)) = asked.first() else { return Ok(outcomes) };
    let now = entries[*first].audit.at_millis.div_euclid(1_000);
    let mut grants =
        in_force(connection, asked.iter().map(|(_, issued)| &*issued.grant_id).collect()).await?;
    let possible = asked.iter().filter(|(_, issued)| grants.contains_key(&issued.grant_id));
    let mut unspent =
        spend(connection, &possible.filter_map(|(_, issued)| issued.spends).collect(), now).await?;
    unspent.extend(
        grants
            .values()
            .filter_map(|grant| grant.refresh_token)
            .map(OneTimeCredential::RefreshToken),
    );
    for (place, issued) in asked {
        // What two entries want to spend is the first one's.
        let grant = grants.get_mut(&issued.grant_id);
        match grant.filter(|_| issued.spends.is_none_or(|spends| unspent.remove(&spends))) {
            Some(grant) => grant.issue(issued),
            None => outcomes[place] = Err(StoreError::AlreadyConsumed),
        }
    }
    let changed = || grants.iter().filter(|(_, grant)| grant.ends > 0);
    let longer =
        changed().map(|(grant_id, grant)| (grant_id, kept_until(grant.ends), grant.kept_until));
    insert(connection, KEEP_GRANTS, longer.filter(|(_, until, kept)| until > kept).collect())
        .await?;
    let rows = changed().map(|(grant_id, grant)| {
        let new = grant.issued.map(|new| (new.hash.hex(), new.number, new.exp));
        (grant_id, grant.ends, new, now)
    });
    insert(connection, CHANGE_GRANTS, rows.collect()).await?;
    Ok(outcomes)
}

fn issue_of(entry: &AuditedChange) -> Option<&UserIssuance> {
    if let Change::IssueTokens(issued) = &entry.change { Some(issued) } else { None }
}

/// A grant of the group, and what becomes of it.
struct Grant<'a> {
    kept_until: i64,
    refresh_token: Option<TokenHash>,
    /// When the last of what is issued ends; zero where nothing is.
    ends: i64,
    issued: Option<&'a NewRefreshToken>,
}

impl<'a> Grant<'a> {
    fn issue(&mut self, issued: &'a UserIssuance) {
        self.ends = self.ends.max(issued.ends());
        self.issued = issued.refresh_token.as_ref().or(self.issued);
    }
}

async fn in_force<'a>(
    connection: &mut SqliteConnection,
    grants: HashSet<&str>,
) -> Result<HashMap<String, Grant<'a>>, StoreError> {
    let found = sqlx::query_as(IN_FORCE).bind(serde_json::to_string(&grants)?);
    let found: Vec<(String, i64, Option<Vec<u8>>)> = found.fetch_all(connection).await?;
    let read = found.into_iter().map(|(grant_id, kept_until, hash)| {
        let refresh_token = hash.map(token_hash).transpose()?;
        Ok((grant_id, Grant { kept_until, refresh_token, ends: 0, issued: None }))
    });
    read.collect()
}

type Kind = fn(TokenHash) -> OneTimeCredential;

/// Those of the codes in `wanted` that were not spent before.
async fn spend(
    connection: &mut SqliteConnection,
    wanted: &HashSet<OneTimeCredential>,
    now: i64,
) -> Result<HashSet<OneTimeCredential>, StoreError> {
    let kinds: [(&str, Kind); 2] = [
        (SPEND_CODES, OneTimeCredential::AuthorizationCode),
        (SPEND_DEVICE_CODES, OneTimeCredential::DeviceCode),
    ];
    let mut spent = HashSet::new();
    for (statement, kind) in kinds {
        let hashes = wanted.iter().filter(|spends| **spends == kind(spends.hash()));
        let hashes: Vec<String> = hashes.map(|spends| spends.hash().hex()).collect();
        if !hashes.is_empty() {
            let changed =
                sqlx::query_scalar(statement).bind(serde_json::to_string(&hashes)?).bind(now);
            let changed: Vec<Vec<u8>> = changed.fetch_all(&mut *connection).await?;
            for hash in changed {
                spent.insert(kind(token_hash(hash)?));
            }
        }
    }
    Ok(spent)
}

const IN_FORCE: &str = "SELECT grant_id, kept_until, refresh_hash FROM grants \
     WHERE revoked_at IS NULL AND grant_id IN (SELECT value FROM json_each($1))";
const SPEND_CODES: &str = "UPDATE codes SET spent_at = $2 WHERE spent_at IS NULL \
     AND hash IN (SELECT unhex(value) FROM json_each($1)) RETURNING hash";
const SPEND_DEVICE_CODES: &str = "UPDATE devices SET spent_at = $2 WHERE spent_at IS NULL \
     AND hash IN (SELECT unhex(value) FROM json_each($1)) RETURNING hash";
const KEEP_GRANTS: &str =
    "UPDATE grants SET kept_until = value ->> 1 FROM json_each($1) WHERE grant_id = value ->> 0";
/// A row without a new refresh token leaves the one that is there.
const CHANGE_GRANTS: &str = "UPDATE grants SET exp = max(exp, value ->> 1), \
     refresh_hash = coalesce(unhex(value ->> '$[2][0]'), refresh_hash), \
     refresh_number = coalesce(value ->> '$[2][1]', refresh_number), \
     refresh_exp = coalesce(value ->> '$[2][2]', refresh_exp), \
     refresh_at = iif(value ->> 2 IS NULL, refresh_at, value ->> 3) \
     FROM json_each($1) WHERE grant_id = value ->> 0";
