use oauth_types::{Audience, Scope};

use super::{
    flaw::Flaw,
    mint::{Mint, MintedToken},
    user_grant::{NewGrant, store_grant},
};
use crate::{
    control::ControlError,
    domain::{
        AuditEvent, GrantResources, NewRefreshToken, OneTimeCredential, TokenHash, User,
        UserIssuance,
    },
    storage::Change,
    tokens::first_refresh_token,
};

/// Seconds since a credential with the flaw `expired` has expired.
const EXPIRED_SINCE: i64 = 1;

/// Issues an authorization code.
///
/// # Errors
/// Returns an error if the database or the random number generator fails.
pub async fn mint_code(mint: &Mint<'_>, user: &User) -> Result<MintedToken, ControlError> {
    let exp = expiry(mint, mint.authorization.authorization_code_ttl_seconds);
    let (scope, resources) = granted(mint);
    let new = store_grant(mint, user, scope, resources, exp).await?;
    if mint.has(Flaw::Used) {
        issue(mint, &new, None).await?;
    }
    revoke_if_demanded(mint, &new).await?;
    let ttl = mint.authorization.authorization_code_ttl_seconds;
    Ok(credential(mint, new.code.clone(), &new, ttl))
}

/// Issues a refresh token.
///
/// # Errors
/// Returns an error if the database or the random number generator fails.
pub async fn mint_refresh_token(mint: &Mint<'_>, user: &User) -> Result<MintedToken, ControlError> {
    let context = mint.context;
    let (scope, resources) = granted(mint);
    let new = store_grant(mint, user, scope, resources, mint.now + 1).await?;
    let first = first_refresh_token(&new.grant.grant_id, &context.random.bytes()?);
    // A used token has two successors: its first one could be a retry that got lost.
    let mut current = first.clone();
    let mut number = 0;
    if mint.has(Flaw::Used) {
        for _ in 0..2 {
            current = context.refresh_tokens.successor(&current).unwrap_or(current);
            number += 1;
        }
    }
    let exp = expiry(mint, context.ttls.refresh_token);
    let hash = TokenHash::of_text(current.expose());
    issue(mint, &new, Some(NewRefreshToken { hash, number, exp })).await?;
    revoke_if_demanded(mint, &new).await?;
    Ok(credential(mint, first.expose().to_owned(), &new, context.ttls.refresh_token))
}

fn expiry(mint: &Mint<'_>, ttl: u32) -> i64 {
    if mint.has(Flaw::Expired) {
        return mint.now - EXPIRED_SINCE;
    }
    mint.now + mint.request.expires_in.unwrap_or(i64::from(ttl))
}

/// Returns the scope and the resources of the grant.
fn granted(mint: &Mint<'_>) -> (Scope, GrantResources) {
    let named: Vec<&str> = mint.request.audience.iter().flat_map(Audience::iter).collect();
    let scope = mint.request.scope.as_ref();
    match mint.user_access() {
        Ok(allowed) if mint.is_demanded(&allowed.scope) => (allowed.scope, allowed.resources),
        // Unknown parts of the scope would be ignored.
        Ok(allowed) => (scope.unwrap_or(&allowed.scope).clone(), allowed.resources),
        Err(_) => (
            scope.unwrap_or(&mint.client.scopes).clone(),
            GrantResources::Named(named.into_iter().map(str::to_owned).collect()),
        ),
    }
}

/// Spends the code, as a token request does.
async fn issue(
    mint: &Mint<'_>,
    new: &NewGrant,
    refresh_token: Option<NewRefreshToken>,
) -> Result<(), ControlError> {
    let issuance = UserIssuance {
        grant_id: new.grant.grant_id.clone(),
        consumes: Some(OneTimeCredential::AuthorizationCode(new.code_hash)),
        exp: mint.now + i64::from(mint.context.issuer.access_token_ttl_seconds),
        opaque: None,
        refresh_token,
    };
    let mut record = mint.record(AuditEvent::Token);
    record.scope = Some(new.grant.scope.to_string());
    Ok(mint.context.audit.apply(&record, Change::IssueTokens(Box::new(issuance))).await?)
}

async fn revoke_if_demanded(mint: &Mint<'_>, new: &NewGrant) -> Result<(), ControlError> {
    if mint.has(Flaw::Revoked) {
        let change = Change::RevokeGrant { grant_id: new.grant.grant_id.clone() };
        mint.context.audit.apply(&mint.record(AuditEvent::Revocation), change).await?;
    }
    Ok(())
}

fn credential(mint: &Mint<'_>, token: String, new: &NewGrant, ttl: u32) -> MintedToken {
    let is_own = |audience: &Audience| audience.iter().all(|one| mint.is_own_resource(one));
    let has_audience = mint.request.audience.as_ref().is_none_or(is_own);
    let bypassed = mint.bypassed(&new.grant.scope, has_audience, ttl);
    MintedToken { token, header: None, claims: None, bypassed }
}
