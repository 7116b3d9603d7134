use oauth_types::{AccessToken, AccessTokenClaims, ActorClaim, ErrorCode, Form, Scope};

use super::{GrantOutcome, TokenRequest, UserContext};
use crate::{
    domain::{Client, ExchangeLimit, GrantError, authorize_exchange, grant_id_of},
    http::{ApiError, required},
    tokens::ExchangedToken,
};

/// The only supported token type (RFC 8693 §3).
pub const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

const RULE: &str = "https://www.rfc-editor.org/rfc/rfc8693#section-2.1";

/// Exchanges an access token for one to call another resource server (RFC 8693). The new token
/// keeps the subject, names the client as the actor, and is limited to what the operator allows the
/// client to exchange.
pub(super) async fn grant(request: &TokenRequest<'_>) -> Result<GrantOutcome, ApiError> {
    let TokenRequest { context, client, registry, form, .. } = request;
    check_token_types(request)?;
    if client.is_public() || client.dynamic {
        let text = "a public or dynamically registered client cannot act on behalf of users";
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
    let resource = resource(form)?;
    // The new token belongs to the same grant as the subject token, so revoking the grant
    // invalidates both.
    let grant = match grant_id_of(&subject.jti) {
        Some(grant_id) => Some(context.store.grant(grant_id).await?.ok_or_else(not_active)?),
        None => None,
    };
    // Limit the client to what the user granted, so that a resource server cannot turn a token for
    // reading into one for writing.
    let first = grant.as_ref().map_or(&subject.client_id, |grant| &grant.client_id);
    let address = Some(request.address.0);
    let first = context.clients.find_existing(first, address).await?.ok_or_else(not_active)?;
    let limit = match &grant {
        Some(grant) => ExchangeLimit::of_grant(&first, grant, &context.issuer.issuer),
        None => ExchangeLimit::of_subject(&first, &subject.scope),
    };
    let granted = authorize_exchange(client, registry, &limit, scope.as_ref(), resource)?;
    let user =
        grant.map(|grant| UserContext { grant, nonce: None, consumes: None, refresh_token: None });
    let act = ActorClaim { sub: client.client_id.clone(), act: subject.act.map(Box::new) };
    Ok(GrantOutcome {
        sub: subject.sub,
        granted,
        user,
        exchanged: Some(ExchangedToken { act, not_after: subject.exp }),
    })
}

/// Returns the resource that the token is for. Only one, because a token with two audiences could
/// be replayed by one resource server at the other (RFC 9700 §2.3).
fn resource(form: &Form) -> Result<&str, ApiError> {
    let mut resources = form.all("resource").chain(form.get("audience"));
    let first = resources.next().ok_or_else(|| {
        ApiError::invalid_request("resource is missing: name the target of the token", RULE)
    })?;
    if resources.any(|other| other != first) {
        return Err(GrantError::SeveralResources.into());
    }
    Ok(first)
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
    if request.form.get("actor_token_type").is_some() {
        return refuse("actor_token_type is the type of an actor_token, which is missing");
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
