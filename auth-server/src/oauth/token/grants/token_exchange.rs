use oauth_types::{AccessToken, AccessTokenClaims, Actor, ErrorCode, Scope};

use super::{GrantOutcome, TokenRequest, UserContext};
use crate::{
    domain::{Client, authorize_scopes, grant_id_of, narrow_grant},
    http::{ApiError, required},
    tokens::ExchangedToken,
};

/// The only supported token type (RFC 8693 §3).
pub const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

const RULE: &str = "https://www.rfc-editor.org/rfc/rfc8693#section-2.1";

/// Exchanges an access token for one to call another resource server (RFC 8693). The new token
/// keeps the subject, names the client as the actor, and is limited to the client's own access.
pub(super) async fn grant(request: &TokenRequest<'_>) -> Result<GrantOutcome, ApiError> {
    let TokenRequest { context, client, registry, form, .. } = request;
    check_token_types(request)?;
    if client.is_public() {
        let text = "a public client cannot exchange tokens, because anyone can claim its client_id";
        return Err(ApiError::new(ErrorCode::UnauthorizedClient, text, RULE));
    }
    let presented = AccessToken::new(required(form, "subject_token", RULE)?);
    let subject = active_claims(request, &presented).await?;
    if !may_exchange(client, &subject) {
        return Err(ApiError::invalid_request(
            "the subject_token was neither issued to this client nor for it",
            RULE,
        ));
    }
    let scope = form.get("scope").map(str::parse::<Scope>).transpose()?;
    let resources: Vec<&str> = form.all("resource").chain(form.get("audience")).collect();
    if resources.is_empty() {
        return Err(ApiError::invalid_request(
            "resource is missing: send the resource that the token is for",
            RULE,
        ));
    }
    // The new token belongs to the same grant as the subject token, so revoking the grant
    // invalidates both.
    let grant = match grant_id_of(&subject.jti) {
        Some(grant_id) => Some(context.store.grant(grant_id).await?.ok_or_else(not_active)?),
        None => None,
    };
    let granted = match grant.as_ref().filter(|grant| grant.client_id == client.client_id) {
        // Limit the client to what the user granted it. Otherwise a client with read access could
        // exchange its token for write access on the user's behalf.
        Some(own) => {
            narrow_grant(client, registry, &context.issuer.issuer, own, scope.as_ref(), &resources)?
        }
        None => authorize_scopes(client, registry, scope.as_ref(), &resources)?,
    };
    let user =
        grant.map(|grant| UserContext { grant, nonce: None, spends: None, refresh_token: None });
    let act = Actor { sub: client.client_id.clone(), act: subject.act.map(Box::new) };
    Ok(GrantOutcome {
        sub: subject.sub,
        granted,
        user,
        exchanged: Some(ExchangedToken { act, not_after: subject.exp }),
    })
}

fn not_active() -> ApiError {
    ApiError::invalid_request("the subject_token is invalid, expired or revoked", RULE)
}

fn check_token_types(request: &TokenRequest<'_>) -> Result<(), ApiError> {
    let refuse = |text: &str| Err(ApiError::invalid_request(text, RULE));
    if required(request.form, "subject_token_type", RULE)? != ACCESS_TOKEN_TYPE {
        return refuse("the subject_token_type is not that of an access token");
    }
    if request.form.get("requested_token_type").is_some_and(|kind| kind != ACCESS_TOKEN_TYPE) {
        return refuse("only access tokens can be requested");
    }
    if request.form.get("actor_token").is_some() {
        return refuse("actor_token is not supported: the requesting client is the actor");
    }
    Ok(())
}

async fn active_claims(
    request: &TokenRequest<'_>,
    presented: &AccessToken,
) -> Result<AccessTokenClaims, ApiError> {
    let context = request.context;
    let subject = context.issued_tokens.find_claims(presented).await?.ok_or_else(not_active)?;
    if context.issued_tokens.is_active(&subject).await? { Ok(subject) } else { Err(not_active()) }
}

/// Returns whether the subject token was issued to this client or for it.
fn may_exchange(client: &Client, subject: &AccessTokenClaims) -> bool {
    subject.client_id == client.client_id
        || client.introspection_audiences.iter().any(|own| subject.aud.contains(own))
}
