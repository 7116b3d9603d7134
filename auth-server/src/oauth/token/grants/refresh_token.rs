use oauth_types::{RefreshToken, Scope};

use super::{GrantOutcome, Refresh, TokenRequest, UserContext, next_refresh_token};
use crate::{
    domain::{OneTimeCredential, StoredRefreshToken, narrow_grant},
    http::{ApiError, required},
    oauth::token::invalid_grant::{invalid_grant, revoke_grant_and_reject},
    tokens::grant_id_of_refresh_token,
};

const RULE: &str = "https://www.rfc-editor.org/rfc/rfc6749#section-6";
const REPLAY: &str = "https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2";

/// Refreshes an access token (RFC 6749 §6). Each refresh token can be used once; the response
/// contains its successor.
pub(super) async fn grant(request: &TokenRequest<'_>) -> Result<GrantOutcome, ApiError> {
    let presented = RefreshToken::new(required(request.form, "refresh_token", RULE)?);
    let unknown =
        || invalid_grant("the refresh token is unknown, or was issued to another client", RULE);
    let stored = find_current(request, &presented).await?.ok_or_else(unknown)?;
    let generations = request
        .context
        .refresh_tokens
        .generations_since(&presented, stored.number, stored.hash)
        .ok_or_else(unknown)?;
    if stored.revoked {
        return Err(invalid_grant(
            "the refresh token was revoked by the user or by a sign-out",
            RULE,
        ));
    }
    if request.now >= stored.exp {
        return Err(invalid_grant(
            "the refresh token has expired: send the user to the authorization endpoint",
            RULE,
        ));
    }
    let issuer = &request.context.issuer.issuer;
    let current = stored.grant.narrowed_to(request.client, issuer);
    if !current.offline && !is_session_active(request, &current.sid).await? {
        return Err(invalid_grant(
            "the session of this grant has ended: send the user to the authorization endpoint",
            RULE,
        ));
    }
    let successor = request.context.refresh_tokens.successor(&presented).ok_or_else(unknown)?;
    let retry_seconds = i64::from(request.context.ttls.refresh_reuse_grace);
    let (consumes, refresh) = match generations {
        0 => (
            Some(OneTimeCredential::RefreshToken(stored.hash)),
            next_refresh_token(request, successor, stored.number + 1),
        ),
        // The response was lost and the client retries within the grace period: it gets the same
        // successor again. Once that successor has been used, the response is known to have arrived
        // and a retry counts as a replay.
        1 if request.now <= stored.since + retry_seconds => {
            (None, Refresh { token: successor, new: None })
        }
        _ => {
            let description = "the refresh token was used before; the grant is revoked, because the token may have been stolen";
            return Err(revoke_grant_and_reject(request, &stored.grant, description, REPLAY).await?);
        }
    };
    let scope = request.form.get("scope").map(str::parse::<Scope>).transpose()?;
    let resources: Vec<&str> = request.form.all("resource").collect();
    let (client, registry, grant) = (request.client, request.registry, &stored.grant);
    let granted = narrow_grant(client, registry, issuer, grant, scope.as_ref(), &resources)?;
    let refresh_token = Some(refresh);
    Ok(GrantOutcome {
        sub: current.sub.clone(),
        granted,
        user: Some(UserContext { grant: current, nonce: None, consumes, refresh_token }),
        exchanged: None,
    })
}

/// Returns the current refresh token of the grant that `presented` names, if the grant belongs to
/// this client.
async fn find_current(
    request: &TokenRequest<'_>,
    presented: &RefreshToken,
) -> Result<Option<StoredRefreshToken>, ApiError> {
    let Some(grant_id) = grant_id_of_refresh_token(presented) else { return Ok(None) };
    let stored = request.context.store.refresh_token(grant_id).await?;
    Ok(stored.filter(|stored| stored.grant.client_id == request.client.client_id))
}

/// Returns whether the session is still active. Without `offline_access`, a refresh token is valid
/// only as long as the user's session (OpenID Connect Core §11).
async fn is_session_active(request: &TokenRequest<'_>, sid: &str) -> Result<bool, ApiError> {
    let session = request.context.store.session_by_sid(sid).await?;
    Ok(session.is_some_and(|session| session.is_live(request.now, request.context.session_ttl)))
}
