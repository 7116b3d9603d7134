//! Resolves an access token to its user.

use oauth_types::{AccessToken, AccessTokenClaims};

use super::UserInfoContext;
use crate::{
    authentication_mark::mark_authenticated,
    domain::{User, UserGrant, grant_id_of},
    storage::StoreError,
};

/// Why an access token does not give access to a user's claims.
#[derive(Debug, thiserror::Error)]
pub enum UserInfoError {
    #[error("invalid access token: {0}")]
    InvalidToken(&'static str),
    #[error("userinfo requires the scope openid")]
    InsufficientScope,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Returns the user, the claims of an access token, and its grant. The scope of the token
/// determines which claims about the user the client may get, besides those that it requested one
/// by one.
///
/// # Errors
/// Returns [`UserInfoError`] if the token is invalid, lacks the scope `openid` or names no enabled
/// user.
pub async fn userinfo_user(
    context: &UserInfoContext,
    token: &AccessToken,
) -> Result<(User, AccessTokenClaims, UserGrant), UserInfoError> {
    let claims = context
        .issued_tokens
        .find_claims(token)
        .await?
        .ok_or(UserInfoError::InvalidToken("it was not issued by this server"))?;
    if !claims.aud.contains(&context.issuer) {
        return Err(UserInfoError::InvalidToken("it is for another resource than userinfo"));
    }
    let now = context.clock.seconds();
    if claims.iss != context.issuer {
        return Err(UserInfoError::InvalidToken("it was not issued by this server"));
    }
    if now >= claims.exp {
        return Err(UserInfoError::InvalidToken("it has expired"));
    }
    if claims.nbf.is_some_and(|start| now < start) {
        return Err(UserInfoError::InvalidToken("it is not valid yet"));
    }
    if !context.issued_tokens.is_active(&claims).await? {
        return Err(UserInfoError::InvalidToken("it was revoked, or its client was disabled"));
    }
    mark_authenticated();
    if !claims.scope.contains("openid") {
        return Err(UserInfoError::InsufficientScope);
    }
    // The `sub` of the token may be pairwise; the grant holds the user's internal subject.
    let grant_id = grant_id_of(&claims.jti)
        .ok_or(UserInfoError::InvalidToken("it was not issued for a user"))?;
    let grant = context
        .store
        .grant(grant_id)
        .await?
        .ok_or(UserInfoError::InvalidToken("its grant no longer exists"))?;
    let user = context.store.user(&grant.sub).await?.filter(|user| user.enabled);
    let user = user.ok_or(UserInfoError::InvalidToken("its user no longer exists"))?;
    Ok((user, claims, grant))
}
