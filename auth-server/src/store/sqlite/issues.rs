use std::collections::HashSet;

use sqlx::SqliteConnection;

use super::journal::insert;
use crate::{
    domain::{IssuedToUser, Spends, TokenHash},
    store::{Effect, Entry, StoreError, rows},
};

/// Spend, and put in force what was made of it, for every entry of a group that issues something: a few statements, however
/// many they are. For each entry, whether nothing stood in its way: it may have come too late, or its grant is revoked, and
/// nothing has happened then.
pub(super) async fn issue_all(
    connection: &mut SqliteConnection,
    entries: &[&Entry],
) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    let mut outcomes = vec![Ok(()); entries.len()];
    let asked: Vec<_> =
        entries.iter().enumerate().filter_map(|(place, entry)| Some((place, issue_of(entry)?))).collect();
    let Some((first, _)) = asked.first() else { return Ok(outcomes) };
    let now = entries[*first].audit.at_millis.div_euclid(1_000);
    let in_force = grants_in_force(connection, asked.iter().map(|(_, issued)| &*issued.grant_id).collect()).await?;
    let possible = || asked.iter().filter(|(_, issued)| in_force.contains(&issued.grant_id));
    let wanted = possible().filter_map(|(_, issued)| issued.spends).collect();
    let mut spent = spend(connection, &wanted, now).await?;
    // What two entries want to spend is the first one's.
    let (done, late): (Vec<_>, Vec<_>) = asked.iter().partition(|(_, issued)| {
        in_force.contains(&issued.grant_id) && issued.spends.is_none_or(|spends| spent.remove(&spends))
    });
    for (place, _) in late {
        outcomes[place] = Err(StoreError::AlreadySpent);
    }
    let done = || done.iter().map(|(_, issued)| *issued);
    insert(connection, KEEP_GRANTS, done().map(|issued| (&issued.grant_id, last(issued))).collect()).await?;
    let pass = |issued: &IssuedToUser| (issued.jti.clone(), issued.grant_id.clone(), issued.exp);
    insert(connection, INSERT_PASSES, done().map(pass).collect()).await?;
    insert(connection, INSERT_REFRESH_TOKENS, done().filter_map(refresh_token_row).collect()).await?;
    Ok(outcomes)
}

fn issue_of(entry: &Entry) -> Option<&IssuedToUser> {
    if let Effect::Issue(issued) = &entry.effect { Some(issued) } else { None }
}

async fn grants_in_force(
    connection: &mut SqliteConnection,
    grants: HashSet<&str>,
) -> Result<HashSet<String>, StoreError> {
    let found = sqlx::query_scalar(
        "SELECT grant_id FROM grants WHERE revoked_at IS NULL AND grant_id IN (SELECT value FROM json_each($1))",
    );
    let found: Vec<String> = found.bind(serde_json::to_string(&grants)?).fetch_all(connection).await?;
    Ok(found.into_iter().collect())
}

type Kind = fn(TokenHash) -> Spends;

/// Those of `wanted` that were not spent before.
async fn spend(
    connection: &mut SqliteConnection,
    wanted: &HashSet<Spends>,
    now: i64,
) -> Result<HashSet<Spends>, StoreError> {
    let kinds: [(&str, Kind); 3] = [
        (SPEND_REFRESH_TOKENS, Spends::RefreshToken),
        (SPEND_CODES, Spends::Code),
        (SPEND_DEVICE_CODES, Spends::DeviceCode),
    ];
    let mut spent = HashSet::new();
    for (statement, kind) in kinds {
        let hashes = wanted.iter().filter(|spends| **spends == kind(spends.hash()));
        let hashes: Vec<String> = hashes.map(|spends| spends.hash().hex()).collect();
        if !hashes.is_empty() {
            let changed = sqlx::query_scalar(statement).bind(serde_json::to_string(&hashes)?).bind(now);
            let changed: Vec<Vec<u8>> = changed.fetch_all(&mut *connection).await?;
            for hash in changed {
                spent.insert(kind(rows::token_hash(hash)?));
            }
        }
    }
    Ok(spent)
}

/// When all that is out under the grant has ended.
fn last(issued: &IssuedToUser) -> i64 {
    issued.refresh_token.as_ref().map_or(issued.exp, |token| token.exp.max(issued.exp))
}

fn refresh_token_row(issued: &IssuedToUser) -> Option<(String, String, i64)> {
    issued.refresh_token.as_ref().map(|token| (token.hash.hex(), issued.grant_id.clone(), token.exp))
}

const SPEND_REFRESH_TOKENS: &str = "UPDATE refresh_tokens SET spent_at = $2 WHERE spent_at IS NULL \
     AND hash IN (SELECT unhex(value) FROM json_each($1)) RETURNING hash";
const SPEND_CODES: &str = "UPDATE codes SET spent_at = $2 WHERE spent_at IS NULL \
     AND hash IN (SELECT unhex(value) FROM json_each($1)) RETURNING hash";
const SPEND_DEVICE_CODES: &str = "UPDATE devices SET spent_at = $2 WHERE spent_at IS NULL \
     AND hash IN (SELECT unhex(value) FROM json_each($1)) RETURNING hash";
const KEEP_GRANTS: &str = "UPDATE grants SET exp = until FROM \
     (SELECT value ->> 0 AS kept, max(value ->> 1) AS until FROM json_each($1) GROUP BY 1) \
     WHERE grant_id = kept AND exp < until";
const INSERT_PASSES: &str = "INSERT INTO grant_tokens (jti, grant_id, exp) \
     SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each($1)";
const INSERT_REFRESH_TOKENS: &str = "INSERT INTO refresh_tokens (hash, grant_id, exp) \
     SELECT unhex(value ->> 0), value ->> 1, value ->> 2 FROM json_each($1)";
