//! The user whom an access token opens.

use oauth_types::{AccessToken, AccessTokenClaims};

use crate::{
    domain::{User, grant_id_of},
    state::App,
    storage::StoreError,
};

/// Why nothing is told of the user.
#[derive(Debug, thiserror::Error)]
pub enum NotTold {
    #[error("the token is not good here: {0}")]
    Void(&'static str),
    #[error("userinfo needs the scope openid")]
    Scope,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The user, and what the token says: its scope is what may be told of them.
///
/// # Errors
/// [`NotTold`].
pub async fn user_of(app: &App, token: &AccessToken) -> Result<(User, AccessTokenClaims), NotTold> {
    let claims = app.find(token).await?.ok_or(NotTold::Void("it was not issued here"))?;
    if !claims.aud.contains(&app.issuer.issuer) {
        return Err(NotTold::Void("it is for another resource than userinfo"));
    }
    if claims.iss != app.issuer.issuer || app.clock.seconds() >= claims.exp {
        return Err(NotTold::Void("it has expired"));
    }
    if !app.is_in_force(&claims).await? {
        return Err(NotTold::Void("it was revoked"));
    }
    if !claims.scope.contains("openid") {
        return Err(NotTold::Scope);
    }
    // The token calls the user as its client does; the grant, as C does.
    let grant_id = grant_id_of(&claims.jti).ok_or(NotTold::Void("no user has granted it"))?;
    let grant = app
        .store
        .grant(grant_id)
        .await?
        .ok_or(NotTold::Void("what it was granted under is forgotten"))?;
    let user = app.store.user(&grant.sub).await?.filter(|user| user.enabled);
    Ok((user.ok_or(NotTold::Void("its user is no longer here"))?, claims))
}
