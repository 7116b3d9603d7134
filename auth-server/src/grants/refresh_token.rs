use claims::{RefreshToken, Scope};

use super::{
    Approved, ForUser, Refresh, TokenRequest,
    void_grant::{invalid_grant, void},
};
use crate::{
    domain::{NewRefreshToken, Spends, StoredRefreshToken, TokenHash, granted_to_user},
    endpoints::required,
    failure::Failure,
};

const RULE: &str = "https://www.rfc-editor.org/rfc/rfc6749#section-6";
const REPLAY: &str = "https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2";

/// The client goes on without the user (RFC 6749 §6). Each refresh token is good once; its successor is handed out with
/// the access token.
pub(super) async fn grant(request: &TokenRequest<'_>) -> Result<Approved, Failure> {
    let shown = RefreshToken::new(required(request.form, "refresh_token", RULE)?);
    let stored = find(request, &shown).await?;
    if stored.revoked {
        return Err(invalid_grant("the refresh token is void: the user, or a sign-out, has ended it", RULE));
    }
    if request.now >= stored.exp {
        return Err(invalid_grant("the refresh token has expired: send the user to the authorization endpoint", RULE));
    }
    if !stored.grant.offline && !session_lives(request, &stored.grant.sid).await? {
        return Err(invalid_grant("the session in which this was allowed is over: send the user to sign in", RULE));
    }
    let successor = request.app.rotation.successor(&shown);
    let hash = TokenHash::of_text(successor.expose());
    let (spends, new) = match stored.spent_at {
        None => {
            let exp = request.now + i64::from(request.app.lives.refresh_seconds);
            (Some(Spends::RefreshToken(stored.hash)), Some(NewRefreshToken { hash, exp }))
        }
        // An answer was lost on the way, and the client asks again: it gets the same successor.
        Some(spent_at) if is_a_retry(request, spent_at, &hash).await? => (None, None),
        Some(_) => {
            let said =
                "the refresh token was used before; all that came of it is void, because one of the two was not you";
            return Err(void(request, &stored.grant, said, REPLAY).await?);
        }
    };
    let grant = stored.grant;
    let scope = request.form.get("scope").map(str::parse::<Scope>).transpose()?;
    let resources: Vec<&str> = request.form.all("resource").collect();
    let issuer = &request.app.issuer.issuer;
    let granted = granted_to_user(request.client, request.registry, issuer, &grant, scope.as_ref(), &resources)?;
    let refresh_token = Some(Refresh { token: successor, new });
    Ok(Approved {
        sub: grant.sub.clone(),
        granted,
        user: Some(ForUser { grant, nonce: None, spends, refresh_token }),
        exchanged: None,
    })
}

async fn find(request: &TokenRequest<'_>, shown: &RefreshToken) -> Result<StoredRefreshToken, Failure> {
    let found = request.app.store.refresh_token(&TokenHash::of_text(shown.expose())).await?;
    found
        .filter(|stored| stored.grant.client_id == request.client.client_id)
        .ok_or_else(|| invalid_grant("the refresh token is not known, or was issued to another client", RULE))
}

/// Without `offline_access` the user has to be there, more or less (OpenID Connect Core §11).
async fn session_lives(request: &TokenRequest<'_>, sid: &str) -> Result<bool, Failure> {
    let session = request.app.store.session_named(sid).await?;
    Ok(session.is_some_and(|session| session.is_live(request.now, request.app.session_life)))
}

/// Within seconds, and before the successor was used: whoever has the successor has had the answer.
async fn is_a_retry(request: &TokenRequest<'_>, spent_at: i64, successor: &TokenHash) -> Result<bool, Failure> {
    if request.now > spent_at + i64::from(request.app.lives.refresh_retry_seconds) {
        return Ok(false);
    }
    let successor = request.app.store.refresh_token(successor).await?;
    Ok(successor.is_some_and(|successor| successor.spent_at.is_none()))
}
