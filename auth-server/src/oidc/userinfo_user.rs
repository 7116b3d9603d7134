//! The user whom an access token opens.

use super::UserInfoContext;
use oauth_types::{AccessToken, AccessTokenClaims};

use crate::{
    domain::{User, grant_id_of},
    storage::StoreError,
};

/// Why nothing is told of the user.
#[derive(Debug, thiserror::Error)]
pub enum UserInfoError {
    #[error("the token is not good here: {0}")]
    InvalidToken(&'static str),
    #[error("userinfo needs the scope openid")]
    InsufficientScope,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The user, and what the token says: its scope is what may be told of them.
///
/// # Errors
/// [`UserInfoError`].
pub async fn userinfo_user(
    context: &UserInfoContext,
    token: &AccessToken,
) -> Result<(User, AccessTokenClaims), UserInfoError> {
    let claims = context
        .issued_tokens
        .find_claims(token)
        .await?
        .ok_or(UserInfoError::InvalidToken("it was not issued here"))?;
    if !claims.aud.contains(&context.issuer) {
        return Err(UserInfoError::InvalidToken("it is for another resource than userinfo"));
    }
    if claims.iss != context.issuer || context.clock.seconds() >= claims.exp {
        return Err(UserInfoError::InvalidToken("it has expired"));
    }
    if !context.issued_tokens.is_active(&claims).await? {
        return Err(UserInfoError::InvalidToken("it was revoked"));
    }
    if !claims.scope.contains("openid") {
        return Err(UserInfoError::InsufficientScope);
    }
    // The token calls the user as its client does; the grant, as C does.
    let grant_id =
        grant_id_of(&claims.jti).ok_or(UserInfoError::InvalidToken("no user has granted it"))?;
    let grant = context
        .store
        .grant(grant_id)
        .await?
        .ok_or(UserInfoError::InvalidToken("what it was granted under is forgotten"))?;
    let user = context.store.user(&grant.sub).await?.filter(|user| user.enabled);
    Ok((user.ok_or(UserInfoError::InvalidToken("its user is no longer here"))?, claims))
}
